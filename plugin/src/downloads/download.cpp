// SPDX-License-Identifier: MIT
//
// A download's life on the file thread: attempts, pauses, the end.
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include "downloads/download.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "platform/clock.h"
#include "platform/socket.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int64_t kNever = FileWork::kNotBefore;
// An attempt that brought so much was no failure: the count of those in a row begins anew.
constexpr uint64_t kGoodAttemptBytes = uint64_t{1} << 20;

// splitmix64.
uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// What does not fit is cut off.
template <size_t N>
void copy_text(char (&out)[N], std::string_view text) {
  const size_t size = std::min(text.size(), N - 1);
  std::memcpy(out, text.data(), size);
  out[size] = '\0';
}

// Of a long path the end: it tells more.
std::string_view end_of(std::string_view path, size_t most_bytes) { return path.substr(path.size() - std::min(path.size(), most_bytes)); }

}  // namespace

void Download::set_phase(Phase phase, uint32_t state) {
  phase_ = phase;
  gate.state.store(state, kRelaxed);
}

void Download::take_orders(uint32_t bits, DownloadDesk& desk, int64_t now_us) {
  if ((bits & kOrderStart) != 0) {
    url_ = request.url;
    pace_.set_rate(request.rate_bytes, now_us);
    set_phase(Phase::queued, FRAMEPUMP_DOWNLOAD_QUEUED);
  }
  if (phase_ != Phase::ended && (bits & (kOrderClose | kOrderAbort)) != 0) {
    const bool is_abort = (bits & kOrderAbort) != 0;
    if (is_abort && !part_.is_open() && request.path.size() != 0) (void)part_.open(request);  // it may be there from another time
    stop_exchange(desk);
    fail(desk, is_abort ? FRAMEPUMP_REASON_ABORTED_HERE : FRAMEPUMP_REASON_CLOSED_HERE, is_abort ? Part::remove : Part::keep, "%s%s",
         is_abort ? "aborted here; nothing is kept" : "closed here", is_abort ? "" : kept());
  }
  if (phase_ != Phase::ended) pause_or_go_on(desk);
  if ((bits & kOrderRelease) != 0) is_released_ = true;
}

// A pause gives its place and its connection back: neither is held for a player who went for a walk.
void Download::pause_or_go_on(DownloadDesk& desk) {
  const bool is_wanted = gate.is_pause_wanted.load(kRelaxed);
  if (is_wanted == (phase_ == Phase::paused) || phase_ == Phase::finishing) return;
  if (!is_wanted) return set_phase(Phase::queued, FRAMEPUMP_DOWNLOAD_QUEUED);
  stop_exchange(desk);
  set_phase(Phase::paused, FRAMEPUMP_DOWNLOAD_PAUSED_HERE);
}

void Download::stop_exchange(DownloadDesk& desk) {
  if (ticket_ != NameLookup::kNoTicket) desk.names.forget(ticket_);
  ticket_ = NameLookup::kNoTicket;
  if (exchange_ != nullptr) desk.engine->stop(exchange_);
  exchange_ = nullptr;
  has_ended_ = false;
  if (part_.is_open()) (void)part_.flush();  // what the disk does not take is asked for again
  part_.drop_buffer();
  gate.bytes_per_s.store(0, kRelaxed);
}

void Download::drop(DownloadDesk& desk) {
  if (phase_ == Phase::ended) return;
  stop_exchange(desk);
  leave_part(Part::keep);
  phase_ = Phase::ended;
}

bool Download::take_news() {
  const uint32_t state = gate.state.load(kRelaxed);
  const uint64_t bytes = gate.bytes.load(kRelaxed);
  if (state == told_state_ && bytes == told_bytes_) return false;
  told_state_ = state;
  told_bytes_ = bytes;
  return true;
}

void Download::begin_attempt(DownloadDesk& desk, int64_t now_us) {
  if (desk.engine == nullptr) return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "there are no downloads: %s", desk.engine_error);
  gate.attempt.store(++attempt_, kRelaxed);
  url_ = request.url;
  redirects_ = 0;
  gate.redirects.store(0, kRelaxed);
  server_wait_us_ = 0;
  meter_.restart(now_us);
  if (!part_.is_open() && !open_part(desk)) return;
  if (part_.is_memory_short()) return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "no memory for a hash%s", kept());
  best_bytes_ = std::max(best_bytes_, part_.resume_bytes());
  if (request.has_sha256 && !is_checked_ && part_.resume_bytes() > 0) {
    set_phase(Phase::checking, FRAMEPUMP_DOWNLOAD_CHECKING);
  } else {
    ask(desk);
  }
}

// Before anything is asked of a server: a path that cannot be written is told at once.
bool Download::open_part(DownloadDesk& desk) {
  if (is_folder(request.path.c_str())) {
    fail(desk, FRAMEPUMP_REASON_DOWNLOAD_FILE, Part::keep, "it is a folder; allowed is the path of a file");
    return false;
  }
  const DiskResult result = part_.open(request);
  if (!result.ok()) {
    fail_disk(desk, "opened", result);
    return false;
  }
  gate.resumed_bytes.store(part_.resume_bytes(), kRelaxed);
  gate.bytes.store(part_.resume_bytes(), kRelaxed);
  gate.total_bytes.store(part_.resume_bytes() > 0 ? part_.state().total_bytes : 0, kRelaxed);
  return true;
}

int64_t Download::step(DownloadDesk& desk, int64_t now_us) {
  switch (phase_) {
    case Phase::waiting:
      if (now_us < not_before_us_) return not_before_us_;
      set_phase(Phase::queued, FRAMEPUMP_DOWNLOAD_QUEUED);
      pause_or_go_on(desk);  // it may have been asked for while there was nothing to pause
      return now_us;
    case Phase::checking: return check(desk);
    case Phase::asking: return look_for_answer(desk, now_us);
    case Phase::transferring: return watch_exchange(desk, now_us);
    case Phase::finishing: return finish(desk);
    default: return kNever;
  }
}

int64_t Download::check(DownloadDesk& desk) {
  DiskResult result;
  const bool is_done = part_.check_some(result);
  if (!result.ok()) {
    fail_disk(desk, "read", result);
  } else if (is_done) {
    if (part_.is_memory_short()) {
      fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "no memory to check the part with%s", kept());
      return 0;
    }
    is_checked_ = true;
    ask(desk);
  }
  return 0;
}

// One step at a time, since each may wait for a disk.
int64_t Download::finish(DownloadDesk& desk) {
  const uint64_t bytes = part_.bytes();
  DiskResult result;
  switch (finish_step_++) {
    case 0: {
      if (request.expected_bytes != 0 && bytes != request.expected_bytes) {
        fail(desk, FRAMEPUMP_REASON_DOWNLOAD_SIZE, Part::remove, "the file has %llu bytes, allowed are the %llu of expected_bytes",
             static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(request.expected_bytes));
        return kNever;
      }
      if (!request.has_sha256) return 0;
      uint8_t digest[32];
      part_.end_hash(digest);
      if (std::equal(std::begin(digest), std::end(digest), std::begin(request.sha256))) return 0;
      // A part of another time may have been spoilt; the server gets one chance to send all of it.
      if (gate.resumed_bytes.load(kRelaxed) > 0 && !has_started_anew_) {
        has_started_anew_ = true;
        start_anew(desk, FRAMEPUMP_REASON_DOWNLOAD_HASH, "the part that was there does not fit the SHA-256");
        return 0;
      }
      char is[65];
      char wanted[65];
      format_sha256(digest, is);
      format_sha256(request.sha256, wanted);
      fail(desk, FRAMEPUMP_REASON_DOWNLOAD_HASH, Part::remove, "its SHA-256 is %s, allowed is %s", is, wanted);
      return kNever;
    }
    case 1:
      if ((request.flags & FRAMEPUMP_DOWNLOAD_NO_SYNC) == 0) result = part_.sync();
      if (!result.ok()) fail_disk(desk, "written to the disk", result);
      return 0;
    case 2:
      result = part_.rename_to(request.path.c_str());
      if (!result.ok()) fail_disk(desk, "renamed to its own name", result);
      return 0;
    default:
      if ((request.flags & FRAMEPUMP_DOWNLOAD_NO_SYNC) == 0) result = sync_folder_of(request.path.c_str());
      if (!result.ok()) {
        fail_disk(desk, "made sure of (it is there, but its folder may not be on the disk)", result);
      } else {
        succeed(desk);
      }
      return kNever;
  }
}

void Download::succeed(DownloadDesk& desk) {
  part_.close();
  copy_text(gate.end.text, end_of(request.path.view(), DownloadWords::kTextBytes - 1));
  end(desk, FRAMEPUMP_REASON_NONE, FRAMEPUMP_DOWNLOAD_FINISHED);
}

void Download::fail_disk(DownloadDesk& desk, const char* doing, const DiskResult& result) {
  char reason[128] = "";
  system_message(result.system_code, reason);
  const uint64_t bytes = part_.is_open() ? part_.resume_bytes() : 0;
  if (result.status == DiskStatus::locked) {
    fail(desk, FRAMEPUMP_REASON_DOWNLOAD_FILE, Part::keep, "another download writes to this path already");
  } else if (result.status == DiskStatus::full) {
    fail(desk, FRAMEPUMP_REASON_DOWNLOAD_DISK_FULL, Part::keep, "the disk is full (%s) after %llu bytes; the part is kept, so free some space and start again", reason,
         static_cast<unsigned long long>(bytes));
  } else {
    fail(desk, FRAMEPUMP_REASON_DOWNLOAD_FILE, Part::keep, "the file could not be %s: %s; allowed is a path in a folder that is there and can be written", doing, reason);
  }
}

// For the end of a text.
const char* Download::kept() const { return part_.is_open() && !part_.is_empty() ? "; the part is kept" : ""; }

void Download::leave_part(Part part) {
  if (part_.is_open() && (part == Part::remove || part_.is_empty())) part_.remove();
  part_.close();
}

// Every text begins with what was downloaded to where.
void Download::fail(DownloadDesk& desk, uint32_t reason, Part part, const char* format, ...) {
  stop_exchange(desk);
  leave_part(part);
  va_list arguments;
  va_start(arguments, format);
  char text[320];
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  constexpr size_t kShownPathBytes = 80;
  const std::string_view path = end_of(request.path.view(), kShownPathBytes);
  std::snprintf(gate.end.text, sizeof(gate.end.text), "%.100s to %s%.*s: %.318s", request.url.c_str(), path.size() < request.path.size() ? "..." : "",
                static_cast<int>(path.size()), path.data(), text);
  end(desk, reason, FRAMEPUMP_DOWNLOAD_FAILED);
}

// The last thing that is told of it.
void Download::end(DownloadDesk& desk, uint32_t reason, uint32_t state) {
  gate.reason = reason;
  copy_text(gate.end.url, url_.view());
  set_phase(Phase::ended, state);
  gate.bytes_per_s.store(0, kRelaxed);
  desk.service.untold_ends.fetch_add(1);
  desk.service.notices.post(gate, kDownloadEnded);
  desk.ended.raise();
}

void Download::tell_words(const char* text) {
  if (gate.has_words.load(std::memory_order_acquire)) return;
  copy_text(gate.words.text, text);
  copy_text(gate.words.url, url_.view());
  gate.has_words.store(true, std::memory_order_release);
}

void Download::retry(DownloadDesk& desk, uint32_t reason, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char words[320];
  std::vsnprintf(words, sizeof(words), format, arguments);
  va_end(arguments);
  stop_exchange(desk);
  const uint64_t bytes = part_.resume_bytes();
  // Against the most there ever was: a server that always sends the same beginning does not get further.
  const bool was_good = bytes >= best_bytes_ + kGoodAttemptBytes;
  best_bytes_ = std::max(best_bytes_, bytes);
  failures_ = was_good ? 1 : failures_ + 1;
  const uint32_t limit = request.attempts != 0 ? request.attempts : desk.service.settings.attempts.load(kRelaxed);
  if (failures_ >= limit) {
    const uint32_t times = failures_;
    return fail(desk, reason, Part::keep, "%.200s; given up after %u attempt%s (download.attempts)%s", words, times, times == 1 ? "" : "s", kept());
  }
  not_before_us_ = monotonic_us() + back_off_us(desk);
  set_phase(Phase::waiting, FRAMEPUMP_DOWNLOAD_WAITING);
  tell_words(words);
}

// Exponential with full jitter (M. Brooker, "Exponential Backoff And Jitter"): clients that one server lost at the same moment do not come
// back at the same moment. What the server asks for is the least, within the limit.
int64_t Download::back_off_us(DownloadDesk& desk) const {
  const int64_t limit_us = desk.service.settings.retry_limit_us.load(kRelaxed);
  const int64_t first_us = desk.service.settings.retry_us.load(kRelaxed);
  const uint32_t doublings = std::min(failures_ - 1, 20u);
  const int64_t longest_us = std::min(limit_us, first_us << doublings);
  const auto drawn_us = static_cast<int64_t>(next_random(desk.random) % static_cast<uint64_t>(longest_us + 1));
  return std::max(drawn_us, std::min(server_wait_us_, limit_us));
}

// The part is of no use. That is an attempt like others, or a server could have us come back for ever; but there is nothing to wait for.
void Download::start_anew(DownloadDesk& desk, uint32_t reason, const char* why) {
  stop_exchange(desk);
  part_.forget();
  retry(desk, reason, "%s", why);
  if (phase_ != Phase::waiting) return;
  not_before_us_ = 0;
  finish_step_ = 0;
  gate.resumed_bytes.store(0, kRelaxed);
  gate.bytes.store(0, kRelaxed);
}

}  // namespace framepump

#endif
