// SPDX-License-Identifier: MIT
#include "demo/protocol/private_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace demo {

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

bool PrivateFolder::make(std::string& error) {
  std::error_code none;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(none);
  std::string path = (none ? std::filesystem::path("/tmp") : parent) / "framepump-demo-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {  // with the mode 0700
    error = "cannot make a temporary folder " + path + ": " + std::strerror(errno) + "; TMPDIR says where";
    return false;
  }
  path_ = path;
  return true;
}

}  // namespace demo
