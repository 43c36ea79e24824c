-- SPDX-License-Identifier: MIT
--
-- Datagrams: ENet hosts and their peers.
local here = (...):gsub("[^.]+$", "")
local ffi = require "ffi"
local values = require(here .. "values")
local Object = require(here .. "stream").Object

local OK = 0
local MOST = 2 ^ 32 - 1

local port_out = ffi.new("uint32_t[1]")
local handle_out = ffi.new("framepump_handle[1]")

local Host = Object.kind("host")
local Peer = Object.kind("peer")

-- The arguments of a message as C wants them: channel, pointer, size, delivery. Reliable on channel 0 unless said otherwise.
local function message(what, bytes, channel, delivery)
  local pointer, size, name = values.bytes(what, bytes)
  if pointer == nil then return nil, size, name end
  local whole, problem
  whole, problem, name = values.whole(what .. ": channel", channel, MOST, 0)
  if not whole then return nil, problem, name end
  local number
  number, problem, name = values.number_of(what .. ": delivery", values.delivery, delivery, "reliable")
  if not number then return nil, problem, name end
  return whole, pointer, size, number
end

function Host:port()
  local code = self.api.host_port(self.handle, port_out)
  if code ~= OK then return self:fail(code) end
  return port_out[0]
end

-- `data`, a number, reaches the other side's accepted event.
function Host:connect(address, port, data)
  local endpoint, problem, name = self.network:endpoint("connect", address, port)
  if not endpoint then return nil, problem, name end
  local number
  number, problem, name = values.whole("connect: data", data, MOST, 0)
  if not number then return nil, problem, name end
  local code = self.api.peer_connect(self.handle, endpoint, number, handle_out)
  if code ~= OK then return self:fail(code) end
  return self.network:adopt(Peer, handle_out[0])
end

-- The same, in a task, and waits until the connection is made.
function Host:connect_and_wait(address, port, data)
  local tasks, problem, name = self.network.tasks:may_wait("connect_and_wait")
  if not tasks then return nil, problem, name end
  local peer
  peer, problem, name = self:connect(address, port, data)
  if not peer then return nil, problem, name end
  return peer:wait_connected()
end

-- One message to every connected peer.
function Host:broadcast(bytes, channel, delivery)
  local number, pointer, size, how = message("broadcast", bytes, channel, delivery)
  if not number then return nil, pointer, size end
  return self:done(self.api.broadcast(self.handle, number, pointer, size, how))
end

function Host:info()
  local info = values.struct("framepump_host_info")
  local code = self.api.host_info(self.handle, info)
  if code ~= OK then return self:fail(code) end
  local out = values.to_table("framepump_host_info", info)
  out.priority = values.priority.names[out.priority]
  return out
end

function Peer:send(bytes, channel, delivery)
  local number, pointer, size, how = message("send", bytes, channel, delivery)
  if not number then return nil, pointer, size end
  return self:done(self.api.send(self.handle, number, pointer, size, how))
end

function Peer:info()
  local info = values.struct("framepump_peer_info")
  local code = self.api.peer_info(self.handle, info)
  if code ~= OK then return self:fail(code) end
  local out = values.to_table("framepump_peer_info", info)
  out.state = values.state.names[out.state]
  return out
end

return { Host = Host, Peer = Peer }
