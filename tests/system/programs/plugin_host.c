/* SPDX-License-Identifier: MIT
 *
 * A host in C: loads the plugin from the folder it lies in, sends itself a message and prints what arrived. Links without the plugin. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <framepump/framepump.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const framepump_api* load_api(void) {
  char path[4096] = "";
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
  if (length <= 0) return NULL;
  strcpy(strrchr(path, '/'), "/libframepump_plugin.so");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  framepump_get_api_function get_api = NULL;
  if (library != NULL) *(void**)&get_api = dlsym(library, "framepump_get_api");
  if (get_api == NULL) fprintf(stderr, "plugin_host: %s\n", dlerror());
  return get_api == NULL ? NULL : get_api(FRAMEPUMP_VERSION);
}

static int64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(void) {
  const framepump_api* api = load_api();
  framepump_config config;
  framepump_message message = {.struct_size = sizeof(message)};
  framepump_handle network = 0, listener = 0, stream = 0;
  framepump_endpoint here = {.struct_size = sizeof(here), .host = "127.0.0.1", .priority = FRAMEPUMP_PRIORITY_NORMAL};
  if (api == NULL || api->config_init(&config, sizeof(config)) != FRAMEPUMP_OK) return 1;
  if (api->network_create(&config, NULL, &network, &message) != FRAMEPUMP_OK) return puts(message.text), 1;
  if (api->listen(network, &here, &listener) != FRAMEPUMP_OK || api->listener_port(listener, &here.port) != FRAMEPUMP_OK ||
      api->connect(network, &here, &stream) != FRAMEPUMP_OK || api->write_all(stream, "hello, plugin", 13) != FRAMEPUMP_OK) {
    return puts(api->last_error(network)), 1;
  }
  for (uint64_t number = 1; number < 1000; ++number) {
    const framepump_frame frame = {.struct_size = sizeof(frame), .number = number, .now_us = clock_us()};
    const framepump_handle* readable = NULL;
    const void* view = NULL;
    uint32_t count = 0;
    api->tick(network, &frame, NULL);
    api->readable(network, &readable, &count);
    if (count > 0 && api->peek(readable[0], 13, &view) == FRAMEPUMP_OK) {
      printf("%s: %.13s\n", api->version_string(), (const char*)view);
      return api->network_destroy(network) == FRAMEPUMP_OK ? 0 : 1;
    }
    api->flush(network);
    api->wait_until(network, clock_us() + 10000, FRAMEPUMP_WAIT_FIRST_DATA);
  }
  return puts("nothing arrived"), 1;
}
