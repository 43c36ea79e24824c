// SPDX-License-Identifier: MIT
//
// Downloads: a borrowed handle as those of stream.hpp. Dropping one cancels nothing; using a stale one returns
// ErrorCode::stale_handle. All calls are for the thread that ticks; none blocks.
#pragma once

#include <framepump/framepump_download.h>
#include <framepump/stream.hpp>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

template <typename T>
class Task;

// framepump_download_options with nothing wanted; its comments say what each is. Network::download fills in url and path.
struct DownloadOptions : framepump_download_options {
  DownloadOptions() : framepump_download_options{} {
    struct_size = sizeof(framepump_download_options);
    priority = FRAMEPUMP_PRIORITY_NORMAL;
  }
};

enum class DownloadState : uint32_t {
  queued = FRAMEPUMP_DOWNLOAD_QUEUED,
  checking = FRAMEPUMP_DOWNLOAD_CHECKING,
  connecting = FRAMEPUMP_DOWNLOAD_CONNECTING,
  receiving = FRAMEPUMP_DOWNLOAD_RECEIVING,
  waiting = FRAMEPUMP_DOWNLOAD_WAITING,
  paused = FRAMEPUMP_DOWNLOAD_PAUSED_HERE,
  finishing = FRAMEPUMP_DOWNLOAD_FINISHING,
  finished = FRAMEPUMP_DOWNLOAD_FINISHED,
  failed = FRAMEPUMP_DOWNLOAD_FAILED,
};

struct DownloadInfo : framepump_download_info {
  DownloadInfo() : framepump_download_info{} { struct_size = sizeof(framepump_download_info); }
  DownloadState where() const { return static_cast<DownloadState>(state); }
  bool has_ended() const { return state >= FRAMEPUMP_DOWNLOAD_FINISHED; }
};

// A file on its way. Its end is an event: download_finished, or download_failed with a reason and a text.
class Download : public Handle {
 public:
  using Handle::Handle;

  // As of the last tick.
  Result<DownloadInfo> info() const {
    DownloadInfo info;
    const uint32_t error = api_->download_info(value_, &info);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return info;
  }
  // To be awaited by a task of the same network, with coroutines.hpp: how it ended. Where it failed or was cancelled, ErrorCode::closed with
  // reason and text. The texts in info are valid until the next tick. A task that is cancelled meanwhile leaves the download to itself.
  inline Task<Result<DownloadInfo>> finished() const;
  // Gives connection and place back; resume queues again and goes on where it was.
  Status pause() const { return status(api_->download_pause(value_, 1)); }
  Status resume() const { return status(api_->download_pause(value_, 0)); }
  // Cancels and keeps the part, for a later download to the same path. The failed event follows; of one that has ended, only the handle ends.
  Status close() const { return status(api_->close(value_)); }
  // Cancels and removes the part.
  Status abort() const { return status(api_->abort(value_)); }
};

}  // namespace v0
}  // namespace framepump
