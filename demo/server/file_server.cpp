// SPDX-License-Identifier: MIT
#include "demo/server/file_server.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

namespace demo {
namespace {

namespace fp = framepump;

constexpr uint64_t kPieceBytes = 64 * 1024;
constexpr int64_t kRequestMs = 5'000;
constexpr int64_t kPatienceMs = 30'000;

// Counts, as long as it lives.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

std::string response_to(const FileRequest& request) { return file_response(request, std::time(nullptr)); }

FileRequest refusal(HttpStatus status) {
  FileRequest request;
  request.status = status;
  return request;
}

}  // namespace

fp::Result<uint16_t> FileServer::open(const char* host, uint16_t port, const fp::Tls& tls) {
  const fp::Result<fp::Listener> listener = network_.listen(host, port, tls, fp::Priority::bulk);
  if (!listener) return listener.error();
  listener_ = fp::TaskListener(tasks_, *listener);
  if (!tasks_.start(welcome_all())) return tasks_.error();
  return listener_.port();
}

fp::Task<> FileServer::welcome_all() {
  while (true) {
    fp::Result<fp::TaskStream> stream = co_await listener_.accept();
    if (!stream) co_return;
    if (clients_ < kMostClients) {
      tasks_.start(serve(std::move(*stream)));
    } else {
      (void)stream->get().write_all(response_to(refusal(HttpStatus::too_busy)));
    }
  }
}

fp::Task<> FileServer::serve(fp::TaskStream stream) {
  const Counted client(clients_);
  const fp::Result<std::string> head = co_await fp::with_timeout(read_head(stream), kRequestMs);
  FileRequest request = head ? judge_file_request(*head) : refusal(HttpStatus::timed_out);
  if (request.status == HttpStatus::incomplete) co_return;  // it has gone
  const std::string response = response_to(request);
  const fp::Status written = co_await fp::with_timeout(write(stream, std::as_bytes(std::span(response))), kPatienceMs);
  if (written && !request.is_head && request.begin < request.end) co_await send(stream, request);
}

// Until it can be judged, or there is no more.
fp::Task<std::string> FileServer::read_head(fp::TaskStream& stream) {
  std::string head;
  while (judge_file_request(head).status == HttpStatus::incomplete) {
    const fp::Result<std::span<const std::byte>> bytes = co_await stream.read_some();
    if (!bytes) break;
    head.append(reinterpret_cast<const char*>(bytes->data()), std::min(bytes->size(), kMostRequestBytes - head.size()));
  }
  co_return head;
}

// No more of it is there at a time than a piece and what the stream holds.
fp::Task<> FileServer::send(fp::TaskStream& stream, FileRequest request) {
  const Counted sending(sending_);
  const std::shared_ptr<const UpdateBytes> bytes = updates_.get(request.seed);
  std::vector<std::byte> piece(std::min(kPieceBytes, request.end - request.begin));
  while (request.begin < request.end) {
    const std::span<std::byte> part(piece.data(), std::min<uint64_t>(piece.size(), request.end - request.begin));
    bytes->fill(request.begin, part);
    const fp::Status written = co_await fp::with_timeout(write(stream, part), kPatienceMs);
    if (!written) co_return stream.abort();  // it is not to look like the end of the file
    request.begin += part.size();
    co_await fp::yield();  // each piece is a turn, so that the slice holds
  }
}

fp::Task<fp::Status> FileServer::write(fp::TaskStream& stream, std::span<const std::byte> bytes) {
  co_return co_await stream.write_all(bytes);
}

}  // namespace demo
