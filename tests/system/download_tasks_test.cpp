// SPDX-License-Identifier: MIT
//
// Tasks that wait for the end of a download.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <tuple>

#include "support/downloading.h"
#include "support/scripted_server.h"
#include "support/task_stage.h"

using namespace framepump::test;

namespace {

constexpr uint64_t kBytes = 100'000;

const std::string& content() {
  static const std::string bytes = pattern(33, 0, kBytes);
  return bytes;
}

bool asks_for(const std::string& request, std::string_view path) { return request.starts_with("GET " + std::string(path) + " "); }

// /file is there; /endless sends half of itself and waits until the other side has gone; everything else is not there.
void serve(ScriptedServer::Exchange e) {
  if (asks_for(e.request, "/file")) {
    e.peer.send(response("200 OK", content()));
  } else if (asks_for(e.request, "/endless")) {
    const std::string all = response("200 OK", content());
    e.peer.send(std::string_view(all).substr(0, all.size() - kBytes / 2));
    int error = 0;
    (void)e.peer.receive_to_end(error);
  } else {
    e.peer.send(response("404 Not Found", "no"));
  }
}

// Attempts follow each other at once.
fp::Config hasty(fp::Config config) {
  config.download_retry_ms = 2;
  config.download_retry_limit_ms = 40;
  return config;
}

// The server ends after the network: it waits for the end of a connection.
struct Serving {
  TemporaryFolder folder;
  ScriptedServer server{serve};
};

struct DownloadStage : Serving, TaskStage {
  explicit DownloadStage(const fp::Config& config = {}) : TaskStage(hasty(config)) {}

  fp::Download start(const std::string& path, const std::string& name) {
    fp::DownloadOptions options;
    options.proxy = "";
    options.flags = FRAMEPUMP_DOWNLOAD_NO_SYNC;
    const std::string url = server.url(path), file = folder.file(name);
    const fp::Result<fp::Download> download = net.download(url.c_str(), file.c_str(), options);
    REQUIRE(bool(download));
    return *download;
  }
  bool receives(fp::Download download) {
    return run_until([&] { return download.info()->bytes >= kBytes / 2; });
  }
};

struct End {
  std::optional<fp::Result<fp::DownloadInfo>> info;
  uint64_t frame = 0;
};

fp::Task<> wait_for(fp::Tasks&, DownloadStage& stage, fp::Download download, End& end) {
  end.info.emplace(co_await download.finished());
  end.frame = stage.frame;
}

uint64_t frame_of_end(const DownloadStage& stage) {
  for (const fp::Event& event : stage.net.events()) {
    if (event.what() == fp::EventKind::download_finished) return stage.frame;
  }
  return 0;
}

}  // namespace

TEST_CASE("a task that waits for a download goes on in the tick that tells its end, with what the file is") {
  staged_in_all([](const fp::Config& config) {
    DownloadStage stage(config);
    const fp::Download download = stage.start("/file", "file");
    End end, again, late;
    stage.tasks.start(wait_for(stage.tasks, stage, download, end));
    stage.tasks.start(wait_for(stage.tasks, stage, download, again));
    uint64_t told_in_frame = 0;
    REQUIRE(stage.run_until([&] {
      if (told_in_frame == 0) told_in_frame = frame_of_end(stage);
      return stage.tasks.count() == 0;
    }));
    for (const End* each : {&end, &again}) {
      REQUIRE(each->info.has_value());
      REQUIRE(bool(*each->info));
      CHECK_EQ((*each->info)->where(), fp::DownloadState::finished);
      CHECK_EQ((*each->info)->bytes, kBytes);
      CHECK_EQ((*each->info)->http_status, 200);
      CHECK_EQ(each->frame, told_in_frame);
    }
    CHECK(read_text(stage.folder.file("file")) == content());

    // One that has ended is not waited for; one that was closed after its end is no more.
    stage.tasks.start(wait_for(stage.tasks, stage, download, late));
    stage.tick();
    REQUIRE(late.info.has_value());
    CHECK(bool(*late.info));
    CHECK(bool(download.close()));
    End stale;
    stage.tasks.start(wait_for(stage.tasks, stage, download, stale));
    stage.tick();
    REQUIRE(stale.info.has_value());
    REQUIRE_FALSE(bool(*stale.info));
    CHECK_EQ(stale.info->error().code(), fp::ErrorCode::stale_handle);
  });
}

TEST_CASE("a download that fails or is cancelled tells its task the reason, in a sentence") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    fp::Config config;
    config.threaded = threaded;
    DownloadStage stage(config);
    End missing, closed, aborted;
    stage.tasks.start(wait_for(stage.tasks, stage, stage.start("/nowhere", "missing"), missing));
    REQUIRE(stage.run_to_end());
    REQUIRE_FALSE(bool(*missing.info));
    CHECK_EQ(missing.info->error().code(), fp::ErrorCode::closed);
    CHECK_EQ(missing.info->error().reason(), fp::Reason::download_status);
    CHECK_MESSAGE(std::string(missing.info->error().text()).find("404") != std::string::npos, missing.info->error().text());

    const fp::Download first = stage.start("/endless", "closed");
    stage.tasks.start(wait_for(stage.tasks, stage, first, closed));
    REQUIRE(stage.receives(first));
    CHECK(bool(first.close()));
    REQUIRE(stage.run_to_end());
    REQUIRE_FALSE(bool(*closed.info));
    CHECK_EQ(closed.info->error().reason(), fp::Reason::closed_here);
    CHECK_NE(std::string(closed.info->error().text()), "");
    CHECK(is_file(stage.folder.file("closed.part")));

    const fp::Download second = stage.start("/endless", "aborted");
    stage.tasks.start(wait_for(stage.tasks, stage, second, aborted));
    REQUIRE(stage.receives(second));
    CHECK(bool(second.abort()));
    REQUIRE(stage.run_to_end());
    REQUIRE_FALSE(bool(*aborted.info));
    CHECK_EQ(aborted.info->error().reason(), fp::Reason::aborted_here);
    CHECK_FALSE(is_file(stage.folder.file("aborted.part")));
  }
}

TEST_CASE("the end of a download that gameplay closes before its task's turn is still told") {
  for (const char* path : {"/file", "/nowhere"}) {
    CAPTURE(path);
    DownloadStage stage;
    const fp::Download download = stage.start(path, "file");
    End before, after;  // one of them has its turn after that
    stage.tasks.start(wait_for(stage.tasks, stage, download, before));
    stage.tasks.start([&]() -> fp::Task<> {
      (void)co_await download.finished();
      (void)download.close();
    });
    stage.tasks.start(wait_for(stage.tasks, stage, download, after));
    REQUIRE(stage.run_to_end());
    for (const End* end : {&before, &after}) {
      REQUIRE(end->info.has_value());
      if (std::string_view(path) == "/file") {
        REQUIRE(bool(*end->info));
        CHECK_EQ((*end->info)->where(), fp::DownloadState::finished);
        CHECK_EQ((*end->info)->bytes, kBytes);
        CHECK_EQ((*end->info)->http_status, 200);
      } else {
        REQUIRE_FALSE(bool(*end->info));
        CHECK_EQ(end->info->error().reason(), fp::Reason::download_status);
        CHECK_MESSAGE(std::string(end->info->error().text()).find("404") != std::string::npos, end->info->error().text());
      }
    }
  }
}

TEST_CASE("downloads are waited for together, and one that takes too long goes on without its task") {
  DownloadStage stage;
  bool are_there = false, is_late = false;
  const fp::Download slow = stage.start("/endless", "slow"), one = stage.start("/file", "one"), two = stage.start("/file", "two");
  stage.tasks.start([&]() -> fp::Task<> {
    auto both = co_await fp::when_all(one.finished(), two.finished());
    are_there = bool(std::get<0>(both)) && bool(std::get<1>(both));
  });
  stage.tasks.start([&]() -> fp::Task<> {
    const fp::Result<fp::DownloadInfo> end = co_await fp::with_timeout(slow.finished(), 50);
    is_late = !end && end.error().code() == fp::ErrorCode::timed_out;
  });
  REQUIRE(stage.run_until([&] { return is_late; }));
  CHECK_FALSE(slow.info()->has_ended());
  CHECK(bool(slow.abort()));
  REQUIRE(stage.run_to_end());
  CHECK(are_there);
}

TEST_CASE("tasks that wait for a download end with their network, with their Tasks and when cancelled") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    int live = 0;
    const auto wait = [&live](fp::Tasks&, fp::Download download) -> fp::Task<> {
      const Guard guard(live);
      (void)co_await download.finished();
      FAIL_CHECK("it has not ended");
    };
    fp::Config config;
    config.threaded = threaded;
    {
      DownloadStage stage(config);
      const fp::Download download = stage.start("/endless", "file");
      const fp::TaskId cancelled = stage.tasks.start(wait(stage.tasks, download));
      stage.tasks.start(wait(stage.tasks, download));
      REQUIRE(stage.receives(download));
      CHECK_EQ(live, 2);
      CHECK(stage.tasks.cancel(cancelled));
      CHECK_EQ(live, 1);
      { const fp::Network gone = std::move(stage.net); }
      CHECK_EQ(live, 0);
      CHECK_FALSE(bool(stage.tasks));
    }
    {
      DownloadStage stage(config);
      std::optional<fp::Tasks> tasks(std::in_place, stage.net);
      const fp::Download download = stage.start("/endless", "file");
      tasks->start(wait(*tasks, download));
      REQUIRE(stage.receives(download));
      CHECK_EQ(live, 1);
      tasks.reset();
      CHECK_EQ(live, 0);
      stage.tick(3);
      CHECK_FALSE(download.info()->has_ended());
    }
  }
}

TEST_CASE("outside of a task nothing waits for a download") {
  DownloadStage stage;
  const fp::Download download = stage.start("/file", "file");
  CHECK_FALSE(bool(stage.tasks.start(download.finished())));
  CHECK_EQ(stage.tasks.error().code(), fp::ErrorCode::stale_handle);
  CHECK(stage.run_until([&] { return download.info()->has_ended(); }));
}
