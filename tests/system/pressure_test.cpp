// SPDX-License-Identifier: MIT
//
// P5 and P9: when somebody is slow, somebody else waits; nothing is lost, nothing grows, nothing deadlocks.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/counting_services.h"
#include "support/frames.h"
#include "support/plain_pair.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

// As many streams as 1 MiB lets in: a quarter of it is for sending, and each reserves its block there.
constexpr uint32_t kMostIn1MiB = 112;

framepump_config with_budget(framepump_config config, uint32_t budget_kib) {
  config.budget_kib = budget_kib;
  return config;
}

bool names(const std::string& text, const char* key) { return text.find(key) != std::string::npos; }

// Connections from one network into another: `clients[i]` is the other end of `servers[i]`, since loopback keeps their order.
struct Fleet {
  Fleet(TestNetwork& client, TestNetwork& server, uint32_t size) {
    const framepump_handle listener = server.listen();
    for (uint32_t i = 0; i < size; ++i) clients.push_back(client.connect(server.port_of(listener)));
    REQUIRE(run_until({&client, &server}, [&] {
      return server.count(FRAMEPUMP_EVENT_ACCEPTED) == size && client.count(FRAMEPUMP_EVENT_CONNECTED) == size;
    }));
    for (const SeenEvent& event : server.seen()) {
      if (event.kind == FRAMEPUMP_EVENT_ACCEPTED) servers.push_back(event.handle);
    }
    REQUIRE_EQ(api().close(listener), FRAMEPUMP_OK);
  }
  std::vector<framepump_handle> clients;
  std::vector<framepump_handle> servers;
};

// Frames until nothing has moved for a while and `is_full` holds: everything that can be full is.
void run_until_stuck(TestNetwork& sender, TestNetwork& receiver, const std::function<void()>& each_frame,
                     const std::function<bool()>& is_full = [] { return true; }) {
  constexpr int kQuietFrames = 30;
  const int64_t quiet_us = is_sanitized() ? 1'000'000 : 400'000;  // an IO thread may be away for as long
  int64_t moved_at_us = now_us();
  int quiet = 0;
  uint64_t last = 0;
  REQUIRE(run_until({&sender, &receiver}, [&] {
    each_frame();
    const uint64_t now = sender.totals().sent_bytes + receiver.totals().received_bytes + receiver.totals().sent_bytes;
    quiet = now == last ? quiet + 1 : 0;
    if (quiet == 0) moved_at_us = now_us();
    last = now;
    return quiet >= kQuietFrames && now_us() - moved_at_us >= quiet_us && is_full();
  }, 30'000));
}

}  // namespace

// Half of what is free, looked at with each block: alone a stream has a half and the next one a quarter. Blocks are coarse beside that.
TEST_CASE("a flood that nobody reads leaves the next one half as much as it took") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork sender(config);
    TestNetwork receiver(with_budget(config, 2048));
    const Fleet fleet(sender, receiver, 2);
    uint64_t taken_bytes[2] = {};
    for (size_t i = 0; i < 2; ++i) {
      PatternWriter writer(fleet.clients[i], 3050 + i, UINT64_MAX);
      run_until_stuck(sender, receiver, [&] { writer.write(); }, [&] { return receiver.report().blocked == i + 1; });
      taken_bytes[i] = receiver.available(fleet.servers[i]);
    }
    MESSAGE("the first took " << taken_bytes[0] << " bytes, the second " << taken_bytes[1]);
    CHECK_GE(taken_bytes[1] + 64 * 1024, taken_bytes[0] / 2);
  });
}

TEST_CASE("a consumer that stops bounds memory, blocks the sender, and gets every byte when it goes on") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kLimitBytes = 4096 * 1024 / 4;  // the receive limit that a budget of 4 MiB allows
    constexpr uint64_t kSeed = 3001;
    TestNetwork sender(config);
    TestNetwork receiver(with_budget(config, 4096));
    const Pair pair = connect_pair(sender, receiver);
    PatternWriter writer(pair.client, kSeed, UINT64_MAX);
    run_until_stuck(sender, receiver, [&] {
      writer.write();
      CHECK_LE(receiver.available(pair.server), kLimitBytes);
      CHECK_LE(receiver.report().memory_used_bytes, kLimitBytes + 2 * 64 * 1024);
    }, [&] { return receiver.report().blocked == 1; });
    CHECK_EQ(receiver.report().blocked, 1);
    CHECK_EQ(receiver.info(pair.server).flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED, FRAMEPUMP_STREAM_RECEIVE_BLOCKED);
    CHECK_GE(receiver.info(pair.server).back_pressure, 1);
    uint64_t taken = 1;
    CHECK_EQ(api().write(pair.client, "x", 1, &taken), FRAMEPUMP_OK);
    CHECK_EQ(taken, 0);
    PatternReader reader(pair.server, kSeed);
    CHECK(run_until({&sender, &receiver}, [&] { return reader.read() && reader.read_bytes() == writer.written_bytes(); }));
    CHECK(reader.is_right());
    CHECK_EQ(sender.count(FRAMEPUMP_EVENT_CLOSED) + receiver.count(FRAMEPUMP_EVENT_CLOSED), 0);
  });
}

TEST_CASE("thirty streams that nobody reads leave the one that is read its speed") {
  in_both_modes([](const framepump_config& config) {
    const uint64_t size_bytes = is_sanitized() ? 2'000'000 : 8'000'000;
    TestNetwork sender(config);
    TestNetwork receiver(with_budget(config, 16 * 1024));
    const Fleet fleet(sender, receiver, 31);
    std::vector<PatternWriter> writers;
    for (framepump_handle stream : fleet.clients) writers.emplace_back(stream, 3002, 800'000);
    // Whose 800 KB were all there before the others' took the budget need not be blocked.
    const auto is_done = [&](framepump_handle stream) {
      return receiver.available(stream) == 800'000 || (receiver.info(stream).flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED) != 0;
    };
    run_until_stuck(sender, receiver, [&] {
      for (size_t i = 1; i < writers.size(); ++i) writers[i].write();
    }, [&] { return std::all_of(fleet.servers.begin() + 1, fleet.servers.end(), is_done); });
    CHECK_GE(receiver.report().blocked, 10);
    PatternWriter writer(fleet.clients[0], 3003, size_bytes);
    PatternReader reader(fleet.servers[0], 3003);
    int frames = 0;  // in which something came, for a thread may be away in others
    CHECK(run_until({&sender, &receiver}, [&] {
      writer.write();
      const uint64_t before = reader.read_bytes();
      const bool is_right = reader.read();
      frames += reader.read_bytes() > before;
      return is_right && reader.read_bytes() == size_bytes;
    }));
    CHECK(reader.is_right());
    // With only the block that each stream is guaranteed (2 KiB) it would be 4,000.
    if (!is_sanitized()) CHECK_LE(frames, 400);
    // And the others lost nothing by waiting.
    std::vector<PatternReader> readers;
    for (framepump_handle stream : fleet.servers) readers.emplace_back(stream, 3002);
    CHECK(run_until({&sender, &receiver}, [&] {
      uint32_t complete = 0;
      for (size_t i = 1; i < readers.size(); ++i) {
        writers[i].write();
        complete += readers[i].read() && readers[i].read_bytes() == 800'000;
      }
      return complete == 30;
    }));
  });
}

TEST_CASE("a stream that is read goes on by its guaranteed block when the others have taken everything else") {
  in_both_modes([](const framepump_config& config) {
    for (const bool waits : {false, true}) {
      CAPTURE(waits);
      TestNetwork sender(config);
      TestNetwork receiver(with_budget(config, 1024));
      const Fleet fleet(sender, receiver, kMostIn1MiB);
      const std::string chunk(20'000, 'h');
      run_until_stuck(sender, receiver, [&] {
        for (size_t i = 1; i < fleet.clients.size(); ++i) {
          if (sender.info(fleet.clients[i]).unsent_bytes == 0) sender.write(fleet.clients[i], chunk);
        }
      });
      constexpr uint64_t kBytes = 60'000;
      PatternWriter writer(fleet.clients[0], 3005, kBytes);
      PatternReader reader(fleet.servers[0], 3005);
      std::vector<int> gaps = {0};  // frames from one block to the next
      CHECK(run_until({&sender, &receiver}, [&] {
        writer.write();
        if (waits) api().wait_until(receiver.handle(), now_us() + 1'000, FRAMEPUMP_WAIT_DEADLINE);
        const uint64_t before = reader.read_bytes();
        reader.read();
        ++gaps.back();
        if (reader.read_bytes() > before) gaps.push_back(0);
        return reader.read_bytes() == kBytes;
      }));
      CHECK(reader.is_right());
      // One block a frame would be 1. A block that comes back only when the stream was silent for a while makes it 32.
      const auto middle = gaps.begin() + static_cast<ptrdiff_t>(gaps.size() / 2);
      std::nth_element(gaps.begin(), middle, gaps.end());
      if (!is_sanitized()) CHECK_LE(*middle, 10);
    }
  });
}

TEST_CASE("twenty streams that each wait in peek for a message near the limit all get theirs under 1 MiB of budget") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kMessageBytes = 65'000;  // the receive limit is 64 KiB
    static constexpr uint64_t kMessages = 3;
    TestNetwork sender(config);
    TestNetwork receiver(with_budget(config, 1024));
    const Fleet fleet(sender, receiver, 20);
    std::vector<PatternWriter> writers;
    for (size_t i = 0; i < fleet.clients.size(); ++i) writers.emplace_back(fleet.clients[i], 3100 + i, kMessages * kMessageBytes);
    std::vector<uint64_t> complete(fleet.servers.size());
    CHECK(run_until({&sender, &receiver}, [&] {
      for (PatternWriter& writer : writers) writer.write();
      for (size_t i = 0; i < fleet.servers.size(); ++i) {
        const void* view = nullptr;
        if (complete[i] == kMessages || api().peek(fleet.servers[i], kMessageBytes, &view) != FRAMEPUMP_OK) continue;
        const std::string_view got(static_cast<const char*>(view), kMessageBytes);
        REQUIRE(got == pattern(3100 + i, complete[i] * kMessageBytes, kMessageBytes));
        REQUIRE_EQ(api().consume(fleet.servers[i], kMessageBytes), FRAMEPUMP_OK);
        ++complete[i];
      }
      return std::all_of(complete.begin(), complete.end(), [](uint64_t messages) { return messages == kMessages; });
    }));
    CHECK_LE(receiver.totals().memory_peak_bytes, 1024 * 1024);
    const void* view = nullptr;
    CHECK_EQ(api().peek(fleet.servers[0], 65'537, &view), FRAMEPUMP_ERROR_TOO_LARGE);
    CHECK(names(receiver.last_error(), "stream.receive_limit_kib"));
  });
}

TEST_CASE("a peek that grows while it waits for memory gets what it asks for last") {
  TestNetwork sender;
  TestNetwork receiver(with_budget(default_config(), 1024));
  const Fleet fleet(sender, receiver, 41);
  std::vector<PatternWriter> floods;
  for (size_t i = 0; i < fleet.clients.size(); ++i) floods.emplace_back(fleet.clients[i], 3200 + i, 200'000);
  run_until_stuck(sender, receiver, [&] {
    for (PatternWriter& flood : floods) flood.write();
  });
  const void* view = nullptr;
  const framepump_handle last = fleet.servers.back();
  CHECK_EQ(api().peek(last, 10'000, &view), FRAMEPUMP_ERROR_NOT_YET);
  receiver.frame();
  CHECK(run_until({&sender, &receiver}, [&] { return api().peek(last, 50'000, &view) == FRAMEPUMP_OK; }));
}

TEST_CASE("a peer that stops in mid-message does not keep the message behind it from memory") {
  TestNetwork sender;
  TestNetwork receiver(with_budget(default_config(), 1024));
  const Fleet fleet(sender, receiver, 42);
  std::vector<PatternWriter> floods;
  for (size_t i = 0; i < 40; ++i) floods.emplace_back(fleet.clients[i], 3300 + i, 200'000);
  run_until_stuck(sender, receiver, [&] {
    for (PatternWriter& flood : floods) flood.write();
  });
  PatternWriter slow(fleet.clients[40], 3340, 20'000);
  PatternWriter whole(fleet.clients[41], 3341, 50'000);
  const void* view = nullptr;
  CHECK(run_until({&sender, &receiver}, [&] {
    slow.write();
    CHECK_NE(api().peek(fleet.servers[40], 50'000, &view), FRAMEPUMP_OK);
    return receiver.available(fleet.servers[40]) == 20'000;
  }));
  CHECK(run_until({&sender, &receiver}, [&] {
    whole.write();
    CHECK_NE(api().peek(fleet.servers[40], 50'000, &view), FRAMEPUMP_OK);
    return api().peek(fleet.servers[41], 50'000, &view) == FRAMEPUMP_OK;
  }));
}

TEST_CASE("streams at their own limit cost no turns when a byte comes and goes elsewhere") {
  framepump_config config = default_config();
  config.receive_limit_kib = 64;
  TestNetwork net(config);
  TestNetwork peer;
  const Fleet fleet(peer, net, 51);
  std::vector<PatternWriter> floods;
  for (size_t i = 0; i < 50; ++i) floods.emplace_back(fleet.clients[i], 3400 + i, 200'000);
  run_until_stuck(peer, net, [&] {
    for (PatternWriter& flood : floods) flood.write();
  });
  REQUIRE_EQ(net.report().blocked, 50);
  uint32_t turns = 0;
  uint32_t messages = 0;
  for (int i = 0; i < 10; ++i) {
    REQUIRE_EQ(peer.write(fleet.clients[50], "x"), 1);
    CHECK(run_until({&peer, &net}, [&] {
      turns += net.report().turns;
      messages += net.read_all(fleet.servers[50]) == "x";
      return messages == static_cast<uint32_t>(i) + 1;
    }));
    net.frame();
    turns += net.report().turns;
  }
  CHECK_LE(turns, 200);  // a few a message and none for the fifty, which would be 500
}

TEST_CASE("every stream gets a block to write while all that receive are full, and it arrives") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kUnreadBytes = 100'000;
    TestNetwork peer(config);
    TestNetwork net(with_budget(config, 1024));
    const Fleet fleet(peer, net, kMostIn1MiB);
    std::vector<PatternWriter> floods;
    for (framepump_handle stream : fleet.clients) floods.emplace_back(stream, 3004, kUnreadBytes);
    run_until_stuck(peer, net, [&] {
      for (PatternWriter& flood : floods) flood.write();
    }, [&] { return net.report().blocked == kMostIn1MiB; });
    for (framepump_handle stream : fleet.servers) CHECK_EQ(api().write_all(stream, "an answer", 9), FRAMEPUMP_OK);
    std::vector<std::string> answers(fleet.clients.size());
    CHECK(run_until({&peer, &net}, [&] {
      for (size_t i = 0; i < answers.size(); ++i) answers[i] += peer.read_all(fleet.clients[i]);
      return std::all_of(answers.begin(), answers.end(), [](const std::string& answer) { return answer == "an answer"; });
    }));
  });
}

TEST_CASE("every stream writes a little and receives a message when the budget holds not one stream more") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork peer(config);
    TestNetwork net(with_budget(config, 1024));
    const Fleet fleet(peer, net, kMostIn1MiB);
    std::vector<PatternWriter> floods;
    for (framepump_handle stream : fleet.servers) floods.emplace_back(stream, 3008, UINT64_MAX);
    for (PatternWriter& flood : floods) flood.write();
    for (const PatternWriter& flood : floods) CHECK_GT(flood.written_bytes(), 0);
    for (framepump_handle stream : fleet.clients) CHECK_EQ(api().write_all(stream, "a message", 9), FRAMEPUMP_OK);
    CHECK(run_until({&peer, &net}, [&] {
      for (PatternWriter& flood : floods) flood.write();
      return net.readable().size() == fleet.servers.size();
    }));
    for (framepump_handle stream : fleet.servers) CHECK_EQ(net.read_all(stream), "a message");
  });
}

TEST_CASE("write_all queues all or nothing, and WRITABLE follows NO_ROOM when the peer reads on") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kSeed = 3005;
    constexpr uint64_t kMessageBytes = 50'000;
    framepump_config small = config;
    small.send_limit_kib = 256;
    TestNetwork net(small);
    TestNetwork peer(with_budget(config, 4096));
    const Pair pair = connect_pair(net, peer);
    uint64_t queued_bytes = 0;
    uint32_t error = FRAMEPUMP_OK;
    const auto write_message = [&] {
      error = api().write_all(pair.client, pattern(kSeed, queued_bytes, kMessageBytes).data(), kMessageBytes);
      if (error == FRAMEPUMP_OK) queued_bytes += kMessageBytes;
      return error == FRAMEPUMP_OK;
    };
    run_until_stuck(net, peer, [&] {
      while (write_message()) {
      }
    }, [&] { return error == FRAMEPUMP_ERROR_NO_ROOM && peer.report().blocked == 1; });
    const framepump_stream_info info = net.info(pair.client);
    CHECK_EQ(info.unsent_bytes + info.sent_bytes, queued_bytes);
    net.forget_events();
    for (int i = 0; i < 20; ++i) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_WRITABLE), 0);  // nobody has read yet
    PatternReader reader(pair.server, kSeed);
    CHECK(run_until({&net, &peer}, [&] { return reader.read() && net.find(FRAMEPUMP_EVENT_WRITABLE, pair.client) != nullptr; }));
    CHECK(write_message());
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_WRITABLE), 1);
    CHECK(run_until({&net, &peer}, [&] { return reader.read() && reader.read_bytes() == queued_bytes; }));
    CHECK(reader.is_right());
    const std::string too_large(256 * 1024 + 1, 'x');
    CHECK_EQ(api().write_all(pair.client, too_large.data(), too_large.size()), FRAMEPUMP_ERROR_TOO_LARGE);
    CHECK(names(net.last_error(), "stream.send_limit_kib"));
  });
}

TEST_CASE("WRITABLE waits until the refused message fits, however little else there is room for") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kMessageBytes = 30'000;
    TestNetwork net(with_budget(config, 1024));
    TestNetwork peer(with_budget(config, 4096));
    const Fleet fleet(net, peer, 8);
    const framepump_handle talker = fleet.clients[0];
    const std::string bytes(65'536, 'x');
    const auto flood = [&] {
      for (size_t i = 1; i < fleet.clients.size(); ++i) net.write(fleet.clients[i], bytes);
    };
    run_until_stuck(net, peer, flood, [&] { return peer.report().blocked == fleet.servers.size() - 1; });
    const std::string message = pattern(3009, 0, kMessageBytes);
    REQUIRE_EQ(api().write_all(talker, message.data(), message.size()), FRAMEPUMP_ERROR_NO_ROOM);
    void* room = nullptr;
    REQUIRE_EQ(api().reserve(talker, 100, &room), FRAMEPUMP_OK);  // there is room for less
    REQUIRE_EQ(api().write_all(talker, message.data(), message.size()), FRAMEPUMP_ERROR_NO_ROOM);
    net.forget_events();
    int frames = 0;
    CHECK(run_until({&net, &peer}, [&] {
      flood();
      return ++frames == 20;
    }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_WRITABLE, talker), nullptr);
    CHECK(run_until({&net, &peer}, [&] {
      for (size_t i = 1; i < fleet.servers.size(); ++i) peer.read_all(fleet.servers[i]);
      return net.find(FRAMEPUMP_EVENT_WRITABLE, talker) != nullptr;
    }));
    CHECK_EQ(api().write_all(talker, message.data(), message.size()), FRAMEPUMP_OK);
    std::string got;
    CHECK(run_until({&net, &peer}, [&] { return (got += peer.read_all(fleet.servers[0])).size() == kMessageBytes; }));
    CHECK(got == message);
  });
}

TEST_CASE("a message that can never fit beside so many streams is too large, and the error names the key to raise") {
  TestNetwork net(with_budget(default_config(), 1024));
  TestNetwork peer(default_config());
  const Fleet fleet(net, peer, kMostIn1MiB);
  const std::string message(30'000, 'x');
  CHECK_EQ(api().write_all(fleet.clients[0], message.data(), message.size()), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(names(net.last_error(), "memory.budget_kib"));
  void* room = nullptr;
  CHECK_EQ(api().reserve(fleet.clients[0], message.size(), &room), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(names(net.last_error(), "memory.budget_kib"));
}

TEST_CASE("a connect beyond limits.streams or memory.budget_kib names the key to raise, and works once a stream has closed") {
  PlainSocket nobody = PlainSocket::listen(1024);
  for (uint32_t limited_by : {0u, 1u}) {
    CAPTURE(limited_by);
    framepump_config config = default_config();
    if (limited_by == 0) config.limit_streams = 5;
    if (limited_by == 1) config.budget_kib = 1024;
    TestNetwork net(config);
    framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", nobody.port(), FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
    std::vector<framepump_handle> streams;
    framepump_handle stream = 0;
    uint32_t error = FRAMEPUMP_OK;
    while (streams.size() < 1000) {
      error = api().connect(net.handle(), &endpoint, &stream);
      if (error != FRAMEPUMP_OK) break;
      streams.push_back(stream);
    }
    CHECK_EQ(error, FRAMEPUMP_ERROR_LIMIT_REACHED);
    CHECK_EQ(stream, 0);
    if (limited_by == 0) CHECK_EQ(streams.size(), 5);
    CHECK_LE(streams.size(), 1024 / 4);  // each reserves 4 KiB
    CHECK(names(net.last_error(), limited_by == 0 ? "limits.streams" : "memory.budget_kib"));
    REQUIRE_EQ(api().abort(streams[0]), FRAMEPUMP_OK);
    CHECK(run_until({&net}, [&] { return net.totals().streams == streams.size() - 1; }));
    CHECK_EQ(api().connect(net.handle(), &endpoint, &stream), FRAMEPUMP_OK);
  }
}

// Everything that takes memory at once: unread input, unsent output, peeks across seams, realtime streams.
TEST_CASE("what streams hold never exceeds memory.budget_kib, by the plugin's count and by the allocator's") {
  in_both_modes([](const framepump_config& config) {
    for (uint32_t budget_kib : {1024u, 4096u, config.budget_kib}) {
      CAPTURE(budget_kib);
      const uint64_t budget_bytes = uint64_t{budget_kib} * 1024;
      TestNetwork peer(config);
      CountingServices counting;
      TestNetwork net(with_budget(config, budget_kib), counting.services());
      const Fleet fleet(peer, net, 40);
      for (size_t i = 0; i < fleet.servers.size(); i += 4) api().set_priority(fleet.servers[i], FRAMEPUMP_PRIORITY_REALTIME);
      const uint64_t fixed_bytes = counting.live_bytes() - net.totals().memory_peak_bytes;
      std::vector<PatternWriter> in;
      std::vector<PatternWriter> out;
      for (framepump_handle stream : fleet.clients) in.emplace_back(stream, 3006, 400'000);
      for (framepump_handle stream : fleet.servers) out.emplace_back(stream, 3007, 400'000);
      int frames = 0;
      CHECK(run_until({&peer, &net}, [&] {
        for (PatternWriter& writer : in) writer.write();
        for (PatternWriter& writer : out) writer.write();
        const void* view = nullptr;
        for (framepump_handle stream : fleet.servers) api().peek(stream, budget_bytes / 16 - 100, &view);
        const bool is_pressed = budget_kib == config.budget_kib || net.totals().memory_peak_bytes >= budget_bytes / 2;
        return ++frames >= (is_sanitized() ? 20 : 60) && is_pressed;
      }));
      const framepump_totals totals = net.totals();
      CHECK_GE(totals.memory_peak_bytes, totals.memory_used_bytes);
      CHECK_LE(totals.memory_peak_bytes, budget_bytes);
      CHECK_LE(counting.peak_bytes(), budget_bytes + fixed_bytes);
      CHECK_EQ(totals.memory_budget_bytes, budget_bytes);
    }
  });
}
