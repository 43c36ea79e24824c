// SPDX-License-Identifier: MIT
//
// The other side of the wire, as a program writes it that knows libenet alone.
#pragma once

#include <enet/enet.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace framepump::test {

// A host of one thread. Nothing happens outside of service().
class PlainEnet {
 public:
  struct Message {
    ENetPeer* peer;
    std::string text;
    uint32_t channel;
    uint32_t flags;  // ENET_PACKET_FLAG_*
  };

  // A server has a port of its own choice on 127.0.0.1, a client none.
  static PlainEnet server(size_t peers = 32, size_t channels = 4) { return PlainEnet(true, peers, channels); }
  static PlainEnet client(size_t peers = 1, size_t channels = 4) { return PlainEnet(false, peers, channels); }
  ~PlainEnet();
  PlainEnet(const PlainEnet&) = delete;
  PlainEnet& operator=(const PlainEnet&) = delete;

  uint32_t port() const;
  ENetPeer* connect(uint32_t port, uint32_t data = 0, size_t channels = 4);
  // Sends, receives, and notes what happened; does not wait.
  void service();
  void send(ENetPeer* peer, std::string_view bytes, uint32_t flags = ENET_PACKET_FLAG_RELIABLE, uint8_t channel = 0);
  void flush() { enet_host_flush(host_); }

  ENetHost* host() { return host_; }
  const std::vector<ENetPeer*>& connected() const { return connected_; }
  const std::vector<Message>& messages() const { return messages_; }
  void forget_messages() { messages_.clear(); }
  uint32_t disconnects() const { return disconnects_; }
  uint32_t last_data() const { return last_data_; }  // of the last connect or disconnect

 private:
  PlainEnet(bool is_server, size_t peers, size_t channels);

  ENetHost* host_ = nullptr;
  std::vector<ENetPeer*> connected_;
  std::vector<Message> messages_;
  uint32_t disconnects_ = 0;
  uint32_t last_data_ = 0;
};

// A plain host that lives on a thread of its own and does `step` about every millisecond between two services. Look at it
// through what `step` leaves, or after stop().
template <typename Step>
class PlainEnetThread {
 public:
  PlainEnetThread(PlainEnet& host, Step step) : host_(host), step_(step), thread_([this] { run(); }) {}
  ~PlainEnetThread() { stop(); }
  PlainEnetThread(const PlainEnetThread&) = delete;
  PlainEnetThread& operator=(const PlainEnetThread&) = delete;

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      host_.service();
      step_(host_);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  PlainEnet& host_;
  Step step_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace framepump::test
