// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/coroutines.hpp>

#include <cstdint>
#include <span>
#include <string>

#include "demo/server/file_request.h"
#include "demo/server/updates_by_seed.h"

namespace demo {

// The update as a file over HTTPS, one coroutine for each client: any that speaks HTTP, such as a Download of FramePump's, or curl. One
// answer for each connection, made while it is sent. Data from the wire is never trusted: a request has 4 KiB and 5 seconds, who takes
// nothing for 30 seconds is gone, and who comes when all places are taken is told to come back.
class FileServer {
 public:
  static constexpr size_t kMostClients = 64;

  FileServer(framepump::Network& network, UpdatesBySeed& updates)
      : network_(network), updates_(updates), tasks_(network, framepump::Priority::bulk) {}

  // Port 0: any that is free. Returns the one it is.
  framepump::Result<uint16_t> open(const char* host, uint16_t port, const framepump::Tls& tls);

  // Some client has bytes to come, so the next frame should come soon.
  bool is_busy() const { return sending_ > 0; }
  size_t clients() const { return clients_; }
  framepump::Tasks& tasks() { return tasks_; }  // its methods are tasks of these

 private:
  framepump::Task<> welcome_all();
  framepump::Task<> serve(framepump::TaskStream stream);
  framepump::Task<std::string> read_head(framepump::TaskStream& stream);
  framepump::Task<> send(framepump::TaskStream& stream, FileRequest request);
  framepump::Task<framepump::Status> write(framepump::TaskStream& stream, std::span<const std::byte> bytes);

  framepump::Network& network_;
  UpdatesBySeed& updates_;
  framepump::TaskListener listener_;
  size_t clients_ = 0;
  size_t sending_ = 0;
  framepump::Tasks tasks_;  // the last: they end before the rest goes
};

}  // namespace demo
