// SPDX-License-Identifier: MIT
#include "platform/thread.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "platform/loopback.h"

using namespace framepump;
using namespace framepump::test;

namespace {

struct Seen {
  sigset_t blocked;
  char name[16] = {};
  std::atomic<bool> may_end{true};
  std::atomic<bool> is_over{false};
};

void look_around(void* argument) {
  Seen& seen = *static_cast<Seen*>(argument);
  pthread_sigmask(SIG_BLOCK, nullptr, &seen.blocked);
  pthread_getname_np(pthread_self(), seen.name, sizeof(seen.name));
  becomes_true([&] { return seen.may_end.load(); });
  seen.is_over = true;
}

pthread_t handled_by;
std::atomic<bool> is_handled{false};
void note_thread(int) {
  handled_by = pthread_self();
  is_handled = true;
}

}  // namespace

TEST_CASE("a helper thread blocks the host's signals and none that tells of a crash") {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  Seen seen;
  Thread thread;
  REQUIRE(thread.start("framepump-test", look_around, &seen));
  thread.join();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGPROF, SIGPIPE, SIGRTMIN, SIGRTMAX}) {
    CAPTURE(signal);
    CHECK(sigismember(&seen.blocked, signal) == 1);
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
    CAPTURE(signal);
    CHECK(sigismember(&seen.blocked, signal) == 0);
  }
  sigset_t after;
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMAX; ++signal) CHECK(sigismember(&after, signal) == sigismember(&before, signal));
}

TEST_CASE("a signal of the process is handled by the host's thread while a helper runs") {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = note_thread;
  sigaction(SIGUSR1, &action, &before);
  Seen seen;
  seen.may_end = false;
  Thread thread;
  REQUIRE(thread.start("framepump-test", look_around, &seen));
  is_handled = false;
  // The host's thread refuses it for a moment: only the helper could take it now.
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
  kill(getpid(), SIGUSR1);
  CHECK_FALSE(becomes_true([] { return is_handled.load(); }, 20'000));
  pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr);
  CHECK(becomes_true([] { return is_handled.load(); }));
  CHECK(pthread_equal(handled_by, pthread_self()));
  seen.may_end = true;
  thread.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a helper thread shows its name, cut to what the system takes") {
  Seen seen;
  Thread thread;
  REQUIRE(thread.start("framepump-io", look_around, &seen));
  thread.join();
  CHECK(std::string(seen.name) == "framepump-io");
  REQUIRE(thread.start("framepump-a-long-name", look_around, &seen));
  thread.join();
  CHECK(std::string(seen.name) == "framepump-a-lon");
}

TEST_CASE("join waits for the end, and a running thread is not started twice") {
  Seen seen;
  seen.may_end = false;
  Thread thread;
  CHECK_FALSE(thread.is_started());
  thread.join();
  REQUIRE(thread.start("framepump-test", look_around, &seen));
  CHECK(thread.is_started());
  CHECK_FALSE(thread.start("framepump-test", look_around, &seen));
  seen.may_end = true;
  thread.join();
  CHECK(seen.is_over.load());
  CHECK_FALSE(thread.is_started());
}
