// SPDX-License-Identifier: MIT
//
// TLS streams, against each other and against the openssl command: bytes, ends, certificates good and bad, sessions resumed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include <framepump/framepump.hpp>

#include "support/allocation_count.h"
#include "support/counting_services.h"
#include "support/openssl.h"
#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

template <typename Body>
void for_each_setup(Body body) {
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    for (uint32_t threaded : {0u, 1u}) {
      CAPTURE(backend);
      CAPTURE(threaded);
      framepump_config config = default_config();
      config.backend = backend;
      config.threaded = threaded;
      body(config);
    }
  }
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// Why a connect to this port ends. The stream must never be announced.
SeenEvent failure(TestNetwork& net, uint32_t port, const TlsOptions& options) {
  const framepump_handle stream = tls_connect(net, port, options);
  CHECK_NE(reason_of_close(net, stream), FRAMEPUMP_REASON_NONE);
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CONNECTED, stream), nullptr);
  const SeenEvent* closed = net.find(FRAMEPUMP_EVENT_CLOSED, stream);
  return closed == nullptr ? SeenEvent{} : *closed;
}

// s_server serves one connection after the other.
void leave(TestNetwork& net, framepump_handle stream) {
  REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);
  CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_CLOSED_HERE);
}

bool is_connected(TestNetwork& net, framepump_handle stream) {
  run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) || net.find(FRAMEPUMP_EVENT_CLOSED, stream); });
  const SeenEvent* closed = net.find(FRAMEPUMP_EVENT_CLOSED, stream);
  INFO((closed == nullptr ? std::string() : closed->text));
  CHECK_EQ(closed, nullptr);
  return closed == nullptr;
}

}  // namespace

TEST_CASE("TLS: what one side writes the other side reads, both ways") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_tls_pair(net, net);
    CHECK_EQ(net.write(pair.client, "hello"), 5);
    std::string got;
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.server)).size() == 5; }));
    CHECK_EQ(got, "hello");
    CHECK_EQ(net.write(pair.server, "world!"), 6);
    got.clear();
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.client)).size() == 6; }));
    CHECK_EQ(got, "world!");
    const framepump_tls_info info = tls_info(pair.client);
    CHECK_EQ(info.version, FRAMEPUMP_TLS_1_3);
    CHECK_EQ(info.flags, FRAMEPUMP_TLS_VERIFIED);
    CHECK(contains(info.cipher, "TLS_"));
    CHECK_EQ(std::string(info.peer_subject), "/CN=localhost");
    CHECK_EQ(tls_info(pair.server).version, FRAMEPUMP_TLS_1_3);
    CHECK_EQ(net.totals().tls_handshakes, 2);
    CHECK_EQ(net.totals().tls_failures, 0);
  });
}

TEST_CASE("TLS: what was written before the handshake arrives after it, and writing at once is allowed") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    const framepump_handle stream = tls_connect(net, net.port_of(listener), TlsOptions::client());
    CHECK_EQ(net.write(stream, "early"), 5);
    framepump_tls_info info = {};
    info.struct_size = sizeof(info);
    CHECK_EQ(api().tls_info(stream, &info), FRAMEPUMP_ERROR_NOT_YET);
    std::string got;
    CHECK(run_until({&net}, [&] {
      const SeenEvent* accepted = net.find(FRAMEPUMP_EVENT_ACCEPTED);
      if (accepted != nullptr) got += net.read_all(accepted->handle);
      return got == "early";
    }));
  });
}

TEST_CASE("TLS: a large transfer arrives whole and in order in both directions at once, and a switch of modes does not matter") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_tls_pair(net, net);
    constexpr uint64_t kBytes = 16'000'000;
    const std::string up = pattern(7, 0, kBytes);
    const std::string down = pattern(8, 0, kBytes);
    uint64_t up_written = 0;
    uint64_t down_written = 0;
    std::string up_got;
    std::string down_got;
    up_got.reserve(kBytes);
    down_got.reserve(kBytes);
    int switches = 0;
    CHECK(run_until({&net}, [&] {
      if (up_written < kBytes) up_written += net.write(pair.client, std::string_view(up).substr(up_written));
      if (down_written < kBytes) down_written += net.write(pair.server, std::string_view(down).substr(down_written));
      up_got += net.read_all(pair.server);
      down_got += net.read_all(pair.client);
      if (up_got.size() > static_cast<uint64_t>(switches + 1) * kBytes / 4) api().set_mode(net.handle(), static_cast<uint32_t>(++switches % 2));
      return up_got.size() == kBytes && down_got.size() == kBytes;
    }, 30'000));
    CHECK_EQ(switches, 3);
    CHECK(up_got == up);
    CHECK(down_got == down);
  });
}

TEST_CASE("TLS: close delivers what was written before, and both sides hear of it once") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_tls_pair(net, net);
    const std::string sent = pattern(8, 0, 3'000'000);
    CHECK_EQ(net.write(pair.server, "never read by the closing side"), 30);
    net.frame();
    REQUIRE_EQ(net.write(pair.client, sent), sent.size());
    REQUIRE_EQ(api().close(pair.client), FRAMEPUMP_OK);
    std::string got;
    CHECK(run_until({&net}, [&] {
      got += net.read_all(pair.server);
      return net.find(FRAMEPUMP_EVENT_CLOSED, pair.server) && net.find(FRAMEPUMP_EVENT_CLOSED, pair.client);
    }));
    got += net.read_all(pair.server);
    CHECK(got == sent);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, pair.server)->reason, FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, pair.client)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 2);
  });
}

TEST_CASE("TLS: half-close ends one direction, and the other goes on") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_tls_pair(net, net, FRAMEPUMP_STREAM_HALF_OPEN);
    CHECK_EQ(net.write(pair.client, "question"), 8);
    REQUIRE_EQ(api().shutdown_write(pair.client), FRAMEPUMP_OK);
    CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED, pair.server) != nullptr; }));
    CHECK_EQ(net.read_all(pair.server), "question");
    const std::string answer = pattern(3, 0, 500'000);
    REQUIRE_EQ(net.write(pair.server, answer), answer.size());
    REQUIRE_EQ(api().close(pair.server), FRAMEPUMP_OK);
    std::string got;
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.client)).size() == answer.size(); }));
    CHECK(got == answer);
    CHECK_EQ(reason_of_close(net, pair.client), FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(reason_of_close(net, pair.server), FRAMEPUMP_REASON_CLOSED_HERE);
  });
}

TEST_CASE("TLS: gameplay that does not read pushes the sender back, and nothing is lost") {
  for_each_setup([](framepump_config config) {
    config.receive_limit_kib = 64;
    TestNetwork net(config);
    const Pair pair = connect_tls_pair(net, net);
    const std::string sent = pattern(5, 0, 12'000'000);
    uint64_t written = 0;
    const auto push = [&] {
      if (written < sent.size()) written += net.write(pair.client, std::string_view(sent).substr(written));
    };
    CHECK(run_until({&net}, [&] {
      push();
      return (net.info(pair.server).flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED) != 0;
    }));
    for (int i = 0; i < 200; ++i) {
      push();
      net.frame();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK_LT(written, sent.size());
    CHECK_LE(net.available(pair.server), 64 * 1024);
    CHECK_NE(net.info(pair.server).flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED, 0);
    std::string got;
    CHECK(run_until({&net}, [&] {
      if (written < sent.size()) written += net.write(pair.client, std::string_view(sent).substr(written));
      got += net.read_all(pair.server);
      return got.size() == sent.size();
    }, 30'000));
    CHECK(got == sent);
  });
}

TEST_CASE("TLS: many small writes leave as few records") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    OpensslServer server({"-msg", "-tls1_3"});
    const framepump_handle stream = tls_connect(net, server.port, TlsOptions::client());
    REQUIRE(is_connected(net, stream));
    REQUIRE(server.process.wait_for("Secure Renegotiation"));
    const auto records = [&] {
      const std::string output = server.process.output();
      uint32_t count = 0;
      for (size_t at = 0; (at = output.find("<<< TLS 1.2, RecordHeader", at)) != std::string::npos; ++at) ++count;  // so it calls 1.3's, too
      return count;
    };
    const uint32_t before = records();
    std::string all;
    for (int i = 0; i < 1000; ++i) {
      const std::string line = "line " + std::to_string(i) + " of a thousand small ones\n";
      REQUIRE_EQ(net.write(stream, line), line.size());
      all += line;
    }
    net.flush();
    CHECK(run_until({&net}, [&] { return contains(server.process.output(), "line 999 of"); }));
    const uint32_t count = records() - before;
    CHECK_GE(count, 1);
    // Threaded, some leave while others are still written: how many depends on who is faster.
    CHECK_LE(count, all.size() / 16'384 + (config.threaded != 0 ? 250 : 2));
    REQUIRE_EQ(api().abort(stream), FRAMEPUMP_OK);
  });
}

TEST_CASE("TLS: a certificate that expired, is another host's or of an unknown issuer is refused, and the text says what was wrong") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    {
      OpensslServer expired({}, "expired");
      const SeenEvent closed = failure(net, expired.port, TlsOptions::client());
      CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_CERTIFICATE_EXPIRED);
      INFO(closed.text);
      CHECK(contains(closed.text, "the certificate of localhost expired on 20"));
      CHECK(contains(closed.text, "/CN=localhost"));
    }
    OpensslServer good({});
    TlsOptions options = TlsOptions::client();
    options.server_name = "wrong.test";
    SeenEvent closed = failure(net, good.port, options);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_WRONG_HOST);
    INFO(closed.text);
    CHECK(contains(closed.text, "not for wrong.test"));
    CHECK(contains(closed.text, "localhost, *.names.test"));
    options = TlsOptions::client();
    options.ca_file = "";  // the system's, which have never heard of ours
    closed = failure(net, good.port, options);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER);
    INFO(closed.text);
    CHECK(contains(closed.text, "/CN=Test Authority"));
    {
      OpensslServer self({}, "self");
      closed = failure(net, self.port, TlsOptions::client());
      CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER);
      CHECK(contains(closed.text, "self-signed"));
      options = TlsOptions::client();
      options.flags = FRAMEPUMP_TLS_WITHOUT_VERIFICATION;
      const framepump_handle stream = tls_connect(net, self.port, options);
      CHECK(is_connected(net, stream));
      CHECK_EQ(tls_info(stream).flags & FRAMEPUMP_TLS_VERIFIED, 0);
    }
    CHECK_EQ(net.totals().tls_failures, 4);
  });
}

TEST_CASE("TLS: names with a star, and addresses, are checked as what they are") {
  TestNetwork net;
  OpensslServer good({});
  for (const char* name : {"localhost", "any.names.test", "any.names.test.", "127.0.0.1"}) {
    CAPTURE(name);
    TlsOptions options = TlsOptions::client();
    options.server_name = name;
    const framepump_handle stream = tls_connect(net, good.port, options);
    CHECK(is_connected(net, stream));
    leave(net, stream);
  }
  for (const char* name : {"a.b.names.test", "names.test", "127.0.0.2", "::1"}) {
    CAPTURE(name);
    TlsOptions options = TlsOptions::client();
    options.server_name = name;
    CHECK_EQ(failure(net, good.port, options).reason, FRAMEPUMP_REASON_TLS_WRONG_HOST);
  }
  TlsOptions options = TlsOptions::client();
  options.server_name = "";  // the endpoint's host, 127.0.0.1
  CHECK(is_connected(net, tls_connect(net, good.port, options)));
}

TEST_CASE("TLS: switching the verification off is logged as a warning, once") {
  struct Log {
    static void note(void* self, uint32_t level, const char* text) {
      Log& log = *static_cast<Log*>(self);
      if (contains(text, "WITHOUT_VERIFICATION")) ++(level == FRAMEPUMP_LOG_WARNING ? log.warnings : log.others);
    }
    int warnings = 0;
    int others = 0;
  } log;
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.user = &log;
  services.log = Log::note;
  TestNetwork net(default_config(), &services);
  OpensslServer self({}, "self");
  TlsOptions options = TlsOptions::client();
  net.frame();
  CHECK_EQ(log.warnings, 0);
  options.flags = FRAMEPUMP_TLS_WITHOUT_VERIFICATION;
  for (int i = 0; i < 3; ++i) {
    const framepump_handle stream = tls_connect(net, self.port, options);
    CHECK(is_connected(net, stream));
    leave(net, stream);
  }
  CHECK_EQ(log.warnings, 1);
  CHECK_EQ(log.others, 0);
}

TEST_CASE("TLS: 1.2 alone, 1.3 alone, and no version in common") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    OpensslServer old({"-tls1_2"});
    OpensslServer recent({"-tls1_3"});
    framepump_handle stream = tls_connect(net, old.port, TlsOptions::client());
    CHECK(is_connected(net, stream));
    CHECK_EQ(tls_info(stream).version, FRAMEPUMP_TLS_1_2);
    leave(net, stream);
    TlsOptions strict = TlsOptions::client();
    strict.min_version = FRAMEPUMP_TLS_1_3;
    stream = tls_connect(net, recent.port, strict);
    CHECK(is_connected(net, stream));
    CHECK_EQ(tls_info(stream).version, FRAMEPUMP_TLS_1_3);
    const SeenEvent closed = failure(net, old.port, strict);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED);
    INFO(closed.text);
    CHECK(contains(closed.text, "protocol version"));
  });
}

TEST_CASE("TLS: ALPN chooses what both know, by the server's preference") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    TlsOptions client = TlsOptions::client();
    TlsOptions server = TlsOptions::server();
    client.alpn = "game/1,game/2";
    server.alpn = "game/3,game/2,game/1";
    Pair pair = connect_tls_pair(net, net, 0, client, server);
    CHECK_EQ(std::string(tls_info(pair.client).alpn), "game/2");
    CHECK_EQ(std::string(tls_info(pair.server).alpn), "game/2");
    pair = connect_tls_pair(net, net, 0, client, TlsOptions::server());
    CHECK_EQ(std::string(tls_info(pair.client).alpn), "");
    server.alpn = "other";
    const framepump_handle listener = tls_listen(net, server);
    const SeenEvent closed = failure(net, net.port_of(listener), client);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED);
    INFO(closed.text);
    CHECK(contains(closed.text, "no application protocol"));
    OpensslServer s_server({"-alpn", "game/2"});
    const framepump_handle stream = tls_connect(net, s_server.port, client);
    CHECK(is_connected(net, stream));
    CHECK_EQ(std::string(tls_info(stream).alpn), "game/2");
  });
}

TEST_CASE("TLS: the second connection resumes the session of the first, with 1.2 and 1.3, unless that is switched off") {
  for_each_setup([](const framepump_config& config) {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      CAPTURE(version);
      TestNetwork net(config);
      OpensslServer server({version});
      for (int i = 0; i < 3; ++i) {
        const framepump_handle stream = tls_connect(net, server.port, TlsOptions::client());
        REQUIRE(is_connected(net, stream));
        CHECK_EQ((tls_info(stream).flags & FRAMEPUMP_TLS_RESUMED) != 0, i > 0);
        CHECK_NE(tls_info(stream).flags & FRAMEPUMP_TLS_VERIFIED, 0);
        leave(net, stream);
      }
      CHECK(contains(server.process.output(), "Reused"));
      TlsOptions without = TlsOptions::client();
      without.flags = FRAMEPUMP_TLS_WITHOUT_RESUMPTION;
      for (int i = 0; i < 2; ++i) {
        const framepump_handle stream = tls_connect(net, server.port, without);
        REQUIRE(is_connected(net, stream));
        CHECK_EQ(tls_info(stream).flags & FRAMEPUMP_TLS_RESUMED, 0);
        leave(net, stream);
      }
    }
  });
}

TEST_CASE("TLS: a session is not resumed for another name or another port, and our own listener resumes, too") {
  TestNetwork net;
  const framepump_handle listener = tls_listen(net, TlsOptions::server());
  const framepump_handle elsewhere = tls_listen(net, TlsOptions::server());
  const auto is_resumed = [&](uint32_t port, const char* name) {
    TlsOptions options = TlsOptions::client();
    options.server_name = name;
    const framepump_handle stream = tls_connect(net, port, options);
    REQUIRE(is_connected(net, stream));
    const bool was_resumed = (tls_info(stream).flags & FRAMEPUMP_TLS_RESUMED) != 0;
    leave(net, stream);
    return was_resumed;
  };
  CHECK_FALSE(is_resumed(net.port_of(listener), "localhost"));
  CHECK(is_resumed(net.port_of(listener), "localhost"));
  CHECK_FALSE(is_resumed(net.port_of(listener), "any.names.test"));
  CHECK_FALSE(is_resumed(net.port_of(elsewhere), "localhost"));
}

TEST_CASE("TLS: a listener that wants certificates of its clients refuses who has none, and tells its log") {
  in_both_modes([](const framepump_config& config) {
    struct Log {
      static void note(void* self, uint32_t, const char* text) {
        if (contains(text, "TLS handshake failed")) static_cast<Log*>(self)->text = text;
      }
      std::string text;
    } log;
    framepump_services services = {};
    services.struct_size = sizeof(services);
    services.user = &log;
    services.log = Log::note;
    TestNetwork net(config, &services);
    TlsOptions server = TlsOptions::server();
    server.ca_file = certificate("ca.pem");
    server.flags = FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE;
    TlsOptions client = TlsOptions::client();
    client.certificate_file = certificate("client.pem");
    client.private_key_file = certificate("client.key");
    const Pair pair = connect_tls_pair(net, net, 0, client, server);
    CHECK_EQ(std::string(tls_info(pair.server).peer_subject), "/CN=client");
    CHECK_EQ(tls_info(pair.server).flags, FRAMEPUMP_TLS_VERIFIED);
    // With TLS 1.3 the client is done before the server has seen that it has no certificate.
    const framepump_handle refused = tls_connect(net, net.port_of(pair.listener), TlsOptions::client());
    CHECK_EQ(reason_of_close(net, refused), FRAMEPUMP_REASON_TLS_PROTOCOL);
    CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED, refused)->text, "certificate required"));
    CHECK(run_until({&net}, [&] { return net.totals().streams == 2; }));
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 1);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
    CHECK_EQ(net.totals().tls_failures, 1);
    INFO(log.text);
    CHECK(contains(log.text, "peer did not return a certificate"));
    // And one of an unknown issuer.
    client.certificate_file = certificate("self.pem");
    client.private_key_file = certificate("self.key");
    const framepump_handle unknown = tls_connect(net, net.port_of(pair.listener), client);
    CHECK_EQ(reason_of_close(net, unknown), FRAMEPUMP_REASON_TLS_PROTOCOL);
  });
}

TEST_CASE("TLS: s_server serves a large file whole, and killed in the middle of it the end is reported as truncated") {
  for_each_setup([](framepump_config config) {
    const std::string body = pattern(11, 0, 16'000'000);
    write_file(certificate("large.bin"), body);
    for (const bool is_killed : {false, true}) {
      CAPTURE(is_killed);
      // Less than the file on the way, so that the server is still at it.
      if (is_killed) config.receive_limit_kib = 64;
      if (is_killed) config.kernel_window_kib = 0;
      TestNetwork net(config);
      OpensslServer server({"-HTTP"});
      const framepump_handle stream = tls_connect(net, server.port, TlsOptions::client());
      net.write(stream, "GET /large.bin HTTP/1.0\r\n\r\n");
      std::string got;
      if (is_killed) {
        CHECK(run_until({&net}, [&] { return net.available(stream) > 30'000; }));
        server.process.kill();
      }
      CHECK(run_until({&net}, [&] {
        got += net.read_all(stream);
        return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr;
      }, 30'000));
      if (is_killed) {
        // Killed with our request read, the kernel ends the connection in good order; TLS did not.
        CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->reason, FRAMEPUMP_REASON_TLS_TRUNCATED);
        CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->text, "close_notify"));
        CHECK_LT(got.size(), body.size());
      } else {
        CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->reason, FRAMEPUMP_REASON_CLOSED_BY_PEER);
        CHECK(got == body);
      }
    }
  });
}

TEST_CASE("TLS: s_client sends and receives a large file") {
  for_each_setup([](const framepump_config& config) {
    const std::string body = pattern(12, 0, 16'000'000);
    write_file(certificate("up.bin"), body);
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    Openssl client({"s_client", "-connect", "127.0.0.1:" + std::to_string(net.port_of(listener)), "-quiet", "-CAfile", certificate("ca.pem"),
                    "-verify_return_error", "-verify_quiet", "-verify_hostname", "localhost", "-servername", "localhost"},
                   certificate("up.bin"));
    framepump_handle stream = 0;
    std::string got;
    uint64_t written = 0;
    CHECK(run_until({&net}, [&] {
      if (const SeenEvent* accepted = net.find(FRAMEPUMP_EVENT_ACCEPTED)) stream = accepted->handle;
      if (stream == 0) return false;
      got += net.read_all(stream);
      if (written < body.size()) written += net.write(stream, std::string_view(body).substr(written));
      return got.size() >= body.size() && written == body.size();
    }, 30'000));
    CHECK(got == body);
    REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK_EQ(client.exit_status(), 0);
    CHECK(client.output() == body);
  });
}

TEST_CASE("TLS: renegotiation that the peer asks for is refused") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    Openssl client({"s_client", "-connect", "127.0.0.1:" + std::to_string(net.port_of(listener)), "-tls1_2"});
    CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr; }));
    const framepump_handle stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    client.write("R\n");
    CHECK(run_until({&net}, [&] { return contains(client.output(), "RENEGOTIATING"); }));
    CHECK(run_until({&net}, [&] { return contains(client.output(), "no renegotiation"); }));
    CHECK_NE(reason_of_close(net, stream), FRAMEPUMP_REASON_NONE);
    CHECK_EQ(net.totals().tls_handshakes, 1);
  });
}

TEST_CASE("TLS: a key update in the middle of a transfer changes nothing") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    Openssl client({"s_client", "-connect", "127.0.0.1:" + std::to_string(net.port_of(listener)), "-tls1_3"});
    CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr; }));
    const framepump_handle stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    std::string got;
    size_t updates = 0;
    for (const char* line : {"before\n", "K\n", "between\n", "k\n", "after\n"}) {  // K asks for an answer
      client.write(line);
      const bool is_command = line[1] == '\n';
      if (is_command) ++updates;
      // s_client takes a command only at the beginning of what it reads.
      CHECK(run_until({&net}, [&] {
        got += net.read_all(stream);
        return is_command ? count_of(client.output(), "KEYUPDATE") == updates : contains(got, line);
      }));
      net.write(stream, std::string("answer to ") + line);
    }
    CHECK_EQ(got, "before\nbetween\nafter\n");
    CHECK(run_until({&net}, [&] { return contains(client.output(), "answer to after"); }));
  });
}

TEST_CASE("TLS: who speaks something else, nothing, or too slowly is refused in time") {
  for_each_setup([](framepump_config config) {
    config.connect_timeout_ms = 300;
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    {
      PlainSocket garbage = PlainSocket::connect(net.port_of(listener));
      garbage.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      CHECK(run_until({&net}, [&] { return net.totals().tls_failures == 1; }));
    }
    PlainSocket silent = PlainSocket::connect(net.port_of(listener));
    CHECK(run_until({&net}, [&] { return net.totals().tls_failures == 2; }));
    const auto set_patience = [&](uint32_t connect_timeout_ms) {
      config.connect_timeout_ms = connect_timeout_ms;
      REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
    };
    set_patience(30'000);
    {
      PlainSocket gone = PlainSocket::connect(net.port_of(listener));
      gone.send("\x16\x03\x01");
      CHECK(run_until({&net}, [&] { return net.totals().streams == 1; }));
      gone.close();
      CHECK(run_until({&net}, [&] { return net.totals().tls_failures == 3; }));
    }
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED) + net.count(FRAMEPUMP_EVENT_CLOSED), 0);

    PlainSocket deaf = PlainSocket::listen();
    set_patience(1'000);
    framepump_handle stream = tls_connect(net, deaf.port(), TlsOptions::client());
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_CONNECT_TIMED_OUT);
    CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->text, "TLS handshake with localhost"));
    set_patience(30'000);
    stream = tls_connect(net, deaf.port(), TlsOptions::client());
    CHECK(run_until({&net}, [&] { return net.totals().streams == 1; }));
    deaf.accept();  // the one that timed out
    PlainSocket peer = deaf.accept();
    peer.send("SSH-2.0-OpenSSH_9.2\r\n");
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED);
    CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->text, "wrong version number"));
    CHECK_EQ(net.totals().tls_handshakes, 0);
  });
}

TEST_CASE("TLS: options that make no sense, and files that cannot be used, are refused by name") {
  TestNetwork net;
  const auto listen_error = [&](const TlsOptions& options) {
    const framepump_tls tls = options.c();
    const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 0, &tls};
    framepump_handle listener = 0;
    const uint32_t error = api().listen(net.handle(), &endpoint, &listener);
    CHECK_EQ(listener, 0);
    return std::to_string(error) + " " + net.last_error();
  };
  TlsOptions options = TlsOptions::server();
  options.certificate_file = "";
  CHECK(contains(listen_error(options), "1 listen: tls has a certificate or a private key"));
  CHECK(contains(listen_error(TlsOptions()), "1 listen: tls has no certificate"));
  options = TlsOptions::server();
  options.certificate_file = "/no/such/file.pem";
  CHECK(contains(listen_error(options), "21 listen: tls.certificate_file \"/no/such/file.pem\": No such file"));
  options = TlsOptions::server();
  options.private_key_file = certificate("other.key");
  CHECK(contains(listen_error(options), "key values mismatch"));
  options = TlsOptions::server();
  options.alpn = "h2,,x";
  CHECK(contains(listen_error(options), "tls.alpn"));
  options = TlsOptions::server();
  options.min_version = 7;
  CHECK(contains(listen_error(options), "tls.min_version"));
  options = TlsOptions::server();
  options.flags = 256;
  CHECK(contains(listen_error(options), "tls.flags"));
  const std::string encrypted = certificate("encrypted.key");
  REQUIRE_EQ(Openssl({"ec", "-aes128", "-passout", "pass:secret", "-in", certificate("good.key"), "-out", encrypted}).exit_status(), 0);
  options = TlsOptions::server();
  options.private_key_file = encrypted;
  CHECK(contains(listen_error(options), "21 listen: tls.private_key_file"));

  // A stream's files are read on the file thread, so the stream says it.
  OpensslServer good({});
  TlsOptions client = TlsOptions::client();
  client.ca_file = "/no/such/ca.pem";
  const SeenEvent closed = failure(net, good.port, client);
  CHECK_EQ(closed.reason, FRAMEPUMP_REASON_TLS_SETUP_FAILED);
  INFO(closed.text);
  CHECK(contains(closed.text, "tls.ca_file \"/no/such/ca.pem\": No such file"));
  client.ca_file = certificate("ca.key");  // a file, but no certificate
  CHECK_EQ(failure(net, good.port, client).reason, FRAMEPUMP_REASON_TLS_SETUP_FAILED);
}

TEST_CASE("TLS: authorities and certificates may be a folder or texts") {
  TestNetwork net;
  const std::string good = read_file(certificate("good.pem"));
  const std::string key = read_file(certificate("good.key"));
  const std::string ca = read_file(certificate("ca.pem"));
  framepump_tls server = {};
  server.struct_size = sizeof(server);
  server.certificate_pem = good.c_str();
  server.private_key_pem = key.c_str();
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 0, &server};
  framepump_handle listener = 0;
  REQUIRE_EQ(api().listen(net.handle(), &endpoint, &listener), FRAMEPUMP_OK);
  framepump_tls client = {};
  client.struct_size = sizeof(client);
  client.ca_pem = ca.c_str();
  endpoint.tls = &client;
  endpoint.port = net.port_of(listener);
  framepump_handle stream = 0;
  REQUIRE_EQ(api().connect(net.handle(), &endpoint, &stream), FRAMEPUMP_OK);
  CHECK(is_connected(net, stream));
  const std::string folder = certificate("");
  client.ca_pem = nullptr;
  client.ca_path = folder.c_str();
  REQUIRE_EQ(api().connect(net.handle(), &endpoint, &stream), FRAMEPUMP_OK);
  CHECK(is_connected(net, stream));
}

TEST_CASE("TLS: a switch of modes in the middle of a handshake, and networks that end there") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork server(config);
    const framepump_handle listener = tls_listen(server, TlsOptions::server());
    for (int frames = 0; frames < 12; ++frames) {
      CAPTURE(frames);
      TestNetwork client(config);
      const framepump_handle stream = tls_connect(client, server.port_of(listener), TlsOptions::client());
      for (int i = 0; i < frames; ++i) {
        client.frame();
        server.frame();
      }
      if (frames % 3 == 2) continue;  // it ends here
      api().set_mode(client.handle(), 1 - config.threaded);
      CHECK(run_until({&client, &server}, [&] { return client.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
    }
    TestNetwork waiting(config);  // for authorities that the file thread is loading
    TlsOptions options = TlsOptions::client();
    options.ca_file = "";
    tls_connect(waiting, server.port_of(listener), options);
    waiting.frame();
  });
}

TEST_CASE("TLS: a plain stream says so, and closing, aborting and a stale handle are as without TLS") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair plain = connect_pair(net, net);
    CHECK_EQ(tls_info(plain.client).version, 0);
    const Pair pair = connect_tls_pair(net, net);
    REQUIRE_EQ(api().abort(pair.client), FRAMEPUMP_OK);
    CHECK_EQ(reason_of_close(net, pair.client), FRAMEPUMP_REASON_ABORTED_HERE);
    CHECK_EQ(reason_of_close(net, pair.server), FRAMEPUMP_REASON_RESET);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 2; }));
    framepump_tls_info info = {};
    info.struct_size = sizeof(info);
    CHECK_EQ(api().tls_info(pair.client, &info), FRAMEPUMP_ERROR_STALE_HANDLE);
    const framepump_handle early = tls_connect(net, net.port_of(pair.listener), TlsOptions::client());
    REQUIRE_EQ(api().close(early), FRAMEPUMP_OK);
    CHECK_EQ(reason_of_close(net, early), FRAMEPUMP_REASON_CLOSED_HERE);
  });
}

TEST_CASE("TLS: after the handshake a steady stream takes nothing from the host's allocator, and OpenSSL two small pieces for each record") {
  in_both_modes([](const framepump_config& config) {
    CountingServices counting;
    TestNetwork net(config, counting.services());
    const Pair pair = connect_tls_pair(net, net);
    net.forget_events();
    constexpr uint64_t kFrames = 200;
    const std::string bytes = pattern(4, 0, 30'000);
    std::string room(64'000, '\0');
    uint64_t number = 1'000'000;
    uint64_t written_bytes = net.totals().received_bytes;
    bool writes = true;
    // A frame as TestNetwork has it, without its own vectors and strings.
    const auto frame = [&] {
      const framepump_frame c = {sizeof(c), 0, ++number, now_us()};
      framepump_tick_report report = {};
      report.struct_size = sizeof(report);
      api().tick(net.handle(), &c, &report);
      uint64_t taken = 0;
      api().read(pair.server, room.data(), room.size(), &taken);
      api().read(pair.client, room.data(), room.size(), &taken);
      if (writes) {
        api().write(pair.client, bytes.data(), bytes.size(), &taken);
        written_bytes += taken;
        api().write(pair.server, bytes.data(), 100, &taken);
        written_bytes += taken;
      }
      api().flush(net.handle());
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    };
    // What a thread that was away has not moved yet would count among the records of the frames to come.
    const auto settle = [&] {
      writes = false;
      const bool is_all_here = run_until({}, [&] {
        frame();
        return net.totals().received_bytes == written_bytes;
      });
      writes = true;
      return is_all_here;
    };
    for (uint64_t i = 0; i < kFrames; ++i) frame();
    REQUIRE(settle());
    const uint64_t before = counting.allocations();
    const uint64_t before_in_all = allocation_count().value_or(0);
    for (uint64_t i = 0; i < kFrames; ++i) frame();
    CHECK_EQ(counting.allocations() - before, 0);
    // Three records leave and three come; gone again before the call returns.
    CHECK_LE(allocation_count().value_or(0) - before_in_all, kFrames * 6 * 2 + 50);
    CHECK(settle());
    CHECK_GT(net.info(pair.server).received_bytes, kFrames * 10'000);
  });
}

TEST_CASE("TLS: the C++ side takes the same options, and tells what came of them") {
  namespace fp = framepump;
  fp::Result<fp::Network> net = fp::Network::create(fp::Api::linked());
  REQUIRE(net);
  const TlsOptions ours = TlsOptions::server();
  fp::Result<fp::Listener> listener =
      net->listen("127.0.0.1", 0, fp::Tls{.certificate_file = ours.certificate_file.c_str(), .private_key_file = ours.private_key_file.c_str()});
  REQUIRE(listener);
  const std::string ca_file = certificate("ca.pem");
  fp::Stream stream =
      net->connect("127.0.0.1", listener->port(), fp::Tls{.ca_file = ca_file.c_str(), .min_version = fp::TlsVersion::v1_3}).value();
  CHECK_EQ(stream.tls_info().error().code(), fp::ErrorCode::not_yet);
  uint64_t frame = 0;
  REQUIRE(run_until({}, [&] {
    net->tick({.frame = ++frame, .now_us = now_us()});
    return std::any_of(net->events().begin(), net->events().end(), [](const fp::Event& event) { return event.what() == fp::EventKind::connected; });
  }));
  CHECK_EQ(stream.tls_info()->tls_version(), fp::TlsVersion::v1_3);
  CHECK(stream.tls_info()->is_verified());
  const fp::Result<fp::Listener> refused = net->listen("127.0.0.1", 0, fp::Tls{});
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().text(), "tls has no certificate"));
}

TEST_CASE("TLS: a hot stream keeps its window, and every byte") {
  TestNetwork net;
  const std::string body = pattern(13, 0, 16'000'000);
  write_file(certificate("hot.bin"), body);
  OpensslServer server({"-HTTP"});
  const framepump_handle stream = tls_connect(net, server.port, TlsOptions::client());
  net.write(stream, "GET /hot.bin HTTP/1.0\r\n\r\n");
  std::string got;
  bool was_hot = false;
  CHECK(run_until({&net}, [&] {
    got += net.read_all(stream);
    if (net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr) return true;
    was_hot |= (net.info(stream).flags & FRAMEPUMP_STREAM_HOT) != 0;
    return false;
  }, 30'000));
  CHECK(got == body);
  CHECK(was_hot);
}
