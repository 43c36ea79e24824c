// SPDX-License-Identifier: MIT
//
// A name that may be asked for stays one under every domain that it is looked for in, and the hosts file says of it what stands there.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "fuzz/target.h"
#include "sources/host_name.h"
#include "sources/hosts_table.h"

namespace framepump::fuzz {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view line) {
  Words words;
  line = line.substr(0, line.find('#'));
  for (size_t begin = 0; (begin = line.find_first_not_of(" \t\r", begin)) != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    begin = end;
  }
  for (std::string& word : words) {
    std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  return words;
}

std::vector<Words> lines_of(std::string_view text) {
  std::vector<Words> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(words_of(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void check_file(std::string_view text) {
  const Host host;
  HostsTable table(host);
  if (!table.read(text)) return fail("a hosts file is read");
  const std::vector<Words> lines = lines_of(text);
  for (const Words& line : lines) {
    if (line.size() < 2) continue;
    for (const AddressFamily family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
      const std::string& name = line[1];
      std::vector<SocketAddress> wanted;
      size_t lines_of_name = 0;
      for (const Words& other : lines) {
        SocketAddress address;
        // A zero ends an address, and what is too long for one is none.
        if (other.empty() || other[0].size() >= 64 || !parse_address(other[0].c_str(), 0, address)) continue;
        for (size_t i = 1; i < other.size(); ++i) {
          if (other[i] != name) continue;
          ++lines_of_name;
          if (address.family == family) wanted.push_back(address);
        }
      }
      if (lines_of_name > 16) continue;  // of more it takes the first
      SocketAddress found[16];
      const uint32_t count = table.find(name, family, found);
      expect(count == wanted.size() && std::equal(found, found + count, wanted.begin(), is_same_endpoint),
             "a name has the addresses that stand before it, in their order");
    }
  }
}

void check_name(const std::string& written, std::string_view domain) {
  if (wrong_in_host_name(written.c_str()) != nullptr) return;
  char small[kNameBytes];
  copy_in_small_letters(written, small);  // as whoever asks does first
  const std::string name = small;
  expect(name.size() == written.size(), "a name fits where it is kept");
  expect(!name.empty() && name.size() <= 254, "a name has 1 to 253 letters, and perhaps a dot");
  SearchList search;
  for (uint32_t i = 0; i < SearchList::kMostDomains + 1; ++i) search.add(domain);
  expect(search.count == 0 || search.count == SearchList::kMostDomains, "no more domains are kept than there is room for");
  search.dots_at_least = static_cast<uint32_t>(domain.size() % 4);
  bool is_asked_as_it_is = false;
  uint32_t attempt = 0;
  for (char asked[kNameBytes]; name_to_ask_for(name, search, attempt, asked); ++attempt) {
    if (std::memchr(asked, 0, sizeof(asked)) == nullptr) return fail("a name that is asked for ends with a zero");
    const std::string_view text(asked);
    expect(text.size() <= 253, "a name that is asked for is no longer than a name may be");
    expect(std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; }), "names are asked for in small letters");
    const bool has_final_dot = name.back() == '.';
    is_asked_as_it_is = is_asked_as_it_is || text.size() == name.size() - (has_final_dot ? 1 : 0);
    if (!text.empty() && search.count == 0) expect(wrong_in_host_name(asked) == nullptr, "what is asked for is a name");
  }
  expect(attempt <= search.count + 1, "a name is asked for once in each domain, and once as it is");
  expect(is_asked_as_it_is, "a name is asked for as it is, too");
}

}  // namespace

// The first line is a name, the second a domain, all of it a hosts file.
void host_names(std::string_view bytes) {
  const size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view rest = bytes.substr(std::min(end + 1, bytes.size()));
  const std::string_view name = bytes.substr(0, end);
  check_name(std::string(name.substr(0, name.find('\0'))), rest.substr(0, rest.find('\n')));
  check_file(bytes);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(host_names);
