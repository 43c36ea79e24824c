-- SPDX-License-Identifier: MIT
local harness = require "harness"
local test, both, equal, refused = harness.test, harness.test_in_both_modes, harness.equal, harness.refused

-- A server host, and clients that are connected to it: their own peers, and the server's.
local function connected(net, clients)
  local server = assert(net:host_open { address = "127.0.0.1", channels = 3 })
  local near, far = {}, {}
  for n = 1, clients do
    local host = assert(net:host_open { channels = 3, peers = 1 })
    near[n] = assert(host:connect("127.0.0.1", server:port(), 40 + n))
  end
  harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == "accepted" then
        equal(event.host, server)
        far[event.data - 40] = event.peer
      end
    end
    for n = 1, clients do
      if not near[n].connected or not far[n] then return false end
    end
    return true
  end)
  return server, near, far
end

-- Frames until so many messages have come; they.
local function receive(net, count)
  local all = {}
  harness.frames_until(net, function()
    for _, message in ipairs(net:messages()) do all[#all + 1] = message end
    return #all >= count
  end)
  equal(#all, count)
  return all
end

both("messages arrive as they were sent, with their peer, channel and delivery", function(options)
  local net = harness.open(options)
  local server, near, far = connected(net, 1)
  assert(near[1]:send("first"))
  assert(near[1]:send("\0second\255", 0))
  assert(near[1]:send("", 0))
  local got = receive(net, 3)
  equal(got[1].bytes, "first")
  equal(got[2].bytes, "\0second\255")
  equal(got[3].bytes, "")
  for _, message in ipairs(got) do
    equal(message.peer, far[1])
    equal(message.host, server)
    equal(message.channel, 0)
    equal(message.delivery, "reliable")
  end
  assert(far[1]:send(("big"):rep(20000), 2))
  equal(receive(net, 1)[1].bytes, ("big"):rep(20000))
  assert(far[1]:send("soon", 1, "unreliable"))
  assert(far[1]:send("any", 1, "unsequenced"))
  local deliveries = {}
  for _, message in ipairs(receive(net, 2)) do deliveries[message.delivery] = message.bytes end
  equal(deliveries.unreliable, "soon")
  equal(deliveries.unsequenced, "any")
  assert(net:close())
end)

both("a broadcast reaches every peer", function(options)
  local net = harness.open(options)
  local server, near = connected(net, 3)
  assert(server:broadcast("to all", 1))
  local seen = {}
  for _, message in ipairs(receive(net, 3)) do
    equal(message.bytes, "to all")
    equal(message.channel, 1)
    seen[message.peer] = true
  end
  for n = 1, 3 do assert(seen[near[n]]) end
  harness.frames_until(net, function() return server:info().peers == 3 end)  -- its figures are renewed ten times a second
  equal(near[1]:info().state, "open")
  equal(near[1]:info().received_messages, 1)
  assert(net:close())
end)

both("a peer that is closed ends on both sides with a reason", function(options)
  local net = harness.open(options)
  local server, near, far = connected(net, 1)
  assert(near[1]:send("goodbye"))
  assert(near[1]:close())
  local words
  harness.frames_until(net, function()
    for _, message in ipairs(net:messages()) do words = message.bytes end
    return far[1].closed and near[1].closed
  end)
  equal(words, "goodbye")
  equal(far[1].closed, "closed by peer")
  equal(near[1].closed, "closed here")
  harness.frame(net)
  refused("the peer is closed", "closed", near[1]:send("more"))
  refused("the peer is closed", "closed", near[1]:info())
  assert(server:close())
  equal(harness.event(net, "closed").host, server)
  harness.frame(net)
  refused("the host is closed", "closed", server:port())
  assert(net:close())
end)

test("tasks wait for a peer", function()
  local net = harness.open()
  local server = assert(net:host_open { address = "127.0.0.1" })
  harness.as_task(net, function()
    local host = assert(net:host_open())
    local peer = assert(host:connect_and_wait("127.0.0.1", server:port()))
    assert(peer:send("hello"))
    repeat net:next_frame() until #net:messages() > 0
    equal(net:messages()[1].bytes, "hello")
  end)
  harness.as_task(net, function()
    local peer = assert(assert(net:host_open()):connect("127.0.0.1", 9))
    net:spawn(function() peer:abort() end)
    refused("the peer did not connect", "closed", peer:wait_connected())
  end)
  assert(net:close())
end)

test("mistakes with datagrams name the thing, the value and what is allowed", function()
  local net = harness.open()
  local _, near = connected(net, 1)
  local host = assert(net:host_open())
  local early = assert(host:connect("127.0.0.1", 9))
  refused("", "not yet", early:send("too soon"))
  refused({ "channel is 7" }, "invalid argument", near[1]:send("x", 7))
  refused({ "channel is %-1" }, "invalid argument", near[1]:send("x", -1))
  refused({ "delivery is 'fast'", "reliable, unreliable, unsequenced" }, "invalid argument", near[1]:send("x", 0, "fast"))
  refused({ "bytes are 7" }, "invalid argument", near[1]:send(7))
  refused({ "message_limit_kib" }, "too large", near[1]:send(("x"):rep(2 ^ 21)))
  refused({ "data is 'x'" }, "invalid argument", host:connect("127.0.0.1", 9, "x"))
  refused({ "port is 70000" }, "invalid argument", host:connect("127.0.0.1", 70000))
  refused({ "no option 'adress'", "address, channels, peers, port, priority" }, "invalid argument", net:host_open { adress = "::1" })
  refused("peers is 5000", "invalid argument", net:host_open { peers = 5000 })
  refused("localhost", "address not numeric", net:host_open { address = "localhost" })
  refused("address is 1", "invalid argument", net:host_open { address = 1 })
  refused("", "unsupported", net:host_open { address = "::1" })
  assert(net:close())
end)

both("LÖVE's own ENet module is a peer like any other", function(options)
  local enet = require "enet"
  local net = harness.open(options)
  local server = assert(net:host_open { address = "127.0.0.1", channels = 2 })
  local client = enet.host_create()
  local peer = client:connect("127.0.0.1:" .. server:port(), 2, 99)
  local heard, answer, data
  harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == "accepted" then data = event.data end
    end
    for _, message in ipairs(net:messages()) do
      heard = message
      assert(message.peer:send("and you", 1))
    end
    local event = client:service(0)
    if event and event.type == "connect" then peer:send("good evening", 1, "reliable") end
    if event and event.type == "receive" then answer = event end
    return answer
  end)
  equal(data, 99)
  equal(heard.bytes, "good evening")
  equal(heard.channel, 1)
  equal(heard.delivery, "reliable")
  equal(answer.data, "and you")
  equal(answer.channel, 1)
  client:destroy()
  assert(net:close())
end)
