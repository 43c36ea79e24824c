// SPDX-License-Identifier: MIT
#include "demo/client/file_update.h"

#include <cstdio>
#include <filesystem>
#include <string_view>

namespace demo {
namespace {

constexpr uint32_t kManyAttempts = 1000;  // in a row: our own server is missed for half an hour

// Name and password in it are nobody's business.
std::string shown(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == std::string::npos) return url;
  const std::string_view authority = std::string_view(url).substr(begin + 3, url.find_first_of("/?#", begin + 3) - begin - 3);
  const size_t at = authority.rfind('@');
  return at == std::string_view::npos ? url : url.substr(0, begin + 3) + url.substr(begin + 3 + at + 1);
}

}  // namespace

FileUpdate::~FileUpdate() {
  if (download_) (void)(source_.is_kept ? download_.close() : download_.abort());
}

void FileUpdate::set_reading(bool reads) {
  if (reads == reads_) return;
  reads_ = reads;
  was_paused_ = true;
  if (download_ && state_ == UpdateState::under_way) (void)(reads ? download_.resume() : download_.pause());
}

void FileUpdate::update(int64_t now_us) {
  if (state_ != UpdateState::under_way) return;
  if (!is_begun_) {
    if (knows_hash()) start(now_us);
    return;
  }
  for (const framepump::Event& event : network_.events()) {
    if (event.handle == download_.value()) on_event(event, now_us);
  }
  if (state_ == UpdateState::under_way) look();
}

// What nobody knows is not waited for.
bool FileUpdate::knows_hash() {
  if (source_.expected == nullptr || !source_.sha256.empty()) return true;
  source_.sha256 = source_.expected->sha256().value_or("");
  return !source_.sha256.empty();
}

void FileUpdate::start(int64_t now_us) {
  is_begun_ = true;
  begin_us_ = now_us;
  framepump::DownloadOptions options;
  if (!source_.sha256.empty()) options.sha256 = source_.sha256.c_str();
  if (!source_.ca_file.empty()) options.ca_file = source_.ca_file.c_str();
  if (!source_.is_kept) options.flags |= FRAMEPUMP_DOWNLOAD_NO_SYNC;  // nobody misses it after a loss of power
  if (!reads_) options.flags |= FRAMEPUMP_DOWNLOAD_PAUSED;
  if (source_.expected != nullptr) {
    options.expected_bytes = source_.expected->size_bytes();
    options.attempts = kManyAttempts;
    options.proxy = "";  // no other server has it
  }
  const framepump::Result<framepump::Download> download = network_.download(source_.url.c_str(), source_.path.c_str(), options);
  if (!download) return fail(download.error().text());
  download_ = *download;
}

void FileUpdate::on_event(const framepump::Event& event, int64_t now_us) {
  if (event.what() != framepump::EventKind::download_finished && event.what() != framepump::EventKind::download_failed) return;
  look();
  end_us_ = now_us;
  if (event.what() == framepump::EventKind::download_failed) return fail(event.words());
  state_ = UpdateState::finished;
  std::error_code ignored;
  if (!source_.is_kept) std::filesystem::remove(source_.path, ignored);
}

void FileUpdate::look() {
  const framepump::Result<framepump::DownloadInfo> info = download_.info();
  if (!info) return;
  info_ = *info;
  trouble_ = info_.text;
  info_.text = info_.url = nullptr;  // they are valid until the next tick only
  if (info_.attempt > attempt_ && attempt_ > 0 && !was_paused_) {
    interruptions_ += info_.attempt - attempt_;
    std::fprintf(stderr, "demo_client: %s: %s; trying again after %llu of %llu bytes\n", shown(source_.url).c_str(), trouble_.c_str(),
                 static_cast<unsigned long long>(info_.bytes), static_cast<unsigned long long>(info_.total_bytes));
  }
  if (info_.attempt > attempt_) was_paused_ = !reads_;
  attempt_ = info_.attempt;
}

void FileUpdate::fail(const std::string& why) {
  state_ = UpdateState::failed;
  why_ = why;
  std::fprintf(stderr, "demo_client: %s\n", why.c_str());
}

std::string FileUpdate::status() const {
  if (state_ == UpdateState::failed) return why_;
  if (state_ == UpdateState::finished) return finished_status();
  if (!is_begun_) return "hashing what it must be";
  const std::string by = is_secret() ? " over HTTPS" : " over HTTP";
  switch (info_.where()) {
    case framepump::DownloadState::checking: return "checking the part that is there";
    case framepump::DownloadState::connecting: return "connecting" + by;
    case framepump::DownloadState::receiving: return "receiving" + by;
    case framepump::DownloadState::waiting: return "waiting to try again: " + trouble_;
    case framepump::DownloadState::paused: return "paused, its connection is given back";
    case framepump::DownloadState::finishing: return "received, verifying";
    default: return "waiting for its turn";
  }
}

std::string FileUpdate::finished_status() const {
  if (!source_.sha256.empty()) return is_secret() ? "finished, verified by TLS and SHA-256" : "finished, verified by SHA-256";
  if (is_secret()) return "finished; only TLS vouches for it, since its SHA-256 is not known";
  return "finished; nothing vouches for it (no TLS, no SHA-256)";
}

UpdateSight FileUpdate::sight(int64_t now_us) const {
  UpdateSight sight;
  sight.state = state_;
  sight.status = status();
  sight.from = shown(source_.url);
  sight.over = is_secret() ? "https" : "http";
  sight.bytes = info_.bytes;
  sight.size_bytes = source_.expected != nullptr ? source_.expected->size_bytes() : info_.total_bytes;
  sight.resumed_bytes = info_.resumed_bytes;
  sight.interruptions = interruptions_;
  if (is_begun_) sight.seconds = static_cast<double>((end_us_ != 0 ? end_us_ : now_us) - begin_us_) / 1e6;
  if (info_.where() == framepump::DownloadState::receiving && info_.remaining_ms >= 0) sight.left_s = static_cast<double>(info_.remaining_ms) / 1e3;
  const bool is_finished = state_ == UpdateState::finished;
  sight.is_verified = is_finished && !source_.sha256.empty();
  if (is_finished) sight.verified_by = sight.is_verified ? "sha256" : is_secret() ? "tls" : "";
  return sight;
}

}  // namespace demo
