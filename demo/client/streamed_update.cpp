// SPDX-License-Identifier: MIT
#include "demo/client/streamed_update.h"

#include <algorithm>
#include <cstdio>

#include "demo/protocol/update_protocol.h"

namespace demo {
namespace {

constexpr int64_t kFirstBackOffUs = 100'000;
constexpr int64_t kLongestBackOffUs = 2'000'000;
constexpr int64_t kLongestQuietUs = 10'000'000;  // a server that is alive and hangs is no better than one that is gone

}  // namespace

StreamedUpdate::StreamedUpdate(framepump::Network& network, const framepump_api& api, HostPort server, ExpectedHash& expected)
    : network_(network),
      api_(api),
      server_(std::move(server)),
      expected_(expected),
      hash_(XXH3_createState()),
      back_off_us_(kFirstBackOffUs) {
  XXH3_64bits_reset(hash_.get());
  (void)expected_.xxh3();  // begins to compute it
}

StreamedUpdate::~StreamedUpdate() {
  if (stream_) (void)stream_.abort();
}

void StreamedUpdate::update(int64_t now_us) {
  for (const framepump::Event& event : network_.events()) {
    if (stream_ && event.handle == stream_.value()) on_event(event, now_us);
  }
  if (state_ == State::asked) read_response();
  if (state_ == State::receiving && reads_) receive(now_us);
  if (!reads_) heard_at_us_ = now_us;  // the silence is ours
  if (state_ == State::asked || state_ == State::receiving) give_up_when_quiet(now_us);
  if (state_ == State::verifying) verify();
  if (state_ == State::waiting && now_us >= retry_at_us_) connect(now_us);
}

void StreamedUpdate::connect(int64_t now_us) {
  if (begin_us_ == 0) begin_us_ = now_us;
  framepump::Result<framepump::Stream> stream = network_.connect(server_.host.c_str(), server_.port, framepump::Priority::bulk);
  if (!stream) return retry_later(stream.error().text(), now_us);
  stream_ = *stream;
  // What is written while the connection is made leaves with it.
  const auto request = encode(UpdateRequest{expected_.seed(), received_bytes_, size_bytes()});
  (void)stream_.write_all(request);
  state_ = State::connecting;
  status_ = "connecting to " + to_text(server_);
}

void StreamedUpdate::on_event(const framepump::Event& event, int64_t now_us) {
  if (event.what() == framepump::EventKind::connected) {
    state_ = State::asked;
    heard_at_us_ = now_us;
    status_ = "connected to " + to_text(server_);
  } else if (event.what() == framepump::EventKind::closed) {
    if (state_ == State::asked) read_response();
    if (state_ == State::receiving) receive(now_us);  // what came before the end
    stream_ = {};
    if (state_ == State::verifying || state_ == State::finished) return;
    std::string why = trouble_;
    if (why.empty()) why = api_.reason_name(event.reason);
    if (trouble_.empty() && event.words()[0] != 0) why += std::string(" (") + event.words() + ")";
    retry_later(why, now_us);
  }
}

void StreamedUpdate::read_response() {
  const auto bytes = stream_.peek(kResponseBytes);
  if (!bytes) return;
  std::string error;
  const std::optional<UpdateResponse> response = decode_response(*bytes, error);
  (void)stream_.consume(kResponseBytes);
  if (response && response->status != UpdateStatus::ok) error = "it refused the request";
  if (response && error.empty() && (response->offset != received_bytes_ || response->size_bytes != size_bytes())) {
    error = "it answered another request";
  }
  if (!error.empty()) return give_up(error);
  state_ = State::receiving;
  status_ = "receiving from " + to_text(server_);
}

// Everything that this frame published, block by block, without a copy.
void StreamedUpdate::receive(int64_t now_us) {
  for (auto run = stream_.front(); !run.empty(); run = stream_.front()) {
    const size_t wanted = std::min<uint64_t>(run.size(), size_bytes() - received_bytes_);
    XXH3_64bits_update(hash_.get(), run.data(), wanted);
    received_bytes_ += wanted;
    (void)stream_.consume(run.size());  // more than was asked for is dropped here and fails nothing
    back_off_us_ = kFirstBackOffUs;
    heard_at_us_ = now_us;
  }
  if (received_bytes_ == size_bytes()) end(now_us);
}

void StreamedUpdate::give_up_when_quiet(int64_t now_us) {
  if (!trouble_.empty() || now_us - heard_at_us_ < kLongestQuietUs) return;
  give_up("it sent nothing for " + std::to_string(kLongestQuietUs / 1'000'000) + " s");
}

// The closed event, which follows, starts the next try.
void StreamedUpdate::give_up(const std::string& why) {
  trouble_ = why;
  (void)stream_.abort();
}

void StreamedUpdate::end(int64_t now_us) {
  end_us_ = now_us;
  state_ = State::verifying;
  status_ = "received, verifying";
  (void)stream_.close();
}

// The other hash is long since there, unless the machine is busy; a frame does not wait for it.
void StreamedUpdate::verify() {
  const std::optional<uint64_t> expected_hash = expected_.xxh3();
  if (!expected_hash) return;
  is_verified_ = XXH3_64bits_digest(hash_.get()) == *expected_hash;
  state_ = State::finished;
  status_ = is_verified_ ? "finished, every byte verified" : "finished, but the bytes are wrong";
  if (!is_verified_) std::fprintf(stderr, "demo_client: %s: %s\n", to_text(server_).c_str(), status_.c_str());
}

void StreamedUpdate::retry_later(const std::string& why, int64_t now_us) {
  // Up to half as much again, so that many clients do not come back in step.
  const int64_t jitter_us = static_cast<int64_t>(random_() % static_cast<uint64_t>(back_off_us_ / 2));
  retry_at_us_ = now_us + back_off_us_ + jitter_us;
  std::fprintf(stderr, "demo_client: %s: %s after %llu of %llu bytes; trying again in %lld ms\n", to_text(server_).c_str(),
               why.c_str(), static_cast<unsigned long long>(received_bytes_), static_cast<unsigned long long>(size_bytes()),
               static_cast<long long>((retry_at_us_ - now_us) / 1000));
  status_ = to_text(server_) + ": " + why;
  back_off_us_ = std::min(back_off_us_ * 2, kLongestBackOffUs);
  trouble_.clear();
  ++interruptions_;
  state_ = State::waiting;
}

UpdateSight StreamedUpdate::sight(int64_t now_us) const {
  UpdateSight sight;
  if (state_ == State::finished) sight.state = is_verified_ ? UpdateState::finished : UpdateState::failed;
  sight.status = status_;
  sight.from = to_text(server_);
  sight.over = "tcp";
  sight.bytes = received_bytes_;
  sight.size_bytes = size_bytes();
  sight.interruptions = interruptions_;
  if (begin_us_ != 0) sight.seconds = static_cast<double>((end_us_ != 0 ? end_us_ : now_us) - begin_us_) / 1e6;
  if (state_ == State::receiving && received_bytes_ > 0) sight.left_s = sight.seconds * (1.0 / static_cast<double>(sight.done()) - 1.0);
  sight.is_verified = is_verified_;
  if (is_verified_) sight.verified_by = "xxh3";
  return sight;
}

}  // namespace demo
