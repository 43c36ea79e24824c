// SPDX-License-Identifier: MIT
//
// How a contestant orders work from the program on the other side of the wire, beside what is measured: lines over a TCP
// connection of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace framepump::bench {

// The contestant's end. Closing it ends what was ordered.
class Control {
 public:
  explicit Control(uint16_t port);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void say(const std::string& line);
  std::optional<std::string> heard();  // a whole line, or nothing yet; never waits
  std::string wait();                  // for a whole line

 private:
  int descriptor_;
  std::string input_;
};

// The other end: one order at a time, on the thread that carries it out.
class Order {
 public:
  explicit Order(int descriptor) : descriptor_(descriptor) {}

  std::optional<std::string> next();  // the next line; nothing: the contestant has gone
  bool is_over();                     // the contestant has gone; never waits
  void answer(const std::string& line);

 private:
  int descriptor_;
  std::string input_;
};

// Listens, prints `{"control": PORT<more>}` for the suite, and carries out orders one after the other until standard input ends.
[[noreturn]] void serve_orders(const std::string& more, const std::function<void(Order&)>& carry_out);
// A program that runs beside the contestants ends with whoever started it, also when that one is killed.
void end_with_stdin();

}  // namespace framepump::bench
