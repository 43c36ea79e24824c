// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

namespace demo {

// A folder among the system's temporary ones which only this user may enter. It goes with this object, and all that is in it.
class PrivateFolder {
 public:
  PrivateFolder() = default;  // none yet
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder& operator=(PrivateFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~PrivateFolder();

  // False: `error` says why.
  bool make(std::string& error);
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace demo
