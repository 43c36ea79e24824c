// SPDX-License-Identifier: MIT
//
// Downloads from servers that break off, stall, lie, or send away; and onto disks that do not take the file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/downloading.h"
#include "support/scripted_server.h"

using namespace framepump::test;

namespace {

constexpr uint64_t kBytes = 100'000;

struct Script {
  const char* name;
  // What is sent for the n-th request.
  std::function<void(ScriptedServer::Exchange)> serve;
  uint32_t reason;  // 0: the file comes
  const char* words;
};

uint64_t range_of(const std::string& request) {
  const std::string range = field_of(request, "Range");
  return range.starts_with("bytes=") ? std::strtoull(range.c_str() + 6, nullptr, 10) : 0;
}

const std::string& whole() {
  static const std::string bytes = pattern(21, 0, kBytes);
  return bytes;
}

// The first `count` bytes of a response that promises all.
void send_short(PlainSocket& peer, size_t count, const std::string& fields = "ETag: \"one\"\r\n") {
  const std::string all = response("200 OK", whole(), fields);
  peer.send(std::string_view(all).substr(0, all.size() - whole().size() + count));
}

std::string partial(uint64_t first, const std::string& content_range, const std::string& fields = "ETag: \"one\"\r\n") {
  return response("206 Partial Content", whole().substr(first), "Content-Range: " + content_range + "\r\n" + fields);
}

std::string right_range(uint64_t first) { return "bytes " + std::to_string(first) + "-" + std::to_string(kBytes - 1) + "/" + std::to_string(kBytes); }

// Downloads that end without a server, since their path is a folder, and after a while one tick that tells of at least so many. What the file
// thread has ended is seen in a tick only, so if it was too early, the next ones get longer.
std::unique_ptr<Downloader> ended_before_a_tick(int count, const framepump_config& config, uint32_t wanted) {
  for (int wait_ms = 100;; wait_ms *= 2) {
    auto downloader = std::make_unique<Downloader>(config);
    for (int i = 0; i < count; ++i) downloader->start("http://127.0.0.1:9/", ".");
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    downloader->network.frame();
    if (downloader->network.count(FRAMEPUMP_EVENT_DOWNLOAD_FAILED) >= wanted) return downloader;
    REQUIRE_LT(wait_ms, 6'400);
  }
}

}  // namespace

TEST_CASE("a server that breaks off is asked for the rest, and what it answers is checked") {
  const auto break_off_then = [](const std::function<void(ScriptedServer::Exchange)>& then) {
    return [then](ScriptedServer::Exchange e) {
      if (e.number == 0) {
        send_short(e.peer, 40'000);
      } else {
        then(e);
      }
    };
  };
  // A server that gets ranges wrong is asked for everything the next time.
  const auto wrong_range = [&](const std::string& content_range, const std::string& fields = "ETag: \"one\"\r\n") {
    return break_off_then([=](ScriptedServer::Exchange e) {
      if (field_of(e.request, "Range").empty()) {
        e.peer.send(response("200 OK", whole(), "ETag: \"two\"\r\n"));
      } else {
        e.peer.send(partial(range_of(e.request), content_range, fields));
      }
    });
  };
  const Script scripts[] = {
      {"goes on", break_off_then([](ScriptedServer::Exchange e) { e.peer.send(partial(range_of(e.request), right_range(range_of(e.request)))); }), 0, ""},
      {"knows no ranges", break_off_then([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole(), "ETag: \"one\"\r\n")); }), 0, ""},
      {"has another file", break_off_then([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole(), "ETag: \"two\"\r\n")); }), 0, ""},
      {"begins elsewhere", wrong_range("bytes 39000-99999/100000"), 0, ""},
      {"another total", wrong_range("bytes 40000-199999/200000"), 0, ""},
      {"another version", wrong_range("bytes 40000-99999/100000", "ETag: \"three\"\r\n"), 0, ""},
      {"no range at all", wrong_range("bytes"), 0, ""},
      {"a huge range", wrong_range("bytes 99999999999999999999-5/1"), 0, ""},
      {"416", break_off_then([](ScriptedServer::Exchange e) {
         e.peer.send(e.number == 1 ? response("416 Range Not Satisfiable", "", "Content-Range: bytes */5\r\n") : response("200 OK", whole()));
       }), 0, ""},
      {"garbage", [](ScriptedServer::Exchange e) { e.peer.send("what do you want\r\n\r\n"); }, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "given up after 3 attempts"},
      {"nothing", [](ScriptedServer::Exchange) {}, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "given up after 3 attempts"},
      {"a part unasked", [](ScriptedServer::Exchange e) { e.peer.send(partial(0, "bytes 0-99999/100000")); }, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "asked for as a whole"},
      {"always too short", [](ScriptedServer::Exchange e) { send_short(e.peer, 10, ""); }, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "after 10 of 100000 bytes"},
      {"404", [](ScriptedServer::Exchange e) { e.peer.send(response("404 Not Found", "no")); }, FRAMEPUMP_REASON_DOWNLOAD_STATUS, "answers 404"},
      {"503 for ever", [](ScriptedServer::Exchange e) { e.peer.send(response("503 Busy", "later")); }, FRAMEPUMP_REASON_DOWNLOAD_STATUS, "answers 503"},
      {"503 once", [](ScriptedServer::Exchange e) { e.peer.send(e.number == 0 ? response("503 Busy", "later", "Retry-After: 0\r\n") : response("200 OK", whole())); }, 0, ""},
      {"no end of an error page", [](ScriptedServer::Exchange e) { e.peer.send_now(response("404 Not Found", std::string(400'000, 'x'))); }, FRAMEPUMP_REASON_DOWNLOAD_STATUS, "answers 404"},
      {"chunks without a size", [](ScriptedServer::Exchange e) {
         e.peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n186a0\r\n" + whole() + "\r\n0\r\nETag: \"late\"\r\n\r\n");
       }, 0, ""},
      {"loops", [](ScriptedServer::Exchange e) { e.peer.send(response("302 Found", "", "Location: /again\r\n")); }, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, "more than 4 times"},
      {"sends to a file", [](ScriptedServer::Exchange e) { e.peer.send(response("302 Found", "", "Location: file:///etc/passwd\r\n")); }, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, "file:///etc/passwd"},
      {"sends nowhere", [](ScriptedServer::Exchange e) { e.peer.send(response("301 Moved", "")); }, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, "redirected to \"\""},
      {"sends on", [](ScriptedServer::Exchange e) {
         e.peer.send(e.request.starts_with("GET /b/c?q HTTP") ? response("200 OK", whole()) : response("307 Elsewhere", "", "Location: a/../b/c?q#f\r\n"));
       }, 0, ""},
  };
  for (const Script& script : scripts) {
    CAPTURE(script.name);
    const ScriptedServer server(script.serve);
    framepump_config config = hasty_config();
    config.download_attempts = 3;
    config.download_redirects = 4;
    Downloader downloader(config);
    const SeenEvent end = downloader.end_of(downloader.start(server.url(), "file"));
    INFO(end.text);
    CHECK_EQ(end.reason, script.reason);
    CHECK_EQ(end.kind, script.reason == 0 ? FRAMEPUMP_EVENT_DOWNLOAD_FINISHED : FRAMEPUMP_EVENT_DOWNLOAD_FAILED);
    if (script.reason == 0) {
      CHECK(read_text(downloader.folder.file("file")) == whole());
    } else {
      CHECK(end.text.find(script.words) != std::string::npos);
      CHECK(end.text.find(server.url()) != std::string::npos);
      CHECK_FALSE(is_file(downloader.folder.file("file")));
    }
  }
}

TEST_CASE("the rest is asked for with the tag, or the date, of the part that is here") {
  for (const bool has_tag : {true, false}) {
    const std::string fields = has_tag ? "ETag: \"one\"\r\nDate: Sun, 06 Nov 1994 09:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n" : "ETag: W/\"weak\"\r\nDate: Sun, 06 Nov 1994 09:00:00 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const ScriptedServer server([&](ScriptedServer::Exchange e) {
      if (e.number == 0) return send_short(e.peer, 40'000, fields);
      e.peer.send(partial(range_of(e.request), right_range(range_of(e.request)), ""));
    });
    Downloader downloader;
    CHECK_EQ(downloader.end_of(downloader.start(server.url(), "file")).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
    REQUIRE_EQ(server.requests().size(), 2);
    CHECK_EQ(field_of(server.requests()[1], "Range"), "bytes=40000-");
    CHECK_EQ(field_of(server.requests()[1], "If-Range"), has_tag ? "\"one\"" : "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_EQ(field_of(server.requests()[1], "Accept-Encoding"), "identity");
  }
}

TEST_CASE("a server that falls silent is given up and asked again") {
  std::atomic<bool> is_told{false};
  const ScriptedServer server([&](ScriptedServer::Exchange e) {
    if (field_of(e.request, "Range").empty()) {
      send_short(e.peer, 5'000);
      (void)e.peer.receive(1);  // until the client goes
    } else if (!is_told || e.number < 2) {
      (void)e.peer.receive(1);  // not even a header
    } else {
      e.peer.send(partial(range_of(e.request), right_range(range_of(e.request))));
    }
  });
  framepump_config config = hasty_config();
  config.download_stall_timeout_ms = is_sanitized() ? 2'000 : 300;
  config.download_attempts = 1'000;
  Downloader downloader(config);
  const framepump_handle download = downloader.start(server.url(), "file");
  REQUIRE(run_until({&downloader.network}, [&] { return std::string(downloader.info(download).text).find("download.stall_timeout_ms") != std::string::npos; }));
  is_told = true;
  CHECK_EQ(downloader.end_of(download).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
  CHECK_GE(downloader.info(download).attempt, 3);
  CHECK(read_text(downloader.folder.file("file")) == whole());
}

TEST_CASE("Retry-After is waited for, but no longer than download.retry_limit_ms") {
  const ScriptedServer server([](ScriptedServer::Exchange e) {
    e.peer.send(e.number == 0 ? response("429 Too Many", "", "Retry-After: 3600\r\n") : response("200 OK", whole()));
  });
  framepump_config config = hasty_config();
  config.download_retry_ms = 1;
  config.download_retry_limit_ms = 200;
  Downloader downloader(config);
  const int64_t begin_us = now_us();
  CHECK_EQ(downloader.end_of(downloader.start(server.url(), "file")).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
  CHECK_GE(now_us() - begin_us, 200'000);
}

TEST_CASE("what a URL and its options carry goes to that host only") {
  const ScriptedServer other([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole())); });
  const ScriptedServer server([&](ScriptedServer::Exchange e) { e.peer.send(response("302 Found", "", "Location: " + other.url() + "\r\n")); });
  Downloader downloader;
  framepump_download_options options = download_options();
  options.headers = "X-Key: secret\nCookie: a=b";
  std::string url = server.url();
  url.insert(7, "me%40home:wo%3Ard@");
  const framepump_handle download = downloader.start(url, "file", options);
  CHECK_EQ(downloader.end_of(download).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
  REQUIRE_EQ(server.requests().size(), 1);
  REQUIRE_EQ(other.requests().size(), 1);
  CHECK_EQ(field_of(server.requests()[0], "X-Key"), "secret");
  CHECK_EQ(field_of(server.requests()[0], "Authorization"), "Basic bWVAaG9tZTp3bzpyZA==");
  CHECK_EQ(field_of(other.requests()[0], "X-Key"), "");
  CHECK_EQ(field_of(other.requests()[0], "Cookie"), "");
  CHECK_EQ(field_of(other.requests()[0], "Authorization"), "");
}

TEST_CASE("a proxy is asked where there is one, by option or by the environment") {
  const ScriptedServer proxy([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole())); });
  Downloader downloader;
  framepump_download_options options = download_options();
  const std::string proxy_url = proxy.url("", "localhost");
  options.proxy = proxy_url.c_str();
  CHECK_EQ(downloader.end_of(downloader.start("http://far.example/file", "file", options)).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
  options.proxy = nullptr;
  setenv("http_proxy", proxy_url.c_str(), 1);
  setenv("no_proxy", "near.example", 1);
  CHECK_EQ(downloader.end_of(downloader.start("http://far.example/other", "file", options)).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
  options.attempts = 1;
  const SeenEvent near = downloader.end_of(downloader.start("http://here.near.example/", "file", options));
  unsetenv("http_proxy");
  unsetenv("no_proxy");
  CHECK_EQ(near.reason, FRAMEPUMP_REASON_DOWNLOAD_NAME);
  REQUIRE_EQ(proxy.requests().size(), 2);
  CHECK(proxy.requests()[0].starts_with("GET http://far.example/file HTTP/1.1\r\n"));
  CHECK(proxy.requests()[1].starts_with("GET http://far.example/other HTTP/1.1\r\n"));
}

TEST_CASE("sizes and hashes are checked, and what fails them is removed") {
  const ScriptedServer server([](ScriptedServer::Exchange e) {
    if (e.request.starts_with("GET /chunked")) {
      e.peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n186a0\r\n" + whole() + "\r\n0\r\n\r\n");
    } else {
      e.peer.send(response("200 OK", whole()));
    }
  });
  Downloader downloader;
  const auto fails = [&](const std::string& path, const framepump_download_options& options, uint32_t reason, const char* words) {
    const SeenEvent end = downloader.end_of(downloader.start(server.url(path), "file", options));
    INFO(end.text);
    CHECK_EQ(end.reason, reason);
    CHECK(end.text.find(words) != std::string::npos);
    CHECK_FALSE(is_file(downloader.folder.file("file")));
    CHECK_FALSE(is_file(downloader.folder.file("file.part")));
    CHECK_FALSE(is_file(downloader.folder.file("file.part.state")));
  };
  framepump_download_options options = download_options();
  options.expected_bytes = kBytes + 1;
  fails("/", options, FRAMEPUMP_REASON_DOWNLOAD_SIZE, "allowed are the 100001");
  fails("/chunked", options, FRAMEPUMP_REASON_DOWNLOAD_SIZE, "allowed are the 100001");
  options.expected_bytes = kBytes - 1;
  fails("/chunked", options, FRAMEPUMP_REASON_DOWNLOAD_SIZE, "more than 99999 bytes");
  options.expected_bytes = 0;
  options.size_limit_bytes = 50'000;
  fails("/", options, FRAMEPUMP_REASON_DOWNLOAD_SIZE, "at most the 50000");
  fails("/chunked", options, FRAMEPUMP_REASON_DOWNLOAD_SIZE, "more than 50000 bytes");
  options.size_limit_bytes = 0;
  const std::string hash(64, 'a');
  options.sha256 = hash.c_str();
  fails("/", options, FRAMEPUMP_REASON_DOWNLOAD_HASH, "allowed is aaaaaaaa");
}

TEST_CASE("a path that cannot be written is told at once, and one that another download writes to") {
  const ScriptedServer server([](ScriptedServer::Exchange e) {
    send_short(e.peer, 20'000);
    (void)e.peer.receive(1);
  });
  Downloader downloader;
  const SeenEvent missing = downloader.end_of(downloader.start(server.url(), "no/such/folder"));
  CHECK_EQ(missing.reason, FRAMEPUMP_REASON_DOWNLOAD_FILE);
  CHECK(missing.text.find("No such file or directory") != std::string::npos);
  CHECK(missing.text.find("no/such/folder") != std::string::npos);
  const SeenEvent folder = downloader.end_of(downloader.start(server.url(), "."));
  CHECK_EQ(folder.reason, FRAMEPUMP_REASON_DOWNLOAD_FILE);
  CHECK(server.requests().empty());
  const framepump_handle first = downloader.start(server.url(), "file");
  REQUIRE(downloader.has_bytes(first, 10'000));
  const SeenEvent second = downloader.end_of(downloader.start(server.url(), "file"));
  CHECK_EQ(second.reason, FRAMEPUMP_REASON_DOWNLOAD_FILE);
  CHECK(second.text.find("another download") != std::string::npos);
}

TEST_CASE("a disk that is full is a clear error, and the part goes on when there is room") {
  const TemporaryFolder folder;
  if (mount("none", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("SKIP: mounting a small file system is not permitted here");
    std::printf("SKIP: mounting a small file system is not permitted here\n");
    return;
  }
  const std::string large = pattern(22, 0, 900'000);
  const ScriptedServer server([&](ScriptedServer::Exchange e) {
    const uint64_t first = range_of(e.request);
    const std::string fields = "ETag: \"one\"\r\n";
    const std::string all = first == 0 ? response("200 OK", large, fields)
                                       : response("206 Partial Content", large.substr(first),
                                                  "Content-Range: bytes " + std::to_string(first) + "-899999/900000\r\n" + fields);
    size_t sent = 0;
    while (sent < all.size()) {
      const int64_t step = e.peer.send_now(std::string_view(all).substr(sent));
      if (step > 0) sent += static_cast<size_t>(step);
      if (step < 0 && errno != EAGAIN) break;
    }
  });
  const std::string ballast = folder.file("ballast");
  write_text(ballast, std::string(500'000, 'x'));
  const std::string path = folder.file("file");
  const std::string url = server.url();
  framepump_download_options options = download_options();
  options.url = url.c_str();
  options.path = path.c_str();
  {
    TestNetwork network(hasty_config());
    framepump_handle download = 0;
    REQUIRE_EQ(api().download_start(network.handle(), &options, &download), FRAMEPUMP_OK);
    CHECK(run_until({&network}, [&] { return network.count(FRAMEPUMP_EVENT_DOWNLOAD_FAILED) == 1; }));
    const SeenEvent* end = network.find(FRAMEPUMP_EVENT_DOWNLOAD_FAILED);
    REQUIRE(end != nullptr);
    INFO(end->text);
    CHECK_EQ(end->reason, FRAMEPUMP_REASON_DOWNLOAD_DISK_FULL);
    CHECK(end->text.find("the part is kept") != std::string::npos);
    const uint64_t kept = file_bytes(path + ".part");
    CHECK_GT(kept, 300'000);
    unlink(ballast.c_str());
    REQUIRE_EQ(api().download_start(network.handle(), &options, &download), FRAMEPUMP_OK);
    CHECK(run_until({&network}, [&] { return network.count(FRAMEPUMP_EVENT_DOWNLOAD_FINISHED) == 1; }));
    framepump_download_info info = {};
    info.struct_size = sizeof(info);
    REQUIRE_EQ(api().download_info(download, &info), FRAMEPUMP_OK);
    CHECK_EQ(info.resumed_bytes, kept);
  }
  CHECK(read_text(path) == large);
  CHECK_EQ(umount(folder.path().c_str()), 0);
}

TEST_CASE("a host that has no address, and one where nobody listens, end in errors that name them") {
  Downloader downloader;
  framepump_download_options options = download_options();
  options.attempts = 2;
  const SeenEvent nameless = downloader.end_of(downloader.start("http://no-such-host.invalid/file", "file", options));
  CHECK_EQ(nameless.reason, FRAMEPUMP_REASON_DOWNLOAD_NAME);
  CHECK(nameless.text.find("no-such-host.invalid") != std::string::npos);
  uint32_t port = 0;
  {
    const PlainSocket taken = PlainSocket::listen();
    port = taken.port();
  }
  const SeenEvent deaf = downloader.end_of(downloader.start("http://localhost:" + std::to_string(port) + "/file", "file", options));
  CHECK_EQ(deaf.reason, FRAMEPUMP_REASON_DOWNLOAD_CONNECT);
  CHECK(deaf.text.find("given up after 2 attempts") != std::string::npos);
}

TEST_CASE("options that make no sense are refused with a text that names them") {
  Downloader downloader;
  const auto refuses = [&](const std::string& url, const framepump_download_options& options, const char* words) {
    CHECK_EQ(downloader.start(url, "file", options), 0);
    CHECK_EQ(downloader.error, FRAMEPUMP_ERROR_INVALID_ARGUMENT);
    INFO(downloader.network.last_error());
    CHECK(downloader.network.last_error().find(words) != std::string::npos);
  };
  refuses("ftp://host/file", download_options(), "url is \"ftp://host/file\", allowed is");
  refuses("http://host/a b", download_options(), "url is \"http://host/a b\"");
  refuses("http://h\xC3\xB6st/", download_options(), "in ASCII");
  refuses("http://me:a%00b@host/", download_options(), "%00");
  framepump_download_options options = download_options();
  options.priority = 7;
  refuses("http://host/", options, "priority is 7");
  options = download_options();
  options.flags = 1024;
  refuses("http://host/", options, "flags is 0x400");
  options = download_options();
  options.sha256 = "abc";
  refuses("http://host/", options, "sha256 is \"abc\", allowed are 64");
  options = download_options();
  options.headers = "Range: bytes=0-5";
  refuses("http://host/", options, "\"Range: bytes=0-5\"");
  options.headers = "no colon";
  refuses("http://host/", options, "\"no colon\"");
  options = download_options();
  options.proxy = "socks5://host:1080";
  refuses("http://host/", options, "proxy is \"socks5://host:1080\", allowed is");
  options = download_options();
  options.attempts = 5000;
  refuses("http://host/", options, "attempts is 5000");
  options = download_options();
  options.http_version = 3;
  refuses("http://host/", options, "http_version is 3");
}

TEST_CASE("handles of downloads that ended stay good for the newest 64, and a stale one says so") {
  const ScriptedServer server([](ScriptedServer::Exchange e) { e.peer.send(response("404 Not Found", "")); });
  Downloader downloader;
  std::vector<framepump_handle> downloads;
  for (int i = 0; i < 70; ++i) downloads.push_back(downloader.start(server.url(), "file" + std::to_string(i)));
  CHECK(run_until({&downloader.network}, [&] { return downloader.network.count(FRAMEPUMP_EVENT_DOWNLOAD_FAILED) == 70; }));
  downloader.network.frame();
  framepump_download_info info = {};
  info.struct_size = sizeof(info);
  const auto stale = std::count_if(downloads.begin(), downloads.end(), [&](framepump_handle h) { return api().download_info(h, &info) == FRAMEPUMP_ERROR_STALE_HANDLE; });
  CHECK_EQ(stale, 6);  // those whose ends were told first
  const auto good = std::count_if(downloads.begin(), downloads.end(), [&](framepump_handle h) { return api().download_info(h, &info) == FRAMEPUMP_OK; });
  CHECK_EQ(good, 64);
  CHECK_EQ(api().download_info(downloader.network.handle(), &info), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  framepump_handle newest = 0;
  for (const SeenEvent& event : downloader.network.seen()) {
    if (event.kind == FRAMEPUMP_EVENT_DOWNLOAD_FAILED) newest = event.handle;
  }
  CHECK_EQ(api().set_priority(newest, 0), FRAMEPUMP_OK);
  CHECK_EQ(api().set_user_data(newest, 5), FRAMEPUMP_OK);
}

TEST_CASE("more downloads than are remembered end in one tick, and each one's event and handle are good in it") {
  framepump_config config = hasty_config();
  config.slice_us = 1'000'000;
  const auto downloader = ended_before_a_tick(100, config, 65);
  for (const SeenEvent& event : downloader->network.seen()) {
    if (event.kind != FRAMEPUMP_EVENT_DOWNLOAD_FAILED) continue;
    framepump_download_info info = {};
    info.struct_size = sizeof(info);
    REQUIRE_EQ(api().download_info(event.handle, &info), FRAMEPUMP_OK);
    CHECK_EQ(event.text, info.text);
  }
}

TEST_CASE("a slice that is used up tells of a few downloads, and of the others in ticks that follow") {
  framepump_config config = hasty_config();
  config.slice_us = 0;
  const auto downloader = ended_before_a_tick(20, config, 4);
  CHECK_EQ(downloader->network.count(FRAMEPUMP_EVENT_DOWNLOAD_FAILED), 4);
  CHECK(run_until({&downloader->network}, [&] { return downloader->network.count(FRAMEPUMP_EVENT_DOWNLOAD_FAILED) == 20; }));
}

TEST_CASE("a pipe where the state of a part should be keeps nobody waiting") {
  const ScriptedServer server([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole())); });
  Downloader downloader;
  write_text(downloader.folder.file("file.part"), "something");
  REQUIRE_EQ(mkfifo(downloader.folder.file("file.part.state").c_str(), 0600), 0);
  CHECK_EQ(downloader.end_of(downloader.start(server.url(), "file")).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
}

TEST_CASE("no connection of a download stays open in a program that the game starts") {
  const ScriptedServer server([](ScriptedServer::Exchange e) {
    send_short(e.peer, 20'000);
    (void)e.peer.receive(1);
  });
  Downloader downloader;
  const framepump_handle download = downloader.start(server.url(), "file");
  REQUIRE(downloader.has_bytes(download, 10'000));
  int sockets = 0;
  for (int descriptor = 3; descriptor < 256; ++descriptor) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    const bool is_socket = getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (!is_socket || address.ss_family == AF_UNIX) continue;  // curl has a pair of those for itself
    ++sockets;
    CAPTURE(descriptor);
    CHECK_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  }
  CHECK_GE(sockets, 1);
}

TEST_CASE("gameplay sees a download change in tick only") {
  const ScriptedServer server([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole())); });
  for (uint32_t threaded : {0u, 1u}) {
    Downloader downloader(hasty_config(threaded));
    downloader.network.frame();
    const framepump_handle download = downloader.start(server.url(), "file");
    const int64_t limit_us = now_us() + 10'000'000;
    while (!is_file(downloader.folder.file("file")) && now_us() < limit_us) {
      const framepump_download_info info = downloader.info(download);
      REQUIRE_EQ(info.state, FRAMEPUMP_DOWNLOAD_QUEUED);
      REQUIRE_EQ(info.bytes, 0);
    }
    CHECK_EQ(downloader.end_of(download).kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
    CHECK_EQ(downloader.info(download).bytes, kBytes);
  }
}

TEST_CASE("the end of a download ends a wait for data") {
  const ScriptedServer server([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", whole())); });
  for (uint32_t threaded : {0u, 1u}) {
    Downloader downloader(hasty_config(threaded));
    downloader.network.frame();
    downloader.start(server.url(), "file");
    const int64_t begin_us = now_us();
    REQUIRE_EQ(api().wait_until(downloader.network.handle(), begin_us + 8'000'000, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
    CHECK_LT(now_us() - begin_us, 7'000'000);
    downloader.network.frame();
    CHECK_EQ(downloader.network.count(FRAMEPUMP_EVENT_DOWNLOAD_FINISHED), 1);
  }
}
