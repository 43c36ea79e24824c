// SPDX-License-Identifier: MIT
//
// Downloads by name: looked up in the pump, by a name server of our own.
#include <doctest/doctest.h>

#include <string>

#include "support/downloading.h"
#include "support/name_server.h"
#include "support/named_network.h"
#include "support/scripted_server.h"

using namespace framepump::test;

namespace {

SeenEvent end_of(Downloader& downloader, NameServer& names, framepump_handle download) {
  const auto find = [&]() -> const SeenEvent* {
    const SeenEvent* good = downloader.network.find(FRAMEPUMP_EVENT_DOWNLOAD_FINISHED, download);
    return good != nullptr ? good : downloader.network.find(FRAMEPUMP_EVENT_DOWNLOAD_FAILED, download);
  };
  run_until({&downloader.network}, [&] {
    names.serve();
    return find() != nullptr;
  }, 20'000);
  const SeenEvent* found = find();
  return found != nullptr ? *found : SeenEvent{};
}

}  // namespace

TEST_CASE("a download finds its server by name, in all modes and with each poller") {
  const ScriptedServer server([](ScriptedServer::Exchange e) { e.peer.send(response("200 OK", "all of it")); });
  in_all_ways([&](const framepump_config& config) {
    NameServer names;
    names.add("files.example", "A", "127.0.0.1");
    const NameFiles files(names.resolv_conf());
    framepump_config hasty = hasty_config(config.threaded);
    hasty.backend = config.backend;
    hasty.names_timeout_ms = 10'000;  // asked once: the test's thread answers, when it gets to it
    Downloader downloader(hasty, files.services());
    const SeenEvent end = end_of(downloader, names, downloader.start(server.url("/file", "Files.Example"), "file"));
    INFO(end.text);
    CHECK_EQ(end.kind, FRAMEPUMP_EVENT_DOWNLOAD_FINISHED);
    CHECK_EQ(read_text(downloader.folder.file("file")), "all of it");
    CHECK_EQ(names.asked("files.example", "A"), 1);
  });
}

TEST_CASE("a name server that never answers ends a download in an error that names the host, and can be left at any time") {
  for (uint32_t threaded : {0u, 1u}) {
    NameServer names;
    names.behave("files.example", NameServer::Manner::never);
    const NameFiles files(names.resolv_conf());
    Downloader downloader(hasty_config(threaded), files.services());
    framepump_download_options options = download_options();
    options.attempts = 2;
    const SeenEvent end = end_of(downloader, names, downloader.start("http://files.example/file", "file", options));
    INFO(end.text);
    CHECK_EQ(end.reason, FRAMEPUMP_REASON_DOWNLOAD_NAME);
    CHECK(end.text.find("files.example") != std::string::npos);
    options.attempts = 1'000;  // it goes on asking until it is seen
    const framepump_handle closed = downloader.start("http://files.example/file", "file", options);
    REQUIRE(run_until({&downloader.network}, [&] { return downloader.info(closed).state == FRAMEPUMP_DOWNLOAD_CONNECTING; }));
    REQUIRE_EQ(api().close(closed), FRAMEPUMP_OK);
    CHECK_EQ(end_of(downloader, names, closed).reason, FRAMEPUMP_REASON_CLOSED_HERE);
    downloader.start("http://files.example/other", "other", options);  // the network goes while it asks
    downloader.network.frame();
  }
}
