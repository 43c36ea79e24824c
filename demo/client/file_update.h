// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include "demo/client/expected_hash.h"
#include "demo/client/update.h"

namespace demo {

// A file on a web server, and where it goes.
struct FileSource {
  std::string url;
  std::string path;
  bool is_kept = false;              // afterwards; else it is removed as soon as it was verified
  std::string ca_file;               // whom to believe; empty: the system's authorities
  std::string sha256;                // what it must hash to; empty: not known
  ExpectedHash* expected = nullptr;  // of the demo's own update: its size and hash
};

// Downloads the update with the plugin's own downloads: written, hashed and renamed by the file thread, whatever the lane.
class FileUpdate final : public Update {
 public:
  FileUpdate(framepump::Network& network, FileSource source) : network_(network), source_(std::move(source)) {}
  ~FileUpdate() override;
  FileUpdate(const FileUpdate&) = delete;
  FileUpdate& operator=(const FileUpdate&) = delete;

  // False: pauses; the part that is there stays, and the connection goes.
  void set_reading(bool reads) override;
  void update(int64_t now_us) override;
  UpdateSight sight(int64_t now_us) const override;
  framepump::Stream stream() const override { return {}; }

 private:
  bool knows_hash();
  void start(int64_t now_us);
  void on_event(const framepump::Event& event, int64_t now_us);
  void look();
  void fail(const std::string& why);
  std::string status() const;
  std::string finished_status() const;
  bool is_secret() const { return source_.url.starts_with("https:"); }  // and never redirected to what is not

  framepump::Network& network_;
  FileSource source_;
  framepump::Download download_;
  framepump::DownloadInfo info_;  // the newest, but for its texts
  std::string trouble_;           // why the newest attempt failed
  UpdateState state_ = UpdateState::under_way;
  bool is_begun_ = false;
  bool reads_ = true;
  bool was_paused_ = false;  // since the newest attempt began
  uint32_t attempt_ = 0;
  uint32_t interruptions_ = 0;
  int64_t begin_us_ = 0;
  int64_t end_us_ = 0;
  std::string why_;  // it failed
};

}  // namespace demo
