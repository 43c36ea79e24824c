// SPDX-License-Identifier: MIT
//
// Which kind of system this room is compiled for. Files for one kind lie side by side, each guarded as a whole, so that a build can
// compile all of them: *_posix.cpp, *_windows.cpp, and where Linux has a way of its own, a name that says which.
#pragma once

// Tests define FRAMEPUMP_PORTABLE_POSIX: then a Linux is held for a Unix that nothing more is known of, as macOS and the BSDs are.
#if defined(__linux__) && !defined(FRAMEPUMP_PORTABLE_POSIX)
#define FRAMEPUMP_LINUX 1
#endif

namespace framepump {

// Windows gives bit-fields of different types words of their own.
#if defined(_WIN32)
constexpr bool kBitFieldsShareWords = false;
#else
constexpr bool kBitFieldsShareWords = true;
#endif

}  // namespace framepump
