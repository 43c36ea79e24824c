// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "downloads/download_service.h"
#include "downloads/http_engine.h"
#include "downloads/name_lookup.h"
#include "downloads/pace.h"
#include "downloads/part_file.h"

namespace framepump {

// What all downloads of one network share on the file thread.
struct DownloadDesk {
  const Host& host;
  HttpEngine* engine;        // null: there is none, and engine_error says why
  const char* engine_error;
  NameLookup& names;
  DownloadService& service;
  WakeSignal& ended;
  Pace pace;             // of all together
  uint64_t random = 0;   // the newest number
};

// One download. Everything but the base class is the file thread's own:
//
//   queued -> checking (the part's hash) -> asking (the host's addresses) -> transferring -> finishing -> ended
//     ^            redirected, with another URL: ^_______________________________|
//     |__ waiting (another attempt later) or paused _____________________________|
class Download final : public DownloadJob, private HttpClient {
 public:
  Download(uint32_t slot, const Host& host) : DownloadJob(slot), part_(host) {}

  void take_orders(uint32_t bits, DownloadDesk& desk, int64_t now_us);
  bool is_running() const { return phase_ != Phase::queued && phase_ != Phase::waiting && phase_ != Phase::paused && phase_ != Phase::ended; }
  bool is_queued() const { return phase_ == Phase::queued; }
  bool is_ended() const { return phase_ == Phase::ended; }
  bool is_released() const { return is_released_; }
  // When a place is free for it.
  void begin_attempt(DownloadDesk& desk, int64_t now_us);
  // Does a piece of what it is at. The monotonic_us at which it is to be called again at the latest.
  int64_t step(DownloadDesk& desk, int64_t now_us);
  // The network goes: whatever it is at stops, and the part stays.
  void drop(DownloadDesk& desk);
  // Something that a tick can see is new since the last call.
  bool take_news();

  // The queue's own.
  Download* next_one = nullptr;
  uint64_t order_number = 0;  // of those of one priority, the lower begins first

 private:
  enum class Phase : uint8_t { queued, checking, asking, transferring, waiting, paused, finishing, ended };
  enum class Part : uint8_t { keep, remove };

  // The response that comes.
  struct Response {
    uint32_t status = 0;
    std::optional<uint64_t> content_bytes;
    std::optional<ContentRange> range;
    bool has_bad_range = false;
    bool has_encoding = false;
    FixedText<256> etag;
    FixedText<64> last_modified;
    FixedText<64> date;
    FixedText<64> retry_after;
    UrlText location;
    bool is_location_too_long = false;
  };
  // What was found out while curl was calling, to be acted on afterwards.
  enum class Verdict : uint8_t { none, anew, size, disk, broken, memory, discarded };

  // HttpClient
  bool on_header(std::string_view line) override;
  BodyAnswer on_body(std::span<const char> bytes) override;
  void on_end(HttpEnd end, const char* text) override;

  // download.cpp
  void set_phase(Phase phase, uint32_t state);
  void stop_exchange(DownloadDesk& desk);
  void pause_or_go_on(DownloadDesk& desk);
  bool open_part(DownloadDesk& desk);
  int64_t check(DownloadDesk& desk);
  int64_t finish(DownloadDesk& desk);
  void succeed(DownloadDesk& desk);
  void leave_part(Part part);
  const char* kept() const;
  void fail(DownloadDesk& desk, uint32_t reason, Part part, const char* format, ...) __attribute__((format(printf, 5, 6)));
  void fail_disk(DownloadDesk& desk, const char* doing, const DiskResult& result);
  void retry(DownloadDesk& desk, uint32_t reason, const char* format, ...) __attribute__((format(printf, 4, 5)));
  void start_anew(DownloadDesk& desk, uint32_t reason, const char* why);
  int64_t back_off_us(DownloadDesk& desk) const;
  void end(DownloadDesk& desk, uint32_t reason, uint32_t state);
  void tell_words(const char* text);

  // download_transfer.cpp
  void ask(DownloadDesk& desk);
  int64_t look_for_answer(DownloadDesk& desk, int64_t now_us);
  void start_exchange(DownloadDesk& desk, const HostAddresses* answer);
  int64_t watch_exchange(DownloadDesk& desk, int64_t now_us);
  void keep_field(const HeaderField& field);
  bool begin_body();
  bool begin_whole_body();
  bool begin_partial_body();
  bool is_size_allowed(uint64_t total_bytes);
  void judge_end(DownloadDesk& desk);
  void judge_status(DownloadDesk& desk);
  void redirect(DownloadDesk& desk);
  bool may_resume() const;
  uint64_t size_limit() const { return request.expected_bytes != 0 ? request.expected_bytes : request.size_limit_bytes; }
  const char* proxy_for(const Url& url) const;
  bool give_up(Verdict verdict);

  Phase phase_ = Phase::queued;
  bool is_released_ = false;
  bool is_checked_ = false;       // the part's hash
  bool is_range_bad_ = false;     // the server does not know what it is
  bool has_started_anew_ = false; // since the hash was wrong
  uint8_t finish_step_ = 0;
  uint32_t failures_ = 0;         // in a row, of attempts that brought little
  uint32_t attempt_ = 0;
  uint32_t redirects_ = 0;
  int64_t not_before_us_ = 0;
  int64_t server_wait_us_ = 0;    // Retry-After
  uint64_t best_bytes_ = 0;  // that were ever here
  uint32_t told_state_ = 0;
  uint64_t told_bytes_ = 0;

  PartFile part_;
  UrlText url_;                   // that is asked now
  HostAddresses answer_;
  uint32_t ticket_ = NameLookup::kNoTicket;

  // Of the exchange under way.
  DownloadDesk* desk_ = nullptr;
  HttpExchange* exchange_ = nullptr;
  Response response_;
  Verdict verdict_ = Verdict::none;
  DiskResult disk_;
  FixedText<300> why_;            // of the verdict, or curl's
  bool is_connected_ = false;
  bool is_body_ = false;          // headers that come now are trailers
  bool is_wanted_ = false;        // the body is the file's
  bool is_paced_ = false;
  bool has_ended_ = false;
  HttpEnd end_ = HttpEnd::complete;
  uint64_t offset_bytes_ = 0;     // that was asked for
  uint64_t total_bytes_ = 0;      // 0: unknown
  uint64_t discarded_bytes_ = 0;
  uint64_t window_bytes_ = 0;     // came since window_began_us_
  int64_t window_began_us_ = 0;
  Pace pace_;
  RateMeter meter_;
};

}  // namespace framepump
