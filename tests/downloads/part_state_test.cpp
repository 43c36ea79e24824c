// SPDX-License-Identifier: MIT
#include "downloads/part_state.h"

#include <doctest/doctest.h>

#include <string>

#include "downloads/name_lookup.h"
#include "downloads/pace.h"
#include "config/temporary_folder.h"

using namespace framepump;
using namespace framepump::test;

TEST_CASE("the state of a part is read as it was written") {
  PartState state;
  REQUIRE(state.url.assign("https://host/file?x"));
  REQUIRE(state.validators.etag.assign("\"tag\""));
  REQUIRE(state.validators.last_modified.assign("Sun, 06 Nov 1994 08:49:37 GMT"));
  state.total_bytes = 12345678901234;
  char text[kPartStateBytes];
  const size_t size = format_part_state(state, text);
  REQUIRE(size > 0);
  PartState read;
  REQUIRE(parse_part_state({text, size}, read));
  CHECK(read.url.view() == state.url.view());
  CHECK(read.validators.etag.view() == state.validators.etag.view());
  CHECK(read.validators.last_modified.view() == state.validators.last_modified.view());
  CHECK(read.total_bytes == state.total_bytes);
  for (size_t cut = 0; cut < size; ++cut) {  // one that was cut off anywhere says less, or nothing
    PartState less;
    if (parse_part_state({text, cut}, less)) CHECK(text[cut - 1] == '\n');
  }
  char small[20];
  CHECK(format_part_state(state, small) == 0);
}

TEST_CASE("a state that somebody else wrote is refused where it makes no sense") {
  const std::string first = "framepump download 1\nurl http://h/\n";
  PartState state;
  CHECK(parse_part_state(first, state));
  for (const std::string& bad :
       {std::string(), std::string("framepump download 2\nurl http://h/\n"), std::string("framepump download 1\n"), first + "total 0\n", first + "total x\n",
        first + "total 5\ntotal 6\n", first + "etag W/\"x\"\n", first + "etag \"x\" \n", first + "modified yesterday\n", first + "url http://h/\n", first + "size 5\n",
        first + "total 5", first + "\n", std::string("framepump download 1\nurl file:///x\n")}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_part_state(bad, state));
  }
}

TEST_CASE("the hosts file gives a name its addresses") {
  const TemporaryFolder folder;
  write_text(folder.file("hosts"), "# none\n127.0.0.1 localhost\n::1\tlocalhost ip6 # loopback\n10.0.0.5 a.example A\nnonsense a.example\n10.0.0.6 b");
  const std::string path = folder.file("hosts");
  HostsFileLookup lookup(path.c_str());
  HostAddresses answer;
  REQUIRE(lookup.look(lookup.ask("localhost"), answer));
  REQUIRE(answer.count == 2);
  CHECK(answer.addresses[0].family == AddressFamily::ipv4);
  CHECK(answer.addresses[1].family == AddressFamily::ipv6);
  REQUIRE(lookup.look(lookup.ask("a"), answer));
  CHECK(answer.count == 1);
  REQUIRE(lookup.look(lookup.ask("b"), answer));
  CHECK(answer.count == 1);
  REQUIRE(lookup.look(lookup.ask("none"), answer));
  CHECK(answer.count == 0);
  CHECK(std::string(answer.error.c_str()).find("\"none\" is not in") != std::string::npos);
  HostsFileLookup missing("/no/such/file");
  REQUIRE(missing.look(missing.ask("localhost"), answer));
  CHECK(answer.count == 0);
}

TEST_CASE("a pace lets through what its rate says, whatever the steps") {
  for (const int64_t step_us : {100, 1'000, 33'000}) {
    CAPTURE(step_us);
    Pace pace;
    pace.set_rate(100'000, 0);
    uint64_t spent = 0;
    int64_t now_us = 0;
    for (; now_us < 10'000'000; now_us += step_us) {
      for (; pace.may_go_on(now_us); spent += 1'000) pace.spend(1'000);
    }
    CHECK(spent > 980'000);
    CHECK(spent < 1'010'000);
    CHECK(pace.next_us(now_us) - now_us < 20'000);
  }
  Pace none;
  none.spend(1'000'000'000);
  CHECK(none.may_go_on(0));
}

TEST_CASE("a rate meter settles at the rate") {
  RateMeter meter;
  meter.restart(0);
  uint64_t rate = 0;
  for (int64_t now_us = 0; now_us < 3'000'000; now_us += 10'000) {
    meter.add(5'000);
    rate = meter.rate(now_us);
  }
  CHECK(rate > 480'000);
  CHECK(rate < 520'000);
}
