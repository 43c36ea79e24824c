-- SPDX-License-Identifier: MIT
--
-- What has a handle, and two of its kinds: streams (TCP connections) and listeners.
local here = (...):gsub("[^.]+$", "")
local ffi = require "ffi"
local values = require(here .. "values")
local constants = require(here .. "library").constants

local OK = 0
local LARGEST = 2 ^ 52
local DEFAULT_LINE_BYTES = 64 * 1024

local view_out = ffi.new("const void*[1]")
local size_out = ffi.new("uint64_t[1]")
local port_out = ffi.new("uint32_t[1]")

-- ---- What all have: a network, a handle, errors as `nil, message, name of the error` ----

local Object = {}
Object.__index = Object

-- A kind of object is a class of its own. Games may keep fields of their own in an object.
function Object.kind(name)
  local class = setmetatable({ kind = name }, Object)
  class.__index = class
  class.__tostring = function(self) return ("framepump %s %.0f"):format(name, self.handle) end
  return class
end

function Object.new(class, network, handle)
  return setmetatable({ network = network, api = network.api, handle = handle }, class)
end

function Object:fail(code)
  if code == constants.ERROR_STALE_HANDLE and self.closed then
    return nil, ("the %s is closed: %s"):format(self.kind, self.closed), "closed"
  end
  return nil, ffi.string(self.api.last_error(self.handle)), values.error.names[code] or "unknown"
end

function Object:done(code)
  if code == OK then return true end
  return self:fail(code)
end

-- Graceful: what was written is delivered first, and the closed event follows.
function Object:close() return self:done(self.api.close(self.handle)) end
-- At once; the closed event follows.
function Object:abort() return self:done(self.api.abort(self.handle)) end

function Object:set_priority(priority)
  local number, problem, code = values.number_of("set_priority: priority", values.priority, priority)
  if not number then return nil, problem, code end
  return self:done(self.api.set_priority(self.handle, number))
end

-- Waits, in a task, until the connection is made.
function Object:wait_connected()
  local tasks, problem, code = self.network.tasks:may_wait("wait_connected")
  if not tasks then return nil, problem, code end
  while not self.connected do
    if self.closed then return nil, ("the %s did not connect: %s"):format(self.kind, self.closed), "closed" end
    if not self.network:owns(self) then return self:fail(constants.ERROR_STALE_HANDLE) end
    tasks:wait_for(self.handle)
  end
  return self
end

-- ---- Streams: reading ----

local Stream = Object.kind("stream")

function Stream:available()
  local code = self.api.available(self.handle, size_out)
  if code ~= OK then return self:fail(code) end
  return tonumber(size_out[0])
end

-- `code` of a call that gave a view. The library has no text for what is no mistake.
local function view_or_problem(self, code, what)
  if code == OK then return ffi.cast("const uint8_t*", view_out[0]) end
  if code == constants.ERROR_NOT_YET then return nil, what .. ": not that many bytes have arrived yet", "not yet" end
  return self:fail(code)
end

-- A pointer to the first contiguous run of unread bytes, and its size. Valid until the next tick, or until bytes of this stream are
-- read or consumed.
function Stream:front()
  local view, problem, name = view_or_problem(self, self.api.front(self.handle, view_out, size_out), "front")
  if view == nil then return nil, problem, name end
  return view, tonumber(size_out[0])
end

-- A pointer to exactly `size` contiguous bytes, which stay unread; as long valid as that of front.
function Stream:peek(size)
  local whole, problem, name = values.whole("peek: size", size, LARGEST)
  if not whole then return nil, problem, name end
  return view_or_problem(self, self.api.peek(self.handle, whole, view_out), "peek")
end

-- The same as a string.
function Stream:peek_string(size)
  local view, problem, name = self:peek(size)
  if view == nil then return nil, problem, name end
  return ffi.string(view, size)
end

function Stream:consume(size)
  local whole, problem, name = values.whole("consume: size", size, LARGEST)
  if not whole then return nil, problem, name end
  return self:done(self.api.consume(self.handle, whole))
end

local buffer, buffer_bytes = nil, 0

-- What is unread, at most `most` bytes, as a string; "" when there is nothing.
function Stream:read(most)
  local limit, problem, name = values.whole("read: most", most, LARGEST, LARGEST)
  if not limit then return nil, problem, name end
  local code = self.api.available(self.handle, size_out)
  if code ~= OK then return self:fail(code) end
  local wanted = math.min(limit, tonumber(size_out[0]))
  if wanted > buffer_bytes then
    buffer_bytes = math.max(wanted, 2 * buffer_bytes)
    buffer = ffi.new("uint8_t[?]", buffer_bytes)
  end
  if wanted == 0 then return "" end
  code = self.api.read(self.handle, buffer, wanted, size_out)
  if code ~= OK then return self:fail(code) end
  return ffi.string(buffer, tonumber(size_out[0]))
end

-- ---- Streams: writing ----

-- Takes as many bytes as there is room for, and says how many. After less than all a writable event follows.
function Stream:write(bytes, size)
  local pointer, count, name = values.bytes("write", bytes, size)
  if pointer == nil then return nil, count, name end
  local code = self.api.write(self.handle, pointer, count, size_out)
  if code ~= OK then return self:fail(code) end
  return tonumber(size_out[0])
end

-- All or nothing.
function Stream:write_all(bytes, size)
  local pointer, count, name = values.bytes("write_all", bytes, size)
  if pointer == nil then return nil, count, name end
  return self:done(self.api.write_all(self.handle, pointer, count))
end

function Stream:shutdown_write() return self:done(self.api.shutdown_write(self.handle)) end

function Stream:info()
  local info = values.struct("framepump_stream_info")
  local code = self.api.stream_info(self.handle, info)
  if code ~= OK then return self:fail(code) end
  local out = values.to_table("framepump_stream_info", info)
  out.is_hot = out.flags % 2 == constants.STREAM_HOT
  out.is_receive_blocked = out.flags >= constants.STREAM_RECEIVE_BLOCKED
  out.state, out.priority, out.flags = values.state.names[out.state], values.priority.names[out.priority], nil
  return out
end

-- ---- Streams: what waits, in a task ----

-- The peer sends no more, and what is unread is all that comes.
local function has_ended(self) return self.closed ~= nil or self.peer_half_closed == true end

local function ended(self, what, partial)
  return nil, ("%s: the stream ended first: %s"):format(what, self.closed or "the peer sends no more"), "closed", partial
end

-- Exactly `size` bytes. If the stream ends before, the fourth result is what came of them.
function Stream:read_exactly(size)
  local whole, problem, name = values.whole("read_exactly: size", size, LARGEST)
  if not whole then return nil, problem, name end
  local tasks
  tasks, problem, name = self.network.tasks:may_wait("read_exactly")
  if not tasks then return nil, problem, name end
  local parts, missing = {}, whole
  while missing > 0 do
    local part
    part, problem, name = self:read(missing)
    if not part and not self.closed then return nil, problem, name end
    if part and part ~= "" then
      parts[#parts + 1] = part
      missing = missing - #part
    elseif has_ended(self) then
      return ended(self, ("read_exactly: %.0f of %.0f bytes"):format(whole - missing, whole), table.concat(parts))
    else
      tasks:wait_for(self.handle)
    end
  end
  return table.concat(parts)
end

-- Where `delimiter` begins in the bytes from `from` to `size`, or nil. The first byte is looked for by C.
local function find(view, from, size, delimiter)
  local first, length = delimiter:byte(), #delimiter
  while from + length <= size do
    local found = ffi.C.framepump_memchr(view + from, first, size - length + 1 - from)
    if found == nil then return nil end
    from = tonumber(ffi.cast("const uint8_t*", found) - view)
    if length == 1 or ffi.string(view + from, length) == delimiter then return from end
    from = from + 1
  end
  return nil
end

-- Looks at the first run alone if that is enough, since a longer view may have to be joined. Returns a view and where in it the
-- delimiter is (or nil), or what peek returns.
local function find_unread(self, from, window, delimiter)
  local view, size, name = self:front()
  if view == nil then return nil, nil, size, name end
  size = math.min(size, window)
  local at = find(view, math.min(from, size), size, delimiter)
  if at or size == window then return view, at end
  local problem
  view, problem, name = self:peek(window)
  if view == nil then return nil, nil, problem, name end
  return view, find(view, from, window, delimiter)
end

-- How far read_until looks: `most` bytes and the delimiter must fit what can be seen at a time.
local function search_limit(self, delimiter, most)
  if type(delimiter) ~= "string" or delimiter == "" then
    return nil, "read_until: delimiter is " .. values.shown(delimiter) .. ", allowed is a string that is not empty", "invalid argument"
  end
  local peek_limit = self.network.peek_limit_bytes
  local default = math.max(0, math.min(DEFAULT_LINE_BYTES, peek_limit - #delimiter))
  local limit, problem, name = values.whole("read_until: most", most, LARGEST, default)
  if not limit then return nil, problem, name end
  if limit + #delimiter <= peek_limit then return limit + #delimiter end
  return nil, ("read_until: most is %.0f, allowed are at most %.0f, the lesser of stream.receive_limit_kib and a sixteenth of "
    .. "memory.budget_kib, less the delimiter"):format(limit, peek_limit - #delimiter), "too large"
end

-- What comes before `delimiter`, which is taken, too. Too large: more than `most` bytes (64 KiB) without one.
function Stream:read_until(delimiter, most)
  local limit, problem, name = search_limit(self, delimiter, most)
  if not limit then return nil, problem, name end
  local tasks
  tasks, problem, name = self.network.tasks:may_wait("read_until")
  if not tasks then return nil, problem, name end
  local searched = 0
  while true do
    local available
    available, problem, name = self:available()
    if not available and not self.closed then return nil, problem, name end
    local window = math.min(available or 0, limit)
    if window > searched then
      local view, at
      view, at, problem, name = find_unread(self, math.max(searched - #delimiter + 1, 0), window, delimiter)
      if at then
        local line = ffi.string(view, at)
        self:consume(at + #delimiter)
        return line
      end
      if view == nil and name ~= "not yet" then return nil, problem, name end
      if view ~= nil then searched = window end
    end
    if searched == limit then
      return nil, ("read_until: no delimiter within %.0f bytes"):format(limit - #delimiter), "too large"
    end
    if has_ended(self) then return ended(self, ("read_until: %.0f bytes without a delimiter"):format(available or 0)) end
    tasks:wait_for(self.handle)
  end
end

-- All of it, however much that is; it waits while there is no room.
function Stream:write_everything(bytes, size)
  local pointer, count, name = values.bytes("write_everything", bytes, size)
  if pointer == nil then return nil, count, name end
  local tasks, problem
  tasks, problem, name = self.network.tasks:may_wait("write_everything")
  if not tasks then return nil, problem, name end
  local kept = { bytes }  -- what `pointer` points into, however long it takes
  local done = 0
  while done < count do
    local taken
    taken, problem, name = self:write(pointer + done, count - done)
    if not taken then return nil, problem, name end
    done = done + taken
    if done < count then tasks:wait_for(self.handle) end
  end
  kept[1] = nil
  return true
end

-- ---- Listeners ----

local Listener = Object.kind("listener")

function Listener:port()
  local code = self.api.listener_port(self.handle, port_out)
  if code ~= OK then return self:fail(code) end
  return port_out[0]
end

-- At once and without an event: who waits in accept hears of it. Streams that were kept for accept and that no task has taken are closed,
-- since nobody else knows of them; those that events alone told of belong to the game.
function Listener:close()
  local done, problem, name = Object.close(self)
  if done then
    self.closed = "closed here"
    self.network:forget(self)
    if self.accepted then self.network:end_acceptor(self) end
    self.network.tasks:wake(self.handle)
  end
  return done, problem, name
end
Listener.abort = Listener.close

-- The next stream, in a task. From the first call on streams wait here for the next one.
function Listener:accept()
  local tasks, problem, name = self.network.tasks:may_wait("accept")
  if not tasks then return nil, problem, name end
  self.accepted = self.accepted or self.network:accepted_by(self)
  while #self.accepted == 0 do
    if self.closed or not self.network:owns(self) then return self:fail(constants.ERROR_STALE_HANDLE) end
    tasks:wait_for(self.handle)
  end
  return table.remove(self.accepted, 1)
end

return { Object = Object, Stream = Stream, Listener = Listener }
