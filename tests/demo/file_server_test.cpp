// SPDX-License-Identifier: MIT
//
// The update over HTTPS, as clients of many kinds see it.
#include "demo/server/file_server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/temporary_folder.h"
#include "demo/file_stage.h"
#include "support/openssl.h"
#include "support/plain_socket.h"

using namespace framepump::test;
using demo::Certificate;
using demo::FileServer;

namespace {

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

bool is_status(const std::string& answer, int status) { return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " "); }

bool has_mode(const std::string& path, mode_t mode) {
  struct stat status = {};
  REQUIRE_EQ(stat(path.c_str(), &status), 0);
  return (status.st_mode & 0777) == mode;
}

}  // namespace

TEST_CASE("the update comes over HTTPS as a file, all of it or the part that was asked for") {
  staged_in_all([](const fp::Config& config) {
    FileStage stage(config);
    const std::string target = "/update.bin?seed=7&bytes=300000";
    const std::string all = stage.ask(get(target));
    CHECK(is_status(all, 200));
    CHECK(body_of(all) == update_bytes(7, 0, 300'000));
    const std::string etag = demo::etag_of_update(7, 300'000);
    CHECK(all.find("\r\nETag: " + etag + "\r\n") != std::string::npos);
    const std::string part = stage.ask(get(target, "Range: bytes=200001-\r\nIf-Range: " + etag + "\r\n"));
    CHECK(is_status(part, 206));
    CHECK(body_of(part) == update_bytes(7, 200'001, 300'000));
    const std::string changed = stage.ask(get(target, "Range: bytes=200001-\r\nIf-Range: \"another\"\r\n"));
    CHECK(is_status(changed, 200));
    CHECK(body_of(changed) == body_of(all));
    const std::string none = stage.ask(get(target, "Range: bytes=300000-\r\n"));
    CHECK(is_status(none, 416));
    CHECK(body_of(none) == "Range Not Satisfiable\n");
    const std::string head = stage.ask("HEAD " + target + " HTTP/1.0\r\n\r\n");
    CHECK(is_status(head, 200));
    CHECK(head.find("\r\nContent-Length: 300000\r\n") != std::string::npos);
    CHECK(body_of(head).empty());
    CHECK(body_of(stage.ask(get("/update.bin?bytes=0"))).empty());
    CHECK_EQ(stage.files->server.clients(), 0);
    CHECK_FALSE(stage.files->server.is_busy());
  });
}

TEST_CASE("who asks wrongly over HTTPS is told so, and whoever says nothing is told and gone after five seconds") {
  FileStage stage;
  CHECK(is_status(stage.ask(get("/")), 404));
  CHECK(is_status(stage.ask("PUT /update.bin HTTP/1.0\r\n\r\n"), 405));
  CHECK(is_status(stage.ask("garbage\r\n\r\n"), 400));
  CHECK(is_status(stage.ask(get("/update.bin?bytes=99999999999999999999")), 400));
  CHECK(is_status(stage.ask(get("/update.bin", "X: " + std::string(demo::kMostRequestBytes, 'x') + "\r\n")), 431));
  const fp::Stream silent = stage.connect();
  (void)silent.write_all("GET /update.bin HT");
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() == 1; }));
  stage.files->frame(4'500'000);
  for (int i = 0; i < 20; ++i) stage.frame();
  CHECK_EQ(stage.files->server.clients(), 1);
  stage.files->frame(600'000);
  std::string answer;
  REQUIRE(stage.run_until([&] { return stage.take(silent, answer); }));
  CHECK(is_status(answer, 408));
  CHECK_EQ(stage.files->server.clients(), 0);
}

TEST_CASE("bytes that are no TLS, and clients that go in mid-request or in mid-answer, leave the files' server as it was") {
  FileStage stage;
  PlainSocket garbage = PlainSocket::connect(stage.files->port);
  garbage.send("GET /update.bin HTTP/1.0\r\n\r\n");
  PlainSocket silent = PlainSocket::connect(stage.files->port);
  const fp::Stream half = stage.connect();
  (void)half.write_all("GET /upd");
  const fp::Stream rude = stage.connect();
  (void)rude.write_all(get("/update.bin?bytes=100000000"));
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() == 2 && rude.available() > 100'000; }));
  CHECK(stage.files->server.is_busy());
  (void)half.close();
  (void)rude.abort();
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() == 0 && stage.files->net.totals().tls_failures >= 1; }));
  CHECK_FALSE(stage.files->server.is_busy());
  CHECK(is_status(stage.ask(get("/update.bin?bytes=10")), 200));
}

TEST_CASE("of a file no more is there than a client that reads slowly has room for, and who takes nothing for 30 s is gone") {
  fp::Config config;
  config.receive_limit_kib = 64;  // the client's, too
  FileStage stage(config);
  const fp::Stream slow = stage.connect();
  (void)slow.write_all(get("/update.bin?bytes=1000000000"));
  REQUIRE(stage.run_until([&] { return slow.available() > 30'000; }));
  uint64_t sent = 0;
  // Until the system's own buffers are full, too.
  REQUIRE(stage.run_until([&] {
    for (int i = 0; i < 200; ++i) stage.frame();
    return std::exchange(sent, stage.files->net.totals().sent_bytes) == stage.files->net.totals().sent_bytes;
  }));
  CHECK(stage.files->net.totals().memory_peak_bytes < 8'000'000);
  CHECK_EQ(stage.files->server.clients(), 1);
  stage.files->frame(29'000'000);
  stage.files->frame();
  CHECK_EQ(stage.files->server.clients(), 1);
  stage.files->frame(2'000'000);
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() == 0; }));
  CHECK_FALSE(stage.files->server.is_busy());
}

TEST_CASE("when all places of the files' server are taken, who comes is told to come back, and then has one") {
  FileStage stage;
  std::vector<fp::Stream> crowd;
  for (size_t i = 0; i < FileServer::kMostClients; ++i) crowd.push_back(stage.connect());
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() == FileServer::kMostClients; }));
  const std::string refused = stage.ask(get("/update.bin?bytes=10"));
  CHECK(is_status(refused, 503));
  CHECK(refused.find("\r\nRetry-After: 1\r\n") != std::string::npos);
  CHECK_EQ(stage.files->server.clients(), FileServer::kMostClients);
  (void)crowd.front().close();
  REQUIRE(stage.run_until([&] { return stage.files->server.clients() < FileServer::kMostClients; }));
  CHECK(is_status(stage.ask(get("/update.bin?bytes=10")), 200));
}

TEST_CASE("many clients have the file at a time, each as it asked for it") {
  FileStage stage;
  std::vector<fp::Stream> streams;
  std::vector<std::string> answers(12);
  std::vector<bool> are_done(answers.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    streams.push_back(stage.connect());
    (void)streams.back().write_all(get("/update.bin?bytes=500000&seed=" + std::to_string(i % 3), "Range: bytes=" + std::to_string(i) + "-\r\n"));
  }
  REQUIRE(stage.run_until([&] {
    for (size_t i = 0; i < answers.size(); ++i) are_done[i] = are_done[i] || stage.take(streams[i], answers[i]);
    return std::ranges::find(are_done, false) == are_done.end();
  }));
  for (size_t i = 0; i < answers.size(); ++i) CHECK(body_of(answers[i]) == update_bytes(i % 3, i, 500'000));
}

TEST_CASE("the openssl command believes the certificate that the server made, by its own file alone, and gets the update") {
  FileStage stage;
  const std::string address = "127.0.0.1:" + std::to_string(stage.files->port);
  for (const std::vector<std::string>& expected :
       {std::vector<std::string>{"-verify_hostname", "localhost"}, {"-verify_ip", "127.0.0.1"}, {"-verify_ip", "::1"}}) {
    std::vector<std::string> arguments = {"s_client", "-connect", address, "-CAfile", stage.certificate->file(), "-verify_return_error",
                                          "-ign_eof", "-quiet"};
    arguments.insert(arguments.end(), expected.begin(), expected.end());
    Openssl openssl(arguments);
    openssl.write(get("/update.bin?bytes=100&seed=7"));
    CHECK(stage.run_until([&] { return openssl.output().find(update_bytes(7, 0, 100)) != std::string::npos; }));
  }
  Openssl stranger({"s_client", "-connect", address, "-CAfile", stage.certificate->file(), "-verify_return_error", "-verify_ip", "127.0.0.2"});
  CHECK(stage.run_until([&] { return stranger.output().find("IP address mismatch") != std::string::npos; }));
}

TEST_CASE("a certificate that the server makes is in a folder that nobody else may enter, its key is in no file, and both go with it") {
  std::string error;
  std::string path;
  {
    const std::optional<Certificate> made = Certificate::make("192.0.2.7", error);
    REQUIRE(made.has_value());
    path = made->file();
    CHECK(has_mode(std::filesystem::path(path).parent_path().string(), 0700));
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
      ++files;
      CHECK(read_text(entry.path().string()).find("PRIVATE") == std::string::npos);
    }
    CHECK_EQ(files, 1);
    CHECK(std::string(made->tls().private_key_pem).find("PRIVATE KEY") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

TEST_CASE("a certificate that is kept is the same next time, and one that does not fit is not replaced") {
  const TemporaryFolder outer;
  const std::string folder = outer.file("kept");
  std::string error;
  const std::optional<Certificate> first = Certificate::keep(folder, "127.0.0.1", error);
  REQUIRE(first.has_value());
  CHECK(has_mode(folder, 0700));
  CHECK(has_mode(folder + "/key.pem", 0600));
  const std::string pem = read_text(first->file());
  const std::optional<Certificate> second = Certificate::keep(folder, "::1", error);
  REQUIRE(second.has_value());
  CHECK_EQ(second->file(), first->file());
  CHECK(read_text(second->file()) == pem);
  fp::Network net = make_network({});
  CHECK(bool(net.listen("127.0.0.1", 0, second->tls())));
  CHECK_FALSE(Certificate::keep(folder, "192.0.2.7", error).has_value());
  CHECK(error.find("not for 192.0.2.7") != std::string::npos);
  CHECK(read_text(first->file()) == pem);
  write_text(first->file(), "no certificate");
  CHECK_FALSE(Certificate::keep(folder, "127.0.0.1", error).has_value());
  CHECK_FALSE(Certificate::keep(outer.file("no/such/folder"), "127.0.0.1", error).has_value());
  CHECK(error.find("cannot make the folder") != std::string::npos);
}
