// SPDX-License-Identifier: MIT
#include "support/child_process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/test_network.h"

namespace framepump::test {
namespace {

constexpr uint64_t kChunkBytes = 256 * 1024;
constexpr unsigned kLimitS = 120;  // no child outlives a test that hangs

int accept_one(int listening_descriptor) { return accept(listening_descriptor, nullptr, nullptr); }

}  // namespace

ChildProcess::ChildProcess(const std::function<int()>& body) {
  const pid_t parent = getpid();
  pid_ = fork();
  REQUIRE_GE(pid_, 0);
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  // The test's own handlers would report a crash here as one of the test.
  for (int number : {SIGSEGV, SIGABRT, SIGTERM, SIGALRM}) signal(number, SIG_DFL);
  alarm(kLimitS);
  _exit(body());
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

int ChildProcess::exit_status() {
  int status = 0;
  REQUIRE_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int serve_pattern(int listening_descriptor, uint64_t seed, uint64_t size_bytes) {
  const int peer = accept_one(listening_descriptor);
  if (peer < 0) return 2;
  for (uint64_t done = 0; done < size_bytes;) {
    const std::string chunk = pattern(seed, done, std::min(kChunkBytes, size_bytes - done));
    for (size_t sent = 0; sent < chunk.size();) {
      const ssize_t step = send(peer, chunk.data() + sent, chunk.size() - sent, MSG_NOSIGNAL);
      if (step <= 0) return 3;
      sent += static_cast<size_t>(step);
    }
    done += chunk.size();
  }
  shutdown(peer, SHUT_WR);
  char byte = 0;
  return recv(peer, &byte, 1, 0) == 0 ? 0 : 4;
}

int check_pattern(int listening_descriptor, uint64_t seed, uint64_t size_bytes) {
  const int peer = accept_one(listening_descriptor);
  if (peer < 0) return 2;
  std::vector<char> buffer(kChunkBytes);
  uint64_t done = 0;
  ssize_t taken = 0;
  while ((taken = recv(peer, buffer.data(), buffer.size(), 0)) > 0) {
    const uint64_t size = static_cast<uint64_t>(taken);
    if (pattern(seed, done, size) != std::string_view(buffer.data(), size)) return 3;
    done += size;
  }
  return taken == 0 && done == size_bytes ? 0 : 4;
}

}  // namespace framepump::test
