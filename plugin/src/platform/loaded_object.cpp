// SPDX-License-Identifier: MIT
#include "platform/loaded_object.h"

#include <dlfcn.h>
#if defined(__linux__)
#include <link.h>
#endif

#include <cstdio>
#include <cstring>

namespace framepump {
namespace {

#if defined(__linux__)
struct Search {
  const char* part;
  std::span<char> out;
};

int look_at(dl_phdr_info* info, size_t, void* data) {
  const Search& search = *static_cast<Search*>(data);
  if (info->dlpi_name == nullptr || std::strstr(info->dlpi_name, search.part) == nullptr) return 0;
  std::snprintf(search.out.data(), search.out.size(), "%s", info->dlpi_name);
  return 1;
}
#endif

}  // namespace

bool file_of_code(const void* address, std::span<char> out) {
  Dl_info info = {};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return false;
  std::snprintf(out.data(), out.size(), "%s", info.dli_fname);
  return true;
}

bool find_loaded_file([[maybe_unused]] const char* part, [[maybe_unused]] std::span<char> out) {
#if defined(__linux__)
  Search search = {part, out};
  return dl_iterate_phdr(look_at, &search) != 0;
#else
  return false;
#endif
}

}  // namespace framepump
