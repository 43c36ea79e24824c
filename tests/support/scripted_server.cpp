// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "support/scripted_server.h"

#include <sys/socket.h>
#include <unistd.h>

namespace framepump::test {

ScriptedServer::ScriptedServer(std::function<void(Exchange)> script)
    : script_(std::move(script)), listener_(PlainSocket::listen()), port_(listener_.port()), thread_([this] { serve(); }) {}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard guard(lock_);
    is_over_ = true;
  }
  shutdown(listener_.descriptor(), SHUT_RDWR);  // ends an accept that waits
  thread_.join();
}

std::string ScriptedServer::url(const std::string& path, const std::string& host) const {
  return "http://" + host + ":" + std::to_string(port_) + path;
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard guard(lock_);
  return requests_;
}

void ScriptedServer::serve() {
  for (uint32_t number = 0;; ++number) {
    const int descriptor = accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    PlainSocket peer(descriptor);
    {
      const std::lock_guard guard(lock_);
      if (is_over_) return;
    }
    if (descriptor < 0) continue;  // the ten seconds of an idle listener are over
    std::string request;
    while (!request.ends_with("\r\n\r\n")) {
      const std::string byte = peer.receive(1);
      if (byte.empty()) break;
      request += byte;
    }
    {
      const std::lock_guard guard(lock_);
      requests_.push_back(request);
    }
    script_({number, request, peer});
    peer.shutdown_write();
  }
}

std::string field_of(const std::string& request, std::string_view name) {
  const size_t begin = request.find("\r\n" + std::string(name) + ": ");
  if (begin == std::string::npos) return "";
  const size_t value = begin + name.size() + 4;
  return request.substr(value, request.find("\r\n", value) - value);
}

std::string response(std::string_view status, std::string_view body, const std::string& fields) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" + fields + "\r\n" +
         std::string(body);
}

}  // namespace framepump::test

#endif
