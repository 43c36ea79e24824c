// SPDX-License-Identifier: MIT
//
// The plugin as a shared library: a C host that knows its header only, and hosts that load and unload it over and over.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "support/openssl.h"
#include "support/test_network.h"

using namespace framepump::test;
namespace fs = std::filesystem;

namespace {

fs::path program_folder() { return fs::read_symlink("/proc/self/exe").parent_path(); }
fs::path library_path() { return program_folder() / "libframepump_plugin.so"; }

uint32_t count_entries(const char* folder) {
  uint32_t count = 0;
  for ([[maybe_unused]] const fs::directory_entry& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

// One that was joined may be on its way out of the kernel for a moment.
uint32_t count_threads() {
  uint32_t fewest = UINT32_MAX;
  for (int i = 0; i < 50; ++i) {
    fewest = std::min(fewest, count_entries("/proc/self/task"));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fewest;
}

// Lines of this process's map; with a word: those that have it.
uint32_t count_mappings(const std::string& word = "") {
  std::ifstream maps("/proc/self/maps");
  uint32_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(word) != std::string::npos;
  return count;
}

// What may grow when something leaks.
struct Footprint {
  uint32_t descriptors = count_entries("/proc/self/fd");
  uint32_t threads = count_threads();
  uint32_t mappings = count_mappings();
  uint64_t malloc_bytes = mallinfo2().uordblks + mallinfo2().hblkhd;
};

// The balance of the host's allocator and the helper threads seen.
struct HostSide {
  std::atomic<int64_t> balance_bytes{0};
  std::atomic<uint32_t> threads_started{0};

  framepump_services services() {
    framepump_services services = {};
    services.struct_size = sizeof(services);
    services.user = this;
    services.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) -> void* {
      static_cast<HostSide*>(self)->balance_bytes += static_cast<int64_t>(size_bytes);
      return ::operator new(size_bytes, std::align_val_t{alignment}, std::nothrow);
    };
    services.release = [](void* self, void* memory, uint64_t size_bytes, uint64_t alignment) {
      static_cast<HostSide*>(self)->balance_bytes -= static_cast<int64_t>(size_bytes);
      ::operator delete(memory, std::align_val_t{alignment});
    };
    services.thread_started = [](void* self, const char*) { ++static_cast<HostSide*>(self)->threads_started; };
    return services;
  }
};

enum class Secure : uint8_t { no, yes };

// Both helper threads, a listener, and a stream that carries a message and is still open in the end.
void use_network(const framepump_api& loaded, const char* config_path, const framepump_services& services, Secure secure) {
  framepump_handle network = 0;
  framepump_handle listener = 0;
  framepump_handle stream = 0;
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 0, nullptr};
  REQUIRE_EQ(loaded.network_open(config_path, &services, &network, nullptr), FRAMEPUMP_OK);
  const TlsOptions server_options = secure == Secure::yes ? TlsOptions::server() : TlsOptions();
  const TlsOptions client_options = secure == Secure::yes ? TlsOptions::client() : TlsOptions();
  const framepump_tls server = server_options.c();
  const framepump_tls client = client_options.c();
  if (secure == Secure::yes) endpoint.tls = &server;
  REQUIRE_EQ(loaded.listen(network, &endpoint, &listener), FRAMEPUMP_OK);
  REQUIRE_EQ(loaded.listener_port(listener, &endpoint.port), FRAMEPUMP_OK);
  if (secure == Secure::yes) endpoint.tls = &client;
  REQUIRE_EQ(loaded.connect(network, &endpoint, &stream), FRAMEPUMP_OK);
  REQUIRE_EQ(loaded.write_all(stream, "hello", 5), FRAMEPUMP_OK);
  framepump_host_options options = {};
  options.struct_size = sizeof(options);
  framepump_handle host = 0;
  framepump_handle peer = 0;
  REQUIRE_EQ(loaded.host_open(network, &options, &host), FRAMEPUMP_OK);
  REQUIRE_EQ(loaded.peer_connect(host, &endpoint, 0, &peer), FRAMEPUMP_OK);  // nobody answers
  uint32_t readable_count = 0;
  const int64_t end_us = now_us() + 10'000'000;
  for (uint64_t number = 1; readable_count == 0 && now_us() < end_us; ++number) {
    const framepump_frame frame = {sizeof(frame), 0, number, now_us()};
    const framepump_handle* streams = nullptr;
    REQUIRE_EQ(loaded.tick(network, &frame, nullptr), FRAMEPUMP_OK);
    REQUIRE_EQ(loaded.flush(network), FRAMEPUMP_OK);
    REQUIRE_EQ(loaded.readable(network, &streams, &readable_count), FRAMEPUMP_OK);
    REQUIRE_EQ(loaded.wait_until(network, now_us() + 1000, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
  }
  CHECK_EQ(readable_count, 1);
  CHECK_EQ(loaded.network_destroy(network), FRAMEPUMP_OK);
}

void load_use_unload(const char* config_path, const framepump_services& services, Secure secure = Secure::no) {
  void* library = dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) FAIL(dlerror());
  const auto get_api = reinterpret_cast<framepump_get_api_function>(dlsym(library, "framepump_get_api"));
  const bool is_its_own = get_api != nullptr && get_api != &framepump_get_api;  // not what this program is linked with
  REQUIRE(is_its_own);
  use_network(*get_api(FRAMEPUMP_VERSION), config_path, services, secure);
  REQUIRE_EQ(dlclose(library), 0);
}

}  // namespace

TEST_CASE("a C program that loads the plugin sends itself a message") {
  FILE* pipe = popen((program_folder() / "plugin_host").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char line[512] = "";
  CHECK(std::fgets(line, sizeof(line), pipe) != nullptr);
  CHECK_EQ(pclose(pipe), 0);
  CHECK_EQ(std::string(line), std::string("FramePump " FRAMEPUMP_VERSION_STRING ": hello, plugin\n"));
}

TEST_CASE("a program that exports ENet's names is told so, with both files, before anything of ENet is called") {
  FILE* pipe = popen((program_folder() / "enet_hijacker").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char line[1024] = "";
  CHECK(std::fgets(line, sizeof(line), pipe) != nullptr);
  CHECK_EQ(pclose(pipe), 0);
  const std::string said = line;
  CAPTURE(said);
  CHECK(said.starts_with("unsupported: "));
  CHECK(said.find("enet_hijacker") != std::string::npos);
  CHECK(said.find("libenet.so") != std::string::npos);
}

TEST_CASE("loading, using and unloading the plugin 100 times leaves no descriptor, thread, mapping or byte") {
  const fs::path config_path = fs::temp_directory_path() / ("framepump_load_" + std::to_string(getpid()) + ".toml");
  std::ofstream(config_path) << "[pump]\nthreaded = true\n[memory]\nbudget_kib = 4096\n";
  HostSide host;
  const framepump_services services = host.services();
  // glibc keeps thread stacks and buffers: its heap grows in two or three steps within 80 rounds, by the length of the library's path
  // (measured), and then no more in 400.
  const uint32_t warm_up_rounds = is_sanitized() ? 5 : 100;
  for (uint32_t i = 0; i < warm_up_rounds; ++i) load_use_unload(config_path.c_str(), services);
  const Footprint before;
  for (uint32_t i = 0; i < 100; ++i) {
    load_use_unload(config_path.c_str(), services);
    REQUIRE_EQ(count_mappings(library_path().filename()), 0);
    REQUIRE_EQ(host.balance_bytes, 0);
  }
  const Footprint after;
  fs::remove(config_path);
  CHECK_EQ(host.threads_started, 2 * (warm_up_rounds + 100));
  CHECK_EQ(after.descriptors, before.descriptors);
  CHECK_EQ(after.threads, before.threads);
  if (is_sanitized()) return;  // their allocators keep what was freed
  CHECK_LE(after.mappings, before.mappings + 4);
  CHECK_LE(after.malloc_bytes, before.malloc_bytes + 16 * 1024);  // 160 bytes a round would show
}

// OpenSSL itself stays, as it wants to; how much memory it keeps is its business.
TEST_CASE("TLS: the plugin can be unloaded after it was used, again and again, and OpenSSL refers to nothing of it") {
  const fs::path config_path = fs::temp_directory_path() / ("framepump_tls_load_" + std::to_string(getpid()) + ".toml");
  std::ofstream(config_path) << "[pump]\nthreaded = true\n[memory]\nbudget_kib = 4096\n";
  HostSide host;
  const framepump_services services = host.services();
  load_use_unload(config_path.c_str(), services, Secure::yes);
  const Footprint before;
  for (uint32_t i = 0; i < 20; ++i) {
    load_use_unload(config_path.c_str(), services, Secure::yes);
    REQUIRE_EQ(count_mappings(library_path().filename()), 0);
    REQUIRE_EQ(host.balance_bytes, 0);
  }
  const Footprint after;
  fs::remove(config_path);
  CHECK_EQ(after.descriptors, before.descriptors);
  CHECK_EQ(after.threads, before.threads);
}
