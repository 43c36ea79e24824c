-- SPDX-License-Identifier: MIT
--
-- Snapshots as they come, made into smooth motion as demo/client/swarm_view.cpp does it: what is drawn lies a little in the past,
-- between two snapshots that have arrived. So one that is lost or late is not seen.
local BEHIND_MS = 80      -- a little more than two snapshots
local SMOOTHING = 0.05    -- of each snapshot's word on the server's clock
local FAR_OFF_MS = 500    -- then it is another clock: a stall, a new server
local MOST_SNAPSHOTS = 32

local View = {}
View.__index = View

function View.new() return setmetatable({ snapshots = {}, received = 0, lost = 0, connected_s = 0, gaps = 0 }, View) end

-- A new connection: what comes is counted from a new beginning, the sums stay.
function View:begin_again() self.snapshots, self.newest_s = {}, nil end

-- Old ones, and those seen before, change nothing.
function View:add(snapshot, now_s)
  local newest = self.snapshots[#self.snapshots]
  if self.newest_s then
    if snapshot.number <= newest.number then return end
    self.lost = self.lost + snapshot.number - newest.number - 1
    self.connected_s = self.connected_s + now_s - self.newest_s
    self.gaps = self.gaps + 1
  end
  local offset_ms = now_s * 1000 - snapshot.time_ms
  local is_other_clock = not self.newest_s or math.abs(offset_ms - self.offset_ms) > FAR_OFF_MS
  self.offset_ms = is_other_clock and offset_ms or self.offset_ms + (offset_ms - self.offset_ms) * SMOOTHING
  self.newest_s = now_s
  self.received = self.received + 1
  snapshot.by_id = {}
  for _, light in ipairs(snapshot.lights) do snapshot.by_id[light.id] = light end
  self.first = self.first or snapshot
  self.newest = snapshot
  table.insert(self.snapshots, snapshot)
  if #self.snapshots > MOST_SNAPSHOTS then table.remove(self.snapshots, 1) end
end

-- The lights at this moment, in 0 to 1 both ways.
function View:lights_at(now_s)
  local snapshots, lights = self.snapshots, {}
  if #snapshots == 0 then return lights end
  local time_ms = now_s * 1000 - self.offset_ms - BEHIND_MS
  while #snapshots > 2 and snapshots[2].time_ms <= time_ms do table.remove(snapshots, 1) end
  local from, to = snapshots[1], snapshots[2] or snapshots[1]
  local span_ms = to.time_ms - from.time_ms
  local share = span_ms > 0 and math.max(0, math.min(1, (time_ms - from.time_ms) / span_ms)) or 0
  for _, light in ipairs(from.lights) do
    local later = to.by_id[light.id]
    if later then
      local x, y = light.x + (later.x - light.x) * share, light.y + (later.y - light.y) * share
      lights[#lights + 1] = { id = light.id, kind = light.kind, x = x, y = y }
    end
  end
  return lights
end

function View:per_s() return self.connected_s > 0 and self.gaps / self.connected_s or 0 end

-- How far the lights that were there from the first snapshot on have come, on average.
function View:mean_way()
  local sum, count = 0, 0
  for id, light in pairs(self.first and self.first.by_id or {}) do
    local now = self.newest.by_id[id]
    if now then sum, count = sum + math.sqrt((now.x - light.x) ^ 2 + (now.y - light.y) ^ 2), count + 1 end
  end
  return count > 0 and sum / count or 0
end

return View
