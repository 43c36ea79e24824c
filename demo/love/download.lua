-- SPDX-License-Identifier: MIT
--
-- Streams the update, in a task: asks, compares every byte as it comes, and goes on where it stopped when the connection is lost. The
-- protocol is demo/protocol/update_protocol.h.
local Bytes = require "update_bytes"

local SEED = 20261123
local REQUEST_MAGIC, RESPONSE_MAGIC, VERSION = 0x71755046, 0x61755046, 1
local RESPONSE_BYTES = 28
local RETRY_S = 0.5

local expected = Bytes.new(SEED)

local Download = {}
Download.__index = Download

function Download.new(net, server, size_bytes)
  local self = setmetatable({
    net = net, server = server, size_bytes = size_bytes, received_bytes = 0, wrong = 0, reads = true, status = "connecting",
    begin_s = net.clock(),
  }, Download)
  net:spawn(Download.run, self)
  return self
end

function Download:run()
  repeat
    local done, problem = self:try()
    if done then break end
    self.status = problem
    self.net:sleep(RETRY_S)
  until self.is_stopped
  if self.is_stopped then return end
  self.end_s = self.net.clock()
  self.is_finished, self.is_verified = true, self.wrong == 0
  self.status = self.is_verified and "finished, every byte verified" or "finished, but bytes are wrong"
end

-- One connection: true when everything is there.
function Download:try()
  local stream, problem = self.net:connect_and_wait(self.server.host, self.server.port, { priority = "bulk" })
  if not stream then return nil, problem end
  self.stream = stream
  local request = love.data.pack("string", "<I4I4I8I8I8", REQUEST_MAGIC, VERSION, SEED, self.received_bytes, self.size_bytes)
  local done
  done, problem = stream:write_everything(request)
  if not done then return nil, problem end
  done, problem = self:read_response(stream)
  if not done then return nil, problem end
  self.status = "receiving"
  while self.received_bytes < self.size_bytes do
    if self.reads then self:take(stream) end
    if stream.closed and self.received_bytes < self.size_bytes then return nil, stream.closed end
    if self.received_bytes < self.size_bytes then self.net:next_frame() end
  end
  stream:close()
  return true
end

function Download:read_response(stream)
  local bytes, problem = stream:read_exactly(RESPONSE_BYTES)
  if not bytes then return nil, problem end
  local magic, version, status, offset, size_bytes = love.data.unpack("<I4I4I4I8I8", bytes)
  if magic ~= RESPONSE_MAGIC or version ~= VERSION then return nil, "not an answer of an update server" end
  if status ~= 0 then return nil, "the server refused the request" end
  if offset ~= self.received_bytes or size_bytes ~= self.size_bytes then return nil, "the server answered another request" end
  return true
end

-- Everything that this frame published, block by block, without a copy.
function Download:take(stream)
  local view, size = stream:front()
  while view do
    local wanted = math.min(size, self.size_bytes - self.received_bytes)
    if not expected:are(view, self.received_bytes, wanted) then self.wrong = self.wrong + 1 end
    self.received_bytes = self.received_bytes + wanted
    stream:consume(size)
    view, size = stream:front()
  end
end

-- Ends it where it is.
function Download:stop()
  self.is_stopped = true
  if self.stream then self.stream:abort() end
end

function Download:seconds() return (self.end_s or self.net.clock()) - self.begin_s end

function Download:mb_per_s() return self.received_bytes / 1e6 / math.max(self:seconds(), 1e-6) end

return Download
