// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace framepump::test {

// One to eight changes: bytes replaced, inserted, taken out and doubled, some of them such as parsers trip over.
inline std::string mutated(std::string text, std::mt19937_64& random) {
  using namespace std::string_view_literals;
  constexpr std::string_view kTricky = "\0\n\r\t\"'[]{}=.,:%/#_+-0xeTnan\\\xEF\xBB\xBF\xFF\xC3\xED\xF4"sv;
  const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  if (text.empty()) text = "x";
  for (size_t changes = 1 + below(8); changes > 0; --changes) {
    const size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text[at] = kTricky[below(kTricky.size())];
        break;
      case 2:
        text.insert(at, 1, kTricky[below(kTricky.size())]);
        break;
      case 3:
        text.erase(at, 1 + below(20));
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(60)));
        break;
    }
    if (text.empty()) text = "x";
  }
  return text;
}

}  // namespace framepump::test
