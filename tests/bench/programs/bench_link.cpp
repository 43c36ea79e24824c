// SPDX-License-Identifier: MIT
//
// Runs a contestant behind an emulated link: the sender in a network namespace at one end, the contestant, without privileges, in one at
// the other. What follows `--` is the contestant's command; its output and exit status become this program's. Needs root.
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"
#include "support/emulated_link.h"

namespace bench = framepump::bench;
using framepump::test::EmulatedLink;
using framepump::test::LinkOptions;

namespace {

constexpr const char* kStockReceiveMemory = "4096 131072 6291456";  // tcp_rmem as Linux ships it, for machines of 4 GiB and more
constexpr uid_t kNobody = 65534;

struct Options {
  double rtt_ms = 10;
  double mbit = 100;
  double loss_percent = 0;
  uint64_t seed = 1;
  std::string congestion = "cubic";
  uint64_t bytes = 10'000'000;
  std::string sender, certificate_file, key_file;
  bool is_http = false;
  std::string receive_memory = kStockReceiveMemory;
  int limit_s = 100;
  std::vector<std::string> command;
};

enum class Rights { root, nobody };

// Runs a command to its end; its exit status as text.
std::string run_to_end(const std::vector<std::string>& command, Rights rights) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (rights == Rights::nobody && (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

LinkOptions link_options(const Options& options) {
  constexpr uint64_t kLeastQueueBytes = 64 * 1024;
  LinkOptions link;
  link.delay_us = static_cast<int64_t>(options.rtt_ms * 1000 / 2);
  link.rate_bits_per_s = static_cast<uint64_t>(options.mbit * 1e6);
  // One bandwidth-delay product, as routers are sized for a few streams (Villamizar and Song 1994).
  link.queue_bytes = std::max(kLeastQueueBytes, static_cast<uint64_t>(options.mbit * 1e6 / 8 * options.rtt_ms / 1000));
  link.loss = options.loss_percent / 100;
  link.seed = options.seed;
  return link;
}

std::vector<std::string> sender_command(const Options& options) {
  std::vector<std::string> command = {options.sender, "--host", EmulatedLink::address(EmulatedLink::End::a), "--port", "7000",
                                      "--bytes", std::to_string(options.bytes), "--congestion", options.congestion};
  if (!options.certificate_file.empty()) {
    command.insert(command.end(), {"--certificate", options.certificate_file, "--key", options.key_file});
  }
  if (options.is_http) command.push_back("--http");
  return command;
}

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app("Runs a contestant behind an emulated link.");
  app.add_option("--rtt-ms", options.rtt_ms, "round trip without queues")->capture_default_str();
  app.add_option("--mbit", options.mbit, "rate each way, of IP packets")->capture_default_str();
  app.add_option("--loss-percent", options.loss_percent, "packets that vanish, each way")->capture_default_str();
  app.add_option("--seed", options.seed, "of the losses")->capture_default_str();
  app.add_option("--congestion", options.congestion, "the sender's congestion control")->capture_default_str();
  app.add_option("--bytes", options.bytes, "to send")->capture_default_str();
  app.add_option("--sender", options.sender, "path of bench_sender")->required();
  app.add_option("--certificate", options.certificate_file, "the sender speaks TLS, with this PEM file");
  app.add_option("--key", options.key_file, "and this one");
  app.add_flag("--http", options.is_http, "the sender waits for a request");
  app.add_option("--tcp-rmem", options.receive_memory, "net.ipv4.tcp_rmem at the contestant's end")->capture_default_str();
  app.add_option("--limit-s", options.limit_s, "give up after this many seconds")->capture_default_str();
  app.add_option("command", options.command, "the contestant, after --")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::string why_not;
  const auto link = EmulatedLink::open(link_options(options), why_not);
  if (link == nullptr) bench::cannot_run("no emulated link: " + why_not);

  // The sender says when it listens, and goes on until its standard input ends, which is our end.
  int greeting[2], life[2];
  if (pipe(greeting) != 0 || pipe(life) != 0) bench::die_errno("pipe");
  const auto sender = link->run(EmulatedLink::End::a, [&] {
    dup2(greeting[1], STDOUT_FILENO);
    dup2(life[0], STDIN_FILENO);
    close(life[1]);
    return run_to_end(sender_command(options), Rights::root);
  });
  close(greeting[1]);
  char line[256];
  if (read(greeting[0], line, sizeof(line)) <= 0) bench::die("the sender did not start");

  auto contestant = link->run(EmulatedLink::End::b, [&] {
    std::ofstream("/proc/sys/net/ipv4/tcp_rmem") << options.receive_memory;
    std::vector<std::string> command = options.command;
    for (const char* word : {"--host", EmulatedLink::address(EmulatedLink::End::a), "--port", "7000"}) command.push_back(word);
    command.push_back("--bytes");
    command.push_back(std::to_string(options.bytes));
    return run_to_end(command, Rights::nobody);
  });
  const std::string status = contestant.wait(options.limit_s * 1000);
  if (status.empty()) bench::die("the contestant was not done after " + std::to_string(options.limit_s) + " s");
  return std::atoi(status.c_str());
}
