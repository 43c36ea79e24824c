-- SPDX-License-Identifier: MIT
--
-- This client's part in the swarm, over an ENet host: sees it, steers a light of its own, hears and says something. A connection that
-- ends is made again.
local protocol = require "swarm_protocol"
local View = require "swarm_view"

local RETRY_S = 1
local CHAT_LINES = 6

local Client = {}
Client.__index = Client

function Client.new(net, server, name)
  local self = setmetatable({
    net = net, server = server, name = name, view = View.new(), names = {}, chat = {}, steers = 0, refused = 0, drops = 0,
    status = "connecting", retry_at_s = 0,
  }, Client)
  local problem
  self.host, problem = net:host_open { peers = 1, channels = protocol.CHANNELS }
  if not self.host then self.status = problem end
  return self
end

-- Once a frame, after tick.
function Client:update()
  local now_s = self.net.now_s
  for _, event in ipairs(self.net:events()) do
    if event.kind == "connected" and event.peer and event.peer == self.peer then self:on_connected() end
  end
  -- The tick that publishes the end also has the last words, which come before it.
  for _, message in ipairs(self.net:messages()) do
    if message.peer == self.peer then self:on_message(message, now_s) end
  end
  for _, event in ipairs(self.net:events()) do
    if event.kind == "closed" and event.peer and event.peer == self.peer then self:on_closed(event, now_s) end
  end
  if self.host and not self.peer and now_s >= self.retry_at_s then self:connect(now_s) end
end

function Client:connect(now_s)
  self.retry_at_s = now_s + RETRY_S
  local problem
  self.peer, problem = self.host:connect(self.server.host, self.server.port)
  if not self.peer then self.status = problem end
end

function Client:on_connected()
  self.view:begin_again()
  self.peer:send(protocol.encode_talk("hello", 0, self.name), protocol.TALK_CHANNEL)
end

function Client:on_closed(event, now_s)
  if self.own_id then self.drops = self.drops + 1 end
  self.status = (self.own_id and "dropped by server: " or "no server: ") .. event.reason
  self.own_id, self.peer, self.names, self.retry_at_s = nil, nil, {}, now_s + RETRY_S
end

function Client:on_message(message, now_s)
  local is_talk = message.channel == protocol.TALK_CHANNEL
  local decoded = is_talk and protocol.decode_talk(message.bytes) or protocol.decode_snapshot(message.bytes)
  if not decoded then
    self.refused = self.refused + 1
  elseif is_talk then
    self:on_talk(decoded)
  else
    self.view:add(decoded, now_s)
  end
end

function Client:on_talk(talk)
  local name = self.names[talk.id] or "?"
  if talk.kind == "welcome" then
    self.own_id, self.status = talk.id, "in the swarm as " .. talk.text
    self.names[talk.id] = talk.text
  elseif talk.kind == "joined" then
    self.names[talk.id] = talk.text
    self:add_line(talk.text .. " joined")
  elseif talk.kind == "left" then
    self:add_line(name .. " left")
    self.names[talk.id] = nil
  elseif talk.kind == "chat" then
    self:add_line(name .. ": " .. talk.text)
  elseif talk.kind == "goodbye" then
    self:add_line("the server stops")
  end
end

function Client:add_line(line)
  table.insert(self.chat, line)
  if #self.chat > CHAT_LINES then table.remove(self.chat, 1) end
end

-- Where the own light is to go, 0 to 1 both ways.
function Client:steer(x, y)
  if not self.own_id then return end
  self.steers = self.steers + 1
  self.peer:send(protocol.encode_steer(self.steers, x, y), protocol.SNAPSHOT_CHANNEL, "unreliable")
end

function Client:say(text)
  if self.own_id and text ~= "" then self.peer:send(protocol.encode_talk("chat", self.own_id, text), protocol.TALK_CHANNEL) end
end

return Client
