// SPDX-License-Identifier: MIT
//
// The function table of handles that were made without a network: every call of it is answered with a stale handle.
#pragma once

#include <framepump/framepump.h>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

template <typename... Arguments>
constexpr void refuse(uint32_t (*&function)(Arguments...)) {
  function = [](Arguments...) -> uint32_t { return FRAMEPUMP_ERROR_STALE_HANDLE; };
}

// What a handle can call; the rest of the table stays null.
constexpr framepump_api make_stale_api() {
  framepump_api api = {};
  api.struct_size = sizeof(api);
  api.version = FRAMEPUMP_VERSION;
  api.error_name = [](uint32_t) { return "stale handle"; };
  api.last_error = [](framepump_handle) { return "stale handle"; };
  refuse(api.listener_port);
  refuse(api.close);
  refuse(api.abort);
  refuse(api.shutdown_write);
  refuse(api.set_priority);
  refuse(api.set_user_data);
  refuse(api.stream_info);
  refuse(api.available);
  refuse(api.front);
  refuse(api.peek);
  refuse(api.read);
  refuse(api.consume);
  refuse(api.write);
  refuse(api.write_all);
  refuse(api.reserve);
  refuse(api.commit);
  refuse(api.wake_source);
  refuse(api.host_port);
  refuse(api.peer_connect);
  refuse(api.send);
  refuse(api.broadcast);
  refuse(api.peer_info);
  refuse(api.host_info);
  refuse(api.run_at);
  refuse(api.write_parts);
  refuse(api.abort_because);
  refuse(api.watch_arrivals);
  refuse(api.arrival);
  refuse(api.download_info);
  refuse(api.download_pause);
  refuse(api.tls_info);
  return api;
}

inline constexpr framepump_api kStaleApi = make_stale_api();

}  // namespace detail
}  // namespace v0
}  // namespace framepump
