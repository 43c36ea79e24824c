// SPDX-License-Identifier: MIT
//
// Downloads and the allocator: what they take of it, and what happens when it says no.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "support/aligned_memory.h"
#include "support/counting_services.h"
#include "support/downloading.h"
#include "support/scripted_server.h"

using namespace framepump::test;

namespace {

// From a moment on the allocator refuses one allocation, or all.
class RefusingDownloads final : public CountingServices {
 public:
  RefusingDownloads() {
    allocate_ = services_.allocate;
    services_.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) -> void* {
      RefusingDownloads* me = static_cast<RefusingDownloads*>(static_cast<CountingServices*>(self));
      const int64_t left = me->left_.fetch_sub(1);
      if (left <= 0 && (left == 0 || me->is_for_good_)) return nullptr;
      return me->allocate_(self, size_bytes, alignment);
    };
  }
  void refuse_after(int64_t count, bool for_good) {
    is_for_good_ = for_good;
    left_.store(count);
  }

 private:
  void* (*allocate_)(void*, uint64_t, uint64_t) = nullptr;
  std::atomic<int64_t> left_{INT64_MAX};
  std::atomic<bool> is_for_good_{false};
};

}  // namespace

TEST_CASE("each allocation of a download may fail: it ends in an error, or the file comes, and nothing is lost") {
  const std::string bytes = pattern(31, 0, 50'000);
  const std::string hash(64, '0');
  const ScriptedServer server([&](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", bytes)); });
  uint32_t refused = 0;
  uint32_t failed = 0;
  for (const bool for_good : {false, true}) {
    for (int64_t n = 0; n < 20; ++n) {
      CAPTURE(for_good);
      CAPTURE(n);
      RefusingDownloads memory;
      {
        Downloader downloader(hasty_config(), memory.services());
        downloader.network.frame();
        memory.refuse_after(n, for_good);
        const framepump_handle download = downloader.start(server.url(), "file");
        if (download == 0) {
          ++refused;
          CHECK_EQ(downloader.error, FRAMEPUMP_ERROR_OUT_OF_MEMORY);
          CHECK(downloader.network.last_error().find("allocator returned null") != std::string::npos);
        } else {
          const SeenEvent end = downloader.end_of(download);
          const bool is_good = end.kind == FRAMEPUMP_EVENT_DOWNLOAD_FINISHED;
          failed += is_good ? 0 : 1;
          if (is_good) CHECK(read_text(downloader.folder.file("file")) == bytes);
          if (!is_good) CHECK_EQ(end.reason, FRAMEPUMP_REASON_DOWNLOAD_MEMORY);
        }
        memory.refuse_after(INT64_MAX, false);
        const framepump_handle again = downloader.start(server.url(), "again");
        CHECK_EQ(downloader.end_of(again).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
      }
      CHECK_EQ(memory.live_bytes(), 0);
    }
  }
  CHECK_GE(refused, 6);
  CHECK_GE(failed, 1);
}

TEST_CASE("a download holds some hundred KiB while it runs, takes nothing more on the way, and gives all of it back") {
  const std::string bytes = pattern(32, 0, 1'000'000);
  const ScriptedServer server([&](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", bytes)); });
  CountingServices memory;
  {
    Downloader downloader(hasty_config(), memory.services());
    downloader.network.frame();
    const auto round = [&](const char* name) {
      const framepump_handle download = downloader.start(server.url(), name);
      REQUIRE(downloader.has_bytes(download, 200'000));
      const uint64_t allocations = memory.allocations();
      CHECK_EQ(downloader.end_of(download).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
      CHECK_EQ(memory.allocations(), allocations);
      REQUIRE_EQ(api().close(download), FRAMEPUMP_OK);
      downloader.network.frame();
    };
    round("first");
    run_until({&downloader.network}, [&] { return false; }, 50);  // until the file thread has let go of it
    const uint64_t idle_bytes = memory.live_bytes();
    memory.forget_peak();
    for (int i = 0; i < 2; ++i) round("more");
    CHECK_LT(memory.peak_bytes() - idle_bytes, 400'000);
    // A place more, if the file thread still held the one before.
    CHECK(run_until({&downloader.network}, [&] { return memory.live_bytes() <= idle_bytes + 20'000; }));
  }
  CHECK_EQ(memory.live_bytes(), 0);
}
