// SPDX-License-Identifier: MIT
//
// Datagrams, with libenet alone: the loop that its tutorial shows, with a time-out of 0, once per frame. `--check-events` is the other
// way that its documentation has: one service call reads what there is, and enet_host_check_events hands out the rest.
// `--without-pause` pumps all the time on a thread that does nothing else, the limit of what ENet can do.
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "bench/support/plain_enet.h"
#include "bench/support/swarm_options.h"

namespace bench = framepump::bench;

namespace {

struct Way {
  bool checks_events = false;
  bool pauses = true;
};

// Until there is nothing more.
template <typename Handle>
void pump(ENetHost* host, const Way& way, Handle handle) {
  ENetEvent event = {};
  if (!way.checks_events) {
    while (enet_host_service(host, &event, 0) > 0) handle(event);
    return;
  }
  // Without events a call has read everything: with some it may have stopped at its 256 datagrams.
  while (enet_host_service(host, &event, 0) > 0) {
    do {
      handle(event);
    } while (enet_host_check_events(host, &event) > 0);
  }
}

uint32_t dropped_by_kernel(const ENetHost* host) {
  uint32_t figures[SK_MEMINFO_VARS] = {};
  socklen_t size_bytes = sizeof(figures);
  if (getsockopt(host->socket, SOL_SOCKET, SO_MEMINFO, figures, &size_bytes) != 0) return 0;
  return figures[SK_MEMINFO_DROPS];
}

int run_swarm(const bench::DatagramOptions& options, const Way& way) {
  const ENetAddress any_port = bench::loopback(ENET_PORT_ANY);
  ENetHost* host = enet_host_create(&any_port, options.clients + 8, bench::kChannels, 0, 0);
  ENetAddress bound = {};
  if (host == nullptr || enet_socket_get_address(host->socket, &bound) != 0) bench::die("no ENet host");
  bench::SwarmRun run(options, bound.port);
  while (run.next_frame()) {
    run.tick_begins();
    pump(host, way, [&](const ENetEvent& event) {
      if (event.type != ENET_EVENT_TYPE_RECEIVE) return;
      run.account.add(event.packet->data, event.packet->dataLength);
      enet_packet_destroy(event.packet);
    });
    enet_host_flush(host);  // as the frame's end, where the others have it too
    run.tick_ends();
  }
  nlohmann::json report = run.report();
  report["kernel_drops"] = dropped_by_kernel(host);
  std::printf("%s\n", report.dump().c_str());
  enet_host_destroy(host);
  return 0;
}

int run_bulk(const bench::DatagramOptions& options, const Way& way) {
  ENetHost* host = enet_host_create(nullptr, 1, bench::kChannels, 0, 0);
  if (host == nullptr) bench::die("no ENet host");
  const ENetAddress address = bench::loopback(options.enet);
  ENetPeer* peer = enet_host_connect(host, &address, bench::kChannels, bench::kWantsBulk);
  bench::FrameLoop frames(options.frames_per_s);
  bench::ByteHash hash;
  const auto handle = [&](const ENetEvent& event) {
    if (event.type != ENET_EVENT_TYPE_RECEIVE) return;
    hash.add(event.packet->data, event.packet->dataLength);
    enet_packet_destroy(event.packet);
  };
  while (!options.is_bulk_over(frames, hash)) {
    if (way.pauses || frames.frames() == 0) frames.wait_for_frame();
    if (way.pauses) frames.tick_begins();
    pump(host, way, handle);
    if (way.pauses) frames.tick_ends();
  }
  bench::print_bulk_report(frames, hash);
  enet_peer_disconnect_now(peer, 0);
  enet_host_destroy(host);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Receives datagrams with libenet alone.");
  bench::DatagramOptions options;
  options.add_to(app);
  Way way;
  app.add_flag("--check-events", way.checks_events, "enet_host_check_events after each service");
  app.add_flag("!--without-pause", way.pauses, "pump all the time instead of once per frame");
  bool has_thread = false;
  app.add_flag("--second-thread", has_thread, "in a process of more than one thread, as games are: malloc and system calls then lock");
  CLI11_PARSE(app, argc, argv);

  if (has_thread) bench::start_idle_thread();
  if (enet_initialize() != 0) bench::die("ENet does not start");
  return options.is_bulk ? run_bulk(options, way) : run_swarm(options, way);
}
