// SPDX-License-Identifier: MIT
#include "network/download_names.h"

#include <algorithm>

namespace framepump {
namespace {

constexpr uint32_t kCommandAsk = 1;
constexpr uint32_t kCommandForget = 2;

}  // namespace

DownloadNames::~DownloadNames() {
  for (Question& question : questions_) resolver_.forget(question);
}

uint32_t DownloadNames::ask(const char* host) {
  for (uint32_t i = 0; i < kQuestions; ++i) {
    Question& question = questions_[i];
    if (question.state.load(std::memory_order_acquire) != State::free) continue;
    question.addresses = {};
    if (!question.host.assign(host)) return kNoTicket;
    const char* wrong = wrong_in_host_name(host);
    if (wrong != nullptr) {
      question.addresses.error.format("\"%.150s\" is no host name: %.80s", host, wrong);
      question.state.store(State::answered, std::memory_order_relaxed);
      return i + 1;
    }
    question.state.store(State::asked, std::memory_order_relaxed);
    commands_.post(question, kCommandAsk);
    waker_.wake_pump();
    return i + 1;
  }
  return kNoTicket;
}

bool DownloadNames::look(uint32_t ticket, HostAddresses& answer) {
  Question& question = question_of(ticket);
  if (question.state.load(std::memory_order_acquire) != State::answered) return false;
  answer = question.addresses;
  question.state.store(State::free, std::memory_order_relaxed);
  return true;
}

// One that is answered in this moment is free in the next.
void DownloadNames::forget(uint32_t ticket) {
  Question& question = question_of(ticket);
  State asked = State::asked;
  if (question.state.compare_exchange_strong(asked, State::leaving, std::memory_order_acq_rel)) {
    commands_.post(question, kCommandForget);
    waker_.wake_pump();
  } else {
    question.state.store(State::free, std::memory_order_relaxed);
  }
}

// Both commands may come together: then nothing is asked any more.
void DownloadNames::Question::on_commands(uint32_t bits, int64_t now_us) {
  if ((bits & kCommandForget) != 0) {
    names->resolver_.forget(*this);
    state.store(State::free, std::memory_order_release);
  } else if (!names->resolver_.look_up(*this, host.c_str(), now_us)) {
    answer("out of memory");
  }
}

// All addresses, those of IPv6 first; curl tries them in turn with a head start for the first.
void DownloadNames::Question::on_answer(const NameAnswer& told) {
  if (!told.is_final) return;
  addresses.count = 0;
  constexpr uint32_t kEach = HostAddresses::kMostAddresses / 2;
  const uint32_t ipv6 = std::min(told.ipv6_count, std::max(kEach, HostAddresses::kMostAddresses - std::min(told.ipv4_count, HostAddresses::kMostAddresses)));
  for (uint32_t i = 0; i < ipv6; ++i) addresses.addresses[addresses.count++] = told.ipv6[i];
  for (uint32_t i = 0; i < told.ipv4_count && addresses.count < HostAddresses::kMostAddresses; ++i) addresses.addresses[addresses.count++] = told.ipv4[i];
  answer(told.text);
}

void DownloadNames::Question::answer(const char* error) {
  if (addresses.count == 0) addresses.error.format("\"%.100s\" has no address: %.140s", host.c_str(), error);
  State asked = State::asked;
  if (state.compare_exchange_strong(asked, State::answered, std::memory_order_acq_rel)) names->files_.wake();
}

}  // namespace framepump
