-- SPDX-License-Identifier: MIT
--
-- What server and clients of the swarm tell each other: demo/protocol/swarm_protocol.h in Lua. Data from the wire is never trusted.
local protocol = {
  VERSION = 1,
  CHANNELS = 2,
  SNAPSHOT_CHANNEL = 0,
  TALK_CHANNEL = 1,
  CLIENT_LIGHT = 3,
}

local SNAPSHOT_MAGIC, STEER_MAGIC, TALK_MAGIC = 0x6e735046, 0x74735046, 0x6b745046
local SNAPSHOT_HEAD_BYTES, LIGHT_BYTES, TALK_HEAD_BYTES = 18, 7, 9
local MOST_LIGHTS, MOST_NAME_BYTES, MOST_CHAT_BYTES = 600, 24, 160
local talk_kinds = { "hello", "welcome", "joined", "left", "chat", "goodbye" }

local pack, unpack = love.data.pack, love.data.unpack

-- What may stand in names and chat: printable ASCII.
local function printable(text, most_bytes) return (text:sub(1, most_bytes):gsub("[^ -~]", "?")) end
protocol.printable = printable

-- Nil: not one of ours.
function protocol.decode_snapshot(bytes)
  if #bytes < SNAPSHOT_HEAD_BYTES then return nil end
  local magic, version, number, time_ms, count = unpack("<I4I4I4I4I2", bytes)
  if magic ~= SNAPSHOT_MAGIC or version ~= protocol.VERSION or count > MOST_LIGHTS then return nil end
  if #bytes ~= SNAPSHOT_HEAD_BYTES + count * LIGHT_BYTES then return nil end
  local lights = {}
  for n = 1, count do
    local id, x, y, kind = unpack("<I2I2I2B", bytes, SNAPSHOT_HEAD_BYTES + (n - 1) * LIGHT_BYTES + 1)
    lights[n] = { id = id, x = x / 65535, y = y / 65535, kind = math.min(kind, protocol.CLIENT_LIGHT) }
  end
  return { number = number, time_ms = time_ms, lights = lights }
end

function protocol.encode_steer(number, x, y)
  local function to_wire(position) return math.floor(math.max(0, math.min(1, position)) * 65535 + 0.5) end
  return pack("string", "<I4I4I2I2", STEER_MAGIC, number, to_wire(x), to_wire(y))
end

function protocol.encode_talk(kind, id, text)
  local number
  for n, name in ipairs(talk_kinds) do
    if name == kind then number = n end
  end
  text = printable(text, kind == "chat" and MOST_CHAT_BYTES or MOST_NAME_BYTES)
  return pack("string", "<I4BBI2B", TALK_MAGIC, protocol.VERSION, number, id, #text) .. text
end

-- Nil: not one of ours.
function protocol.decode_talk(bytes)
  if #bytes < TALK_HEAD_BYTES then return nil end
  local magic, version, number, id, size = unpack("<I4BBI2B", bytes)
  local kind = talk_kinds[number]
  if magic ~= TALK_MAGIC or version ~= protocol.VERSION or not kind then return nil end
  if size > (kind == "chat" and MOST_CHAT_BYTES or MOST_NAME_BYTES) or #bytes ~= TALK_HEAD_BYTES + size then return nil end
  return { kind = kind, id = id, text = printable(bytes:sub(TALK_HEAD_BYTES + 1), size) }
end

return protocol
