// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace framepump::test {

// A blocking TCP socket of the system, as a peer that knows nothing of FramePump. Each call gives up after ten seconds.
class PlainSocket {
 public:
  PlainSocket() = default;
  explicit PlainSocket(int descriptor) : descriptor_(descriptor) {}
  ~PlainSocket() { close(); }
  PlainSocket(PlainSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  PlainSocket& operator=(PlainSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  // On 127.0.0.1 at a free port.
  static PlainSocket listen(int backlog = 16);
  static PlainSocket connect(uint32_t port);
  // Has its descriptor, and connects later.
  static PlainSocket unconnected();
  void connect_to(uint32_t port);
  bool try_connect_to(uint32_t port);  // false: nobody listens there
  PlainSocket accept();

  bool is_open() const { return descriptor_ != -1; }
  int descriptor() const { return descriptor_; }
  uint32_t port() const;

  void send(std::string_view bytes);
  // As much as there is room for at once: a number of bytes, or negative.
  int64_t send_now(std::string_view bytes) const;
  // What comes until the end of the stream. `error` is errno if it was not an orderly end, else 0.
  std::string receive_to_end(int& error);
  std::string receive(size_t size_bytes);

  void shutdown_write();
  void close();
  void reset();  // closes so that the peer sees a reset
  // From now on the kernel throws away whatever comes for this socket before TCP sees it: no acknowledgement, no answer. To its peer
  // the machine is gone; to who connects to it, when it listens, it was never there.
  void vanish();
  // Fewer bytes in the kernel, so that a sender feels soon that nobody reads. Before listen's connections come.
  void keep_small_receive_buffer();
  void keep_small_send_buffer();  // the same for what it sends

 private:
  int descriptor_ = -1;
};

}  // namespace framepump::test
