// SPDX-License-Identifier: MIT
#include <algorithm>
#include <memory>
#include <new>
#include <span>

#include "downloads/http_fields.h"
#include "downloads/name_lookup.h"
#include "platform/file.h"

namespace framepump {
namespace {

constexpr size_t kHostsFileBytes = size_t{256} * 1024;

std::string_view take_word(std::string_view& line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

// "ADDRESS NAME [NAME...]", and a comment from '#' on.
void take_line(std::string_view line, std::string_view host, HostAddresses& answer) {
  line = line.substr(0, line.find('#'));
  FixedText<64> address;
  if (!address.assign(take_word(line))) return;
  for (std::string_view name = take_word(line); !name.empty(); name = take_word(line)) {
    if (!is_same_word(name, host) || answer.count == HostAddresses::kMostAddresses) continue;
    if (parse_address(address.c_str(), 0, answer.addresses[answer.count])) ++answer.count;
    return;
  }
}

}  // namespace

uint32_t HostsFileLookup::ask(const char* host) {
  constexpr uint32_t kTheOnlyTicket = 1;
  answer_ = {};
  const std::unique_ptr<char[]> buffer(new (std::nothrow) char[kHostsFileBytes]);
  if (buffer == nullptr) return kNoTicket;
  const FileResult file = read_file(path_, {buffer.get(), kHostsFileBytes});
  std::string_view text(buffer.get(), file.ok ? file.size_bytes : 0);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    take_line(line, host, answer_);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  if (answer_.count == 0) answer_.error.format("\"%.200s\" is not in %s", host, path_);
  return kTheOnlyTicket;
}

bool HostsFileLookup::look(uint32_t, HostAddresses& answer) {
  answer = answer_;
  return true;
}

}  // namespace framepump
