// SPDX-License-Identifier: MIT
#include "bench/support/control.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "bench/support/tcp.h"

namespace framepump::bench {
namespace {

std::optional<std::string> take_line(std::string& input) {
  const size_t end = input.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = input.substr(0, end);
  input.erase(0, end + 1);
  return line;
}

// False: the other end has gone. With MSG_DONTWAIT true also says that nothing came.
bool receive_more(int descriptor, std::string& input, int flags) {
  char bytes[512];
  const ssize_t got = recv(descriptor, bytes, sizeof(bytes), flags);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  input.append(bytes, static_cast<size_t>(got));
  return got > 0;
}

void send_line(int descriptor, std::string line) {
  line += '\n';
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t took = send(descriptor, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (took <= 0) return;  // who listens will notice
    sent += static_cast<size_t>(took);
  }
}

}  // namespace

Control::Control(uint16_t port) : descriptor_(tcp_connect("127.0.0.1", port)) {}
Control::~Control() { close(descriptor_); }

void Control::say(const std::string& line) { send_line(descriptor_, line); }

std::optional<std::string> Control::heard() {
  if (!receive_more(descriptor_, input_, MSG_DONTWAIT) && input_.empty()) die("the other side of the wire has gone");
  return take_line(input_);
}

std::string Control::wait() {
  std::optional<std::string> line = take_line(input_);
  while (!line) {
    if (!receive_more(descriptor_, input_, 0)) die("the other side of the wire has gone");
    line = take_line(input_);
  }
  return *line;
}

std::optional<std::string> Order::next() {
  std::optional<std::string> line = take_line(input_);
  while (!line && receive_more(descriptor_, input_, 0)) line = take_line(input_);
  return line;
}

bool Order::is_over() { return !receive_more(descriptor_, input_, MSG_DONTWAIT); }

void Order::answer(const std::string& line) { send_line(descriptor_, line); }

void serve_orders(const std::string& more, const std::function<void(Order&)>& carry_out) {
  const int listener = tcp_listen("127.0.0.1", 0);
  end_with_stdin();
  std::printf("{\"control\":%u%s}\n", local_port(listener), more.c_str());
  std::fflush(stdout);
  for (;;) {
    const int descriptor = accept(listener, nullptr, nullptr);
    if (descriptor < 0) die_errno("accept");
    Order order(descriptor);
    carry_out(order);
    close(descriptor);
  }
}

void end_with_stdin() {
  std::thread([] {
    char rest[64];
    while (read(STDIN_FILENO, rest, sizeof(rest)) > 0) {
    }
    std::_Exit(0);
  }).detach();
}

}  // namespace framepump::bench
