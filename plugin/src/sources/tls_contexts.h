// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/file_thread.h"
#include "platform/growable_array.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/pump_waker.h"
#include "sources/tls_context.h"

namespace framepump {

// The TLS contexts of a network. Gameplay finds or makes one for each connect, the file thread loads it, and the streams that wait for it
// then have a turn.
//
// for_client and for_server are the game thread's, as are the constructor and destructor, around whose life nobody else is at work.
class TlsContexts final : public FileWork, public Commandable {
 public:
  // `commands` is how the file thread reaches the pump.
  TlsContexts(const Host& host, FileThread& files, HandoffList& commands, WaitingRoom& waiters, PumpWaker& waker)
      : host_(host), files_(files), commands_(commands), waiters_(waiters), waker_(waker), contexts_(host) {}
  ~TlsContexts();

  // Held once for the caller. Null: no memory, or no thread to load it.
  TlsContext* for_client(const framepump_tls& options);
  // The same, loaded already: look whether it failed.
  TlsContext* for_server(const framepump_tls& options);

  int64_t work() override;
  void on_commands(uint32_t bits, int64_t now_us) override;

 private:
  TlsContext* find_kin(const framepump_tls& options);
  TlsContext* add(const framepump_tls& options, TlsRole role);
  void drop_unused();

  const Host& host_;
  FileThread& files_;
  HandoffList& commands_;
  WaitingRoom& waiters_;
  PumpWaker& waker_;
  bool is_at_work_ = false;  // the file thread knows of this
  GrowableArray<TlsContext*> contexts_;  // oldest first, and so kin before who shares with them
  HandoffList to_load_;
  HandoffReader loads_{to_load_};  // the file thread's
};

}  // namespace framepump
