// SPDX-License-Identifier: MIT
//
// The demo's update as a file: from its own server, and from a web server that knows nothing of it.
#include "demo/client/file_update.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "config/temporary_folder.h"
#include "demo/client/settings.h"
#include "demo/file_stage.h"
#include "support/web_server.h"

using namespace framepump::test;
using demo::ExpectedHash;
using demo::FileSource;
using demo::FileUpdate;
using demo::UpdateSight;
using demo::UpdateState;

namespace {

constexpr uint64_t kSeed = 5;

struct Downloads : FileStage {
  explicit Downloads(const fp::Config& wanted = {}) : FileStage(wanted) { REQUIRE(bool(demo::Settings(client).apply({}))); }

  // Of this size, from our own server.
  FileSource own_source(ExpectedHash& expected) const {
    FileSource source;
    source.url = url("?seed=" + std::to_string(expected.seed()) + "&bytes=" + std::to_string(expected.size_bytes()));
    source.path = folder.file("update");
    source.ca_file = certificate->file();
    source.expected = &expected;
    return source;
  }
  bool run(FileUpdate& update, const std::function<bool(const UpdateSight&)>& condition) {
    return run_until([&] {
      update.update(now_us());
      return condition(update.sight(now_us()));
    });
  }
  UpdateSight run_to_end(FileUpdate& update) {
    CHECK(run(update, [](const UpdateSight& sight) { return sight.state != UpdateState::under_way; }));
    return update.sight(now_us());
  }

  void lift_rate_limit() {
    fp::Config unlimited = client.config();
    unlimited.download_rate_limit_kib = 0;
    REQUIRE(bool(client.configure(unlimited)));
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("the demo downloads its update over HTTPS, verifies it and removes it, in both modes") {
  staged_in_all([](const fp::Config& config) {
    Downloads stage(config);
    ExpectedHash expected(kSeed, 3'000'000);
    FileUpdate update(stage.client, stage.own_source(expected));
    CHECK_EQ(update.sight(0).size_bytes, 3'000'000);
    CHECK_EQ(update.sight(0).done(), 0.0f);
    const UpdateSight end = stage.run_to_end(update);
    INFO(end.status);
    CHECK(end.state == UpdateState::finished);
    CHECK(end.is_verified);
    CHECK_EQ(end.verified_by, "sha256");
    CHECK_EQ(end.over, "https");
    CHECK_EQ(end.bytes, 3'000'000);
    CHECK_EQ(end.done(), 1.0f);
    CHECK_EQ(end.interruptions, 0);
    CHECK(end.seconds > 0);
    CHECK(end.status == "finished, verified by TLS and SHA-256");
    CHECK_FALSE(std::filesystem::exists(stage.folder.file("update")));
  });
}

TEST_CASE("the demo's download goes on where it was when its server comes back, and says so") {
  fp::Config config;
  config.download_rate_limit_kib = 40'000;
  Downloads stage(config);
  ExpectedHash expected(kSeed, 30'000'000);  // the system holds up to 10 MB of it, which come when the server has gone
  FileSource source = stage.own_source(expected);
  source.is_kept = true;
  FileUpdate update(stage.client, source);
  REQUIRE(stage.run(update, [](const UpdateSight& sight) { return sight.bytes > 4'000'000; }));
  stage.stop();
  REQUIRE(stage.run(update, [](const UpdateSight& sight) { return sight.interruptions > 0 && sight.status.starts_with("waiting to try again: "); }));
  stage.start();
  const UpdateSight end = stage.run_to_end(update);
  INFO(end.status);
  CHECK(end.is_verified);
  CHECK(end.interruptions >= 1);
  CHECK_EQ(end.resumed_bytes, 0);
  CHECK(stage.files->net.totals().sent_bytes < 26'500'000);  // the rest alone
  CHECK(read_text(source.path) == update_bytes(kSeed, 0, 30'000'000));
}

TEST_CASE("a part that an earlier run of the demo left is gone on with, and counted") {
  fp::Config config;
  config.download_rate_limit_kib = 1'000;
  Downloads stage(config);
  ExpectedHash expected(kSeed, 4'000'000);
  FileSource source = stage.own_source(expected);
  source.is_kept = true;
  {
    FileUpdate update(stage.client, source);
    REQUIRE(stage.run(update, [](const UpdateSight& sight) { return sight.bytes > 500'000; }));
  }
  stage.lift_rate_limit();
  FileUpdate update(stage.client, source);
  const UpdateSight end = stage.run_to_end(update);
  INFO(end.status);
  CHECK(end.is_verified);
  CHECK(end.resumed_bytes >= 500'000);
  CHECK(end.mb_per_s() * end.seconds * 1e6 == doctest::Approx(static_cast<double>(end.bytes - end.resumed_bytes)));
}

TEST_CASE("a download of the demo pauses and goes on, and that is no interruption") {
  fp::Config config;
  config.download_rate_limit_kib = 1'000;
  Downloads stage(config);
  ExpectedHash expected(kSeed, 4'000'000);
  FileUpdate update(stage.client, stage.own_source(expected));
  REQUIRE(stage.run(update, [](const UpdateSight& sight) { return sight.bytes > 200'000; }));
  update.set_reading(false);
  REQUIRE(stage.run(update, [](const UpdateSight& sight) { return sight.status.starts_with("paused"); }));
  stage.lift_rate_limit();
  update.set_reading(true);
  const UpdateSight end = stage.run_to_end(update);
  CHECK(end.is_verified);
  CHECK_EQ(end.interruptions, 0);
}

TEST_CASE("a file that hashes to something else fails clearly, and so do a stranger's certificate and a URL that is none") {
  Downloads stage;
  FileSource source;
  source.url = stage.url("?seed=5&bytes=100000");
  source.path = stage.folder.file("update");
  source.ca_file = stage.certificate->file();
  source.sha256 = std::string(64, '0');
  FileUpdate wrong(stage.client, source);
  const UpdateSight end = stage.run_to_end(wrong);
  CHECK(end.state == UpdateState::failed);
  CHECK_FALSE(end.is_verified);
  CHECK(end.verified_by.empty());
  CHECK(end.status.find("SHA-256 is ") != std::string::npos);
  CHECK(end.status.find(source.sha256) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(source.path));
  CHECK_FALSE(std::filesystem::exists(source.path + ".part"));

  source.sha256.clear();
  source.ca_file.clear();
  FileUpdate stranger(stage.client, source);
  const UpdateSight refused = stage.run_to_end(stranger);
  CHECK(refused.state == UpdateState::failed);
  CHECK(refused.status.find("certificate") != std::string::npos);

  source.url = "ftp://localhost/update";
  FileUpdate none(stage.client, source);
  CHECK(stage.run_to_end(none).state == UpdateState::failed);
}

TEST_CASE("the demo downloads a file of any web server, and says who vouches for it") {
  const WebServer server;
  if (!server.is_there()) return;
  const std::string bytes = pattern(1, 0, 500'000);
  server.put("map", bytes);
  Downloads stage;
  FileSource source;
  source.url = server.url_tls("/map");
  source.path = stage.folder.file("map");
  source.ca_file = server.authority();
  source.is_kept = true;
  FileUpdate secret(stage.client, source);
  CHECK_EQ(secret.sight(0).size_bytes, 0);
  CHECK_EQ(secret.sight(0).done(), 0.0f);
  const UpdateSight by_tls = stage.run_to_end(secret);
  INFO(by_tls.status);
  CHECK(by_tls.state == UpdateState::finished);
  CHECK_FALSE(by_tls.is_verified);
  CHECK_EQ(by_tls.verified_by, "tls");
  CHECK_EQ(by_tls.size_bytes, 500'000);
  CHECK(by_tls.status.find("only TLS vouches for it") != std::string::npos);
  CHECK(read_text(source.path) == bytes);

  source.url = server.url("/map");
  source.url.insert(source.url.find("127"), "ada:secret@");
  FileUpdate plain(stage.client, source);
  const UpdateSight by_nobody = stage.run_to_end(plain);
  INFO(by_nobody.status);
  CHECK(by_nobody.state == UpdateState::finished);
  CHECK(by_nobody.verified_by.empty());
  CHECK_EQ(by_nobody.over, "http");
  CHECK_EQ(by_nobody.from, server.url("/map"));  // without the password
  CHECK(by_nobody.status.find("nothing vouches for it") != std::string::npos);
}
