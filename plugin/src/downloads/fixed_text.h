// SPDX-License-Identifier: MIT
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace framepump {

// A text of at most N - 1 bytes, where it stands: what comes from a server may be of any length, and the plugin has no exceptions to say
// that there is no memory for it. What does not fit is refused as a whole.
template <size_t N>
class FixedText {
 public:
  bool assign(std::string_view text) {
    clear();
    return append(text);
  }
  // False: it does not fit, and nothing was appended.
  bool append(std::string_view text) {
    if (text.size() >= N - size_) return false;
    if (!text.empty()) std::memcpy(bytes_ + size_, text.data(), text.size());  // of an empty one data() may be null
    size_ += text.size();
    bytes_[size_] = '\0';
    return true;
  }
  // As printf; what does not fit is cut off.
  __attribute__((format(printf, 2, 3))) void format(const char* pattern, ...) {
    va_list arguments;
    va_start(arguments, pattern);
    const int length = std::vsnprintf(bytes_, N, pattern, arguments);
    va_end(arguments);
    size_ = length < 0 ? 0 : static_cast<size_t>(length) < N ? static_cast<size_t>(length) : N - 1;
    bytes_[size_] = '\0';
  }
  void clear() {
    size_ = 0;
    bytes_[0] = '\0';
  }
  // No longer than `size`.
  void shorten(size_t size) {
    if (size < size_) size_ = size;
    bytes_[size_] = '\0';
  }
  bool is_empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  const char* c_str() const { return bytes_; }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[N] = {};
  size_t size_ = 0;
};

}  // namespace framepump
