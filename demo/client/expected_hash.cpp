// SPDX-License-Identifier: MIT
#include "demo/client/expected_hash.h"

#include <SDL_thread.h>

#include <chrono>
#include <utility>

#include "demo/protocol/update_bytes.h"

namespace demo {

ExpectedHash::ExpectedHash(uint64_t seed, uint64_t size_bytes) : seed_(seed), size_bytes_(size_bytes) {
  std::packaged_task<uint64_t(std::stop_token)> task([seed, size_bytes](std::stop_token stop) {
    SDL_SetThreadPriority(SDL_THREAD_PRIORITY_LOW);  // on two cores it would take the game thread's, or the server's
    return hash_of_update(seed, size_bytes, std::move(stop));
  });
  future_ = task.get_future();
  hasher_ = std::jthread(std::move(task));
}

std::optional<uint64_t> ExpectedHash::value() {
  if (!value_ && future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) value_ = future_.get();
  return value_;
}

}  // namespace demo
