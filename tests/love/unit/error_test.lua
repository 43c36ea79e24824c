-- SPDX-License-Identifier: MIT
--
-- Bad input and stale handles: `nil, message`, never a crash.
local framepump = require "framepump"
local harness = require "harness"
local test, equal, refused = harness.test, harness.equal, harness.refused

test("open refuses what it does not know, and says what it does", function()
  refused({ "no setting 'slice'", "slice_us", "config, library" }, "config", framepump.open { slice = 1 })
  refused({ "no setting 1" }, "config", framepump.open { "threaded" })
  refused("options are 'threaded'", "invalid argument", framepump.open("threaded"))
  refused({ "pump.slice_us is 'fast'", "whole numbers" }, "invalid argument", framepump.open { slice_us = "fast" })
  refused({ "pump.slice_us is 0.5" }, "invalid argument", framepump.open { slice_us = 0.5 })
  refused({ "pump.slice_us is %-1" }, "invalid argument", framepump.open { slice_us = -1 })
  refused({ "pump.slice_us is 5000000", "0 to 1000000 us" }, "config", framepump.open { slice_us = 5000000 })
  refused({ "pump.backend is 'kqueue'", "epoll, poll" }, "invalid argument", framepump.open { backend = "kqueue" })
  refused({ "config is 7" }, "invalid argument", framepump.open { config = 7 })
end)

test("addresses, ports and options are checked", function()
  local net = harness.open()
  refused({ "localhost", "numeric" }, "address not numeric", net:listen("localhost", 0))
  refused({ "address is nil" }, "invalid argument", net:listen(nil, 0))
  refused({ "port is nil" }, "invalid argument", net:connect("127.0.0.1"))
  refused({ "port is 65536", "0 to 65535" }, "invalid argument", net:connect("127.0.0.1", 65536))
  refused({ "port is '80'" }, "invalid argument", net:connect("127.0.0.1", "80"))
  refused({ "no option 'prio'", "half_open, priority" }, "invalid argument", net:connect("127.0.0.1", 80, { prio = 1 }))
  refused({ "priority is 'low'" }, "invalid argument", net:connect("127.0.0.1", 80, { priority = "low" }))
  refused({ "options are true" }, "invalid argument", net:connect("127.0.0.1", 80, true))
  refused({ "mode is 'fast'", "frame locked, threaded" }, "invalid argument", net:set_mode("fast"))
  refused({ "mode is nil" }, "invalid argument", net:set_mode())
  refused({ "deadline is nil" }, "invalid argument", net:wait_until())
  refused({ "until is 'soon'", "deadline, first data" }, "invalid argument", net:wait_until(0, "soon"))
  refused({ "settings are nil" }, "invalid argument", net:configure())
  local listener = assert(net:listen("127.0.0.1", 0))
  refused(tostring(listener:port()), "address in use", net:listen("127.0.0.1", listener:port()))
  assert(net:close())
end)

test("every method of what is gone gives an error", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  local listener = assert(net:listen("127.0.0.1", 0))
  local host = assert(net:host_open())
  local peer = assert(host:connect("127.0.0.1", 9))
  assert(near:abort())
  assert(far:abort())
  harness.frames_until(net, function() return near.closed and far.closed end)
  harness.frame(net)
  local count = 0
  local function refuses_all(object, methods)
    for name, arguments in pairs(methods) do
      refused("", nil, object[name](object, unpack(arguments)))
      count = count + 1
    end
  end
  local stream_methods = {
    available = {}, front = {}, peek = { 1 }, peek_string = { 1 }, read = {}, consume = { 1 }, write = { "x" }, write_all = { "x" },
    shutdown_write = {}, close = {}, abort = {}, set_priority = { "bulk" }, info = {}, read_exactly = { 1 }, read_until = { "x" },
    write_everything = { "x" }, wait_connected = {},
  }
  refuses_all(near, stream_methods)
  local listener_methods = { port = {}, close = {}, abort = {}, set_priority = { "bulk" }, accept = {} }
  assert(listener:close())
  refuses_all(listener, listener_methods)
  assert(net:close())
  refuses_all(near, stream_methods)
  refuses_all(listener, listener_methods)
  refuses_all(host, { port = {}, close = {}, abort = {}, set_priority = { "bulk" }, info = {}, connect = { "127.0.0.1", 9 },
    broadcast = { "x" } })
  refuses_all(peer, { send = { "x" }, close = {}, abort = {}, info = {}, wait_connected = {} })
  refuses_all(net, { tick = {}, flush = {}, wait_until = { 0 }, totals = {}, connect = { "127.0.0.1", 9 }, listen = { "127.0.0.1", 0 },
    host_open = {}, set_mode = { "threaded" }, config = {}, configure = { {} }, spawn = { print }, next_frame = {}, sleep = { 0 },
    close = {} })
  assert(count > 60)
  equal(#net:events() + #net:readable() + #net:messages(), 0)
end)

test("handles of one network mean nothing to another", function()
  local one, two = harness.open(), harness.open()
  local near, far = harness.pair(one)
  local stranger = setmetatable({ network = two, api = two.api, handle = near.handle + 1 }, getmetatable(near))
  refused("", nil, stranger:available())
  stranger.handle = 2 ^ 52 - 1
  refused("", nil, stranger:write("x"))
  stranger.handle = 0
  refused("", "stale handle", stranger:read())
  assert(one:close())
  assert(two:tick())
  assert(two:close())
end)

test("networks that nobody holds are closed by the garbage collector", function()
  for _ = 1, 200 do  -- 63 can live at a time
    assert(framepump.open { budget_kib = 1024, receive_limit_kib = 64 })
    collectgarbage()
  end
end)

test("open that is refused leaves no network behind", function()
  local path = harness.scratch .. "/empty.toml"
  assert(io.open(path, "wb")):close()
  collectgarbage("stop")
  for _ = 1, 70 do
    refused("memory.budget_kib", "needs restart", framepump.open { config = path, budget_kib = 2048 })
  end
  collectgarbage("restart")
end)
