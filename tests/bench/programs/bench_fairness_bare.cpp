// SPDX-License-Identifier: MIT
//
// Fairness, as the usual loop has it: epoll_wait without waiting, and each ready socket read until EAGAIN, in the order in which epoll
// names them, until the slice is over. `--round-robin` reads 64 KiB of each in turn; `--raise-window` gives the firehose a high SO_RCVLOWAT and
// tries it in every tick, since it no longer says when it has something. `--enet` serves a host of plain libenet first, as its tutorial does.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "bench/support/bytes.h"
#include "bench/support/plain_enet.h"
#include "bench/support/talker_options.h"

namespace bench = framepump::bench;

namespace {

constexpr size_t kReadBytes = 64 * 1024;

struct Connection {
  int descriptor = -1;
  bool is_firehose = false;
  bool is_ready = false;
  std::vector<char> bytes;  // of this frame
};

// A host of plain libenet that keeps a frame's snapshots for gameplay.
struct Snapshots {
  ENetHost* host = nullptr;
  std::vector<ENetPacket*> packets;  // of this frame

  void open(uint16_t port) {
    const ENetAddress address = bench::loopback(port);
    if (enet_initialize() != 0 || (host = enet_host_create(nullptr, 1, bench::kChannels, 0, 0)) == nullptr) bench::die("no ENet host");
    enet_host_connect(host, &address, bench::kChannels, bench::kWantsSnapshots);
  }
  void tick() {
    ENetEvent event = {};
    while (host != nullptr && enet_host_service(host, &event, 0) > 0) {
      if (event.type == ENET_EVENT_TYPE_RECEIVE) packets.push_back(event.packet);
    }
  }
  void gameplay(bench::WaitMeter& waits) {
    for (ENetPacket* packet : packets) {
      bench::Stamp stamp;
      std::memcpy(&stamp, packet->data, sizeof(stamp));
      waits.add(stamp.sent_ns);
      enet_packet_destroy(packet);
    }
    packets.clear();
  }
};

struct Reader {
  bench::ByteHash firehose;
  Snapshots snapshots;
  bench::WaitMeter waits;
  std::vector<Connection> connections;
  std::deque<Connection*> ready;
  std::vector<char> buffer = std::vector<char>(kReadBytes);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  bool is_window_raised = false;

  void open(Connection& connection, uint16_t port, const std::string& order) {
    connection.descriptor = bench::tcp_connect("127.0.0.1", port);
    connection.is_firehose = order == "firehose";
    const std::string line = order + "\n";
    if (send(connection.descriptor, line.data(), line.size(), MSG_NOSIGNAL) < 0) bench::die_errno("send");
    bench::set_nonblocking(connection.descriptor);
    const int most = INT32_MAX;  // the kernel takes what it allows
    if (connection.is_firehose && is_window_raised &&
        setsockopt(connection.descriptor, SOL_SOCKET, SO_RCVLOWAT, &most, sizeof(most)) != 0) {
      bench::die_errno("SO_RCVLOWAT");
    }
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = &connection;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection.descriptor, &event) != 0) bench::die_errno("epoll_ctl");
  }
  void poll() {
    epoll_event events[256];
    const int count = epoll_wait(poller, events, 256, 0);
    for (int i = 0; i < count; ++i) make_ready(*static_cast<Connection*>(events[i].data.ptr));
  }
  void make_ready(Connection& connection) {
    if (!connection.is_ready) ready.push_back(&connection);
    connection.is_ready = true;
  }
  // True: there may be more.
  bool read_once(Connection& connection) {
    const ssize_t got = recv(connection.descriptor, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno != EAGAIN) bench::die_errno("recv");
    if (got <= 0) return false;
    connection.bytes.insert(connection.bytes.end(), buffer.data(), buffer.data() + got);
    return true;
  }
  void tick(int64_t slice_us, bool is_round_robin) {
    const int64_t deadline_us = bench::wall_us() + slice_us;
    snapshots.tick();
    poll();
    if (is_window_raised) make_ready(connections[0]);
    while (!ready.empty() && bench::wall_us() < deadline_us) {
      Connection& connection = *ready.front();
      const bool has_more = read_once(connection);
      if (has_more && !is_round_robin) continue;
      ready.pop_front();
      if (has_more) ready.push_back(&connection);
      connection.is_ready = has_more;
      if (ready.empty()) poll();
    }
  }
  void gameplay() {
    snapshots.gameplay(waits);  // what is urgent first
    for (Connection& connection : connections) {
      if (connection.is_firehose) {
        firehose.add(connection.bytes.data(), connection.bytes.size());
        connection.bytes.clear();
        continue;
      }
      size_t at = 0;
      for (bench::Stamp stamp; at + sizeof(stamp) <= connection.bytes.size(); at += sizeof(stamp)) {
        std::memcpy(&stamp, connection.bytes.data() + at, sizeof(stamp));
        waits.add(stamp.sent_ns);
      }
      connection.bytes.erase(connection.bytes.begin(), connection.bytes.begin() + static_cast<ptrdiff_t>(at));
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads a firehose and trickles with bare system calls.");
  bench::TalkerOptions options;
  options.add_to(app);
  uint32_t trickles = 0, interval_us = 100'000;
  Reader reader;
  bool is_round_robin = false;
  double seconds = 4;
  uint16_t enet = 0;
  app.add_option("--trickles", trickles, "streams that bring a stamp now and then")->capture_default_str();
  app.add_option("--interval-us", interval_us, "how often")->capture_default_str();
  app.add_flag("--round-robin", is_round_robin, "64 KiB of each in turn");
  app.add_flag("--raise-window", reader.is_window_raised, "set the firehose's SO_RCVLOWAT as high as it goes");
  app.add_option("--enet", enet, "ENet port of bench_enet_players, for snapshots")->capture_default_str();
  app.add_option("--seconds", seconds, "how long")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  if (enet != 0) reader.snapshots.open(enet);
  reader.connections.resize(trickles + 1);
  reader.open(reader.connections[0], options.talker, "firehose");
  for (uint32_t i = 1; i <= trickles; ++i) reader.open(reader.connections[i], options.talker, "trickle " + std::to_string(interval_us));
  reader.waits.begin();
  bench::FrameLoop frames(options.frames_per_s);
  while (frames.frames() == 0 || frames.seconds() < seconds) {
    frames.wait_for_frame();
    reader.waits.tick_begins();
    frames.tick_begins();
    reader.tick(options.slice_us, is_round_robin);
    frames.tick_ends();
    reader.gameplay();
  }
  nlohmann::json report = frames.report();
  report["overruns"] = frames.overruns(options.slice_us);
  report["bytes"] = reader.firehose.size_bytes();
  report["stamps"] = reader.waits.count();
  if (reader.waits.count() > 0) report["wait_us"] = reader.waits.waits_us(), report["wait_frames"] = reader.waits.waits_frames();
  const bool is_right = reader.firehose.hex() == bench::content_hash(reader.firehose.size_bytes());
  report["verified"] = is_right && reader.firehose.size_bytes() > 0;  // starving the trickles is what some loops do
  std::printf("%s\n", report.dump().c_str());
}
