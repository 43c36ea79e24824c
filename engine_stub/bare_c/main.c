/* SPDX-License-Identifier: MIT
 *
 * The smallest engine in C: a plain SDL2 loop that fetches the update of the demo's server and shows in its title how far it is.
 * usage: bare_c HOST PORT [--frames N]     ends with 0 when everything has arrived, after N frames at the latest */
#include <SDL.h>
#include <framepump/framepump.h>

#define UPDATE_BYTES 16000000u

static int64_t now_us(void) { return (int64_t)(SDL_GetPerformanceCounter() / (SDL_GetPerformanceFrequency() / 1000000)); }
static int64_t clock_us(void* user) { return (void)user, now_us(); }

int main(int argc, char** argv) {
  if (argc != 3 && (argc != 5 || SDL_strcmp(argv[3], "--frames") != 0)) return SDL_Log("usage: bare_c HOST PORT [--frames N]"), 2;
  const uint64_t last_frame = argc == 5 ? SDL_strtoull(argv[4], NULL, 10) : UINT64_MAX;
  const framepump_api* api = framepump_get_api(FRAMEPUMP_VERSION);
  if (api == NULL) return SDL_Log("the FramePump library is older than %s", FRAMEPUMP_VERSION_STRING), 1;
  framepump_config config;
  framepump_services services = {.struct_size = sizeof(services), .now_us = clock_us};
  framepump_message message = {.struct_size = sizeof(message)};
  framepump_handle network = 0, stream = 0;
  api->config_init(&config, sizeof(config));
  if (api->network_create(&config, &services, &network, &message) != FRAMEPUMP_OK) return SDL_Log("%s", message.text), 1;
  const framepump_endpoint server = {sizeof(server), 0, argv[1], (uint32_t)SDL_atoi(argv[2]), FRAMEPUMP_PRIORITY_BULK, 0, NULL};
  /* "FPuq", the protocol's version, and as 64 bits each: the seed, the offset, the size. It leaves once we are connected. */
  const uint32_t request[8] = {SDL_SwapLE32(0x71755046), SDL_SwapLE32(1), 0, 0, 0, 0, SDL_SwapLE32(UPDATE_BYTES), 0};
  if (api->connect(network, &server, &stream) != FRAMEPUMP_OK ||
      api->write_all(stream, request, sizeof(request)) != FRAMEPUMP_OK) {
    return SDL_Log("%s", api->last_error(network)), 1;
  }
  if (SDL_Init(SDL_INIT_VIDEO) != 0) return SDL_Log("%s", SDL_GetError()), 1;
  SDL_Window* window = SDL_CreateWindow("FramePump", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, 480, 120, 0);
  const uint64_t wanted = UPDATE_BYTES + 28; /* the answer's header */
  uint64_t received = 0, frame = 1;
  for (int running = 1; running && received < wanted && frame <= last_frame; ++frame) {
    for (SDL_Event event; SDL_PollEvent(&event);) running = running && event.type != SDL_QUIT;
    const framepump_frame begin = {.struct_size = sizeof(begin), .number = frame, .now_us = now_us()};
    const framepump_event* events = NULL;
    const void* view = NULL;
    uint64_t size = 0;
    uint32_t count = 0;
    api->tick(network, &begin, NULL); /* receive */
    for (; api->front(stream, &view, &size) == FRAMEPUMP_OK; received += size) api->consume(stream, size);
    api->events(network, &events, &count);
    for (uint32_t i = 0; i < count; ++i) {
      if (events[i].kind != FRAMEPUMP_EVENT_CLOSED) continue;
      SDL_Log("closed: %s", api->reason_name(events[i].reason));
      running = 0;
    }
    char title[64];
    SDL_snprintf(title, sizeof(title), "%.1f of %.1f MB", (double)received / 1e6, (double)wanted / 1e6);
    SDL_SetWindowTitle(window, title);                                        /* the game */
    api->flush(network);                                                      /* send */
    api->wait_until(network, begin.now_us + 16667, FRAMEPUMP_WAIT_DEADLINE);  /* instead of SDL_Delay */
  }
  SDL_Log("received %llu bytes in %llu frames", (unsigned long long)received, (unsigned long long)(frame - 1));
  api->network_destroy(network);
  SDL_Quit();
  return received < wanted;
}
