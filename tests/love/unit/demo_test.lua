-- SPDX-License-Identifier: MIT
--
-- Parts of the demo that only something broken would show: wrong bytes, messages that are none, snapshots that come late.
local ffi = require "ffi"
local harness = require "harness"
local Bytes = require "update_bytes"
local protocol = require "swarm_protocol"
local View = require "swarm_view"
local test, equal = harness.test, harness.equal

test("the demo notices one wrong byte of an update, wherever it is", function()
  local expected = Bytes.new(20261123)
  local size, round = 3000, 256 * 1024
  for _, offset in ipairs { 0, 1, 7, round - 1500, 5 * round - 1, 400 * round + 13 } do
    -- Bytes that are right, found by asking for each.
    local right = ffi.new("uint8_t[?]", size)
    for n = 0, size - 1 do
      while not expected:are(right + n, offset + n, 1) do right[n] = right[n] + 1 end
    end
    equal(expected:are(right, offset, size), true)
    for _, n in ipairs { 0, 1499, 1500, size - 1 } do
      right[n] = right[n] + 1
      equal(expected:are(right, offset, size), false)
      right[n] = right[n] - 1
    end
    equal(expected:are(right, offset + 8, size - 8), false)
  end
end)

local function snapshot(number, time_ms, lights)
  local bytes = love.data.pack("string", "<I4I4I4I4I2", 0x6e735046, 1, number, time_ms, #lights)
  for _, light in ipairs(lights) do bytes = bytes .. love.data.pack("string", "<I2I2I2B", unpack(light)) end
  return bytes
end

test("the demo takes snapshots as they were meant, and refuses what is none", function()
  local bytes = snapshot(7, 900, { { 1, 0, 65535, 2 }, { 301, 13107, 6553, 9 } })
  local decoded = protocol.decode_snapshot(bytes)
  equal(decoded.number, 7)
  equal(decoded.time_ms, 900)
  equal(decoded.lights[1].y, 1)
  equal(decoded.lights[2].x, 0.2)
  equal(decoded.lights[2].kind, protocol.CLIENT_LIGHT)
  equal(protocol.decode_snapshot(bytes .. "x"), nil)
  equal(protocol.decode_snapshot("x" .. bytes:sub(2)), nil)
  for length = 0, #bytes - 1 do equal(protocol.decode_snapshot(bytes:sub(1, length)), nil) end
  local talk = protocol.encode_talk("chat", 5, "a\nb\255" .. ("x"):rep(300))
  equal(protocol.decode_talk(talk).text, ("a?b?" .. ("x"):rep(300)):sub(1, 160))
  equal(protocol.decode_talk(talk:sub(1, -2)), nil)
  for length = 0, 8 do equal(protocol.decode_talk(talk:sub(1, length)), nil) end
end)

test("the demo draws a light between two snapshots, and counts those that are lost", function()
  local view = View.new()
  view:add(protocol.decode_snapshot(snapshot(1, 1000, { { 5, 0, 0, 1 } })), 10.0)
  view:add(protocol.decode_snapshot(snapshot(4, 1100, { { 5, 65535, 0, 1 } })), 10.1)
  view:add(protocol.decode_snapshot(snapshot(3, 1066, { { 5, 0, 65535, 1 } })), 10.11)
  local light = view:lights_at(10.130)[1]  -- 80 ms before it the server's clock was at 1050
  assert(math.abs(light.x - 0.5) < 0.001 and light.y == 0, light.x)
  equal(view.received, 2)
  equal(view.lost, 2)
  assert(math.abs(view:mean_way() - 1) < 0.001)
end)
