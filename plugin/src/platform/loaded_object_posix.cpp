// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/features.h"
#include "platform/loaded_object.h"

#include <dlfcn.h>
#if defined(FRAMEPUMP_LINUX)
#include <link.h>
#endif

#include <cstdio>
#include <cstring>

namespace framepump {
namespace {

void copy(std::span<char> out, const char* text) { std::snprintf(out.data(), out.size(), "%s", text); }

bool file_of_code(const void* address, std::span<char> out) {
  Dl_info info = {};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return false;
  copy(out, info.dli_fname);
  return true;
}

#if defined(FRAMEPUMP_LINUX)
struct Search {
  const char* part;
  std::span<char> out;
};

int look_at(dl_phdr_info* info, size_t, void* data) {
  const Search& search = *static_cast<Search*>(data);
  if (info->dlpi_name == nullptr || std::strstr(info->dlpi_name, search.part) == nullptr) return 0;
  copy(search.out, info->dlpi_name);
  return 1;
}

bool find_loaded_file(const char* part, std::span<char> out) {
  Search search = {part, out};
  return dl_iterate_phdr(look_at, &search) != 0;
}
#else
bool find_loaded_file(const char*, std::span<char>) { return false; }
#endif

// The name without its folders, which may hold anything.
const char* last_part(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

}  // namespace

CodeOrigin find_code_origin(std::span<const void* const> functions, const char* library) {
  CodeOrigin origin;
  char own[sizeof(origin.found)] = "";
  if (!file_of_code(reinterpret_cast<const void*>(&find_code_origin), own)) return origin;
  if (!find_loaded_file(library, origin.expected)) copy(origin.expected, own);
  for (const void* function : functions) {
    if (!file_of_code(function, origin.found) || std::strcmp(origin.found, own) == 0) continue;
    origin.is_foreign = std::strstr(last_part(origin.found), library) == nullptr;
    if (origin.is_foreign) break;
  }
  return origin;
}

}  // namespace framepump

#endif
