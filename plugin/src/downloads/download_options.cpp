// SPDX-License-Identifier: MIT
//
// What gameplay wants of a download, checked before anything begins.
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include <algorithm>
#include <cstdlib>

#include "downloads/download_service.h"

namespace framepump {
namespace {

constexpr size_t kLongestPath = 4000;
constexpr uint32_t kAllFlags = FRAMEPUMP_DOWNLOAD_COMPRESSED | FRAMEPUMP_DOWNLOAD_ALLOW_DOWNGRADE | FRAMEPUMP_DOWNLOAD_START_ANEW |
                               FRAMEPUMP_DOWNLOAD_NO_SYNC | FRAMEPUMP_DOWNLOAD_PAUSED;

bool read_url(const char* text, DownloadRequest& out, FixedText<400>& why) {
  const std::optional<Url> url = parse_url(text);
  if (!url || !without_user_info(*url, out.url)) {
    why.format("url is \"%.200s\", allowed is an http:// or https:// URL in ASCII of less than %zu bytes", text, kUrlBytes);
    return false;
  }
  if (url->user_info.find("%00") != std::string_view::npos) {
    why.format("the name or password in the url has a %%00, allowed is every byte but that");
    return false;
  }
  if (out.user_info.assign(url->user_info)) return true;
  why.format("the name and password in the url have %zu bytes, allowed are at most 511", url->user_info.size());
  return false;
}

// Each line is a field, and none that the download itself sends.
bool read_headers(std::string_view lines, DownloadRequest& out, FixedText<400>& why) {
  if (!out.headers.assign(lines)) {
    why.format("headers has %zu bytes, allowed are at most %zu", lines.size(), kDownloadHeaderBytes - 1);
    return false;
  }
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    if (line.empty()) continue;
    const std::optional<HeaderField> field = parse_header_field(line);
    const bool is_good = field && line.find('\r') == std::string_view::npos;
    if (is_good && !is_same_word(field->name, "Range") && !is_same_word(field->name, "If-Range") && !is_same_word(field->name, "Accept-Encoding")) continue;
    why.format("headers has the line \"%.*s\", allowed are lines \"Name: value\" other than Range, If-Range and Accept-Encoding",
               static_cast<int>(std::min<size_t>(line.size(), 100)), line.data());
    return false;
  }
  return true;
}

bool read_proxy(const char* name, const char* text, FixedText<512>& out, FixedText<400>& why) {
  const std::optional<Url> proxy = parse_url(text);
  if (text[0] == '\0' || (proxy && out.assign(text))) return true;
  why.format("%s is \"%.200s\", allowed is an http:// or https:// URL, or nothing for no proxy", name, text);
  return false;
}

// The first that is set. curl's rule of http_proxy: not in capitals, since a CGI program's environment holds what its client sends.
const char* variable(const char* name, const char* other) {
  const char* value = std::getenv(name);
  if (value == nullptr && other != nullptr) value = std::getenv(other);
  return value != nullptr ? value : "";
}

// "host:port" is common there, and means http.
bool read_environment_proxy(const char* name, const char* value, FixedText<512>& out, FixedText<400>& why) {
  FixedText<512> url;
  if (value[0] == '\0') value = variable("all_proxy", "ALL_PROXY");
  const bool has_scheme = std::string_view(value).find("://") != std::string_view::npos;
  if (value[0] != '\0' && !has_scheme) (void)url.append("http://");
  if (!url.append(value)) {
    why.format("%s in the environment is longer than 511 bytes", name);
    return false;
  }
  return read_proxy(name, url.c_str(), out, why);
}

bool read_proxies(const char* wanted, DownloadRequest& out, FixedText<400>& why) {
  if (wanted != nullptr) return read_proxy("proxy", wanted, out.http_proxy, why) && out.https_proxy.assign(out.http_proxy.view());
  if (!out.no_proxy.assign(variable("no_proxy", "NO_PROXY"))) {
    why.format("no_proxy in the environment is longer than 1023 bytes");
    return false;
  }
  return read_environment_proxy("http_proxy", variable("http_proxy", nullptr), out.http_proxy, why) &&
         read_environment_proxy("https_proxy", variable("https_proxy", "HTTPS_PROXY"), out.https_proxy, why);
}

bool read_paths(const framepump_download_options& options, DownloadRequest& out, FixedText<400>& why) {
  const size_t length = std::string_view(options.path).size();
  if (length == 0 || length > kLongestPath || !out.path.assign(options.path)) {
    why.format("path has %zu bytes, allowed are 1 to %zu", length, kLongestPath);
    return false;
  }
  if (options.ca_file == nullptr || out.ca_file.assign(options.ca_file)) return true;
  why.format("ca_file has %zu bytes, allowed are at most %zu", std::string_view(options.ca_file).size(), kDownloadPathBytes - 1);
  return false;
}

bool read_numbers(const framepump_download_options& options, DownloadRequest& out, FixedText<400>& why) {
  constexpr uint32_t kMostAttempts = 1000;
  if (options.priority > FRAMEPUMP_PRIORITY_BULK) {
    why.format("priority is %u, allowed is 0 (realtime), 1 (normal), 2 (bulk)", options.priority);
  } else if ((options.flags & ~kAllFlags) != 0) {
    why.format("flags is %#x, allowed are FRAMEPUMP_DOWNLOAD_* of at most %#x together", options.flags, kAllFlags);
  } else if (options.http_version > FRAMEPUMP_DOWNLOAD_HTTP_2) {
    why.format("http_version is %u, allowed is 0 (any), 1, 2", options.http_version);
  } else if (options.attempts > kMostAttempts) {
    why.format("attempts is %u, allowed is 0 (download.attempts) to %u", options.attempts, kMostAttempts);
  } else if (options.size_limit_bytes != 0 && options.expected_bytes > options.size_limit_bytes) {
    why.format("expected_bytes is more than size_limit_bytes");
  } else {
    out.flags = options.flags;
    out.http_version = options.http_version;
    out.attempts = options.attempts;
    out.expected_bytes = options.expected_bytes;
    out.size_limit_bytes = options.size_limit_bytes;
    out.rate_bytes = uint64_t{options.rate_limit_kib} * 1024;
    return true;
  }
  return false;
}

bool read_hash(const char* text, DownloadRequest& out, FixedText<400>& why) {
  out.has_sha256 = text != nullptr;
  if (text == nullptr || parse_sha256(text, out.sha256)) return true;
  why.format("sha256 is \"%.80s\", allowed are 64 hexadecimal digits", text);
  return false;
}

}  // namespace

bool read_download_options(const framepump_download_options& options, DownloadRequest& out, FixedText<400>& why) {
  if (options.url == nullptr || options.path == nullptr) {
    why.format("%s is null", options.url == nullptr ? "url" : "path");
    return false;
  }
  return read_url(options.url, out, why) && read_paths(options, out, why) && read_numbers(options, out, why) &&
         read_hash(options.sha256, out, why) && read_headers(options.headers != nullptr ? options.headers : "", out, why) &&
         read_proxies(options.proxy, out, why);
}

}  // namespace framepump

#endif
