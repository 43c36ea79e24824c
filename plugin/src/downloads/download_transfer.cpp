// SPDX-License-Identifier: MIT
//
// One request of a download and what comes of it.
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include <algorithm>

#include "downloads/download.h"
#include "platform/clock.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int64_t kNever = FileWork::kNotBefore;
constexpr uint32_t kBufferBytes = 512 * 1024;     // the largest that curl takes
constexpr uint64_t kLeastWindowBytes = 1024;      // fewer in download.stall_timeout_ms is no progress
constexpr uint64_t kDiscardedBytes = 64 * 1024;   // of a body that says why there is no file, before the connection is given up
constexpr uint32_t kSlowestBufferBytes = 16 * 1024;

bool is_worth_another_try(uint32_t status) {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool is_redirect(uint32_t status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

bool is_numeric(std::string_view host) {
  FixedText<kHostBytes> text;
  SocketAddress address;
  return text.assign(host) && parse_address(text.c_str(), 0, address);
}

// "127.0.0.1:80" and "[::1]:80" without their ports.
std::string_view without_port(std::string_view address) { return address.substr(0, address.rfind(':')); }

// A date tells two versions apart if it was a second old at least when it was sent (RFC 9110, 8.8.2.2).
bool is_strong_date(std::string_view last_modified, std::string_view date) {
  const std::optional<int64_t> modified_s = parse_http_date(last_modified);
  const std::optional<int64_t> now_s = parse_http_date(date);
  return modified_s && now_s && *now_s - *modified_s >= 1;
}

}  // namespace

const char* Download::proxy_for(const Url& url) const {
  const auto& proxy = url.is_https ? request.https_proxy : request.http_proxy;
  return is_without_proxy(url.host, url.port, request.no_proxy.view()) ? "" : proxy.c_str();
}

// Without a way to tell whether it still is the same file, or a way to tell afterwards, there is no going on.
bool Download::may_resume() const {
  const bool is_compressed = (request.flags & FRAMEPUMP_DOWNLOAD_COMPRESSED) != 0;
  return !is_range_bad_ && !is_compressed && (request.has_sha256 || !part_.state().validators.is_empty());
}

// Of a proxy its own address is wanted: it looks up the other.
void Download::ask(DownloadDesk& desk) {
  set_phase(Phase::asking, FRAMEPUMP_DOWNLOAD_CONNECTING);
  const std::optional<Url> url = parse_url(url_.view());
  if (!url) return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, Part::keep, "%.200s is no URL", url_.c_str());
  const char* proxy = proxy_for(*url);
  const std::optional<Url> next = proxy[0] != '\0' ? parse_url(proxy) : url;
  if (!next || is_numeric(next->host)) return start_exchange(desk, nullptr);
  FixedText<kHostBytes> host;
  (void)host.assign(next->host);
  ticket_ = desk.names.ask(host.c_str());
  if (ticket_ == NameLookup::kNoTicket) {
    return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_NAME, "\"%.200s\" could not be looked up: too many look-ups at a time", host.c_str());
  }
  (void)look_for_answer(desk, monotonic_us());  // whoever knows at once is looked at before the next one asks
}

int64_t Download::look_for_answer(DownloadDesk& desk, int64_t now_us) {
  if (ticket_ == NameLookup::kNoTicket) return now_us;
  if (!desk.names.look(ticket_, answer_)) return kNever;
  ticket_ = NameLookup::kNoTicket;
  if (answer_.count == 0) {
    retry(desk, FRAMEPUMP_REASON_DOWNLOAD_NAME, "%.250s", answer_.error.c_str());
  } else {
    start_exchange(desk, &answer_);
  }
  return now_us;
}

void Download::start_exchange(DownloadDesk& desk, const HostAddresses* answer) {
  const std::optional<Url> url = parse_url(url_.view());
  const std::optional<Url> first = parse_url(request.url.view());
  const char* proxy = proxy_for(*url);
  FixedText<kHostBytes + HostAddresses::kMostAddresses * kAddressTextBytes> addresses;
  if (answer != nullptr) {
    const std::optional<Url> next = proxy[0] != '\0' ? parse_url(proxy) : url;
    addresses.format("+%.*s:%u:", static_cast<int>(next->host.size()), next->host.data(), next->port);
    for (uint32_t i = 0; i < answer->count; ++i) {
      char text[kAddressTextBytes];
      format_address(answer->addresses[i], text);
      if (i > 0) (void)addresses.append(",");
      (void)addresses.append(without_port(text));
    }
  }
  if (!part_.make_buffer()) return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "the allocator returned null%s", kept());
  response_ = {};
  verdict_ = Verdict::none;
  why_.clear();
  is_connected_ = is_body_ = is_wanted_ = is_paced_ = has_ended_ = false;
  discarded_bytes_ = window_bytes_ = 0;
  window_began_us_ = monotonic_us();
  offset_bytes_ = may_resume() ? part_.resume_bytes() : 0;
  desk_ = &desk;
  const bool is_ours = is_same_origin(*url, *first);
  const PartState& state = part_.state();
  HttpRequest wanted;
  wanted.url = url_.c_str();
  wanted.user_info = is_ours ? request.user_info.c_str() : "";
  wanted.headers = is_ours ? request.headers.c_str() : "";
  wanted.proxy = proxy;
  if (const std::optional<Url> between = parse_url(proxy); between) wanted.proxy_port = between->port;
  wanted.ca_file = request.ca_file.c_str();
  wanted.addresses = addresses.c_str();
  wanted.has_range = offset_bytes_ > 0;
  wanted.range_first = offset_bytes_;
  wanted.if_range = state.validators.etag.is_empty() ? state.validators.last_modified.c_str() : state.validators.etag.c_str();
  wanted.is_compressed = (request.flags & FRAMEPUMP_DOWNLOAD_COMPRESSED) != 0;
  wanted.http_version = request.http_version;
  const uint64_t rate = request.rate_bytes != 0 ? request.rate_bytes : desk.service.settings.rate_bytes.load(kRelaxed);
  wanted.buffer_bytes = rate == 0 ? kBufferBytes : static_cast<uint32_t>(std::clamp<uint64_t>(rate / 20, kSlowestBufferBytes, kBufferBytes));
  wanted.connect_timeout_ms = desk.service.settings.connect_timeout_ms.load(kRelaxed);
  exchange_ = desk.engine->start(wanted, *this);
  if (exchange_ == nullptr) return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "curl has no memory for it%s", kept());
  set_phase(Phase::transferring, FRAMEPUMP_DOWNLOAD_CONNECTING);
}

int64_t Download::watch_exchange(DownloadDesk& desk, int64_t now_us) {
  if (is_paced_ && !has_ended_ && pace_.may_go_on(now_us) && desk.pace.may_go_on(now_us)) {
    is_paced_ = false;
    window_began_us_ = now_us;
    window_bytes_ = 0;
    desk.engine->resume(exchange_);
  }
  if (has_ended_) {
    judge_end(desk);
    return now_us;
  }
  gate.bytes_per_s.store(meter_.rate(now_us), kRelaxed);
  if (is_paced_) return std::max(pace_.next_us(now_us), desk.pace.next_us(now_us));
  const bool was_connected = is_connected_;  // until then curl watches download.connect_timeout_ms
  if (!is_connected_) is_connected_ = desk.engine->is_connected(exchange_);
  if (!was_connected || window_bytes_ >= kLeastWindowBytes) {
    window_began_us_ = now_us;
    window_bytes_ = 0;
  }
  const int64_t stall_us = desk.service.settings.stall_us.load(kRelaxed);
  if (now_us - window_began_us_ >= stall_us) {
    retry(desk, FRAMEPUMP_REASON_DOWNLOAD_STALLED, "the server sent %s for %lld ms (download.stall_timeout_ms)",
          window_bytes_ == 0 ? "nothing" : "next to nothing", static_cast<long long>(stall_us / 1000));
    return now_us;
  }
  constexpr int64_t kLookAgainUs = 250'000;  // at the rate
  return std::min(window_began_us_ + stall_us, now_us + kLookAgainUs);
}

// ---- Inside curl: what is found out is noted, and acted on when curl has returned ----

bool Download::give_up(Verdict verdict) {
  verdict_ = verdict;
  return false;
}

void Download::on_end(HttpEnd end, const char* text) {
  exchange_ = nullptr;
  has_ended_ = true;
  end_ = end;
  if (verdict_ == Verdict::none) why_.format("%s", text);
}

bool Download::on_header(std::string_view line) {
  if (is_body_) return true;  // trailers
  window_bytes_ += line.size();  // a server that sends a header now and then makes no progress either
  if (const std::optional<uint32_t> status = parse_status_line(line)) {
    response_ = {};
    response_.status = *status;
    return true;
  }
  if (const std::optional<HeaderField> field = parse_header_field(line)) {
    keep_field(*field);
    return true;
  }
  const bool is_end = line.find_first_not_of("\r\n") == std::string_view::npos;
  if (!is_end || response_.status < 200) return true;  // an old continuation line, or "100 Continue"
  is_body_ = true;
  gate.http_status.store(response_.status, kRelaxed);
  gate.http_version.store(desk_->engine->http_version(exchange_), kRelaxed);
  return begin_body();
}

// A field that does not fit is as good as one that is not there, but for where a redirect leads.
void Download::keep_field(const HeaderField& field) {
  if (is_same_word(field.name, "Content-Length")) {
    response_.content_bytes = parse_number(field.value);
  } else if (is_same_word(field.name, "Content-Range")) {
    response_.range = parse_content_range(field.value);
    response_.has_bad_range = !response_.range;
  } else if (is_same_word(field.name, "Content-Encoding")) {
    response_.has_encoding = !is_same_word(field.value, "identity");
  } else if (is_same_word(field.name, "ETag")) {
    (void)response_.etag.assign(field.value);
  } else if (is_same_word(field.name, "Last-Modified")) {
    (void)response_.last_modified.assign(field.value);
  } else if (is_same_word(field.name, "Date")) {
    (void)response_.date.assign(field.value);
  } else if (is_same_word(field.name, "Retry-After")) {
    (void)response_.retry_after.assign(field.value);
  } else if (is_same_word(field.name, "Location")) {
    response_.is_location_too_long = !response_.location.assign(field.value);
  }
}

bool Download::begin_body() {
  if (response_.status == 200) return begin_whole_body();
  if (response_.status == 206) return begin_partial_body();
  return true;
}

bool Download::is_size_allowed(uint64_t total_bytes) {
  if (total_bytes == 0) return true;
  if (request.expected_bytes != 0 && total_bytes != request.expected_bytes) {
    why_.format("the server has a file of %llu bytes, allowed are the %llu of expected_bytes", static_cast<unsigned long long>(total_bytes),
                static_cast<unsigned long long>(request.expected_bytes));
    return give_up(Verdict::size);
  }
  if (request.size_limit_bytes == 0 || total_bytes <= request.size_limit_bytes) return true;
  why_.format("the server has a file of %llu bytes, allowed are at most the %llu of size_limit_bytes", static_cast<unsigned long long>(total_bytes),
              static_cast<unsigned long long>(request.size_limit_bytes));
  return give_up(Verdict::size);
}

// All of it, whatever was asked for: the server knows no ranges, or its file is not the one of which a part is here.
bool Download::begin_whole_body() {
  const bool is_decoded = response_.has_encoding && (request.flags & FRAMEPUMP_DOWNLOAD_COMPRESSED) != 0;
  total_bytes_ = is_decoded ? 0 : response_.content_bytes.value_or(0);
  if (!is_size_allowed(total_bytes_)) return false;
  PartState state;
  state.url = request.url;
  state.total_bytes = total_bytes_;
  if (is_strong_etag(response_.etag.view())) state.validators.etag = response_.etag;
  if (is_strong_date(response_.last_modified.view(), response_.date.view())) (void)state.validators.last_modified.assign(response_.last_modified.view());
  disk_ = part_.begin_anew(state);
  if (!disk_.ok()) return give_up(Verdict::disk);
  if (part_.is_memory_short()) return give_up(Verdict::memory);
  gate.resumed_bytes.store(0, kRelaxed);
  gate.bytes.store(0, kRelaxed);
  gate.total_bytes.store(total_bytes_, kRelaxed);
  gate.state.store(FRAMEPUMP_DOWNLOAD_RECEIVING, kRelaxed);
  is_wanted_ = true;
  return true;
}

// What it says of itself must fit what was asked for and what is known of the file.
bool Download::begin_partial_body() {
  if (offset_bytes_ == 0) {
    why_.format("the server sent a part (206) of a file that was asked for as a whole");
    return give_up(Verdict::broken);
  }
  const std::optional<ContentRange>& range = response_.range;
  const PartState& state = part_.state();
  const uint64_t known_total = state.total_bytes != 0 ? state.total_bytes : request.expected_bytes;
  const bool is_right = range && range->has_range && range->first == offset_bytes_ &&
                        (known_total == 0 || !range->total || *range->total == known_total) &&
                        (range->total || known_total != 0 || request.has_sha256) && (!range->total || range->last + 1 == *range->total) &&
                        (!response_.content_bytes || response_.has_encoding || *response_.content_bytes == range->last - range->first + 1);
  const bool is_same_file = state.validators.etag.is_empty() || response_.etag.is_empty() || state.validators.etag.view() == response_.etag.view();
  if (!is_right || !is_same_file || response_.has_encoding) {
    is_range_bad_ = true;
    why_.format(!is_same_file ? "the server sent a part (206) of another version of the file"
                              : "the server sent another part (206) than was asked for: from byte %llu on",
                static_cast<unsigned long long>(offset_bytes_));
    return give_up(Verdict::anew);
  }
  total_bytes_ = range->total.value_or(known_total);
  if (!is_size_allowed(total_bytes_)) return false;
  disk_ = part_.go_on();
  if (!disk_.ok()) return give_up(Verdict::disk);
  gate.bytes.store(offset_bytes_, kRelaxed);
  gate.total_bytes.store(total_bytes_, kRelaxed);
  gate.state.store(FRAMEPUMP_DOWNLOAD_RECEIVING, kRelaxed);
  is_wanted_ = true;
  return true;
}

BodyAnswer Download::on_body(std::span<const char> bytes) {
  if (verdict_ != Verdict::none) return BodyAnswer::give_up;
  if (!is_wanted_) {
    discarded_bytes_ += bytes.size();
    if (discarded_bytes_ <= kDiscardedBytes) return BodyAnswer::taken;
    give_up(Verdict::discarded);
    return BodyAnswer::give_up;
  }
  const int64_t now_us = monotonic_us();
  if (!pace_.may_go_on(now_us) || !desk_->pace.may_go_on(now_us)) {
    is_paced_ = true;
    return BodyAnswer::pause;
  }
  const uint64_t limit = total_bytes_ != 0 ? total_bytes_ : size_limit();
  if (limit != 0 && bytes.size() > limit - std::min(limit, part_.bytes())) {
    why_.format("the server sent more than %llu bytes, allowed are no more", static_cast<unsigned long long>(limit));
    give_up(Verdict::size);
    return BodyAnswer::give_up;
  }
  pace_.spend(bytes.size());
  desk_->pace.spend(bytes.size());
  disk_ = part_.add(bytes);
  if (!disk_.ok()) {
    give_up(Verdict::disk);
    return BodyAnswer::give_up;
  }
  window_bytes_ += bytes.size();
  meter_.add(bytes.size());
  gate.bytes.store(part_.bytes(), kRelaxed);
  return BodyAnswer::taken;
}

// ---- Outside of curl again ----

void Download::judge_end(DownloadDesk& desk) {
  has_ended_ = false;
  if (is_wanted_ && verdict_ != Verdict::disk) {
    disk_ = part_.flush();
    if (!disk_.ok()) verdict_ = Verdict::disk;
  }
  const FixedText<300> why = why_;
  switch (verdict_) {
    case Verdict::none: break;
    case Verdict::discarded: return judge_status(desk);
    case Verdict::anew: return start_anew(desk, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, why.c_str());
    case Verdict::size: return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_SIZE, Part::remove, "%s", why.c_str());
    case Verdict::disk: return fail_disk(desk, "written", disk_);
    case Verdict::memory: return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "OpenSSL has no memory for a hash");
    case Verdict::broken: return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "%s", why.c_str());
  }
  const bool is_whole = is_wanted_ && total_bytes_ != 0 && part_.bytes() == total_bytes_;
  if (is_whole || end_ == HttpEnd::complete) return judge_status(desk);
  switch (end_) {
    case HttpEnd::tls: return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_TLS, Part::keep, "%s%s", why.c_str(), kept());
    case HttpEnd::memory: return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_MEMORY, Part::keep, "curl has no memory for it%s", kept());
    case HttpEnd::no_connection: return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_CONNECT, "%s", why.c_str());
    default:
      return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "the connection ended after %llu of %llu bytes: %s",
                   static_cast<unsigned long long>(is_wanted_ ? part_.bytes() : 0), static_cast<unsigned long long>(total_bytes_), why.c_str());
  }
}

// There is a response, whole or as much of it as says what it is.
void Download::judge_status(DownloadDesk& desk) {
  if (is_wanted_) {
    if (total_bytes_ != 0 && part_.bytes() != total_bytes_) {
      return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "the response ended after %llu of %llu bytes", static_cast<unsigned long long>(part_.bytes()),
                   static_cast<unsigned long long>(total_bytes_));
    }
    gate.total_bytes.store(part_.bytes(), kRelaxed);
    finish_step_ = 0;
    part_.drop_buffer();
    return set_phase(Phase::finishing, FRAMEPUMP_DOWNLOAD_FINISHING);
  }
  const uint32_t status = response_.status;
  if (is_redirect(status)) return redirect(desk);
  if (status == 416 && offset_bytes_ > 0) return start_anew(desk, FRAMEPUMP_REASON_DOWNLOAD_BROKEN, "the server has fewer bytes (416) than are here already");
  if (is_worth_another_try(status)) {
    const std::optional<uint64_t> wait_s = parse_retry_after(response_.retry_after.view(), realtime_ns() / 1'000'000'000);
    constexpr uint64_t kDayS = 86'400;
    server_wait_us_ = static_cast<int64_t>(std::min(wait_s.value_or(0), kDayS)) * 1'000'000;
    return retry(desk, FRAMEPUMP_REASON_DOWNLOAD_STATUS, "the server answers %u", status);
  }
  fail(desk, FRAMEPUMP_REASON_DOWNLOAD_STATUS, Part::keep, "the server answers %u, allowed are 200 and redirects", status);
}

void Download::redirect(DownloadDesk& desk) {
  const uint32_t limit = desk.service.settings.redirects.load(kRelaxed);
  UrlText next;
  if (response_.location.is_empty() || response_.is_location_too_long || !resolve_location(url_.view(), response_.location.view(), next)) {
    return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, Part::keep, "redirected to \"%.150s\", allowed are http:// and https:// URLs below 2048 bytes",
                response_.location.c_str());
  }
  if (redirects_ == limit) {
    return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, Part::keep, "redirected more than %u times (download.redirects), at last to %.150s", limit, next.c_str());
  }
  const bool is_downgrade = parse_url(url_.view())->is_https && !parse_url(next.view())->is_https;
  if (is_downgrade && (request.flags & FRAMEPUMP_DOWNLOAD_ALLOW_DOWNGRADE) == 0) {
    return fail(desk, FRAMEPUMP_REASON_DOWNLOAD_REDIRECT, Part::keep, "redirected from https to %.150s, allowed is https (or set FRAMEPUMP_DOWNLOAD_ALLOW_DOWNGRADE)",
                next.c_str());
  }
  url_ = next;
  gate.redirects.store(++redirects_, kRelaxed);
  tell_words("");
  ask(desk);
}

}  // namespace framepump

#endif
