// SPDX-License-Identifier: MIT
#include "extras/overlay_settings.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace framepump::extras {
namespace {

using C = framepump_config;
constexpr SettingKey kKeys[] = {
    {"pump.threaded", &C::threaded, 0, 1, 1, "", false},
    {"pump.slice_us", &C::slice_us, 0, 1'000'000, 16'000, "us", false},
    {"pump.flush_slice_us", &C::flush_slice_us, 0, 1'000'000, 16'000, "us", false},
    {"pump.overrun_margin_us", &C::overrun_margin_us, 0, 1'000'000, 16'000, "us", false},
    {"pump.quantum_kib", &C::quantum_kib, 1, 1'024, 1'024, "KiB", false},
    {"pump.stall_takeover_ms", &C::stall_takeover_ms, 0, 60'000, 2'000, "ms", false},
    {"memory.kernel_window_kib", &C::kernel_window_kib, 0, 16'777'216, 262'144, "KiB", false},
    {"stream.send_limit_kib", &C::send_limit_kib, 4, 1'048'576, 65'536, "KiB", false},
    {"stream.receive_limit_kib", &C::receive_limit_kib, 4, 1'048'576, 65'536, "KiB", true},
    {"memory.budget_kib", &C::budget_kib, 1'024, 16'777'216, 1'048'576, "KiB", true},
};

constexpr const char* kTemporary = ".overlay-new";

std::string text_of(const SettingKey& key, uint32_t value) {
  if (key.unit[0] == 0) return value != 0 ? "true" : "false";
  return std::to_string(value);
}

bool is_same(const C& a, const C& b) {
  for (const SettingKey& key : kKeys) {
    if (a.*key.field != b.*key.field) return false;
  }
  return true;
}

// ---- the text of a config file, which the plugin's reader has accepted: tables and scalar values ----

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Without the white space and quotes that TOML allows in names: pump . "slice_us"
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != ' ' && c != '\t' && c != '"' && c != '\'') text += c;
  }
  return text;
}

struct Line {
  size_t begin = 0;
  size_t end = 0;        // behind its line break
  std::string table;     // in which it stands
  std::string key;       // whole: "pump.slice_us"; empty: it has none
  bool is_header = false;
  size_t value_begin = 0;
  size_t value_end = 0;
};

std::vector<Line> lines_of(const std::string& text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::vector<Line> lines;
  std::string table;
  size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (begin < text.size()) {
    const size_t line_break = text.find('\n', begin);
    Line line;
    line.begin = begin;
    line.end = line_break == std::string::npos ? text.size() : line_break + 1;
    const std::string_view whole(text.data() + begin, line.end - begin);
    const std::string_view content = trimmed(whole);
    if (content.starts_with('[')) {
      table = bare(content.substr(1, content.find(']') - 1));
      line.is_header = true;
    } else if (const size_t equals = whole.find('='); !content.empty() && content[0] != '#' && equals != std::string_view::npos) {
      line.key = (table.empty() ? "" : table + ".") + bare(whole.substr(0, equals));
      const size_t value = std::min(whole.find_first_not_of(" \t", equals + 1), whole.size());
      line.value_begin = begin + value;
      line.value_end = begin + std::min(whole.find_first_of(" \t\r\n#", value), whole.size());
    }
    line.table = table;
    begin = line.end;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::string text;
  char buffer[4096];
  for (size_t taken = 1; taken > 0;) text.append(buffer, taken = std::fread(buffer, 1, sizeof(buffer), file));
  const bool is_whole = std::ferror(file) == 0;
  std::fclose(file);
  return is_whole ? std::optional(text) : std::nullopt;
}

bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool is_whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return (std::fclose(file) == 0) && is_whole;
}

// Whoever may not write to it should not replace it either.
bool may_write(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ab");
  return file != nullptr && std::fclose(file) == 0;
}

// A file that goes unless it takes the place of another.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  ~NewFile() {
    std::error_code ignored;
    if (!is_kept_) std::filesystem::remove(path_, ignored);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::string& path() const { return path_; }
  // Readers see the old file or the new one, whole.
  bool replace(const std::string& other) {
    std::error_code error;
    std::filesystem::permissions(path_, std::filesystem::status(other, error).permissions(), error);
    std::filesystem::rename(path_, other, error);
    is_kept_ = !error;
    return is_kept_;
  }

 private:
  std::string path_;
  bool is_kept_ = false;
};

}  // namespace

std::span<const SettingKey> setting_keys() { return kKeys; }

std::string with_value(const std::string& text, const std::string& key, const std::string& value) {
  const std::string table = key.substr(0, key.find('.'));
  const std::string line_break = text.find("\r\n") != std::string::npos ? "\r\n" : "\n";
  const std::vector<Line> lines = lines_of(text);
  const Line* last_of_table = nullptr;  // its last key, or its header
  for (const Line& line : lines) {
    if (line.key == key) return text.substr(0, line.value_begin) + value + text.substr(line.value_end);
    if (line.key.starts_with(table + ".") || (line.is_header && line.table == table)) last_of_table = &line;
  }
  std::string result = text;
  if (last_of_table == nullptr) {
    if (!result.empty() && result.back() != '\n') result += line_break;
    if (!result.empty()) result += line_break;
    return result + "[" + table + "]" + line_break + key.substr(table.size() + 1) + " = " + value + line_break;
  }
  const std::string name = last_of_table->table == table ? key.substr(table.size() + 1) : key;
  const bool has_break = text[last_of_table->end - 1] == '\n';
  result.insert(last_of_table->end, (has_break ? "" : line_break) + name + " = " + value + (has_break ? line_break : ""));
  return result;
}

OverlaySettings::OverlaySettings(Api api, Network& network, std::string path)
    : api_(api), network_(network), path_(std::move(path)), wanted_(network.config()) {}

uint32_t OverlaySettings::value(const SettingKey& key) const {
  return key.needs_restart ? wanted_.*key.field : network_.config().*key.field;
}

bool OverlaySettings::is_waiting(const SettingKey& key) const { return key.needs_restart && wanted_.*key.field != network_.config().*key.field; }

bool OverlaySettings::say(bool is_refusal, std::string text) {
  is_refusal_ = is_refusal;
  message_ = std::move(text);
  return !is_refusal;
}

// Whether a value for a restart would be taken is asked of the plugin, too: it checks ranges before it says that a restart is needed.
bool OverlaySettings::set(const SettingKey& key, uint32_t value) {
  Config config = network_.config();
  config.*key.field = value;
  const Status status = network_.configure(config);
  const bool waits = key.needs_restart && !status && status.error().code() == ErrorCode::needs_restart;
  if (!status && !waits) return say(true, status.error().text());
  if (key.needs_restart) wanted_.*key.field = value;
  return say(false, "");
}

bool OverlaySettings::write() {
  if (path_.empty()) return say(true, "there is no config file: the game opened its network without one");
  std::error_code error;
  std::filesystem::path real = std::filesystem::canonical(path_, error);  // what a link leads to is replaced, not the link
  const std::string path = error ? path_ : real.string();
  Config in_file;
  framepump_message problem = {};
  problem.struct_size = sizeof(problem);
  if (api_->config_load(&in_file, sizeof(in_file), path.c_str(), &problem) != FRAMEPUMP_OK) {
    return say(true, std::string("not written, since the file as it is cannot be read: ") + problem.text);
  }
  Config wanted = network_.config();
  for (const SettingKey& key : kKeys) {
    if (key.needs_restart) wanted.*key.field = wanted_.*key.field;
  }
  if (is_same(in_file, wanted)) return say(false, path_ + " says so already");
  std::optional<std::string> text = read_file(path);
  if (!text || !may_write(path)) return say(true, "cannot write " + path_ + ": may this program write to it?");
  std::string names;
  for (const SettingKey& key : kKeys) {
    if (in_file.*key.field == wanted.*key.field) continue;
    *text = with_value(*text, key.name, text_of(key, wanted.*key.field));
    names += (names.empty() ? "" : ", ") + std::string(key.name);
  }
  NewFile file(path + kTemporary);
  if (!write_file(file.path(), *text)) return say(true, "cannot write " + file.path() + ": may this program write to that folder?");
  // The plugin's own reader has the last word: what it would not read as wanted is not put in place.
  Config again;
  if (api_->config_load(&again, sizeof(again), file.path().c_str(), &problem) != FRAMEPUMP_OK || !is_same(again, wanted)) {
    return say(true, "not written: " + path_ + " has keys in a form that the overlay cannot edit (an inline table?)");
  }
  if (!file.replace(path)) return say(true, "cannot replace " + path_ + ": may this program write to its folder?");
  return say(false, "wrote " + names + " to " + path_);
}

}  // namespace framepump::extras
