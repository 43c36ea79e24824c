// SPDX-License-Identifier: MIT
#if defined(_WIN32)

#include "platform/file.h"

#include <windows.h>

#include <algorithm>

namespace framepump {
namespace {

// Paths are UTF-8, as everywhere in the plugin.
constexpr int kPathUnits = 4096;

FileResult failed(FileResult result) {
  result.system_code = static_cast<int32_t>(GetLastError());
  return result;
}

FileResult read_all(HANDLE file, std::span<char> buffer) {
  FileResult result;
  while (true) {
    char one_more = 0;
    const bool is_full = result.size_bytes == buffer.size();
    char* const to = is_full ? &one_more : buffer.data() + result.size_bytes;
    const uint64_t room_bytes = is_full ? 1 : std::min<uint64_t>(buffer.size() - result.size_bytes, 1u << 30);
    DWORD taken = 0;
    if (!ReadFile(file, to, static_cast<DWORD>(room_bytes), &taken, nullptr)) return failed(result);
    if (taken == 0) break;
    if (is_full) {
      result.system_code = ERROR_FILE_TOO_LARGE;
      return result;
    }
    result.size_bytes += taken;
  }
  result.ok = true;
  return result;
}

}  // namespace

FileResult read_file(const char* path, std::span<char> buffer) {
  wchar_t wide[kPathUnits];
  if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, kPathUnits) == 0) return failed({});
  // An editor may write, rename or remove it meanwhile.
  constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const HANDLE file = CreateFileW(wide, GENERIC_READ, kShared, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return failed({});
  const FileResult result = read_all(file, buffer);
  CloseHandle(file);
  return result;
}

}  // namespace framepump

#endif
