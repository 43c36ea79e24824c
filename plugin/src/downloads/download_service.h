// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "downloads/http_fields.h"
#include "framepump/framepump_download.h"
#include "gate/download_gate.h"
#include "platform/file_thread.h"
#include "platform/host.h"
#include "platform/wake_signal.h"

namespace framepump {

// The settings that downloads look at. Written by the game thread, read by the file thread.
struct DownloadSettings {
  std::atomic<uint32_t> parallel{3};
  std::atomic<uint32_t> attempts{5};
  std::atomic<uint32_t> redirects{10};
  std::atomic<uint32_t> connect_timeout_ms{10'000};
  std::atomic<uint64_t> rate_bytes{0};
  std::atomic<int64_t> retry_us{500'000};
  std::atomic<int64_t> retry_limit_us{30'000'000};
  std::atomic<int64_t> stall_us{20'000'000};
};

constexpr size_t kDownloadPathBytes = 4096;
constexpr size_t kDownloadHeaderBytes = 2048;

// The options of one download, checked and copied.
struct DownloadRequest {
  UrlText url;  // without user info
  FixedText<512> user_info;
  FixedText<kDownloadPathBytes> path;
  FixedText<kDownloadHeaderBytes> headers;
  FixedText<512> http_proxy;   // empty: none
  FixedText<512> https_proxy;
  FixedText<1024> no_proxy;
  FixedText<kDownloadPathBytes> ca_file;
  uint8_t sha256[32] = {};
  bool has_sha256 = false;
  uint32_t flags = 0;
  uint32_t http_version = 0;
  uint64_t expected_bytes = 0;
  uint64_t size_limit_bytes = 0;
  uint64_t rate_bytes = 0;
  uint32_t attempts = 0;
};

// One download; the list of orders links it.
struct DownloadJob : HandoffLink {
  explicit DownloadJob(uint32_t slot) : gate(*this, slot) {}

  DownloadGate gate;
  DownloadRequest request;
};

class NameLookup;

// All downloads of a network: gameplay's side of what the file thread does. But for the list of notices all calls are for the thread that
// owns the network.
class DownloadService {
 public:
  virtual ~DownloadService() = default;

  // A job to be filled in and ordered to start. Null: no memory.
  virtual DownloadJob* make_job(uint32_t slot) = 0;
  // One that was never started, or that is released.
  virtual void destroy_job(DownloadJob* job) = 0;
  virtual void order(DownloadJob& job, uint32_t bits) = 0;
  // The file thread leaves all downloads as they are, with their parts kept. Waits for it.
  virtual void shut_down() = 0;

  HandoffList notices;
  HandoffReader notice_reader{notices};
  std::atomic<uint32_t> untold_ends{0};
  DownloadSettings settings;
};

// The wishes of `options` as a request. False: `why` names what is wrong with them and what is allowed.
bool read_download_options(const framepump_download_options& options, DownloadRequest& out, FixedText<400>& why);

// Starts the file thread if there is none yet. Null: `error` is a FRAMEPUMP_ERROR_*, and `why` says why there are no downloads. `ended` is
// raised when one ends. `names` null: the hosts file knows all names that there are.
DownloadService* make_download_service(const Host& host, FileThread& files, WakeSignal& ended, NameLookup* names, uint32_t& error,
                                       const char*& why);
void destroy_download_service(const Host& host, DownloadService* service);

}  // namespace framepump
