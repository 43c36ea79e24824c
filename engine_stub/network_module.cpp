// SPDX-License-Identifier: MIT
#include "engine_stub/network_module.h"

#include <SDL.h>

#include <cstdio>

#include "engine_stub/clock.h"

namespace engine {
namespace {

std::string library_beside_program() {
  char* folder = SDL_GetBasePath();
  const std::string path = std::string(folder != nullptr ? folder : "./") + "libframepump_plugin.so";
  SDL_free(folder);
  return path;
}

}  // namespace

std::unique_ptr<NetworkModule> NetworkModule::load(const std::string& library, const std::string& config_path,
                                                   framepump::extras::TraceRecorder* trace, std::string& error) {
  const std::string path = library.empty() ? library_beside_program() : library;
  void* object = SDL_LoadObject(path.c_str());
  if (object == nullptr) {
    error = SDL_GetError();
    return nullptr;
  }
  std::unique_ptr<NetworkModule> module(
      new NetworkModule(object, framepump::Api::from(SDL_LoadFunction(object, "framepump_get_api"))));
  if (!module->api_) {
    error = path + ": no FramePump " FRAMEPUMP_VERSION_STRING " or newer";
    return nullptr;
  }
  module->trace_ = trace;
  const framepump_services services = module->services();
  framepump::Result<framepump::Network> network = framepump::Network::open(module->api_, config_path.c_str(), &services);
  if (!network) {
    error = network.error().text();
    return nullptr;
  }
  module->network_.emplace(std::move(network).value());
  return module;
}

// What the engine does not set, the plugin brings itself. Only log is bound to the game's thread.
framepump_services NetworkModule::services() {
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.user = this;
  services.now_us = [](void*) { return now_us(); };
  services.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) {
    return static_cast<NetworkModule*>(self)->memory_.allocate(size_bytes, alignment);
  };
  services.release = [](void* self, void* released, uint64_t size_bytes, uint64_t alignment) {
    static_cast<NetworkModule*>(self)->memory_.release(released, size_bytes, alignment);
  };
  services.log = [](void*, uint32_t level, const char* text) {
    constexpr const char* kLevels[] = {"info", "warning", "error"};
    std::fprintf(stderr, "network: %s: %s\n", kLevels[level < 3 ? level : 2], text);
  };
  if (trace_ == nullptr) return services;
  services.thread_started = [](void*, const char* name) { framepump::extras::TraceRecorder::note_thread(name); };
  services.trace = [](void* self, const framepump_trace_event* event) { static_cast<NetworkModule*>(self)->trace_->add(*event); };
  return services;
}

NetworkModule::~NetworkModule() {
  network_.reset();  // before its code goes
  if (held_bytes() != 0) {
    std::fprintf(stderr, "engine: the network module left %llu bytes behind\n", static_cast<unsigned long long>(held_bytes()));
  }
  SDL_UnloadObject(library_);
}

const framepump::TickReport& NetworkModule::tick(uint64_t frame, int64_t frame_now_us) {
  const int64_t begin_us = now_us();
  report_ = network_->tick({.frame = frame, .now_us = frame_now_us});
  tick_meter_.add(now_us() - begin_us);
  return report_;
}

}  // namespace engine
