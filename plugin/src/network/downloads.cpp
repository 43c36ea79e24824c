// SPDX-License-Identifier: MIT
//
// Downloads as gameplay sees them: starting, asking, pausing, leaving, and what a tick publishes of them.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>

#include "network/download_names.h"
#include "network/network.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Told of in any tick; the others are put off to the next one when the slice is used up.
constexpr uint32_t kNoticesAtLeast = 4;

bool has_ended(const Downloads::Slot& slot) { return slot.info.state >= FRAMEPUMP_DOWNLOAD_FINISHED; }

// What the file thread wrote, as it is at this moment.
void copy_progress(const DownloadGate& gate, framepump_download_info& info) {
  info.bytes = gate.bytes.load(kRelaxed);
  info.total_bytes = gate.total_bytes.load(kRelaxed);
  info.resumed_bytes = gate.resumed_bytes.load(kRelaxed);
  info.bytes_per_s = gate.bytes_per_s.load(kRelaxed);
  info.attempt = gate.attempt.load(kRelaxed);
  info.http_status = gate.http_status.load(kRelaxed);
  info.http_version = gate.http_version.load(kRelaxed);
  info.redirects = gate.redirects.load(kRelaxed);
  info.remaining_ms = -1;
  if (info.bytes_per_s == 0 || info.total_bytes == 0) return;
  const uint64_t left_bytes = info.total_bytes - std::min(info.bytes, info.total_bytes);
  info.remaining_ms = static_cast<int64_t>(static_cast<double>(left_bytes) * 1000 / static_cast<double>(info.bytes_per_s));
}

}  // namespace

uint32_t Network::find_download(framepump_handle handle, Downloads::Slot*& slot) {
  const Handle parts = unpack(handle);
  if (parts.kind != HandleKind::download || parts.index >= downloads_.slots.size()) return stale(handle, "download");
  slot = downloads_.slots[parts.index];
  const bool is_there = slot->is_live && make_handle(HandleKind::download, parts.index, slot->generation) == handle;
  return is_there ? FRAMEPUMP_OK : stale(handle, "download");
}

void Network::apply_download_settings() {
  if (downloads_.service == nullptr) return;
  DownloadSettings& settings = downloads_.service->settings;
  settings.parallel.store(config_.download_parallel, kRelaxed);
  settings.attempts.store(config_.download_attempts, kRelaxed);
  settings.redirects.store(config_.download_redirects, kRelaxed);
  settings.connect_timeout_ms.store(config_.download_connect_timeout_ms, kRelaxed);
  settings.rate_bytes.store(uint64_t{config_.download_rate_limit_kib} * 1024, kRelaxed);
  settings.retry_us.store(int64_t{config_.download_retry_ms} * 1000, kRelaxed);
  settings.retry_limit_us.store(int64_t{config_.download_retry_limit_ms} * 1000, kRelaxed);
  settings.stall_us.store(int64_t{config_.download_stall_timeout_ms} * 1000, kRelaxed);
  files_.wake();  // a higher limit, or a shorter time, counts at once
}

uint32_t Network::ensure_download_service() {
  if (downloads_.service != nullptr) return FRAMEPUMP_OK;
  uint32_t error = FRAMEPUMP_OK;
  const char* why = "";
  if (downloads_.names == nullptr && parts_.resolver != nullptr) {
    if (!parts_.resolver->start(files_)) return fail(FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "download_start: cannot start the file thread: no thread or descriptor to be had");
    downloads_.names = host_.create<DownloadNames>(*parts_.resolver, commands_, static_cast<PumpWaker&>(*this), files_);
    if (downloads_.names == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "download_start: the allocator returned null");
  }
  downloads_.service = make_download_service(host_, files_, game_wake_, downloads_.names, error, why);
  if (downloads_.service == nullptr) return fail(error, "download_start: %s", why);
  apply_download_settings();
  return FRAMEPUMP_OK;
}

// One whose event may still be looked at is no free one.
Downloads::Slot* Network::free_download_slot(uint32_t& index) {
  const std::span<Downloads::Slot*> slots = downloads_.slots.span();
  for (index = 0; index < slots.size(); ++index) {
    Downloads::Slot& slot = *slots[index];
    if (!slot.is_live && slot.job == nullptr && slot.left_tick != tick_count_ + 1) return &slot;
  }
  if (index == Downloads::kMost || !downloads_.slots.make_room() || !downloads_.ended.reserve(Downloads::kMost)) return nullptr;
  Downloads::Slot* slot = host_.create<Downloads::Slot>();
  if (slot != nullptr) (void)downloads_.slots.push(slot);
  return slot;
}

uint32_t Network::download_start(const framepump_download_options& options, framepump_handle* handle) {
  *handle = 0;
  if (const uint32_t error = ensure_download_service(); error != FRAMEPUMP_OK) return error;
  uint32_t index = 0;
  Downloads::Slot* slot = free_download_slot(index);
  if (slot == nullptr && index == Downloads::kMost) {
    return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "download_start: %u downloads are there, which is the most there can be", Downloads::kMost);
  }
  DownloadJob* job = slot == nullptr ? nullptr : downloads_.service->make_job(index);
  if (job == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "download_start: the allocator returned null");
  FixedText<400> why;
  if (!read_download_options(options, job->request, why)) {
    downloads_.service->destroy_job(job);
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "download_start: %s", why.c_str());
  }
  slot->job = job;
  slot->is_live = true;
  ++slot->generation;
  slot->user_data = options.user_data;
  slot->info = {};
  slot->info.state = FRAMEPUMP_DOWNLOAD_QUEUED;
  slot->info.remaining_ms = -1;
  slot->info.priority = options.priority;
  slot->words.text[0] = '\0';
  std::memcpy(slot->words.url, job->request.url.c_str(), job->request.url.size() + 1);
  job->gate.priority.store(options.priority, kRelaxed);
  job->gate.is_pause_wanted.store((options.flags & FRAMEPUMP_DOWNLOAD_PAUSED) != 0, kRelaxed);
  *handle = make_handle(HandleKind::download, index, slot->generation);
  downloads_.service->order(*job, kOrderStart);
  return FRAMEPUMP_OK;
}

uint32_t Network::download_info(framepump_handle handle, framepump_download_info& info) {
  Downloads::Slot* slot = nullptr;
  if (const uint32_t error = find_download(handle, slot); error != FRAMEPUMP_OK) return error;
  framepump_download_info all = slot->info;
  all.struct_size = info.struct_size;
  all.url = slot->words.url;
  all.text = slot->words.text;
  std::memcpy(&info, &all, std::min<size_t>(info.struct_size, sizeof(all)));
  return FRAMEPUMP_OK;
}

uint32_t Network::download_pause(framepump_handle handle, uint32_t paused) {
  Downloads::Slot* slot = nullptr;
  if (const uint32_t error = find_download(handle, slot); error != FRAMEPUMP_OK) return error;
  if (paused > 1) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "download_pause: paused is %u, allowed are 0 (go on) and 1 (pause)", paused);
  if (has_ended(*slot)) return fail(FRAMEPUMP_ERROR_CLOSED, "download_pause: the download has ended");
  slot->job->gate.is_pause_wanted.store(paused == 1, kRelaxed);
  downloads_.service->order(*slot->job, kOrderPause);
  return FRAMEPUMP_OK;
}

// One that has ended already has nothing more to say.
uint32_t Network::leave_download(framepump_handle handle, uint32_t order) {
  Downloads::Slot* slot = nullptr;
  if (const uint32_t error = find_download(handle, slot); error != FRAMEPUMP_OK) return error;
  if (!has_ended(*slot)) {
    downloads_.service->order(*slot->job, order);
    return FRAMEPUMP_OK;
  }
  const uint32_t index = unpack(handle).index;
  forget_download(index);
  downloads_.ended.remove_if([index](uint32_t other) { return other == index; });
  return FRAMEPUMP_OK;
}

void Network::forget_download(uint32_t index) {
  Downloads::Slot& slot = *downloads_.slots[index];
  slot.is_live = false;
  slot.left_tick = tick_count_ + 1;  // 0 is what a new one has
}

void Network::publish_downloads(Slice& slice, RunReport& run) {
  if (downloads_.service == nullptr) return;
  forget_old_ends();
  for (uint32_t n = 1; HandoffLink* link = downloads_.service->notice_reader.next(); ++n) {
    DownloadGate& gate = *static_cast<DownloadGate*>(link);
    publish_download(gate, link->open());
    parts_.pump->charge(Phase::publish, slice, run);
    if (n >= kNoticesAtLeast && slice.is_over(0)) break;
  }
}

// At the beginning of a tick: the handles in a tick's events are good at least until the next one.
void Network::forget_old_ends() {
  if (downloads_.ended.size() <= Downloads::kKeptEnds) return;
  uint32_t too_many = downloads_.ended.size() - Downloads::kKeptEnds;
  downloads_.ended.remove_if([&](uint32_t oldest) {
    if (too_many == 0) return false;
    --too_many;
    forget_download(oldest);
    return true;
  });
}

void Network::publish_download(DownloadGate& gate, uint32_t bits) {
  Downloads::Slot& slot = *downloads_.slots[gate.slot];
  framepump_download_info& info = slot.info;
  copy_progress(gate, info);
  const uint32_t state = gate.state.load(kRelaxed);
  if (state != 0 && state < FRAMEPUMP_DOWNLOAD_FINISHED) info.state = state;  // the end is told by its notice
  if (gate.has_words.load(std::memory_order_acquire)) {
    std::memcpy(&slot.words, &gate.words, sizeof(slot.words));
    gate.has_words.store(false, std::memory_order_release);
  }
  if ((bits & kDownloadEnded) != 0) publish_download_end(gate, slot);
  if ((bits & kDownloadReleased) == 0) return;
  downloads_.service->destroy_job(slot.job);
  slot.job = nullptr;
}

void Network::publish_download_end(DownloadGate& gate, Downloads::Slot& slot) {
  const bool is_good = gate.reason == FRAMEPUMP_REASON_NONE;
  slot.info.state = is_good ? FRAMEPUMP_DOWNLOAD_FINISHED : FRAMEPUMP_DOWNLOAD_FAILED;
  slot.info.reason = gate.reason;
  slot.info.bytes_per_s = 0;
  slot.info.remaining_ms = is_good ? 0 : -1;
  std::memcpy(&slot.words, &gate.end, sizeof(slot.words));
  const framepump_handle handle = make_handle(HandleKind::download, gate.slot, slot.generation);
  framepump_event& event = add_event(is_good ? FRAMEPUMP_EVENT_DOWNLOAD_FINISHED : FRAMEPUMP_EVENT_DOWNLOAD_FAILED, handle, slot.user_data);
  event.reason = gate.reason;
  event.value = slot.info.bytes;
  event.value2 = slot.info.http_status;
  event.text = slot.words.text;
  downloads_.service->untold_ends.fetch_sub(1);
  downloads_.service->order(*slot.job, kOrderRelease);
  (void)downloads_.ended.push(gate.slot);  // there is room for all
}

void Network::destroy_downloads() {
  for (Downloads::Slot* slot : downloads_.slots.span()) {
    if (slot->job != nullptr) downloads_.service->destroy_job(slot->job);
    host_.destroy(slot);
  }
  destroy_download_service(host_, downloads_.service);
  downloads_.service = nullptr;
  host_.destroy(downloads_.names);
}

}  // namespace framepump
