// SPDX-License-Identifier: MIT
#include "support/emulated_link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <random>
#include <vector>

namespace framepump::test {
namespace {

constexpr size_t kPacketBytes = 1600;  // an MTU of 1500 and room
// A sleep ends late, by tens of microseconds where the processor first has to come back to this machine. As long before a packet is due
// nobody sleeps.
constexpr int64_t kLeastSpinNs = 40'000;
constexpr int64_t kMostSpinNs = 150'000;

int64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// For a child process: it dies with its parent, also with one that died before this call.
void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

bool write_file(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
  close(fd);
  return ok;
}

void set_address(ifreq& request, const char* address) {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  inet_pton(AF_INET, address, &in.sin_addr);
  std::memcpy(&request.ifr_addr, &in, sizeof(in));
}

// Inside a new namespace: the TUN device, up and addressed. -1: errno says why.
int make_device(const char* address) {
  const int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0) return -1;
  ifreq request = {};
  std::strcpy(request.ifr_name, "link0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun, TUNSETIFF, &request) != 0) return -1;
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request = {};
  std::strcpy(request.ifr_name, "link0");
  set_address(request, address);
  bool ok = ioctl(control, SIOCSIFADDR, &request) == 0;
  set_address(request, "255.255.255.0");
  ok = ok && ioctl(control, SIOCSIFNETMASK, &request) == 0;
  request.ifr_qlen = 20'000;  // the emulated queue drops, not the device's
  ok = ok && ioctl(control, SIOCSIFTXQLEN, &request) == 0;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ok = ok && ioctl(control, SIOCSIFFLAGS, &request) == 0;
  std::strcpy(request.ifr_name, "lo");
  ok = ok && ioctl(control, SIOCSIFFLAGS, &request) == 0;
  close(control);
  return ok ? tun : -1;
}

bool send_descriptors(int channel, int (&fds)[2]) {
  char byte = 'x';
  iovec data = {&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(fds))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(fds));
  std::memcpy(CMSG_DATA(header), fds, sizeof(fds));
  return sendmsg(channel, &message, 0) == 1;
}

// False: the child's reason is in `why_not`.
bool receive_descriptors(int channel, int (&fds)[2], std::string& why_not) {
  char text[128] = {};
  iovec data = {text, sizeof(text) - 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(fds))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  const ssize_t size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  const cmsghdr* header = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr) {
    why_not = text;
    return false;
  }
  std::memcpy(fds, CMSG_DATA(header), sizeof(fds));
  return true;
}

// Makes a namespace with its device in a child process that then ends; the descriptors keep both alive.
bool make_end(const char* address, int& namespace_fd, int& tun_fd, std::string& why_not) {
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, channel) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    int fds[2] = {-1, -1};
    if (unshare(CLONE_NEWNET) == 0) {
      write_file("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 6291456");  // what Linux ships with
      write_file("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 4194304");
      write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");  // its own chatter would take part in the losses
      fds[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
      fds[1] = make_device(address);
    }
    const std::string reason = std::strerror(errno);
    if (fds[0] < 0 || fds[1] < 0 || !send_descriptors(channel[1], fds)) (void)!write(channel[1], reason.c_str(), reason.size());
    _exit(0);
  }
  close(channel[1]);
  int fds[2] = {-1, -1};
  const bool ok = receive_descriptors(channel[0], fds, why_not);
  close(channel[0]);
  waitpid(child, nullptr, 0);
  namespace_fd = fds[0];
  tun_fd = fds[1];
  return ok;
}

}  // namespace

struct EmulatedLink::Shared {
  struct Counters {
    std::atomic<uint64_t> packets{0};
    std::atomic<uint64_t> delivered{0};
    std::atomic<uint64_t> lost{0};
    std::atomic<uint64_t> queue_drops{0};
  };
  Counters ways[2];
  std::atomic<bool> carries{false};
};

namespace {

// One direction: a bottleneck with a queue, then a delay line.
template <typename Counters>
class Way {
 public:
  Way(const LinkOptions& options, int from, int to, Counters& counters, uint64_t seed)
      : options_(options), from_(from), to_(to), counters_(counters), random_(seed), packets_(capacity(options)) {}

  // Takes what the sender offers and delivers what is due. Returns when it wants to be called again.
  int64_t work(int64_t now) {
    take(now);
    while (count_ > 0 && packets_[first_].due_ns <= now) {
      const Packet& packet = packets_[first_];
      if (write(to_, packet.bytes, packet.size_bytes) > 0) ++counters_.delivered;
      first_ = (first_ + 1) % packets_.size();
      --count_;
    }
    return count_ > 0 ? packets_[first_].due_ns : INT64_MAX;
  }

 private:
  struct Packet {
    int64_t due_ns;
    size_t size_bytes;
    char bytes[kPacketBytes];
  };

  // Everything in the queue and on its way, were every packet small: the queue limit counts bytes.
  static size_t capacity(const LinkOptions& options) {
    const uint64_t in_flight = options.rate_bits_per_s / 8 * static_cast<uint64_t>(options.delay_us) / 1'000'000;
    return static_cast<size_t>((options.queue_bytes + in_flight) / 400 + 1000);
  }

  void take(int64_t now) {
    constexpr int kBatch = 64;
    for (int i = 0; i < kBatch; ++i) {
      Packet& packet = packets_[(first_ + count_) % packets_.size()];
      char spare[kPacketBytes];
      char* into = count_ < packets_.size() ? packet.bytes : spare;
      const ssize_t size = read(from_, into, kPacketBytes);
      if (size <= 0) return;
      ++counters_.packets;
      if (std::uniform_real_distribution<double>(0, 1)(random_) < options_.loss) {
        ++counters_.lost;
        continue;
      }
      const int64_t send_ns = static_cast<int64_t>(static_cast<uint64_t>(size) * 8'000'000'000 / options_.rate_bits_per_s);
      const int64_t begin_ns = std::max(now, free_at_ns_);
      const uint64_t waiting_bytes = static_cast<uint64_t>(begin_ns - now) * options_.rate_bits_per_s / 8'000'000'000;
      if (waiting_bytes + static_cast<uint64_t>(size) > options_.queue_bytes || into == spare) {
        ++counters_.queue_drops;
        continue;
      }
      free_at_ns_ = begin_ns + send_ns;
      packet.due_ns = free_at_ns_ + options_.delay_us * 1000;
      packet.size_bytes = static_cast<size_t>(size);
      ++count_;
    }
  }

  LinkOptions options_;
  int from_;
  int to_;
  Counters& counters_;
  std::mt19937_64 random_;
  std::vector<Packet> packets_;  // a ring
  size_t first_ = 0;
  size_t count_ = 0;
  int64_t free_at_ns_ = 0;
};

template <typename Counters>
[[noreturn]] void carry(const LinkOptions& options, int tun_a, int tun_b, Counters (&counters)[2], std::atomic<bool>& carries) {
  prctl(PR_SET_TIMERSLACK, 1);
  Way<Counters> there(options, tun_a, tun_b, counters[0], options.seed);
  Way<Counters> back(options, tun_b, tun_a, counters[1], options.seed + 1);
  pollfd fds[2] = {{tun_a, POLLIN, 0}, {tun_b, POLLIN, 0}};
  carries.store(true);
  int64_t spin_ns = kLeastSpinNs;
  while (true) {
    const int64_t now = now_ns();
    const int64_t next = std::min(there.work(now), back.work(now));
    const int64_t sleep_from_ns = now_ns();
    const int64_t sleep_ns = next == INT64_MAX ? 1'000'000'000 : next - sleep_from_ns - spin_ns;
    if (sleep_ns <= 0) continue;
    const timespec sleep = {sleep_ns / 1'000'000'000, sleep_ns % 1'000'000'000};
    if (ppoll(fds, 2, &sleep, nullptr) > 0) continue;
    const int64_t late_ns = now_ns() - sleep_from_ns - sleep_ns;
    spin_ns = std::clamp(spin_ns + (late_ns - spin_ns) / 8, kLeastSpinNs, kMostSpinNs);
  }
}

// A long line's memory takes tens of milliseconds to be there, which the first packets would wait longer than they are told to. False: the
// carrier has ended.
bool waits_until_it_carries(pid_t carrier, const std::atomic<bool>& carries) {
  for (; !carries.load(); poll(nullptr, 0, 1)) {
    if (waitpid(carrier, nullptr, WNOHANG) != 0) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<EmulatedLink> EmulatedLink::open(const LinkOptions& options, std::string& why_not) {
  std::unique_ptr<EmulatedLink> link(new EmulatedLink);
  int tuns[2] = {-1, -1};
  bool ok = make_end(address(End::a), link->namespace_fds_[0], tuns[0], why_not) &&
            make_end(address(End::b), link->namespace_fds_[1], tuns[1], why_not);
  void* memory = ok ? mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
  if (memory != MAP_FAILED) {
    link->shared_ = new (memory) Shared;
    const pid_t parent = getpid();
    link->carrier_ = fork();
    if (link->carrier_ == 0) {
      die_with(parent);
      carry(options, tuns[0], tuns[1], link->shared_->ways, link->shared_->carries);
    }
    if (link->carrier_ > 0 && !waits_until_it_carries(link->carrier_, link->shared_->carries)) {
      link->carrier_ = -1;
      errno = ECHILD;
    }
  }
  if (ok && link->carrier_ <= 0) {
    ok = false;
    why_not = std::string("the process that carries packets: ") + std::strerror(errno);
  }
  for (int tun : tuns) {
    if (tun >= 0) close(tun);
  }
  return ok ? std::move(link) : nullptr;
}

EmulatedLink::~EmulatedLink() {
  if (carrier_ > 0) {
    kill(carrier_, SIGKILL);
    waitpid(carrier_, nullptr, 0);
  }
  for (int fd : namespace_fds_) {
    if (fd >= 0) close(fd);
  }
  if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
}

LinkStatistics EmulatedLink::statistics(End end) const {
  const Shared::Counters& way = shared_->ways[end == End::a ? 0 : 1];
  return {way.packets.load(), way.delivered.load(), way.lost.load(), way.queue_drops.load()};
}

EmulatedLink::Child EmulatedLink::run(End end, const std::function<std::string()>& body) const {
  int result[2] = {-1, -1};
  if (pipe2(result, O_CLOEXEC) != 0) return {};
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    die_with(parent);
    std::string text;
    if (setns(namespace_fds_[end == End::a ? 0 : 1], CLONE_NEWNET) == 0) text = body();
    (void)!write(result[1], text.data(), text.size());
    _exit(0);
  }
  close(result[1]);
  return Child(pid, result[0]);
}

EmulatedLink::Child::Child(Child&& other) noexcept : pid_(other.pid_), result_fd_(other.result_fd_) {
  other.pid_ = -1;
  other.result_fd_ = -1;
}

EmulatedLink::Child::~Child() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (result_fd_ >= 0) close(result_fd_);
}

std::string EmulatedLink::Child::wait(int limit_ms) {
  std::string text;
  const int64_t end_ns = now_ns() + int64_t{limit_ms} * 1'000'000;
  while (true) {
    pollfd fd = {result_fd_, POLLIN, 0};
    const int64_t left_ms = (end_ns - now_ns()) / 1'000'000;
    if (left_ms <= 0 || poll(&fd, 1, static_cast<int>(left_ms)) <= 0) return {};
    char buffer[4096];
    const ssize_t size = read(result_fd_, buffer, sizeof(buffer));
    if (size <= 0) return text;
    text.append(buffer, static_cast<size_t>(size));
  }
}

}  // namespace framepump::test
