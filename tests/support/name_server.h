// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace framepump::test {

// A DNS server on 127.0.0.1, UDP and TCP, which answers when serve() is called and may be told to answer badly.
class NameServer {
 public:
  NameServer();
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  uint32_t port() const { return port_; }
  // A resolv.conf that names it, and what else is to stand there.
  std::string resolv_conf(std::string_view more = "") const;

  // `type` is A, AAAA or CNAME. What is not there does not exist.
  void add(const std::string& name, const std::string& type, const std::string& value, uint32_t ttl_s = 60);
  void remove(const std::string& name);

  enum class Manner {
    answer,
    never,
    late,         // at the next release_late()
    wrong_id,     // an answer with wrong addresses for a query that nobody sent, then the right one
    garbage,      // random bytes, a cut-off header and an empty datagram, then the answer
    only_garbage, // and no answer
    truncated,    // over UDP: no answer that fits, so that TCP must be used
    fail,         // SERVFAIL
  };
  // For queries of this name; `type` empty: of every type.
  void behave(const std::string& name, Manner manner, const std::string& type = "");
  void release_late(const std::string& type = "");  // empty: of every type
  void repeat_late();  // sends what is late, and keeps it
  // Answers with so many addresses 10.0.0.x that they must come over TCP or fit hardly.
  void add_many(const std::string& name, uint32_t count);

  // Answers what has come.
  void serve();
  // Queries seen; `type` empty: of all types.
  uint32_t asked(const std::string& name, const std::string& type = "") const;
  uint32_t asked_over_tcp() const { return asked_over_tcp_; }
  uint32_t total() const { return static_cast<uint32_t>(queries_.size()); }
  const std::vector<std::pair<std::string, std::string>>& queries() const { return queries_; }  // name and type

 private:
  struct Record {
    std::string type;
    std::string value;
    uint32_t ttl_s = 0;
  };
  struct Late {
    std::string type;
    std::string bytes;
    std::string to;  // the sockaddr
  };
  Manner manner_of(const std::string& name, const std::string& type) const;
  std::string reply_to(const std::string& query, const std::string& name, const std::string& type, bool is_tcp) const;
  void serve_udp();
  void serve_tcp();
  void send_udp(const std::string& bytes, const std::string& to) const;

  int udp_ = -1;
  int tcp_ = -1;
  std::vector<int> connections_;
  uint32_t port_ = 0;
  uint32_t asked_over_tcp_ = 0;
  std::map<std::string, std::vector<Record>> records_;
  std::map<std::pair<std::string, std::string>, Manner> manners_;
  std::vector<std::pair<std::string, std::string>> queries_;
  std::vector<Late> late_;
};

}  // namespace framepump::test
