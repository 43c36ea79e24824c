// SPDX-License-Identifier: MIT
//
// The files that say how names are looked up. Only for the resolver.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "platform/file_thread.h"
#include "sources/resolver_setup.h"

namespace framepump {

class Commandable;
class HandoffList;
class NameSockets;
class PumpWaker;
struct LiveSettings;

// Reads hosts file and resolv.conf on the file thread, and makes a setup of them if they, or the settings of names, have changed.
class NameFilesReader final : private FileWork {
 public:
  struct Parts {
    const Host& host;
    LiveSettings& settings;
    NameSockets& sockets;
    HandoffList& commands;  // where `owner` is posted after each look
    Commandable& owner;
    PumpWaker& waker;
  };
  explicit NameFilesReader(const Parts& parts);
  ~NameFilesReader();  // after the file thread has stopped

  const char* hosts_path() const { return hosts_path_; }
  const char* resolv_conf_path() const { return resolv_conf_path_; }

  // Game thread. The first look begins. False: no thread or descriptor to be had.
  bool start(FileThread& files);

  // The token holder's:
  void look_again();
  bool has_looked() const;  // as often as was asked for
  // What the newest look made; null: nothing has changed, or there is no memory.
  NameSetup* take() { return made_.exchange(nullptr, std::memory_order_acquire); }
  // Without a channel. Freed on the file thread: a hosts file can be large.
  void give_back(NameSetup* setup);

 private:
  int64_t work() override;
  void look();
  static std::string_view read_whole(const char* path, std::span<char> buffer, bool& is_too_large);
  NameSetup* make_setup(std::string_view hosts, bool hosts_too_large, const char* servers);
  void open_channel(NameSetup& setup, const char* servers);

  const Parts parts_;
  FileThread* files_ = nullptr;  // null: not started
  char resolv_conf_path_[4096] = {};
  char hosts_path_[4096] = {};
  bool has_library_ = false;

  // both sides
  std::atomic<uint32_t> looks_wanted_{0};
  std::atomic<uint32_t> looks_done_{0};
  std::atomic<NameSetup*> made_{nullptr};      // not taken yet
  std::atomic<NameSetup*> outdated_{nullptr};  // given back, not freed yet

  // the file thread's
  uint64_t seen_ = 0;  // what the newest setup was made of
  bool has_seen_ = false;
};

}  // namespace framepump
