-- SPDX-License-Identifier: MIT
--
-- What was seen and verified, as one line of JSON. With a picture it also says which lights are drawn in it, and where.

local function quoted(text) return '"' .. text:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"' end

-- An array when it is a list, else an object whose keys are in order.
local function json(value)
  if type(value) == "string" then return quoted(value) end
  if type(value) ~= "table" then
    return type(value) == "number" and value % 1 ~= 0 and ("%.4f"):format(value) or ("%s"):format(tostring(value))
  end
  local parts = {}
  if value[1] ~= nil or next(value) == nil then
    for n, element in ipairs(value) do parts[n] = json(element) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for n, key in ipairs(keys) do parts[n] = quoted(key) .. ":" .. json(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function percentile(values, share)
  local sorted = { unpack(values) }
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(#sorted * share))] or 0
end

local function drawn(lights)
  local list = {}
  for n, light in ipairs(lights or {}) do list[n] = { light.kind, light.x, light.y } end
  return list
end

local report = {}

function report.make(game)
  local swarm, view, download = game.swarm, game.swarm.view, game.download
  local players, drifters, in_picture = 0, 0, 0
  for _, light in ipairs(view.newest and view.newest.lights or {}) do
    if light.kind == 3 then players = players + 1 else drifters = drifters + 1 end
    if light.x >= 0 and light.x <= 1 and light.y >= 0 and light.y <= 1 then in_picture = in_picture + 1 end
  end
  local names = {}
  for _, name in pairs(swarm.names) do names[#names + 1] = name end
  table.sort(names)
  local own = view.newest and swarm.own_id and view.newest.by_id[swarm.own_id]
  return json {
    drawn = drawn(game.drawn),
    headless = game.is_headless,
    mode = game.net:report().mode,
    frames = game.frames,
    mode_switches = game.mode_switches,
    tick_us = { p50 = percentile(game.tick_us, 0.5), p99 = percentile(game.tick_us, 0.99), max = percentile(game.tick_us, 1) },
    swarm = {
      joined = swarm.own_id ~= nil,
      players = players, drifters = drifters, in_picture = in_picture, names = names,
      snapshots = view.received, lost = view.lost, refused = swarm.refused, per_s = view:per_s(), mean_way = view:mean_way(),
      own_off_course = own and math.sqrt((own.x - game.steer_x) ^ 2 + (own.y - game.steer_y) ^ 2) or -1,
      drops = swarm.drops,
    },
    download = download and {
      bytes = download.received_bytes, size_bytes = download.size_bytes, verified = download.is_verified == true,
      seconds = download:seconds(), mb_per_s = download:mb_per_s(),
    } or {},
  }
end

-- Nil and why if the file cannot be written.
function report.write(path, text)
  local file, problem = io.open(path, "wb")
  if not file then return nil, problem end
  file:write(text)
  file:close()
  return true
end

return report
