/* SPDX-License-Identifier: MIT
 *
 * A host that exports ENet's names itself, as an engine does that links its own copy: the dynamic linker prefers them to those of the
 * library that the plugin was built for, even though the plugin is loaded with RTLD_LOCAL. Prints what host_open says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <framepump/framepump.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* Only one of them needs to be there for a mixture that cannot work. Never reached. */
EXPORTED int enet_host_service(void* host, void* event, uint32_t timeout);
EXPORTED int enet_host_service(void* host, void* event, uint32_t timeout) {
  (void)host, (void)event, (void)timeout;
  puts("the wrong function was called");
  return -1;
}

int main(void) {
  char path[4096] = "";
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
  if (length <= 0) return 1;
  strcpy(strrchr(path, '/'), "/libframepump_plugin.so");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  framepump_get_api_function get_api = NULL;
  if (library != NULL) *(void**)&get_api = dlsym(library, "framepump_get_api");
  if (get_api == NULL) return puts(dlerror()), 1;
  const framepump_api* api = get_api(FRAMEPUMP_VERSION);
  framepump_config config;
  framepump_handle network = 0, host = 0;
  if (api == NULL || api->config_init(&config, sizeof(config)) != FRAMEPUMP_OK) return 1;
  if (api->network_create(&config, NULL, &network, NULL) != FRAMEPUMP_OK) return 1;
  const framepump_host_options options = {.struct_size = sizeof(options), .priority = FRAMEPUMP_PRIORITY_NORMAL};
  const uint32_t error = api->host_open(network, &options, &host);
  printf("%s: %s\n", api->error_name(error), api->last_error(network));
  return api->network_destroy(network) == FRAMEPUMP_OK ? 0 : 1;
}
