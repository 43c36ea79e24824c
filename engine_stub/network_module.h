// SPDX-License-Identifier: MIT
#pragma once

#include <extras/trace_recorder.h>
#include <framepump/framepump.hpp>

#include <memory>
#include <optional>
#include <string>

#include "engine_stub/frame_meter.h"
#include "engine_stub/module_memory.h"

namespace engine {

// The plugin as a module of the engine: a shared library that is loaded while the engine runs, gets the engine's services (clock,
// allocator, log), and has its place in the frame. The engine links nothing of it.
class NetworkModule {
 public:
  // Loads the library (its path; empty: beside the program) and opens the network with the config file. `trace` (may be null) outlives it.
  // Null: `error` says why.
  static std::unique_ptr<NetworkModule> load(const std::string& library, const std::string& config_path,
                                             framepump::extras::TraceRecorder* trace, std::string& error);
  ~NetworkModule();
  NetworkModule(const NetworkModule&) = delete;
  NetworkModule& operator=(const NetworkModule&) = delete;

  framepump::Network& network() { return *network_; }
  std::string version() const { return api_->version_string(); }
  const framepump_api& api() const { return *api_.table(); }
  framepump::Api library() const { return api_; }

  // First in the frame: receive. Measured with the engine's clock around the call.
  const framepump::TickReport& tick(uint64_t frame, int64_t now_us);
  // After gameplay: send.
  void flush() { network_->flush(); }

  const framepump::TickReport& report() const { return report_; }
  const FrameMeter& tick_meter() const { return tick_meter_; }
  uint64_t held_bytes() const { return memory_.held_bytes(); }

 private:
  NetworkModule(void* library, framepump::Api api) : library_(library), api_(api) {}

  framepump_services services();

  void* library_;
  framepump::Api api_;
  ModuleMemory memory_;
  framepump::extras::TraceRecorder* trace_ = nullptr;
  std::optional<framepump::Network> network_;
  framepump::TickReport report_;
  FrameMeter tick_meter_;
};

}  // namespace engine
