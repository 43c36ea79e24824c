/* SPDX-License-Identifier: MIT
 *
 * A host as it was built in the days of an older header (each folder beside this file is one: the headers of that version, which
 * never change). It loads today's library, streams a megabyte to itself in both modes, and sees that every struct it hands
 * out is filled up to the size it knows and not a byte further.
 * usage: host LIBRARY */
#include <dlfcn.h>
#include <framepump/framepump.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CANARY 0xa5
/* A struct with bytes behind it that belong to somebody else. */
#define GUARDED(type) \
  struct {            \
    type value;       \
    unsigned char behind[256]; \
  }
#define ARM(guarded)                                                 \
  (memset(&(guarded), CANARY, sizeof(guarded)), memset(&(guarded).value, 0, sizeof((guarded).value)), \
   (guarded).value.struct_size = sizeof((guarded).value))

static void check(int is_true, const char* what, const char* why) {
  if (is_true) return;
  printf("%s: %s\n", what, why);
  exit(1);
}
#define OK(call) check((call) == FRAMEPUMP_OK, #call, api->last_error(network))
#define WITHIN(guarded) check(is_intact((guarded).behind, sizeof((guarded).behind)), #guarded, "was written beyond its size")

static int is_intact(const unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != CANARY) return 0;
  }
  return 1;
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const framepump_api* api;
static framepump_handle network;
static uint64_t frames;

static int64_t clock_us(void* user) {
  ++*(uint64_t*)user;
  return now_us();
}

static void next_frame(void) {
  GUARDED(framepump_tick_report) report;
  const framepump_frame frame = {.struct_size = sizeof(frame), .number = ++frames, .now_us = now_us()};
  ARM(report);
  OK(api->flush(network));
  OK(api->wait_until(network, now_us() + 1000, FRAMEPUMP_WAIT_FIRST_DATA));
  OK(api->tick(network, &frame, &report.value));
  WITHIN(report);
  check(report.value.struct_size == sizeof(report.value), "report", "has another size");
  check(frames < 20000, "the exchange", "takes too many frames");
}

/* Counts the bytes 0, 1, 2 ... 250, 0 ... from one end to the other. */
static void exchange(uint64_t total) {
  framepump_handle listener = 0, sender = 0, receiver = 0;
  framepump_endpoint here = {.struct_size = sizeof(here), .host = "127.0.0.1", .priority = FRAMEPUMP_PRIORITY_NORMAL};
  uint64_t sent = 0, received = 0;
  OK(api->listen(network, &here, &listener));
  OK(api->listener_port(listener, &here.port));
  OK(api->connect(network, &here, &sender));
  OK(api->set_user_data(sender, 7));
  while (received < total) {
    unsigned char piece[8192];
    for (size_t i = 0; i < sizeof(piece); ++i) piece[i] = (unsigned char)((sent + i) % 251);
    uint64_t taken = 0;
    const uint64_t size = total - sent < sizeof(piece) ? total - sent : sizeof(piece);
    if (size > 0) OK(api->write(sender, piece, size, &taken));
    sent += taken;
    next_frame();
    const framepump_event* events = NULL;
    const framepump_handle* readable = NULL;
    uint32_t count = 0;
    OK(api->events(network, &events, &count));
    for (uint32_t i = 0; i < count; ++i) {
      if (events[i].kind == FRAMEPUMP_EVENT_ACCEPTED && events[i].other == listener) receiver = events[i].handle;
      if (events[i].kind == FRAMEPUMP_EVENT_CONNECTED) check(events[i].user_data == 7, "user_data", "is another one");
      check(events[i].kind != FRAMEPUMP_EVENT_CLOSED, "closed", api->reason_name(events[i].reason));
    }
    OK(api->readable(network, &readable, &count));
    check(count <= 1 && (count == 0 || readable[0] == receiver), "readable", "names another stream");
    const void* view = NULL;
    for (uint64_t run = 0; count > 0 && api->front(receiver, &view, &run) == FRAMEPUMP_OK; received += run) {
      for (uint64_t i = 0; i < run; ++i) {
        check(((const unsigned char*)view)[i] == (received + i) % 251, "the bytes", "are others than were sent");
      }
      OK(api->consume(receiver, run));
    }
  }
  GUARDED(framepump_stream_info) info;
  ARM(info);
  OK(api->stream_info(receiver, &info.value));
  WITHIN(info);
  check(info.value.received_bytes == total, "stream_info", "counts another number of bytes");
  OK(api->close(sender));
  OK(api->close(listener));
  for (int closed = 0; closed < 2;) {
    const framepump_event* events = NULL;
    uint32_t count = 0;
    next_frame();
    OK(api->events(network, &events, &count));
    for (uint32_t i = 0; i < count; ++i) closed += events[i].kind == FRAMEPUMP_EVENT_CLOSED;
  }
}

#if FRAMEPUMP_VERSION >= 2000
static void exchange_datagrams(void) {
  framepump_host_options options = {.struct_size = sizeof(options), .priority = FRAMEPUMP_PRIORITY_NORMAL, .host = "127.0.0.1"};
  framepump_endpoint there = {.struct_size = sizeof(there), .host = "127.0.0.1"};
  framepump_handle server = 0, client = 0, peer = 0;
  GUARDED(framepump_host_info) host_info;
  GUARDED(framepump_peer_info) peer_info;
  OK(api->host_open(network, &options, &server));
  OK(api->host_port(server, &there.port));
  options.host = NULL;
  OK(api->host_open(network, &options, &client));
  OK(api->peer_connect(client, &there, 5, &peer));
  for (int is_sent = 0, is_received = 0; !is_received;) {
    const framepump_received* messages = NULL;
    uint32_t count = 0;
    next_frame();
    if (!is_sent) is_sent = api->send(peer, 0, "hello", 5, FRAMEPUMP_RELIABLE) == FRAMEPUMP_OK;
    OK(api->messages(network, &messages, &count));
    for (uint32_t i = 0; i < count; ++i) {
      is_received = messages[i].host == server && messages[i].size_bytes == 5 && memcmp(messages[i].payload, "hello", 5) == 0;
    }
  }
  ARM(host_info);
  OK(api->host_info(server, &host_info.value));
  WITHIN(host_info);
  check(host_info.value.received_messages == 1, "host_info", "counts another number of messages");
  ARM(peer_info);
  OK(api->peer_info(peer, &peer_info.value));
  WITHIN(peer_info);
  check(peer_info.value.sent_messages == 1, "peer_info", "counts another number of messages");
}
#else
static void exchange_datagrams(void) {}
#endif

int main(int argc, char** argv) {
  void* library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  framepump_get_api_function get_api = NULL;
  if (library != NULL) *(void**)&get_api = dlsym(library, "framepump_get_api");
  check(get_api != NULL, "dlopen", argc == 2 ? dlerror() : "wants LIBRARY");
  api = get_api(FRAMEPUMP_VERSION);
  check(api != NULL, "framepump_get_api", "this library does not serve version " FRAMEPUMP_VERSION_STRING);
  check(api->version >= FRAMEPUMP_VERSION && api->struct_size >= sizeof(*api), "the table", "is smaller than it was");

  uint64_t clock_calls = 0;
  framepump_services services = {.struct_size = sizeof(services), .user = &clock_calls, .now_us = clock_us};
  framepump_message message = {.struct_size = sizeof(message)};
  GUARDED(framepump_config) config;
  ARM(config);
  OK(api->config_init(&config.value, sizeof(config.value)));
  WITHIN(config);
  config.value.slice_us = 1999;
  check(api->network_create(&config.value, &services, &network, &message) == FRAMEPUMP_OK, "network_create", message.text);
  exchange(1000000);
  OK(api->set_mode(network, FRAMEPUMP_MODE_THREADED));
  exchange(1000000);
  exchange_datagrams();

  ARM(config);
  OK(api->network_config(network, &config.value));
  WITHIN(config);
  check(config.value.slice_us == 1999 && config.value.threaded == 1, "network_config", "is not what was set");
  config.value.slice_us = 1998;
  OK(api->network_configure(network, &config.value));
  GUARDED(framepump_totals) totals;
  ARM(totals);
  OK(api->totals(network, &totals.value));
  WITHIN(totals);
  check(totals.value.ticks == frames && totals.value.accepts == 2, "totals", "count something else");
  OK(api->network_destroy(network));
  check(clock_calls > 0, "services.now_us", "was never called");
  check(dlclose(library) == 0, "dlclose", "failed");
  printf("a host of %s got what it sent\n", FRAMEPUMP_VERSION_STRING);
  return 0;
}
