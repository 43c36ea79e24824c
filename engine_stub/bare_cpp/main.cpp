// SPDX-License-Identifier: MIT
//
// The smallest engine in C++: a plain SDL2 loop that fetches the update of the demo's server and shows in its title how far it is.
// usage: bare_cpp HOST PORT [--frames N]     ends with 0 when everything has arrived, after N frames at the latest
#include <SDL.h>
#include <framepump/framepump.hpp>

#include <array>
#include <cstdlib>

namespace fp = framepump;

constexpr uint32_t kUpdateBytes = 16'000'000;
static int64_t now_us() { return static_cast<int64_t>(SDL_GetPerformanceCounter() / (SDL_GetPerformanceFrequency() / 1'000'000)); }
static int fail(const char* text, int status = 1) { return SDL_Log("%s", text), status; }

int main(int argc, char** argv) {
  if (argc != 3 && (argc != 5 || SDL_strcmp(argv[3], "--frames") != 0)) return fail("usage: bare_cpp HOST PORT [--frames N]", 2);
  const uint64_t last_frame = argc == 5 ? std::strtoull(argv[4], nullptr, 10) : UINT64_MAX;
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.now_us = [](void*) { return now_us(); };
  fp::Result<fp::Network> net = fp::Network::create(fp::Api::linked(), {}, &services);
  if (!net) return fail(net.error().text());
  fp::Result<fp::Stream> stream = net->connect(argv[1], static_cast<uint16_t>(std::atoi(argv[2])), fp::Priority::bulk);
  if (!stream) return fail(stream.error().text());
  // "FPuq", the protocol's version, and as 64 bits each: the seed, the offset, the size. It leaves once we are connected.
  const std::array<uint32_t, 8> request = {SDL_SwapLE32(0x71755046), SDL_SwapLE32(1), 0, 0, 0, 0, SDL_SwapLE32(kUpdateBytes), 0};
  if (fp::Status sent = stream->write_all(std::as_bytes(std::span(request))); !sent) return fail(sent.error().text());
  if (SDL_Init(SDL_INIT_VIDEO) != 0) return fail(SDL_GetError());
  SDL_Window* window = SDL_CreateWindow("FramePump", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, 480, 120, 0);

  constexpr uint64_t kWanted = kUpdateBytes + 28;  // the answer's header
  uint64_t received = 0;
  uint64_t frame = 1;
  for (bool running = true; running && received < kWanted && frame <= last_frame; ++frame) {
    for (SDL_Event event; SDL_PollEvent(&event) != 0;) running = running && event.type != SDL_QUIT;
    const int64_t begin_us = now_us();
    net->tick({.frame = frame, .now_us = begin_us});  // receive
    for (auto bytes = stream->front(); !bytes.empty(); bytes = stream->front()) {
      received += bytes.size();
      if (!stream->consume(bytes.size())) return fail(net->last_error());
    }
    for (const fp::Event& event : net->events()) {
      if (event.what() != fp::EventKind::closed) continue;
      running = false;
      SDL_Log("closed: %s", fp::Api::linked()->reason_name(event.reason));
    }
    char title[64];
    SDL_snprintf(title, sizeof(title), "%.1f of %.1f MB", static_cast<double>(received) / 1e6, kWanted / 1e6);
    SDL_SetWindowTitle(window, title);   // the game
    net->flush();                        // send
    net->wait_until(begin_us + 16'667);  // instead of SDL_Delay
  }
  SDL_Log("received %llu bytes in %llu frames", static_cast<unsigned long long>(received), static_cast<unsigned long long>(frame - 1));
  SDL_Quit();
  return received < kWanted ? 1 : 0;
}
