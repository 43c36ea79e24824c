// SPDX-License-Identifier: MIT
//
// A fuzz target is a function that takes any bytes and expects something of what is made of them. tests/fuzz/run links each with
// libFuzzer, which looks for bytes that break it; corpus_test.cpp calls all of them with the files of tests/fuzz/corpus and with changes of
// these, as ordinary tests.
//
// A new one: a function in targets.h and a file of its name here, a folder of its name in corpus/ with a few small files, a test case in
// corpus_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fuzz/targets.h"

namespace framepump::fuzz {

#ifdef FRAMEPUMP_LIBFUZZER
inline void fail(const char* what) {
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}
#define FRAMEPUMP_FUZZ_TARGET(function)                                                          \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {               \
    framepump::fuzz::function({reinterpret_cast<const char*>(bytes), size_bytes});               \
    return 0;                                                                                    \
  }                                                                                              \
  static_assert(true)
#else
void fail(const char* what);  // in corpus_test.cpp: the test has failed, and goes on
#define FRAMEPUMP_FUZZ_TARGET(function) static_assert(true)
#endif

inline void expect(bool is_so, const char* what) {
  if (!is_so) fail(what);
}

}  // namespace framepump::fuzz
