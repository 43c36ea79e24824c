// SPDX-License-Identifier: MIT
//
// Messages over real streams: every framing, wherever packets and blocks end, in both modes and under both pollers.
#include <doctest/doctest.h>

#include <framepump/framepump.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gate/block.h"
#include "support/plain_pair.h"

namespace fp = framepump;
using namespace framepump::test;
using State = fp::MessageReader::State;
using Arrivals = fp::MessageReader::Arrivals;

namespace {

template <typename Body>
void in_all_ways(Body body) {
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    in_both_modes([&](framepump_config config) {
      config.backend = backend;
      config.receive_limit_kib = 1024;  // no more is touched when a network opens
      body(config);
    });
  }
}

fp::Stream stream_of(framepump_handle handle) { return fp::Stream(&api(), handle); }

fp::MessageReader open_reader(framepump_handle stream, const fp::Framing& framing, Arrivals arrivals = Arrivals::measured) {
  fp::Result<fp::MessageReader> made = fp::MessageReader::open(stream_of(stream), framing, arrivals);
  REQUIRE(made);
  return made.value();
}

std::string framed(const fp::Framing& framing, std::string_view message) {
  std::array<std::byte, fp::Framing::kMaxHeaderBytes> header;
  const uint32_t count = framing.write_header(static_cast<uint32_t>(message.size()), header);
  const std::span<const std::byte> delimiter = framing.delimiter();
  return std::string(reinterpret_cast<const char*>(header.data()), count) + std::string(message) +
         std::string(reinterpret_cast<const char*>(delimiter.data()), delimiter.size());
}

// Of letters only, so that it contains no delimiter of these tests.
std::string letters(uint64_t seed, uint64_t size_bytes) {
  std::string text = pattern(seed, 0, size_bytes);
  for (char& letter : text) letter = static_cast<char>('a' + (static_cast<unsigned char>(letter) % 26));
  return text;
}

std::vector<fp::Framing> framings(uint32_t max_bytes) {
  return {fp::Framing::varint(max_bytes),
          fp::Framing::fixed16(std::min(max_bytes, 65535u)),
          fp::Framing::fixed16(std::min(max_bytes, 65535u), fp::ByteOrder::little),
          fp::Framing::fixed32(max_bytes),
          fp::Framing::fixed32(max_bytes, fp::ByteOrder::little),
          fp::Framing::fixed_size(max_bytes),
          fp::Framing::lines(max_bytes),
          fp::Framing::delimited("\r\n\r\n", max_bytes)};
}
constexpr size_t kFixedSize = 5;  // its place in that list

// Frames until so many bytes are published, at most ten seconds.
void publish_until(TestNetwork& net, framepump_handle stream, uint64_t received_bytes) {
  REQUIRE(run_until({&net}, [&] {
    const framepump_stream_info info = net.info(stream);
    return info.received_bytes >= received_bytes && info.unpublished_bytes == 0;
  }));
}

}  // namespace

TEST_CASE("every framing gives its messages whole when they come a byte at a time") {
  in_all_ways([](const framepump_config& config) {
    for (size_t i = 0; i < framings(1).size(); ++i) {
      CAPTURE(i);
      const fp::Framing framing = framings(9)[i];
      TestNetwork net(config);
      PlainPair pair(net);
      fp::MessageReader reader = open_reader(pair.stream, framing);
      const std::vector<std::string> messages =
          i == kFixedSize ? std::vector<std::string>{"123456789", "abcdefghi"} : std::vector<std::string>{"", "x", "", "123456789", "yz"};
      uint64_t sent_bytes = 0;
      for (const std::string& message : messages) {
        const std::string wire = framed(framing, message);
        for (size_t at = 0; at < wire.size(); ++at) {
          CHECK_FALSE(reader.next());
          CHECK_EQ(reader.state(), State::not_yet);
          pair.peer.send(wire.substr(at, 1));
          publish_until(net, pair.stream, ++sent_bytes);
        }
        const std::optional<fp::Message> got = reader.next();
        REQUIRE(got);
        CHECK_EQ(got->text(), message);
      }
      CHECK_FALSE(reader.next());
      CHECK_EQ(net.available(pair.stream), 0);
    }
  });
}

namespace {

// Messages up to a seam between two blocks, then one that begins `cut` bytes before it, then another: all there before any is taken, so that
// the blocks follow each other without a gap. Where all messages have one size, other bytes lead up to it.
struct SeamCase {
  bool is_fixed;         // all messages of this framing have one size
  bool is_frame_locked;
  uint64_t seam_at;
  uint64_t largest_piece_bytes;  // for each frame
  uint32_t message_bytes;
  uint64_t cut;
};

void cross_seam(TestNetwork& net, PlainPair& pair, const fp::Framing& framing, const SeamCase& seam) {
  fp::MessageReader reader = open_reader(pair.stream, framing, Arrivals::unknown);
  const uint64_t ahead_bytes = seam.seam_at - seam.cut;
  const uint64_t overhead = framed(framing, letters(1, 1500)).size() - 1500;
  std::string wire = seam.is_fixed ? letters(79, ahead_bytes) : "";
  uint32_t messages_ahead = 0;
  for (; wire.size() < ahead_bytes; ++messages_ahead) {
    const uint64_t left = ahead_bytes - wire.size();
    wire += framed(framing, letters(78, (left > 8000 ? 4000 : left) - overhead));
  }
  REQUIRE_EQ(wire.size(), ahead_bytes);
  const std::string message = letters(77 + seam.cut, seam.message_bytes);
  wire += framed(framing, message) + framed(framing, letters(80, seam.message_bytes));
  uint64_t received_bytes = net.info(pair.stream).received_bytes;
  for (size_t at = 0; at < wire.size(); at += seam.largest_piece_bytes) {
    const std::string piece = wire.substr(at, seam.largest_piece_bytes);
    pair.peer.send(piece);
    publish_until(net, pair.stream, received_bytes += piece.size());
  }
  if (seam.is_fixed) REQUIRE_EQ(api().consume(pair.stream, ahead_bytes), FRAMEPUMP_OK);
  for (uint32_t i = 0; i < messages_ahead; ++i) REQUIRE(reader.next().has_value());
  reader.done();
  // The seam is where it is meant to be. Threaded, it is chance what is read at once.
  const uint64_t in_block_bytes = stream_of(pair.stream).front().size();
  if (seam.is_frame_locked && seam.cut > 0) REQUIRE_EQ(in_block_bytes, seam.cut);
  const std::optional<fp::Message> got = reader.next();
  REQUIRE(got);
  REQUIRE((got->text() == message));
  REQUIRE(reader.next().has_value());
  CHECK_FALSE(reader.next());
  CHECK_EQ(net.available(pair.stream), 0);
}

}  // namespace

TEST_CASE("a message that a block's seam cuts anywhere comes out whole, from small blocks and from large ones") {
  in_both_modes([](framepump_config config) {
    config.receive_limit_kib = 256;
    const bool is_frame_locked = config.threaded == 0;
    for (size_t i = 0; i < framings(1).size(); ++i) {
      CAPTURE(i);
      const bool is_fixed = i == kFixedSize;
      TestNetwork net(config);
      PlainPair pair(net);
      for (uint64_t cut = 0; cut <= 27; ++cut) {  // in its header, in each of its bytes, in its delimiter, and behind it
        CAPTURE(cut);
        const SeamCase seam = {is_fixed, is_frame_locked, framepump::kSmallPayloadBytes, 1500, 20, cut};
        cross_seam(net, pair, framings(is_fixed ? 20 : 9000)[i], seam);
      }
      for (uint64_t cut : {0u, 1u, 2u, 4u, 5u, 1500u, 3000u, 3003u}) {
        CAPTURE(cut);
        TestNetwork large_net(config);
        PlainPair large(large_net);
        // The first read of a stream goes into a small block, and what follows into large ones.
        const uint64_t seam_at = framepump::kSmallPayloadBytes + framepump::kLargePayloadBytes;
        cross_seam(large_net, large, framings(is_fixed ? 3000 : 9000)[i], {is_fixed, is_frame_locked, seam_at, 1 << 20, 3000, cut});
      }
    }
  });
}

TEST_CASE("messages of random sizes in random pieces are those of the model") {
  in_all_ways([](framepump_config config) {
    config.budget_kib = 4096;  // seams are many, and memory is short now and then
    const uint64_t seed = 6500;
    CAPTURE(seed);
    for (size_t i = 0; i < framings(1).size(); ++i) {
      CAPTURE(i);
      std::mt19937 random(static_cast<uint32_t>(seed + i));
      const uint32_t max_bytes = i == kFixedSize ? 1234 : 60'000;
      const fp::Framing framing = framings(max_bytes)[i];
      TestNetwork net(config);
      PlainPair pair(net);
      fp::MessageReader reader = open_reader(pair.stream, framing);
      std::vector<std::string> messages;
      std::string wire;
      const uint64_t total_bytes = is_sanitized() ? 300'000 : 1'000'000;
      while (wire.size() < total_bytes) {
        const uint64_t size_bytes = random() % 4 == 0 ? random() % max_bytes : random() % 300;
        messages.push_back(letters(messages.size(), i == kFixedSize ? max_bytes : size_bytes));
        wire += framed(framing, messages.back());
      }
      size_t taken = 0;
      for (size_t at = 0; at < wire.size() || taken < messages.size();) {
        if (at < wire.size()) {
          const size_t piece_bytes = std::min<size_t>(1 + random() % 30'000, wire.size() - at);
          const int64_t step = pair.peer.send_now(std::string_view(wire).substr(at, piece_bytes));
          if (step > 0) at += static_cast<size_t>(step);
        }
        net.frame();
        // Sometimes gameplay takes a few, sometimes all.
        uint64_t most = random() % 3 == 0 ? random() % 3 : 1000;
        while (most-- > 0) {
          const std::optional<fp::Message> got = reader.next();
          if (!got) break;
          REQUIRE_LT(taken, messages.size());
          REQUIRE((got->text() == messages[taken++]));
        }
        REQUIRE_EQ(reader.state(), State::not_yet);
      }
    }
  });
}

TEST_CASE("a message in one block is a view of that block: nothing is copied") {
  in_all_ways([](const framepump_config& config) {
    for (size_t i = 0; i < framings(1).size(); ++i) {
      CAPTURE(i);
      const fp::Framing framing = framings(500)[i];
      TestNetwork net(config);
      PlainPair pair(net);
      fp::MessageReader reader = open_reader(pair.stream, framing);
      const std::string wire = framed(framing, letters(1, 500)) + framed(framing, letters(2, 500)) + framed(framing, letters(3, 500));
      pair.peer.send(wire);
      publish_until(net, pair.stream, wire.size());
      const std::span<const std::byte> block = stream_of(pair.stream).front();
      REQUIRE_EQ(block.size(), wire.size());
      for (uint64_t number = 0; number < 3; ++number) {
        const std::optional<fp::Message> got = reader.next();
        REQUIRE(got);
        const uint64_t header_bytes = framed(framing, letters(1, 500)).size() - framing.delimiter().size() - 500;
        CHECK(got->bytes.data() == block.data() + number * wire.size() / 3 + header_bytes);
        CHECK_EQ(got->text(), letters(number + 1, 500));
      }
    }
  });
}

TEST_CASE("the largest message is taken, and one byte more closes the stream with reason, size and limit") {
  in_all_ways([](const framepump_config& config) {
    for (size_t i = 0; i < framings(1).size(); ++i) {
      CAPTURE(i);
      if (i == kFixedSize) continue;  // it has one size
      const fp::Framing framing = framings(4000)[i];
      TestNetwork net(config);
      PlainPair pair(net);
      fp::MessageReader reader = open_reader(pair.stream, framing);
      const std::string wire = framed(framing, letters(1, 4000)) + framed(framing, letters(2, 4001));
      pair.peer.send(wire);
      publish_until(net, pair.stream, wire.size());
      const std::optional<fp::Message> got = reader.next();
      REQUIRE(got);
      CHECK_EQ(got->text(), letters(1, 4000));
      CHECK_FALSE(reader.next());
      CHECK_EQ(reader.state(), State::too_large);
      const std::string told = framing.is_delimited() ? "a message has at least 4" : "a message has 4001 bytes, allowed are at most 4000";
      CHECK(std::string(reader.error().text()).find(told) == 0);
      CHECK_EQ(reader.try_next().error().code(), fp::ErrorCode::too_large);
      CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_MESSAGE_TOO_LARGE);
      const std::string text = net.find(FRAMEPUMP_EVENT_CLOSED, pair.stream)->text;
      CHECK(text.find("127.0.0.1:") == 0);
      CHECK(text.find(": " + std::string(reader.error().text())) != std::string::npos);
      CHECK(text.find("allowed are at most 4000") != std::string::npos);
      CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
      int error = 0;
      pair.peer.receive_to_end(error);
      if (can_reset()) CHECK_NE(error, 0);
    }
  });
}

TEST_CASE("a malformed length closes the stream with its reason") {
  in_all_ways([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    fp::MessageReader reader = open_reader(pair.stream, fp::Framing::varint(100));
    pair.peer.send(std::string_view("\x01x\x80\0y", 5));
    publish_until(net, pair.stream, 5);
    REQUIRE(reader.next().has_value());
    CHECK_FALSE(reader.next());
    CHECK_EQ(reader.state(), State::malformed);
    CHECK_EQ(reader.try_next().error().code(), fp::ErrorCode::malformed);
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_MALFORMED_MESSAGE);
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED)->text.find("a message is malformed: its length is a varint with a zero") != std::string::npos);
  });
}

TEST_CASE("the reason that gameplay gave is told also when the peer was gone already, and later ones change nothing") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    pair.peer.send("x");
    publish_until(net, pair.stream, 1);
    const fp::Stream stream = stream_of(pair.stream);
    pair.peer.close();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(stream.abort_because(fp::Reason::malformed_message, "not our protocol"));
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_MALFORMED_MESSAGE);
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED)->text.find(": not our protocol") != std::string::npos);
    net.frame();
    CHECK_EQ(stream.abort_because(fp::Reason::malformed_message, "again").error().code(), fp::ErrorCode::stale_handle);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
  });
  TestNetwork net;
  PlainPair pair(net);
  const fp::Status refused = stream_of(pair.stream).abort_because(fp::Reason::reset, "no");
  CHECK_EQ(refused.error().code(), fp::ErrorCode::invalid_argument);
  CHECK(std::string(refused.error().text()).find("reason is 4, allowed are 15") != std::string::npos);
}

TEST_CASE("the end of the stream is told apart: behind a message, or inside of one") {
  in_all_ways([](const framepump_config& config) {
    for (size_t i = 0; i < framings(1).size(); ++i) {
      for (uint64_t missing_bytes : {0u, 1u, 7u}) {
        CAPTURE(i);
        CAPTURE(missing_bytes);
        const fp::Framing framing = framings(10)[i];
        TestNetwork net(config);
        PlainPair pair(net);
        fp::MessageReader reader = open_reader(pair.stream, framing);
        const std::string one = framed(framing, letters(1, 10));
        pair.peer.send(one + one.substr(0, missing_bytes == 0 ? 0 : one.size() - missing_bytes));
        pair.peer.shutdown_write();
        std::vector<std::string> got;
        REQUIRE(run_until({&net}, [&] {
          while (const std::optional<fp::Message> message = reader.next()) got.emplace_back(message->text());
          return reader.state() != State::not_yet;
        }));
        CHECK_EQ(got, std::vector<std::string>{letters(1, 10)});
        CHECK_EQ(reader.state(), missing_bytes == 0 ? State::ended : State::truncated);
        CHECK_EQ(reader.try_next().error().code(), fp::ErrorCode::closed);
        const std::string text = reader.error().text();
        const std::string there = std::to_string(one.size() - missing_bytes);
        if (missing_bytes > 0) CHECK(text.find("the stream ended inside of a message: after " + there + " of at least ") == 0);
        // Nothing keeps the place of the closed stream.
        net.frame();
        uint64_t bytes = 0;
        CHECK_EQ(api().available(pair.stream, &bytes), FRAMEPUMP_ERROR_STALE_HANDLE);
      }
    }
  });
}

TEST_CASE("a reader is refused with a sentence when its framing, limit or stream is impossible") {
  framepump_config config = default_config();
  config.receive_limit_kib = 64;
  TestNetwork net(config);
  PlainPair pair(net);
  const fp::Stream stream = stream_of(pair.stream);
  CHECK_EQ(fp::MessageReader::open(stream, fp::Framing::varint(0)).error().code(), fp::ErrorCode::invalid_argument);
  CHECK(fp::MessageReader::open(stream, fp::Framing::fixed32(65'532)));
  const fp::Result<fp::MessageReader> refused = fp::MessageReader::open(stream, fp::Framing::fixed32(65'533));
  CHECK_EQ(refused.error().code(), fp::ErrorCode::too_large);
  CHECK_EQ(std::string(refused.error().text()),
           "framing: the largest message takes 65537 bytes of the stream, allowed are at most 65536: the lesser of "
           "stream.receive_limit_kib and a sixteenth of memory.budget_kib");
  CHECK_EQ(fp::MessageReader::open(fp::Stream(), fp::Framing::varint(1)).error().code(), fp::ErrorCode::stale_handle);
  fp::MessageReader none;
  CHECK_FALSE(none.next());
  CHECK_EQ(none.state(), State::gone);
  CHECK_EQ(none.try_next().error().code(), fp::ErrorCode::stale_handle);
}

TEST_CASE("the largest message that peek can give arrives while other streams fill the memory") {
  framepump_config config = default_config();
  config.budget_kib = 1024;  // a peek is at most 64 KiB
  TestNetwork net(config);
  const fp::Framing allowed[] = {fp::Framing::fixed32(65'532), fp::Framing::lines(65'534)};
  PlainPair pairs[] = {PlainPair(net), PlainPair(net)};
  std::vector<PlainPair> hogs;
  for (int i = 0; i < 12; ++i) hogs.emplace_back(net);
  const std::string much = letters(9, 60'000);
  for (const PlainPair& hog : hogs) (void)hog.peer.send_now(much);
  REQUIRE(run_until({&net}, [&] { return net.report().blocked > 0; }));
  for (size_t i = 0; i < 2; ++i) {
    CAPTURE(i);
    const fp::Framing& framing = allowed[i];
    PlainPair& pair = pairs[i];
    fp::MessageReader reader = open_reader(pair.stream, framing);
    const std::string message = letters(10, framing.max_bytes());
    pair.peer.send(framed(framing, message));
    std::optional<fp::Message> got;
    REQUIRE(run_until({&net}, [&] { return (got = reader.next()).has_value(); }));
    CHECK((got->text() == message));
    reader.done();
  }
}

TEST_CASE("the bytes of a line that trickles in are looked at once") {
  // The waist as the reader sees it, with a count of the bytes that it was shown to look through.
  static uint64_t shown_bytes = 0;
  framepump_api counting = api();
  counting.run_at = [](framepump_handle stream, uint64_t offset_bytes, const void** view, uint64_t* size_bytes) {
    const uint32_t error = api().run_at(stream, offset_bytes, view, size_bytes);
    shown_bytes += error == FRAMEPUMP_OK ? *size_bytes : 0;
    return error;
  };
  shown_bytes = 0;
  TestNetwork net;
  PlainPair pair(net);
  fp::MessageReader reader = fp::MessageReader::open(fp::Stream(&counting, pair.stream), fp::Framing::lines(1'000'000)).value();
  const std::string wire = letters(5, 200'000) + "\n";
  uint64_t sent_bytes = 0;
  uint32_t looks = 0;
  while (sent_bytes < wire.size()) {
    const std::string piece = wire.substr(sent_bytes, 997);
    pair.peer.send(piece);
    publish_until(net, pair.stream, sent_bytes += piece.size());
    for (int again = 0; again < 2; ++again) {
      if (sent_bytes < wire.size()) CHECK_FALSE(reader.next());
    }
    ++looks;
  }
  const std::optional<fp::Message> got = reader.next();
  REQUIRE(got);
  CHECK((got->text() == wire.substr(0, wire.size() - 1)));
  CHECK_GT(looks, 200);
  CHECK_EQ(shown_bytes, wire.size());
}

TEST_CASE("sending is all or nothing: what does not fit leaves nothing behind") {
  in_both_modes([](framepump_config config) {
    config.send_limit_kib = 64;
    TestNetwork net(config);
    PlainPair pair(net);
    const fp::Framing framing = fp::Framing::varint(200'000);
    const fp::Stream stream = stream_of(pair.stream);
    const std::string message = letters(3, 20'000);
    std::string expected;
    uint32_t refused = 0;
    while (refused < 20) {  // the kernel takes some, then the queue is full
      const fp::Status status = fp::send_message(stream, framing, message);
      if (status) {
        expected += framed(framing, message);
      } else {
        REQUIRE_EQ(status.error().code(), fp::ErrorCode::no_room);
        ++refused;
      }
      const fp::StreamInfo info = stream.info().value();
      REQUIRE_EQ(info.sent_bytes + info.unsent_bytes, expected.size());
      net.frame();
    }
    const fp::Status too_large = fp::send_message(stream, framing, letters(4, 65'534));
    CHECK_EQ(too_large.error().code(), fp::ErrorCode::too_large);
    const std::string told = "size_bytes is 65537, allowed are at most 65536: stream.send_limit_kib";
    CHECK(std::string(too_large.error().text()).find(told) != std::string::npos);
    CHECK_EQ(fp::send_message(stream, framing, letters(4, 200'001)).error().code(), fp::ErrorCode::too_large);
    REQUIRE(stream.shutdown_write());
    CHECK_EQ(fp::send_message(stream, framing, message).error().code(), fp::ErrorCode::closed);
    std::string got;
    std::thread reader([&] {
      int error = 0;
      got = pair.peer.receive_to_end(error);
    });
    run_until({&net}, [&] { return net.info(pair.stream).unsent_bytes == 0; });
    reader.join();
    CHECK((got == expected));
  });
}

TEST_CASE("a message in pieces, one written in place and one of a string are the same on the wire") {
  for (size_t i = 0; i < framings(1).size(); ++i) {
    CAPTURE(i);
    const fp::Framing framing = framings(3000)[i];
    TestNetwork net;
    PlainPair pair(net);
    fp::MessageWriter writer(stream_of(pair.stream), framing);
    const std::string message = letters(6, 3000);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(message));
    REQUIRE(writer.send(message));
    const std::span<const std::byte> parts[] = {bytes.first(1), {}, bytes.subspan(1, 1998), bytes.subspan(1999)};
    REQUIRE(writer.send(std::span<const std::span<const std::byte>>(parts)));
    const std::span<std::byte> room = writer.reserve(3000);
    REQUIRE_EQ(room.size(), 3000);
    std::copy(bytes.begin(), bytes.end(), room.begin());
    REQUIRE(writer.commit());
    CHECK_EQ(writer.commit().error().code(), fp::ErrorCode::invalid_argument);
    CHECK(writer.reserve(3001).empty());
    if (framing.is_delimited()) {
      CHECK_EQ(writer.send("a\r\n\r\nb").error().code(), fp::ErrorCode::invalid_argument);
      const std::span<std::byte> spoiled = writer.reserve(4);
      std::memcpy(spoiled.data(), "\r\n\r\n", 4);
      CHECK_EQ(writer.commit().error().code(), fp::ErrorCode::invalid_argument);
    }
    const std::vector<std::span<const std::byte>> too_many(15);
    CHECK_EQ(writer.send(std::span<const std::span<const std::byte>>(too_many)).error().code(), fp::ErrorCode::invalid_argument);
    net.frame();
    const std::string wire = framed(framing, message);
    CHECK((pair.peer.receive(3 * wire.size()) == wire + wire + wire));
    CHECK_EQ(net.info(pair.stream).sent_bytes, 3 * wire.size());
  }
}

TEST_CASE("pieces that are written as one are checked, and cross blocks as if they were one") {
  TestNetwork net;
  PlainPair pair(net);
  const framepump_part wrong[] = {{"x", 1}, {nullptr, 2}};
  CHECK_EQ(api().write_parts(pair.stream, wrong, 2), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(net.last_error().find("part 1") != std::string::npos);
  const framepump_part endless[] = {{"x", UINT64_MAX}, {"y", 5}};
  CHECK_EQ(api().write_parts(pair.stream, endless, 2), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK_EQ(api().write_parts(pair.stream, wrong, 0), FRAMEPUMP_OK);
  CHECK_EQ(net.info(pair.stream).unsent_bytes, 0);
  const std::string content = letters(8, 150'000);
  std::vector<framepump_part> parts;
  for (size_t at = 0, step = 1; at < content.size(); at += step, step = step * 3 % 7001) {
    step = std::min(step, content.size() - at);
    parts.push_back({content.data() + at, step});
    parts.push_back({nullptr, 0});
  }
  REQUIRE_EQ(api().write_parts(pair.stream, parts.data(), static_cast<uint32_t>(parts.size())), FRAMEPUMP_OK);
  run_until({&net}, [&] { return net.info(pair.stream).unsent_bytes == 0; });
  CHECK((pair.peer.receive(content.size()) == content));
}

TEST_CASE("runs beyond the first are where the bytes lie, and end where the published ones do") {
  TestNetwork net;
  PlainPair pair(net);
  const fp::Stream stream = stream_of(pair.stream);
  CHECK(stream.run_at(0).empty());
  const std::string content = letters(11, 10'000);
  for (size_t at = 0; at < content.size(); at += 500) {
    pair.peer.send(content.substr(at, 500));
    publish_until(net, pair.stream, at + 500);
  }
  REQUIRE_EQ(api().consume(pair.stream, 3), FRAMEPUMP_OK);
  uint32_t runs = 0;
  for (uint64_t at = 0; at < content.size() - 3; at += stream.run_at(at).size(), ++runs) {
    const std::span<const std::byte> run = stream.run_at(at);
    REQUIRE_FALSE(run.empty());
    for (uint64_t skip : {uint64_t{0}, run.size() / 2, run.size() - 1}) {
      const std::span<const std::byte> rest = stream.run_at(at + skip);
      CHECK(rest.data() == run.data() + skip);
      CHECK_EQ(rest.size(), run.size() - skip);
    }
    CHECK((content.compare(at + 3, run.size(), reinterpret_cast<const char*>(run.data()), run.size()) == 0));
  }
  CHECK_GE(runs, 5);
  CHECK(stream.run_at(content.size() - 3).empty());
  CHECK(stream.run_at(UINT64_MAX).empty());
  // Also behind a joined block.
  REQUIRE(stream.peek(3000).has_value());
  CHECK(stream.run_at(2999).size() == 1);
  CHECK((content.compare(3003, 10, reinterpret_cast<const char*>(stream.run_at(3000).data()), 10) == 0));
}
