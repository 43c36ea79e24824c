// SPDX-License-Identifier: MIT
//
// Messages, through the C++ headers and the whole plugin: what one costs on top of the bytes.
#include <benchmark/benchmark.h>

#include <framepump/framepump.hpp>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace fp = framepump;

namespace {

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A stream of a network to itself, and a reader of its messages.
class MessageStage {
 public:
  explicit MessageStage(const fp::Framing& framing, fp::MessageReader::Arrivals arrivals) : framing_(framing) {
    listener_ = net_.listen("127.0.0.1", 0).value();
    client_ = net_.connect("127.0.0.1", listener_.port()).value();
    while (!server_) {
      tick();
      for (const fp::Event& event : net_.events()) {
        if (event.what() == fp::EventKind::accepted) server_ = net_.stream(event.handle);
      }
    }
    reader_ = fp::MessageReader::open(server_, framing, arrivals).value();
  }
  // As many messages of this size as one send limit holds, ready to be read.
  void refill(std::string_view message) {
    uint64_t count = 0;
    while (fp::send_message(client_, framing_, message)) ++count;
    net_.flush();
    for (int i = 0; i < 20; ++i) tick();
    if (count == 0) std::abort();
  }
  fp::MessageReader& reader() { return reader_; }
  const fp::Stream& client() const { return client_; }
  void tick() {
    net_.tick({.frame = ++frame_, .now_us = now_us()});
    net_.flush();
  }

 private:
  fp::Framing framing_;
  fp::Network net_ = fp::Network::create(fp::Api::linked()).value();
  fp::Listener listener_;
  fp::Stream client_;
  fp::Stream server_;
  fp::MessageReader reader_;
  uint64_t frame_ = 0;
};

// The next whole message of a stream that has many.
void next_message(benchmark::State& state, const fp::Framing& framing, fp::MessageReader::Arrivals arrivals) {
  MessageStage stage(framing, arrivals);
  const std::string message(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    std::optional<fp::Message> next = stage.reader().next();
    if (next) {
      benchmark::DoNotOptimize(next->bytes.data());
      continue;
    }
    state.PauseTiming();
    stage.refill(message);
    state.ResumeTiming();
  }
}
void message_next_varint(benchmark::State& state) { next_message(state, fp::Framing::varint(4096), fp::MessageReader::Arrivals::measured); }
BENCHMARK(message_next_varint)->Arg(64);
void message_next_untimed(benchmark::State& state) { next_message(state, fp::Framing::varint(4096), fp::MessageReader::Arrivals::unknown); }
BENCHMARK(message_next_untimed)->Arg(64);
void message_next_line(benchmark::State& state) { next_message(state, fp::Framing::lines(4096), fp::MessageReader::Arrivals::measured); }
BENCHMARK(message_next_line)->Arg(64);

// A message with its header into the stream; sending it off is not counted.
void message_send(benchmark::State& state) {
  const fp::Framing framing = fp::Framing::varint(4096);
  MessageStage stage(framing, fp::MessageReader::Arrivals::unknown);
  const std::string message(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    if (fp::send_message(stage.client(), framing, message)) continue;
    state.PauseTiming();
    for (int i = 0; i < 20; ++i) stage.tick();
    while (stage.reader().next()) {
    }
    state.ResumeTiming();
  }
}
BENCHMARK(message_send)->Arg(64);

}  // namespace
