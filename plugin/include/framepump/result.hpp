// SPDX-License-Identifier: MIT
//
// What a call that can fail returns: a value or an Error. No exceptions, no RTTI, no allocation.
#pragma once

#include <framepump/framepump.h>
#include <framepump/types.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// FRAMEPUMP_ERROR_*, as a type.
enum class ErrorCode : uint32_t {
  ok = FRAMEPUMP_OK,
  invalid_argument = FRAMEPUMP_ERROR_INVALID_ARGUMENT,
  stale_handle = FRAMEPUMP_ERROR_STALE_HANDLE,
  foreign_handle = FRAMEPUMP_ERROR_FOREIGN_HANDLE,
  overlapping_call = FRAMEPUMP_ERROR_OVERLAPPING_CALL,
  closed = FRAMEPUMP_ERROR_CLOSED,
  no_room = FRAMEPUMP_ERROR_NO_ROOM,
  not_yet = FRAMEPUMP_ERROR_NOT_YET,
  too_large = FRAMEPUMP_ERROR_TOO_LARGE,
  address_not_numeric = FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC,
  address_in_use = FRAMEPUMP_ERROR_ADDRESS_IN_USE,
  address_not_available = FRAMEPUMP_ERROR_ADDRESS_NOT_AVAILABLE,
  permission_denied = FRAMEPUMP_ERROR_PERMISSION_DENIED,
  limit_reached = FRAMEPUMP_ERROR_LIMIT_REACHED,
  out_of_memory = FRAMEPUMP_ERROR_OUT_OF_MEMORY,
  descriptors_exhausted = FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED,
  config = FRAMEPUMP_ERROR_CONFIG,
  needs_restart = FRAMEPUMP_ERROR_NEEDS_RESTART,
  unsupported = FRAMEPUMP_ERROR_UNSUPPORTED,
  system = FRAMEPUMP_ERROR_SYSTEM,
  malformed = FRAMEPUMP_ERROR_MALFORMED,
  certificate = FRAMEPUMP_ERROR_CERTIFICATE,
  timed_out = FRAMEPUMP_ERROR_TIMED_OUT,
};

// A code to act on and a sentence to show: it names the thing, the value and what is allowed. It owns its text.
class Error {
 public:
  Error() = default;
  // `reason`: why the stream closed, if it did.
  Error(ErrorCode code, const char* text, Reason reason = Reason::none) : code_(code), reason_(reason) {
    std::memcpy(text_, text, strnlen(text, sizeof(text_) - 1));  // what is longer is cut off; the rest is zero
  }

  ErrorCode code() const { return code_; }
  const char* text() const { return text_; }
  Reason reason() const { return reason_; }  // none: not known, or no stream closed

 private:
  ErrorCode code_ = ErrorCode::ok;
  Reason reason_ = Reason::none;
  char text_[512] = {};
};

// Either the value or the error. Asking for the one that is not there is a programmer error and ends the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, error) {}

  explicit operator bool() const { return content_.index() == 0; }
  T& value() & { return *get_value(); }
  T&& value() && { return std::move(*get_value()); }
  const T& value() const& { return *get_value(); }
  T& operator*() & { return *get_value(); }
  T&& operator*() && { return std::move(*get_value()); }
  const T& operator*() const& { return *get_value(); }
  T* operator->() { return get_value(); }
  const T* operator->() const { return get_value(); }
  const Error& error() const {
    const Error* error = std::get_if<1>(&content_);
    if (error == nullptr) std::abort();
    return *error;
  }

 private:
  const T* get_value() const {
    const T* value = std::get_if<0>(&content_);
    if (value == nullptr) std::abort();
    return value;
  }
  T* get_value() { return const_cast<T*>(std::as_const(*this).get_value()); }
  std::variant<T, Error> content_;
};

// A call that returns nothing but success or an error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(error) {}

  explicit operator bool() const { return error_.code() == ErrorCode::ok; }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace v0
}  // namespace framepump
