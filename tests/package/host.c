/* SPDX-License-Identifier: MIT
 *
 * A host for a plugin of which ENet or the TOML reader may have been left out, and which may have names, TLS and downloads: streams work in
 * any case, and what is not there says so.
 * usage: host with|without with|without CONFIG [OPTIONS]     ENet, TOML, a path for a config file to write; names,tls,downloads */
#include <framepump/framepump.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const framepump_api* api;

static void check(int is_true, const char* what, const char* said) {
  if (is_true) return;
  printf("%s: %s\n", what, said);
  exit(1);
}

static void check_stream(framepump_handle network) {
  framepump_endpoint here = {.struct_size = sizeof(here), .host = "127.0.0.1", .priority = FRAMEPUMP_PRIORITY_NORMAL};
  framepump_handle listener = 0, stream = 0;
  const framepump_handle* readable = NULL;
  const void* view = NULL;
  uint32_t count = 0;
  check(api->listen(network, &here, &listener) == FRAMEPUMP_OK, "listen", api->last_error(network));
  api->listener_port(listener, &here.port);
  check(api->connect(network, &here, &stream) == FRAMEPUMP_OK, "connect", api->last_error(network));
  check(api->write_all(stream, "hello", 5) == FRAMEPUMP_OK, "write_all", api->last_error(network));
  for (uint64_t number = 1; count == 0 && number < 100000; ++number) {
    const framepump_frame frame = {.struct_size = sizeof(frame), .number = number, .now_us = (int64_t)number * 1000};
    api->tick(network, &frame, NULL);
    api->flush(network);
    api->wait_until(network, 0, FRAMEPUMP_WAIT_DEADLINE);
    api->readable(network, &readable, &count);
  }
  check(count == 1 && api->peek(readable[0], 5, &view) == FRAMEPUMP_OK && memcmp(view, "hello", 5) == 0, "the stream", "nothing arrived");
  api->consume(readable[0], 5);
}

static void check_datagrams(framepump_handle network, int is_there) {
  const framepump_host_options options = {.struct_size = sizeof(options), .host = "127.0.0.1"};
  const framepump_received* messages = NULL;
  framepump_handle host = 0;
  uint32_t count = 1;
  const uint32_t error = api->host_open(network, &options, &host);
  const char* said = api->last_error(network);
  if (is_there) {
    check(error == FRAMEPUMP_OK, "host_open", said);
  } else {
    check(error == FRAMEPUMP_ERROR_UNSUPPORTED && host == 0, "host_open without ENet", api->error_name(error));
    check(strstr(said, "FRAMEPUMP_WITHOUT_ENET") != NULL, "host_open without ENet says", said);
  }
  check(api->messages(network, &messages, &count) == FRAMEPUMP_OK && count == 0, "messages", "are not none");
}

static void check_config_file(const char* path, int is_there) {
  FILE* file = fopen(path, "w");
  check(file != NULL && fputs("[pump]\nslice_us = 1234\n", file) >= 0 && fclose(file) == 0, path, "cannot be written");
  framepump_config config = {.struct_size = sizeof(config)};
  framepump_message message = {.struct_size = sizeof(message)};
  framepump_handle network = 0;
  const uint32_t loaded = api->config_load(&config, sizeof(config), path, &message);
  if (is_there) {
    check(loaded == FRAMEPUMP_OK && config.slice_us == 1234, "config_load", message.text);
    check(api->network_open(path, NULL, &network, &message) == FRAMEPUMP_OK, "network_open", message.text);
    check(api->network_destroy(network) == FRAMEPUMP_OK, "network_destroy", "failed");
    return;
  }
  check(loaded == FRAMEPUMP_ERROR_CONFIG, "config_load without TOML", api->error_name(loaded));
  check(strstr(message.text, path) != NULL && strstr(message.text, "FRAMEPUMP_WITHOUT_TOML") != NULL, "config_load says", message.text);
  const uint32_t opened = api->network_open(path, NULL, &network, &message);
  check(opened == FRAMEPUMP_ERROR_CONFIG && network == 0, "network_open without TOML", api->error_name(opened));
  check(strstr(message.text, "FRAMEPUMP_WITHOUT_TOML") != NULL, "network_open says", message.text);
}

/* With an option the call goes well, and without it is refused in words that name the define. */
static void check_option(const char* name, int is_there, uint32_t error, uint32_t refusal, const char* said, const char* define) {
  if (is_there) {
    check(error == FRAMEPUMP_OK, name, said);
  } else {
    check(error == refusal, name, api->error_name(error));
    check(strstr(said, define) != NULL, name, said);
  }
}

/* Nothing of it has to succeed but the call. */
static void check_options(framepump_handle network, const char* path, const char* options) {
  const framepump_tls tls = {.struct_size = sizeof(tls), .flags = FRAMEPUMP_TLS_WITHOUT_VERIFICATION};
  const framepump_endpoint named = {.struct_size = sizeof(named), .host = "localhost", .port = 9, .priority = FRAMEPUMP_PRIORITY_NORMAL};
  const framepump_endpoint secure = {
      .struct_size = sizeof(secure), .host = "127.0.0.1", .port = 9, .priority = FRAMEPUMP_PRIORITY_NORMAL, .tls = &tls};
  const framepump_download_options file = {
      .struct_size = sizeof(file), .url = "http://127.0.0.1:9/x", .path = path, .priority = FRAMEPUMP_PRIORITY_NORMAL, .proxy = ""};
  framepump_handle handle = 0;
  uint32_t error = api->connect(network, &named, &handle);
  check_option("connect to a name", strstr(options, "names") != NULL, error, FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC, api->last_error(network),
               "FRAMEPUMP_WITH_NAMES");
  error = api->connect(network, &secure, &handle);
  check_option("connect with TLS", strstr(options, "tls") != NULL, error, FRAMEPUMP_ERROR_UNSUPPORTED, api->last_error(network),
               "FRAMEPUMP_WITH_TLS");
  error = api->download_start(network, &file, &handle);
  check_option("download_start", strstr(options, "downloads") != NULL, error, FRAMEPUMP_ERROR_UNSUPPORTED, api->last_error(network),
               "FRAMEPUMP_WITH_DOWNLOADS");
}

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return puts("usage: host with|without with|without CONFIG [OPTIONS]"), 2;
  api = framepump_get_api(FRAMEPUMP_VERSION);
  framepump_config config;
  framepump_handle network = 0;
  check(api != NULL && api->config_init(&config, sizeof(config)) == FRAMEPUMP_OK, "framepump_get_api", "gives nothing");
  check(api->network_create(&config, NULL, &network, NULL) == FRAMEPUMP_OK, "network_create", "failed");
  check_stream(network);
  check_datagrams(network, strcmp(argv[1], "with") == 0);
  check_stream(network);
  check_options(network, argv[3], argc == 5 ? argv[4] : "");
  check(api->network_destroy(network) == FRAMEPUMP_OK, "network_destroy", "failed");
  check_config_file(argv[3], strcmp(argv[2], "with") == 0);
  return 0;
}
