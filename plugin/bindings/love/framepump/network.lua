-- SPDX-License-Identifier: MIT
--
-- The network: one pump, its sockets and its memory, and the frame.
local here = (...):gsub("[^.]+$", "")
local ffi = require "ffi"
local values = require(here .. "values")
local library = require(here .. "library")
local settings = require(here .. "settings")
local streams = require(here .. "stream")
local datagrams = require(here .. "datagram")
local Tasks = require(here .. "tasks")

local OK = 0
local constants = library.constants
local event_names, reason_names = values.event.names, values.reason.names

local handle_out = ffi.new("framepump_handle[1]")
local count_out = ffi.new("uint32_t[1]")
local events_out = ffi.new("const framepump_event*[1]")
local handles_out = ffi.new("const framepump_handle*[1]")
local messages_out = ffi.new("const framepump_received*[1]")
local time_out = ffi.new("framepump_timespec")

-- Seconds on the clock that the library itself uses; only differences mean something.
local function clock()
  local CLOCK_MONOTONIC = 1
  ffi.C.framepump_clock_gettime(CLOCK_MONOTONIC, time_out)
  return tonumber(time_out.tv_sec) + tonumber(time_out.tv_nsec) / 1e9
end

local Network = {}
Network.__index = Network

-- Destroys the network when it is closed, collected, or when LÖVE ends: its threads must not outlive the Lua state.
local function owner_of(api, handle)
  return ffi.gc(ffi.new("framepump_handle[1]", handle), function(owner)
    if owner[0] ~= 0 then api.network_destroy(owner[0]) end
    owner[0] = 0
  end)
end

function Network.new(api, handle)
  local self = setmetatable({
    api = api,
    handle = tonumber(handle),
    owner = owner_of(api, handle),
    objects = {},          -- by handle: all that is not gone
    closed_streams = {},   -- their handles live until they are read out
    ended_acceptors = {},  -- handles of closed listeners whose streams were kept for accept: the tick that closed them
    tick_count = 0,
    tasks = Tasks.new(),
    frame = 0,             -- number and time of the newest tick
    now_s = 0,
    frame_struct = values.struct("framepump_frame"),
    report_struct = values.struct("framepump_tick_report"),
    event_list = {},
  }, Network)
  local config = self:config()
  self.peek_limit_bytes = math.min(config.receive_limit_kib, config.budget_kib / 16) * 1024
  return self
end

function Network:fail(code)
  return nil, ffi.string(self.api.last_error(self.handle)), values.error.names[code] or "unknown"
end

function Network:done(code)
  if code == OK then return true end
  return self:fail(code)
end

Network.clock = clock

-- ---- The frame ----

-- Receives within the slice and publishes; then resumes the tasks for which something has come. By itself it counts frames and takes
-- the time; `now_s` (any clock, also a virtual one) and `frame` are for games that have their own.
function Network:tick(now_s, frame)
  if self.tasks.current then return nil, "tick: called inside a task, which a tick resumes", "overlapping call" end
  if (now_s ~= nil and type(now_s) ~= "number") or (frame ~= nil and type(frame) ~= "number") then
    local text = "tick: time is %s and frame is %s, allowed are numbers"
    return nil, text:format(values.shown(now_s), values.shown(frame)), "invalid argument"
  end
  self.now_s, self.frame = now_s or clock(), frame or self.frame + 1
  self.frame_struct.number, self.frame_struct.now_us = self.frame, math.floor(self.now_s * 1e6)
  local code = self.api.tick(self.handle, self.frame_struct, self.report_struct)
  if code ~= OK then return self:fail(code) end
  self.readable_list, self.message_list = nil, nil
  self.tick_count = self.tick_count + 1
  self:forget_what_ended()
  self.tasks:wake_sleepers(self.now_s)
  self:take_events()
  self:wake_readers()
  return self.tasks:run()
end

function Network:flush() return self:done(self.api.flush(self.handle)) end

-- Pumps instead of sleeping until clock() reaches `deadline_s`, or, with "first data", until there is something to publish.
function Network:wait_until(deadline_s, wanted)
  if type(deadline_s) ~= "number" then
    return nil, ("wait_until: deadline is %s, allowed is a number of seconds"):format(values.shown(deadline_s)), "invalid argument"
  end
  local number, problem, name = values.number_of("wait_until: until", values.wait, wanted, "deadline")
  if not number then return nil, problem, name end
  return self:done(self.api.wait_until(self.handle, math.min(deadline_s, 1e12) * 1e6, number))
end

-- What the newest tick published, as tables; another list comes with the next tick.
function Network:events() return self.event_list end

function Network:readable()
  if self.readable_list then return self.readable_list end
  local list = {}
  if self.api.readable(self.handle, handles_out, count_out) == OK then
    for n = 0, count_out[0] - 1 do list[n + 1] = self:adopt(streams.Stream, handles_out[0][n]) end
  end
  self.readable_list = list
  return list
end

function Network:messages()
  if self.message_list then return self.message_list end
  local list = {}
  if self.api.messages(self.handle, messages_out, count_out) == OK then
    for n = 0, count_out[0] - 1 do
      local message = messages_out[0][n]
      list[n + 1] = {
        peer = self.objects[tonumber(message.peer)],
        host = self.objects[tonumber(message.host)],
        bytes = ffi.string(message.payload, message.size_bytes),
        channel = message.channel,
        delivery = values.delivery.names[message.delivery],
        dwell_us = message.dwell_us,
      }
    end
  end
  self.message_list = list
  return list
end

-- What the newest tick did.
function Network:report()
  local out = values.to_table("framepump_tick_report", self.report_struct)
  out.mode, out.culprit = values.mode.names[out.mode], self.objects[out.culprit]
  out.overrun, out.token_busy = out.overrun == 1, out.token_busy == 1
  return out
end

function Network:totals()
  local totals = values.struct("framepump_totals")
  local code = self.api.totals(self.handle, totals)
  if code ~= OK then return self:fail(code) end
  return values.to_table("framepump_totals", totals)
end

-- ---- Events ----

-- An event as a table: `kind`, what it is about under the name of its kind (event.stream, event.peer ...), and what belongs to it.
function Network:event_of(c)
  local kind = event_names[c.kind] or "unknown"
  local event = { kind = kind, frame = tonumber(c.frame) }
  local other = self.objects[tonumber(c.other)]
  local object
  if kind == "accepted" then
    local is_peer = other and other.kind == "host"
    object = self:adopt(is_peer and datagrams.Peer or streams.Stream, c.handle)
    if is_peer then event.data = tonumber(c.value) end
  else
    object = self.objects[tonumber(c.handle)]
  end
  if object then event.object, event[object.kind] = object, object end
  if other then event[other.kind] = other end
  if c.text ~= nil then event.text = ffi.string(c.text) end
  if kind == "closed" then event.reason = reason_names[c.reason] end
  if kind == "mode switched" then event.mode = values.mode.names[tonumber(c.value)] end
  if kind == "overrun" then event.tick_us, event.longest_us = tonumber(c.value), tonumber(c.value2) end
  return event, object, other
end

-- What an event changes in its object.
local function note(self, event, object, other, listener)
  if event.kind == "connected" or event.kind == "accepted" then object.connected = true end
  if event.kind == "peer half closed" then object.peer_half_closed = true end
  if event.kind == "accepted" and other and other.accepted then table.insert(other.accepted, object) end
  if event.kind == "accepted" and not other and self.ended_acceptors[listener] then object:close() end
  if event.kind == "closed" then
    object.closed, object.closed_text = event.reason, event.text
    self.closed_streams[#self.closed_streams + 1] = object
  end
  self.tasks:wake(object.handle)
  if other then self.tasks:wake(other.handle) end
end

function Network:take_events()
  local list = {}
  self.event_list = list
  if self.api.events(self.handle, events_out, count_out) ~= OK then return end
  for n = 0, count_out[0] - 1 do
    local event, object, other = self:event_of(events_out[0][n])
    list[n + 1] = event
    if object then note(self, event, object, other, tonumber(events_out[0][n].other)) end
  end
end

-- The streams that this tick's events gave to a listener: for the first call of accept.
function Network:accepted_by(listener)
  local list = {}
  for _, event in ipairs(self.event_list) do
    if event.kind == "accepted" and event.listener == listener then list[#list + 1] = event.stream end
  end
  return list
end

-- Closes what accept was to give, also what was accepted before the close but is published after it, which is within a few ticks.
function Network:end_acceptor(listener)
  local LONGEST_TICKS = 1000
  for handle, tick in pairs(self.ended_acceptors) do
    if self.tick_count - tick > LONGEST_TICKS then self.ended_acceptors[handle] = nil end
  end
  self.ended_acceptors[listener.handle] = self.tick_count
  for _, stream in ipairs(listener.accepted) do stream:close() end
  listener.accepted = {}
end

function Network:wake_readers()
  if self.tasks.waiting_count == 0 then return end
  if self.api.readable(self.handle, handles_out, count_out) ~= OK then return end
  for n = 0, count_out[0] - 1 do self.tasks:wake(tonumber(handles_out[0][n])) end
end

-- ---- What has a handle ----

-- The object of a handle; a new one if it has none yet.
function Network:adopt(class, handle)
  local number = tonumber(handle)
  local object = self.objects[number] or class:new(self, number)
  self.objects[number] = object
  return object
end

function Network:owns(object) return self.objects[object.handle] == object end

function Network:forget(object) self.objects[object.handle] = nil end

-- A closed stream's handle lives until its bytes are read; all others end with the tick that published it.
function Network:forget_what_ended()
  local still = {}
  for _, object in ipairs(self.closed_streams) do
    if object.kind == "stream" and object:available() then
      still[#still + 1] = object
    else
      self:forget(object)
    end
  end
  self.closed_streams = still
end

local endpoint_flags = { half_open = "STREAM_HALF_OPEN", hot = "LISTEN_HOT", dual_stack = "LISTEN_DUAL_STACK" }
local connect_options = { priority = true, half_open = true }
local listen_options = { priority = true, half_open = true, hot = true, dual_stack = true }

-- A framepump_endpoint. Its address is kept alive here until the next one.
function Network:endpoint(what, address, port, options, allowed)
  local text, problem, name = values.text(what .. ": address", address)
  if not text then return nil, problem, name end
  local number
  number, problem, name = values.whole(what .. ": port", port, 65535)
  if not number then return nil, problem, name end
  options, problem, name = values.options(what, options, allowed or {})
  if not options then return nil, problem, name end
  local priority
  priority, problem, name = values.number_of(what .. ": priority", values.priority, options.priority, "normal")
  if not priority then return nil, problem, name end
  local endpoint = values.struct("framepump_endpoint")
  self.kept_address = text
  endpoint.host, endpoint.port, endpoint.priority = text, number, priority
  for option, constant in pairs(endpoint_flags) do
    if options[option] then endpoint.flags = endpoint.flags + constants[constant] end
  end
  return endpoint
end

-- Starts to connect; the outcome is an event. Writing is possible at once.
function Network:connect(address, port, options)
  local endpoint, problem, name = self:endpoint("connect", address, port, options, connect_options)
  if not endpoint then return nil, problem, name end
  local code = self.api.connect(self.handle, endpoint, handle_out)
  if code ~= OK then return self:fail(code) end
  return self:adopt(streams.Stream, handle_out[0])
end

-- The same, in a task, and waits until the connection is made.
function Network:connect_and_wait(address, port, options)
  local tasks, problem, name = self.tasks:may_wait("connect_and_wait")
  if not tasks then return nil, problem, name end
  local stream
  stream, problem, name = self:connect(address, port, options)
  if not stream then return nil, problem, name end
  return stream:wait_connected()
end

function Network:listen(address, port, options)
  local endpoint, problem, name = self:endpoint("listen", address, port, options, listen_options)
  if not endpoint then return nil, problem, name end
  local code = self.api.listen(self.handle, endpoint, handle_out)
  if code ~= OK then return self:fail(code) end
  return self:adopt(streams.Listener, handle_out[0])
end

local host_options = { address = true, port = true, peers = true, channels = true, priority = true }

-- An ENet host. Without an address it takes any port: for clients.
function Network:host_open(options)
  local problem, name
  options, problem, name = values.options("host_open", options, host_options)
  if not options then return nil, problem, name end
  local struct = values.struct("framepump_host_options")
  for field, most in pairs { port = 65535, peers = 2 ^ 32 - 1, channels = 2 ^ 32 - 1 } do
    local number
    number, problem, name = values.whole("host_open: " .. field, options[field], most, 0)
    if not number then return nil, problem, name end
    struct[field] = number
  end
  local priority
  priority, problem, name = values.number_of("host_open: priority", values.priority, options.priority, "normal")
  if not priority then return nil, problem, name end
  struct.priority = priority
  if options.address ~= nil then
    self.kept_address, problem, name = values.text("host_open: address", options.address)
    if problem then return nil, problem, name end
    struct.host = self.kept_address
  end
  local code = self.api.host_open(self.handle, struct, handle_out)
  if code ~= OK then return self:fail(code) end
  return self:adopt(datagrams.Host, handle_out[0])
end

-- ---- Settings ----

-- "threaded" or "frame locked"; takes effect in the next tick.
function Network:set_mode(mode)
  local number, problem, name = values.number_of("set_mode: mode", values.mode, mode)
  if not number then return nil, problem, name end
  return self:done(self.api.set_mode(self.handle, number))
end

function Network:config()
  local config = values.struct("framepump_config")
  local code = self.api.network_config(self.handle, config)
  if code ~= OK then return self:fail(code) end
  return settings.to_table(config)
end

-- Changes live settings while the network runs: net:configure { slice_us = 1000 }.
function Network:configure(changes)
  local config = values.struct("framepump_config")
  local code = self.api.network_config(self.handle, config)
  if code ~= OK then return self:fail(code) end
  local done, problem, name = settings.apply("configure", config, changes)
  if not done then return nil, problem, name end
  return self:done(self.api.network_configure(self.handle, config))
end

-- ---- Tasks ----

-- Runs a function that may wait; see the calls "in a task". It runs until its first wait at once.
function Network:spawn(run, ...) return self.tasks:spawn(run, ...) end

function Network:next_frame()
  local tasks, problem, name = self.tasks:may_wait("next_frame")
  if not tasks then return nil, problem, name end
  tasks:wait_a_frame()
  return true
end

-- In the time of the ticks, which begins with the first one.
function Network:sleep(seconds)
  if type(seconds) ~= "number" then
    return nil, ("sleep: seconds are %s, allowed is a number"):format(values.shown(seconds)), "invalid argument"
  end
  local tasks, problem, name = self.tasks:may_wait("sleep")
  if not tasks then return nil, problem, name end
  if self.frame == 0 then
    tasks:wait_from_first_tick(seconds)
  else
    tasks:wait_until(self.now_s + seconds)
  end
  return true
end

-- Closes every socket at once (unsent bytes are lost: close streams and wait for their closed events first) and ends the tasks.
function Network:close()
  if self.owner[0] == 0 then return self:fail(constants.ERROR_STALE_HANDLE) end
  local code = self.api.network_destroy(self.handle)
  if code ~= OK then return self:fail(code) end
  self.owner[0] = 0
  self.tasks:finish()
  self.objects, self.closed_streams, self.event_list, self.readable_list, self.message_list = {}, {}, {}, {}, {}
  return true
end

return Network
