// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "support/name_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace framepump::test {
namespace {

constexpr size_t kHeaderBytes = 12;

void append16(std::string& out, uint32_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}
void append32(std::string& out, uint32_t value) {
  append16(out, value >> 16);
  append16(out, value & 0xffff);
}
uint32_t read16(const std::string& bytes, size_t at) {
  return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

std::string encoded(const std::string& name) {
  std::string out;
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    out += static_cast<char>(end - begin);
    out += name.substr(begin, end - begin);
    begin = end + 1;
  }
  return out + '\0';
}

uint32_t number_of(const std::string& type) { return type == "A" ? 1 : type == "AAAA" ? 28 : type == "CNAME" ? 5 : 0; }

// The question's name and type; `end` is where it ends.
bool parse(const std::string& query, std::string& name, std::string& type, size_t& end) {
  if (query.size() < kHeaderBytes) return false;
  size_t at = kHeaderBytes;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<uint8_t>(query[at]);
    if (at + 1 + length >= query.size()) return false;
    name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
    at += 1u + length;
  }
  if (at + 5 > query.size()) return false;
  const uint32_t number = read16(query, at + 1);
  type = number == 1 ? "A" : number == 28 ? "AAAA" : "?";
  end = at + 5;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  return true;
}

std::string data_of(const std::string& type, const std::string& value) {
  unsigned char bytes[16] = {};
  if (type == "CNAME") return encoded(value);
  REQUIRE_EQ(inet_pton(type == "A" ? AF_INET : AF_INET6, value.c_str(), bytes), 1);
  return {reinterpret_cast<char*>(bytes), type == "A" ? size_t{4} : size_t{16}};
}

int made_socket(int kind, sockaddr_in& address) {
  const int made = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  REQUIRE(made >= 0);
  const int on = 1;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return made;
  close(made);
  return -1;
}

}  // namespace

// The same port for both; somebody else may have it for one of them already, so more than one is tried.
NameServer::NameServer() {
  for (int i = 0; i < 20 && tcp_ < 0; ++i) {
    if (udp_ >= 0) close(udp_);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    udp_ = made_socket(SOCK_DGRAM, address);
    socklen_t size = sizeof(address);
    REQUIRE_EQ(getsockname(udp_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    tcp_ = made_socket(SOCK_STREAM, address);
  }
  REQUIRE(tcp_ >= 0);
  REQUIRE_EQ(listen(tcp_, 16), 0);
}

NameServer::~NameServer() {
  for (int connection : connections_) close(connection);
  close(udp_);
  close(tcp_);
}

std::string NameServer::resolv_conf(std::string_view more) const {
  return "nameserver 127.0.0.1:" + std::to_string(port_) + "\n" + std::string(more);
}

void NameServer::add(const std::string& name, const std::string& type, const std::string& value, uint32_t ttl_s) {
  records_[name].push_back({type, value, ttl_s});
}

void NameServer::remove(const std::string& name) { records_.erase(name); }

void NameServer::add_many(const std::string& name, uint32_t count) {
  for (uint32_t i = 1; i <= count; ++i) add(name, "A", "10.0.0." + std::to_string(i));
}

void NameServer::behave(const std::string& name, Manner manner, const std::string& type) {
  for (const char* one : {"A", "AAAA"}) {
    if (type.empty() || type == one) manners_[{name, one}] = manner;
  }
}

NameServer::Manner NameServer::manner_of(const std::string& name, const std::string& type) const {
  const auto found = manners_.find({name, type});
  return found == manners_.end() ? Manner::answer : found->second;
}

uint32_t NameServer::asked(const std::string& name, const std::string& type) const {
  return static_cast<uint32_t>(std::count_if(queries_.begin(), queries_.end(), [&](const auto& query) {
    return query.first == name && (type.empty() || query.second == type);
  }));
}

void NameServer::repeat_late() {
  for (const Late& late : late_) send_udp(late.bytes, late.to);
}

void NameServer::release_late(const std::string& type) {
  const auto is_meant = [&](const Late& late) { return type.empty() || late.type == type; };
  for (const Late& late : late_) {
    if (is_meant(late)) send_udp(late.bytes, late.to);
  }
  std::erase_if(late_, is_meant);
}

std::string NameServer::reply_to(const std::string& query, const std::string& name, const std::string& type, bool is_tcp) const {
  std::string asked_name;
  std::string asked_type;
  size_t end = 0;
  parse(query, asked_name, asked_type, end);
  const Manner manner = manner_of(name, type);
  std::string answers;
  uint32_t count = 0;
  std::string owner = name;
  bool exists = false;
  for (int hops = 0; hops < 10; ++hops) {
    const auto found = records_.find(owner);
    if (found == records_.end()) break;
    exists = true;
    std::string next;
    for (const Record& record : found->second) {
      if (record.type != type && record.type != "CNAME") continue;
      const std::string data = data_of(record.type, record.value);
      answers += encoded(owner);
      append16(answers, number_of(record.type));
      append16(answers, 1);
      append32(answers, record.ttl_s);
      append16(answers, static_cast<uint32_t>(data.size()));
      answers += data;
      ++count;
      if (record.type == "CNAME") next = record.value;
    }
    if (next.empty()) break;
    owner = next;
  }
  const bool is_cut = !is_tcp && manner == Manner::truncated;
  const uint32_t code = manner == Manner::fail ? 2 : exists ? 0 : 3;
  if (is_cut || code == 2) {
    answers.clear();
    count = 0;
  }
  std::string reply = query.substr(0, 2);
  append16(reply, 0x8180u | (is_cut ? 0x0200u : 0u) | code);
  append16(reply, 1);
  append16(reply, count);
  append32(reply, 0);
  return reply + query.substr(kHeaderBytes, end - kHeaderBytes) + answers;
}

void NameServer::send_udp(const std::string& bytes, const std::string& to) const {
  sendto(udp_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(to.data()), static_cast<socklen_t>(to.size()));
}

void NameServer::serve() {
  serve_udp();
  serve_tcp();
}

void NameServer::serve_udp() {
  char buffer[2048];
  while (true) {
    sockaddr_storage from = {};
    socklen_t size = sizeof(from);
    const ssize_t taken = recvfrom(udp_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (taken < 0) return;
    const std::string query(buffer, static_cast<size_t>(taken));
    const std::string to(reinterpret_cast<char*>(&from), size);
    std::string name;
    std::string type;
    size_t end = 0;
    if (!parse(query, name, type, end)) continue;
    queries_.emplace_back(name, type);
    std::string reply = reply_to(query, name, type, false);
    switch (manner_of(name, type)) {
      case Manner::never: continue;
      case Manner::late: late_.push_back({type, reply, to}); continue;
      case Manner::wrong_id: {
        std::string wrong = reply;
        wrong[0] = static_cast<char>(wrong[0] ^ 0x55);
        wrong.back() = static_cast<char>(wrong.back() ^ 0x7f);
        send_udp(wrong, to);
        break;
      }
      case Manner::garbage:
      case Manner::only_garbage:
        send_udp(std::string("\x80\x80garbage that is no DNS message at all, and long enough for a header"), to);
        send_udp(reply.substr(0, 7), to);
        send_udp(reply.substr(0, 2) + std::string(300, '\xc0'), to);
        send_udp("", to);
        if (manner_of(name, type) == Manner::only_garbage) continue;
        break;
      default: break;
    }
    send_udp(reply, to);
  }
}

// A query comes in one piece here, since it is shorter than any packet.
void NameServer::serve_tcp() {
  for (int made = accept4(tcp_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); made >= 0;
       made = accept4(tcp_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
    connections_.push_back(made);
  }
  for (int connection : connections_) {
    char buffer[2048];
    const ssize_t taken = recv(connection, buffer, sizeof(buffer), 0);
    std::string bytes(buffer, taken > 0 ? static_cast<size_t>(taken) : 0);
    while (bytes.size() > 2) {
      const size_t size = read16(bytes, 0);
      const std::string query = bytes.substr(2, size);
      bytes.erase(0, 2 + size);
      std::string name;
      std::string type;
      size_t end = 0;
      if (!parse(query, name, type, end)) continue;
      ++asked_over_tcp_;
      const std::string reply = reply_to(query, name, type, true);
      std::string framed;
      append16(framed, static_cast<uint32_t>(reply.size()));
      framed += reply;
      send(connection, framed.data(), 1, MSG_NOSIGNAL);  // in pieces, as a network would bring it
      send(connection, framed.data() + 1, framed.size() - 1, MSG_NOSIGNAL);
    }
  }
}

}  // namespace framepump::test

#endif
