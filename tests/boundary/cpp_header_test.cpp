// SPDX-License-Identifier: MIT
//
// The C++ header on top of the C table.
#include <doctest/doctest.h>

#include <framepump/framepump.hpp>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "support/test_network.h"

namespace fp = framepump;
using framepump::test::now_us;

namespace {

fp::Network new_network() {
  fp::Result<fp::Network> made = fp::Network::create(fp::Api::linked());
  REQUIRE(made);
  return std::move(made).value();
}

// Frames until the condition holds.
template <typename Condition>
bool frames_until(fp::Network& net, Condition condition) {
  const int64_t end_us = now_us() + 10'000'000;
  for (uint64_t number = 1; now_us() < end_us; ++number) {
    net.tick({.frame = number, .now_us = now_us()});
    if (condition()) return true;
    net.flush();
    net.wait_until(now_us() + 1000);
  }
  return false;
}

const fp::Event* find(const fp::Network& net, fp::EventKind kind) {
  for (const fp::Event& event : net.events()) {
    if (event.what() == kind) return &event;
  }
  return nullptr;
}

std::string_view text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

TEST_CASE("the C++ Config begins with the defaults of config_init") {
  framepump_config expected = {};
  REQUIRE_EQ(fp::Api::linked()->config_init(&expected, sizeof(expected)), FRAMEPUMP_OK);
  const fp::Config config;
  static_assert(std::has_unique_object_representations_v<framepump_config>);
  CHECK_EQ(std::memcmp(static_cast<const framepump_config*>(&config), &expected, sizeof(expected)), 0);
  static_assert(sizeof(fp::Config) == sizeof(framepump_config));
}

TEST_CASE("streams, listeners and sources are borrowed values of 16 bytes") {
  static_assert(std::is_trivially_copyable_v<fp::Stream> && sizeof(fp::Stream) == 16);
  static_assert(std::is_trivially_copyable_v<fp::Listener> && sizeof(fp::Listener) == 16);
  static_assert(std::is_trivially_copyable_v<fp::Source> && sizeof(fp::Source) == 16);
  static_assert(!std::is_copy_constructible_v<fp::UniqueStream> && std::is_nothrow_move_constructible_v<fp::UniqueStream>);
  static_assert(!std::is_copy_constructible_v<fp::Network> && std::is_nothrow_move_constructible_v<fp::Network>);
  CHECK_FALSE(fp::Stream());
  CHECK_EQ(fp::Stream(), fp::Stream());
}

TEST_CASE("a conversation in C++ reads as the header says") {
  fp::Network net = new_network();
  fp::Listener listener = net.listen("127.0.0.1", 0).value();
  fp::Stream client = net.connect("127.0.0.1", listener.port()).value();
  fp::Stream server;
  REQUIRE(frames_until(net, [&] {
    if (const fp::Event* event = find(net, fp::EventKind::accepted)) server = net.stream(event->handle);
    return server.value() != 0;
  }));
  CHECK_EQ(client.write("seven b"), 7);
  CHECK(client.write_all(std::string_view("ytes")));
  const std::span<std::byte> room = client.reserve(3);
  REQUIRE_EQ(room.size(), 3);
  std::memcpy(room.data(), "end", 3);
  CHECK(client.commit(3));
  CHECK_EQ(server.try_peek(14).error().code(), fp::ErrorCode::not_yet);
  REQUIRE(frames_until(net, [&] { return server.peek(14).has_value(); }));
  CHECK_EQ(net.readable().size(), 1);
  for (fp::Stream ready : net.readable()) CHECK_EQ(ready, server);
  CHECK_EQ(text_of(*server.peek(14)), "seven bytesend");
  CHECK_EQ(text_of(server.front()).substr(0, 5), "seven");
  CHECK_EQ(server.available(), 14);
  CHECK(server.consume(6));
  CHECK_FALSE(server.consume(9));
  std::array<std::byte, 20> buffer;
  CHECK_EQ(server.read(buffer), 8);
  CHECK_EQ(text_of(std::span(buffer).first(8)), "bytesend");
  CHECK_EQ(server.info().value().received_bytes, 14);
  CHECK_EQ(net.totals().accepts, 1);
}

TEST_CASE("a result holds the value or the error, and the error's text outlives the next call") {
  fp::Network net = new_network();
  const fp::Result<fp::Stream> stream = net.connect("local host", 80);
  CHECK_FALSE(stream);
  CHECK_EQ(stream.error().code(), fp::ErrorCode::address_not_numeric);
  const fp::Status mode = net.set_mode(static_cast<fp::Mode>(7));
  CHECK_FALSE(mode);
  CHECK(std::string(stream.error().text()).find("local host") != std::string::npos);
  CHECK(std::string(mode.error().text()).find("mode is 7") != std::string::npos);
  CHECK(net.set_mode(fp::Mode::threaded));

  fp::Config config;
  config.slice_us = 1'000'001;
  const fp::Result<fp::Network> refused = fp::Network::create(fp::Api::linked(), config);
  CHECK_FALSE(refused);
  CHECK_EQ(refused.error().code(), fp::ErrorCode::config);
  CHECK(std::string(refused.error().text()).find("pump.slice_us") != std::string::npos);
  CHECK_FALSE(net.configure(config));
  config.slice_us = 99;
  CHECK(net.configure(config));
  CHECK_EQ(net.config().slice_us, 99);
}

TEST_CASE("the error of a stream says which value was wrong and what is allowed") {
  fp::Network net = new_network();
  fp::Listener listener = net.listen("127.0.0.1", 0).value();
  const fp::Result<fp::Stream> made = net.connect("127.0.0.1", listener.port());
  const fp::Stream stream = *made;
  const std::string large(5 << 20, 'x');
  const fp::Status written = stream.write_all(large);
  CHECK_EQ(written.error().code(), fp::ErrorCode::too_large);
  CHECK(std::string_view(written.error().text()).find("stream.send_limit_kib") != std::string_view::npos);
  const fp::Status set = stream.set_priority(static_cast<fp::Priority>(3));
  CHECK(std::string_view(set.error().text()).find("priority is 3") != std::string_view::npos);
  CHECK(made->set_priority(fp::Priority::bulk));
  CHECK_EQ(made.value().info().value().priority, FRAMEPUMP_PRIORITY_BULK);
  const fp::Result<std::span<const std::byte>> view = stream.try_peek(1);
  CHECK_EQ(std::string_view(view.error().text()), "not yet");
  CHECK_EQ(std::string_view(fp::Stream(fp::Api::linked().table(), 0).consume(1).error().text()), "stale handle");
}

TEST_CASE("an Api without a library gives no network, and says why") {
  const fp::Api none = fp::Api::from(nullptr);
  CHECK_FALSE(none);
  const fp::Result<fp::Network> net = fp::Network::create(none);
  CHECK_FALSE(net);
  CHECK_EQ(net.error().code(), fp::ErrorCode::unsupported);
  CHECK_FALSE(fp::Api::from(static_cast<void*>(nullptr)));
  CHECK(fp::Api::from(&framepump_get_api));
  CHECK(fp::Api::from(reinterpret_cast<void*>(&framepump_get_api)));
}

TEST_CASE("a UniqueStream closes its stream when it goes, a Stream does not, and a released one neither") {
  fp::Network net = new_network();
  fp::Listener listener = net.listen("127.0.0.1", 0).value();
  const auto connect = [&] { return net.connect("127.0.0.1", listener.port()).value(); };
  const fp::Stream kept = connect();
  const fp::Stream released = connect();
  fp::Stream dropped = connect();
  {
    const fp::Stream copy = kept;
    CHECK_EQ(copy, kept);
    fp::UniqueStream gives_up(released);
    gives_up.release();
    fp::UniqueStream first(dropped);
    fp::UniqueStream second(std::move(first));
    CHECK_EQ(second.get(), dropped);
    CHECK_EQ(second->info().value().state, FRAMEPUMP_STATE_CONNECTING);
  }
  CHECK_EQ(dropped.info().value().state, FRAMEPUMP_STATE_CLOSING);
  CHECK_EQ(kept.info().value().state, FRAMEPUMP_STATE_CONNECTING);
  CHECK_EQ(released.info().value().state, FRAMEPUMP_STATE_CONNECTING);
  framepump_handle closed = 0;
  REQUIRE(frames_until(net, [&] {
    if (const fp::Event* event = find(net, fp::EventKind::closed)) closed = event->handle;
    return closed != 0;
  }));
  CHECK_EQ(closed, dropped.value());
}

TEST_CASE("a handle that was made without a network answers every call as a stale one") {
  const fp::Stream stream;
  std::array<std::byte, 4> bytes = {};
  CHECK_FALSE(stream);
  CHECK_EQ(stream.available(), 0);
  CHECK(stream.front().empty());
  CHECK_FALSE(stream.peek(1));
  CHECK_EQ(stream.try_peek(1).error().code(), fp::ErrorCode::stale_handle);
  CHECK_EQ(stream.read(bytes), 0);
  CHECK_EQ(stream.write(bytes), 0);
  CHECK(stream.reserve(1).empty());
  for (const fp::Status& status : {stream.consume(1), stream.write_all(bytes), stream.commit(1), stream.close(), stream.abort(),
                                   stream.shutdown_write(), stream.set_user_data(1), stream.set_priority(fp::Priority::bulk),
                                   fp::Listener().close(), fp::Source().wake(), fp::Source().close()}) {
    CHECK_EQ(status.error().code(), fp::ErrorCode::stale_handle);
    CHECK_EQ(std::string_view(status.error().text()), "stale handle");
  }
  CHECK_EQ(stream.info().error().code(), fp::ErrorCode::stale_handle);
  CHECK_EQ(fp::Listener().port(), 0);
}

TEST_CASE("a network moves without its handles noticing, and what is left behind owns nothing") {
  fp::Network net = new_network();
  fp::Listener listener = net.listen("127.0.0.1", 0).value();
  const framepump_handle handle = net.handle();
  {
    fp::Network moved(std::move(net));
    CHECK_EQ(moved.handle(), handle);
    CHECK_EQ(net.handle(), 0);
    CHECK_GT(listener.port(), 0);
    net = std::move(moved);
  }
  CHECK_EQ(net.handle(), handle);
  CHECK_GT(listener.port(), 0);
  { const fp::Network destroyed(std::move(net)); }
  CHECK_EQ(listener.port(), 0);
  CHECK_EQ(listener.close().error().code(), fp::ErrorCode::stale_handle);
}
