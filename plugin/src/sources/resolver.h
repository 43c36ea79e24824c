// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"
#include "platform/address.h"
#include "sources/pump_waker.h"

namespace framepump {

class Host;
class Pump;
class FileThread;
class HandoffList;
class Resolver;
struct LiveSettings;
struct NameEntry;

// Addresses of one family that a look-up keeps; a name that has more is reached by the first ones, whose order servers change.
constexpr uint32_t kAddressesPerFamily = 8;

// What is known of a name. Lives as long as the call that hands it over; ports are 0.
struct NameAnswer {
  bool is_final = false;      // false: of one family only, the other's answer is still to come
  uint8_t reason = 0;         // FRAMEPUMP_REASON_NAME_* when there are no addresses; final
  uint32_t ipv6_count = 0;
  uint32_t ipv4_count = 0;
  const SocketAddress* ipv6 = nullptr;
  const SocketAddress* ipv4 = nullptr;
  const char* text = "";      // no addresses: a sentence without the name: which servers were asked for what, and what they said
};

// Somebody's question for a name: derive from it. One question at a time.
class LookUp {
 public:
  LookUp() = default;
  LookUp(const LookUp&) = delete;
  LookUp& operator=(const LookUp&) = delete;

  // Of one family (at most once), then of both: that is the last call. By the holder of the pump's token, in the resolver's turn or within
  // look_up. It may ask again, and do no more than note what it is told: hundreds may wait for the same name.
  virtual void on_answer(const NameAnswer& answer) = 0;

  bool is_asking() const { return entry_ != nullptr; }

 protected:
  ~LookUp() = default;  // forget it before

 private:
  friend class NameCache;
  NameEntry* entry_ = nullptr;
  LookUp* previous_ = nullptr;
  LookUp* next_ = nullptr;
  bool knows_one_family_ = false;
};

// Looks names up, in the pump: no thread, nothing that waits. Everything here but start is for the holder of the pump's token.
class Resolver {
 public:
  virtual ~Resolver() = default;

  // Game thread, outside of tick, before the first look_up; again it does nothing. False: no thread or descriptor for the files to be had.
  virtual bool start(FileThread& files) = 0;
  // `name` has passed check_host_name. The answer may come within the call. False: out of memory, nothing will come.
  virtual bool look_up(LookUp& look_up, const char* name, int64_t now_us) = 0;
  // Nothing will come any more. Nothing when it is not asking.
  virtual void forget(LookUp& look_up) = 0;
  // Why there is no answer yet: a sentence without the name, for whose patience ended. Valid until the next call.
  virtual const char* describe(const LookUp& look_up) = 0;
  // A frame-locked tick begins: c-ares keeps a clock of its own, whatever gameplay's does.
  virtual void on_tick() = 0;
};

struct ResolverOptions {
  const Host& host;
  Pump& pump;
  HandoffList& commands;  // gameplay to pump
  LiveSettings& settings;
  PumpWaker& waker;
};

// Null: this plugin was built without names (has_names is false), or there is no memory. The host's destroy ends it: after the file thread
// has stopped, and after every LookUp was forgotten.
constexpr const char* kNoNamesText = "this plugin was built without names (FRAMEPUMP_WITH_NAMES)";
bool has_names();
Resolver* make_resolver(const ResolverOptions& options);
void destroy_resolver(const Host& host, Resolver* resolver);

}  // namespace framepump
