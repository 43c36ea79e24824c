// SPDX-License-Identifier: MIT
//
// P7: who pumps is not for gameplay to see.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <string>

#include "support/frames.h"
#include "support/plain_socket.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

enum class Drive { locked, threaded, toggled };

// What gameplay saw of one stream: its events in order, each with the number of bytes that could be read by then, and the bytes.
struct Story {
  std::string events;
  std::string bytes;
  bool operator==(const Story&) const = default;
};

// The streams of the script, as seen by the side whose mode varies. The user data of a stream is its role.
enum Role : uint64_t {
  kEchoed = 1,       // writes, gets everything back, closes
  kPeerCloses,       // gets bytes, then the peer closes
  kPeerHalfCloses,   // half-open: gets bytes and the end, answers, closes
  kReset,            // gets bytes, says so, and is cut off
  kRefused,          // nobody listens there
  kAborted,          // gets bytes, then gives up
  kHalfCloses,       // writes, ends its side, gets bytes until the peer closes
  kAccepted,         // the peer connects, writes and closes
  kAcceptedHalfOpen, // the same, half-open: answers after the end
  kRoles,
};

constexpr uint64_t kSizeBytes = 300'000;
std::string bytes_of(uint64_t role) { return pattern(2000 + role, 0, kSizeBytes); }
std::string answer_of(uint64_t role) { return pattern(2100 + role, 0, kSizeBytes); }

// A failed CHECK would print every byte.
bool is_same(const std::string& left, const std::string& right) { return left == right; }

// Both sides of the script. Everything that either side does depends only on what it has seen, never on time.
class Script {
 public:
  Script(const framepump_config& config, Drive drive) : drive_(drive), net_(with_mode(config, drive)), peer_(config) {
    const framepump_handle listener = peer_.listen();
    const framepump_handle half_open_listener = peer_.listen("127.0.0.1", 0, FRAMEPUMP_STREAM_HALF_OPEN);
    for (uint64_t role = kEchoed; role < kAccepted; ++role) {
      uint32_t port = peer_.port_of(role == kHalfCloses ? half_open_listener : listener);
      if (role == kRefused) port = PlainSocket::listen().port();  // and gone again
      const framepump_handle stream = net_.connect(port, "127.0.0.1", role == kPeerHalfCloses ? FRAMEPUMP_STREAM_HALF_OPEN : 0);
      start(stream, role);
    }
    listen_for(kAccepted, 0);
    listen_for(kAcceptedHalfOpen, FRAMEPUMP_STREAM_HALF_OPEN);
  }

  std::map<uint64_t, Story> play() {
    CHECK(run_until({}, [&] {
      if (drive_ == Drive::toggled) api().set_mode(net_.handle(), ++frame_ % 2);
      tick_both();
      react();
      react_peer();
      net_.flush();
      peer_.flush();
      return closed_ == kRoles - 1 && peer_has_all();
    }));
    return stories_;
  }
  const std::map<uint64_t, std::string>& received_by_peer() const { return peer_bytes_; }

 private:
  static framepump_config with_mode(framepump_config config, Drive drive) {
    config.threaded = drive == Drive::threaded ? 1 : 0;
    return config;
  }
  void start(framepump_handle stream, uint64_t role) {
    REQUIRE_EQ(api().set_user_data(stream, role), FRAMEPUMP_OK);
    handles_[role] = stream;
    // The first byte tells the peer which role this is.
    const char name = static_cast<char>(role);
    REQUIRE_EQ(api().write_all(stream, &name, 1), FRAMEPUMP_OK);
  }
  void listen_for(uint64_t role, uint32_t flags) {
    const framepump_handle listener = net_.listen("127.0.0.1", 0, flags);
    REQUIRE_EQ(api().set_user_data(listener, role), FRAMEPUMP_OK);
    const framepump_handle stream = peer_.connect(net_.port_of(listener));
    peer_roles_[stream] = role;
    REQUIRE_EQ(api().write_all(stream, bytes_of(role).data(), kSizeBytes), FRAMEPUMP_OK);
    if (role == kAcceptedHalfOpen) {
      REQUIRE_EQ(api().shutdown_write(stream), FRAMEPUMP_OK);
    } else {
      REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);
    }
  }
  void tick_both() {
    net_.forget_events();
    peer_.forget_events();
    net_.tick();
    peer_.tick();
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  }

  // The side that is compared.
  void react() {
    for (const SeenEvent& event : net_.seen()) note(event);
    for (framepump_handle stream : net_.readable()) stories_[role_of(stream)].bytes += net_.read_all(stream);
    for (const auto& entry : stories_) {
      const uint64_t role = entry.first;
      const Story& story = entry.second;
      const framepump_handle stream = handles_[role];
      const bool has_all = story.bytes.size() == kSizeBytes;
      if (role == kEchoed && has_all) once(role, [&] { api().close(stream); });
      if (role == kReset && has_all) once(role, [&] { api().write_all(stream, "!", 1); });
      if (role == kAborted && has_all) once(role, [&] { api().abort(stream); });
      if (story.events.find(api().event_name(FRAMEPUMP_EVENT_PEER_HALF_CLOSED)) != std::string::npos) {
        once(role, [&] {
          api().write_all(stream, answer_of(role).data(), kSizeBytes);
          api().close(stream);
        });
      }
    }
  }
  uint64_t role_of(framepump_handle stream) const {
    for (const auto& [role, handle] : handles_) {
      if (handle == stream) return role;
    }
    return 0;
  }
  void note(const SeenEvent& event) {
    const bool is_compared = event.kind == FRAMEPUMP_EVENT_CONNECTED || event.kind == FRAMEPUMP_EVENT_ACCEPTED ||
                             event.kind == FRAMEPUMP_EVENT_PEER_HALF_CLOSED || event.kind == FRAMEPUMP_EVENT_CLOSED;
    if (!is_compared) return;
    const uint64_t role = event.user_data;
    handles_[role] = event.handle;
    Story& story = stories_[role];
    const bool is_first = event.kind == FRAMEPUMP_EVENT_CONNECTED || event.kind == FRAMEPUMP_EVENT_ACCEPTED;
    // The end comes with the last byte, never before it; bytes may come with the beginning.
    story.bytes += net_.read_all(event.handle);
    story.events += api().event_name(event.kind);
    if (event.kind == FRAMEPUMP_EVENT_CLOSED) story.events += std::string(" ") + api().reason_name(event.reason);
    if (!is_first) story.events += " at " + std::to_string(story.bytes.size());
    story.events += "\n";
    if (is_first && (role == kEchoed || role == kHalfCloses)) {
      api().write_all(event.handle, bytes_of(role).data(), kSizeBytes);
      if (role == kHalfCloses) api().shutdown_write(event.handle);
    }
    closed_ += event.kind == FRAMEPUMP_EVENT_CLOSED;
  }

  // The other side: always frame-locked.
  void react_peer() {
    for (framepump_handle stream : peer_.readable()) {
      std::string bytes = peer_.read_all(stream);
      if (peer_roles_.count(stream) == 0) {
        peer_roles_[stream] = static_cast<uint64_t>(bytes[0]);
        bytes.erase(0, 1);
        begin_peer(stream, peer_roles_[stream]);
      }
      const uint64_t role = peer_roles_[stream];
      peer_bytes_[role] += bytes;
      if (role == kEchoed) api().write_all(stream, bytes.data(), bytes.size());
      if (role == kReset && bytes == "!") api().abort(stream);
    }
    for (const SeenEvent& event : peer_.seen()) {
      if (event.kind != FRAMEPUMP_EVENT_PEER_HALF_CLOSED) continue;
      api().write_all(event.handle, answer_of(kHalfCloses).data(), kSizeBytes);
      api().close(event.handle);
    }
  }
  void begin_peer(framepump_handle stream, uint64_t role) {
    if (role == kPeerCloses || role == kReset || role == kAborted || role == kPeerHalfCloses) {
      api().write_all(stream, bytes_of(role).data(), kSizeBytes);
    }
    if (role == kPeerCloses) api().close(stream);
    if (role == kPeerHalfCloses) api().shutdown_write(stream);
  }

  // What was sent may still be on its way when its sender has closed.
  bool peer_has_all() {
    for (uint64_t role : {kEchoed, kHalfCloses, kPeerHalfCloses, kAcceptedHalfOpen}) {
      if (peer_bytes_[role].size() < kSizeBytes) return false;
    }
    return true;
  }

  template <typename Action>
  void once(uint64_t role, Action action) {
    if (!std::exchange(acted_[role], true)) action();
  }

  Drive drive_;
  TestNetwork net_;
  TestNetwork peer_;
  uint32_t frame_ = 0;
  uint32_t closed_ = 0;
  std::array<bool, kRoles> acted_ = {};
  std::map<uint64_t, framepump_handle> handles_;
  std::map<uint64_t, Story> stories_;
  std::map<framepump_handle, uint64_t> peer_roles_;
  std::map<uint64_t, std::string> peer_bytes_;
};

std::map<uint64_t, Story> expected_stories() {
  const auto story = [](std::string events, std::string bytes) { return Story{std::move(events), std::move(bytes)}; };
  const std::string at_all = " at " + std::to_string(kSizeBytes) + "\n";
  const std::string connected = std::string(api().event_name(FRAMEPUMP_EVENT_CONNECTED)) + "\n";
  const std::string accepted = std::string(api().event_name(FRAMEPUMP_EVENT_ACCEPTED)) + "\n";
  const std::string half = std::string(api().event_name(FRAMEPUMP_EVENT_PEER_HALF_CLOSED)) + at_all;
  const auto closed = [](uint32_t reason) {
    return std::string(api().event_name(FRAMEPUMP_EVENT_CLOSED)) + " " + api().reason_name(reason);
  };
  return {
      {kEchoed, story(connected + closed(FRAMEPUMP_REASON_CLOSED_HERE) + at_all, bytes_of(kEchoed))},
      {kPeerCloses, story(connected + closed(FRAMEPUMP_REASON_CLOSED_BY_PEER) + at_all, bytes_of(kPeerCloses))},
      {kPeerHalfCloses, story(connected + half + closed(FRAMEPUMP_REASON_CLOSED_HERE) + at_all, bytes_of(kPeerHalfCloses))},
      {kReset, story(connected + closed(can_reset() ? FRAMEPUMP_REASON_RESET : FRAMEPUMP_REASON_CLOSED_BY_PEER) + at_all, bytes_of(kReset))},
      {kRefused, story(closed(FRAMEPUMP_REASON_REFUSED) + " at 0\n", "")},
      {kAborted, story(connected + closed(FRAMEPUMP_REASON_ABORTED_HERE) + at_all, bytes_of(kAborted))},
      {kHalfCloses, story(connected + closed(FRAMEPUMP_REASON_CLOSED_BY_PEER) + at_all, answer_of(kHalfCloses))},
      {kAccepted, story(accepted + closed(FRAMEPUMP_REASON_CLOSED_BY_PEER) + at_all, bytes_of(kAccepted))},
      {kAcceptedHalfOpen, story(accepted + half + closed(FRAMEPUMP_REASON_CLOSED_HERE) + at_all, bytes_of(kAcceptedHalfOpen))},
  };
}

}  // namespace

TEST_CASE("the same traffic gives the same bytes and events per stream in locked, threaded and toggled mode") {
  const std::map<uint64_t, Story> expected = expected_stories();
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    framepump_config config = default_config();
    config.backend = backend;
    config.stall_takeover_ms = 250;
    for (Drive drive : {Drive::locked, Drive::threaded, Drive::toggled}) {
      CAPTURE(static_cast<int>(drive));
      Script script(config, drive);
      const std::map<uint64_t, Story> stories = script.play();
      REQUIRE_EQ(stories.size(), expected.size());
      for (const auto& entry : stories) {
        const uint64_t role = entry.first;
        CAPTURE(role);
        CHECK_EQ(entry.second.events, expected.at(role).events);
        CHECK(is_same(entry.second.bytes, expected.at(role).bytes));
      }
      std::map<uint64_t, std::string> peer_bytes = script.received_by_peer();
      CHECK(is_same(peer_bytes[kEchoed], bytes_of(kEchoed)));
      CHECK(is_same(peer_bytes[kHalfCloses], bytes_of(kHalfCloses)));
      CHECK(is_same(peer_bytes[kPeerHalfCloses], answer_of(kPeerHalfCloses)));
      CHECK(is_same(peer_bytes[kAcceptedHalfOpen], answer_of(kAcceptedHalfOpen)));
    }
  }
}

TEST_CASE("1,000 mode switches under load lose and reorder nothing, and each is announced") {
  const uint32_t switches = is_sanitized() ? 200 : 1000;
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    framepump_config config = default_config();
    config.backend = backend;
    config.stall_takeover_ms = 250;
    TestNetwork net(config);
    config.threaded = 1;
    TestNetwork peer(config);
    const Pair pair = connect_pair(net, peer);
    PatternWriter up(pair.client, 2201, UINT64_MAX);
    PatternWriter down(pair.server, 2202, UINT64_MAX);
    PatternReader down_reader(pair.client, 2202);
    PatternReader up_reader(pair.server, 2201);
    // Not all that there is in every frame, so that something is on its way at each switch.
    const auto exchange = [&] {
      up_reader.read(64 * 1024);
      down_reader.read(64 * 1024);
      net.frame();
      peer.frame();
    };
    net.forget_events();
    for (uint32_t i = 0; i < switches; ++i) {
      REQUIRE_EQ(api().set_mode(net.handle(), (i + 1) % 2), FRAMEPUMP_OK);
      // One frame, or as many as it takes until bytes move: a thread that pumps may be away.
      const uint64_t enough_bytes = (i + 1) * uint64_t{10'000};
      REQUIRE(run_until({}, [&] {
        up.write();
        down.write();
        exchange();
        return up_reader.read_bytes() > enough_bytes && down_reader.read_bytes() > enough_bytes;
      }));
      REQUIRE_EQ(net.report().mode, (i + 1) % 2);
    }
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_MODE_SWITCHED), switches);
    CHECK_EQ(net.totals().mode_switches, switches);
    uint32_t wanted_mode = 0;
    for (const SeenEvent& event : net.seen()) {
      if (event.kind == FRAMEPUMP_EVENT_MODE_SWITCHED) CHECK_EQ(event.value, wanted_mode ^= 1);
    }
    CHECK(run_until({&net, &peer}, [&] {
      up_reader.read();
      down_reader.read();
      return up_reader.read_bytes() == up.written_bytes() && down_reader.read_bytes() == down.written_bytes();
    }));
    CHECK(up_reader.is_right());
    CHECK(down_reader.is_right());
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
  }
}
