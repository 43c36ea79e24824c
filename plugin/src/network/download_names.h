// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "downloads/name_lookup.h"
#include "platform/file_thread.h"
#include "sources/commandable.h"
#include "sources/host_name.h"
#include "sources/resolver.h"

namespace framepump {

// The names of downloads, asked on the file thread and looked up in the pump: a question is a command to whoever pumps next, and its answer wakes
// the file thread. Destroyed when nobody pumps any more.
class DownloadNames final : public NameLookup {
 public:
  DownloadNames(Resolver& resolver, HandoffList& commands, PumpWaker& waker, FileThread& files)
      : resolver_(resolver), commands_(commands), waker_(waker), files_(files) {
    for (Question& question : questions_) question.names = this;
  }
  ~DownloadNames();

  uint32_t ask(const char* host) override;
  bool look(uint32_t ticket, HostAddresses& answer) override;
  void forget(uint32_t ticket) override;

 private:
  static constexpr uint32_t kQuestions = 64;  // download.parallel is no more
  enum class State : uint8_t { free, asked, answered, leaving };

  // Who may touch it: free and answered, the file thread; asked and leaving, the holder of the pump's token.
  struct Question final : Commandable, LookUp {
    void on_commands(uint32_t bits, int64_t now_us) override;
    void on_answer(const NameAnswer& answer) override;
    void answer(const char* error);

    DownloadNames* names = nullptr;
    std::atomic<State> state{State::free};
    FixedText<kNameBytes> host;
    HostAddresses addresses;
  };

  Question& question_of(uint32_t ticket) { return questions_[ticket - 1]; }

  Resolver& resolver_;
  HandoffList& commands_;
  PumpWaker& waker_;
  FileThread& files_;
  Question questions_[kQuestions];
};

}  // namespace framepump
