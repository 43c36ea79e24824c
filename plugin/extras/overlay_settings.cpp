// SPDX-License-Identifier: MIT
#include "extras/overlay_settings.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
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
    {"pump.stall_takeover_ms", &C::stall_takeover_ms, 20, 60'000, 2'000, "ms", false, true},
    {"memory.kernel_window_kib", &C::kernel_window_kib, 0, 16'777'216, 262'144, "KiB", false},
    {"stream.send_limit_kib", &C::send_limit_kib, 4, 1'048'576, 65'536, "KiB", false},
    {"stream.receive_limit_kib", &C::receive_limit_kib, 4, 1'048'576, 65'536, "KiB", true},
    {"memory.budget_kib", &C::budget_kib, 1'024, 16'777'216, 1'048'576, "KiB", true},
};

static_assert(std::size(kKeys) <= 32, "OverlaySettings keeps a bit for each");

constexpr const char* kTemporary = ".overlay-new";

std::string text_of(const SettingKey& key, uint32_t value) {
  if (key.unit[0] == 0) return value != 0 ? "true" : "false";
  return std::to_string(value);
}

// In all keys of the file, not only in those of the overlay.
bool is_same(C a, const C& b) {
  static_assert(std::has_unique_object_representations_v<C>, "no byte of it is padding");
  a.struct_size = b.struct_size;
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

uint32_t bit_of(const SettingKey& key) {
  const auto at = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const SettingKey& known) { return known.field == key.field; });
  return at == std::end(kKeys) ? 0 : 1u << (at - std::begin(kKeys));
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

// Whoever may not write to it should not replace it either.
bool may_write(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ab");
  return file != nullptr && std::fclose(file) == 0;
}

// A file that goes unless it takes the place of another. Whoever reads that one meanwhile sees the old text or the new one, whole. That a
// power cut leaves one of the two is up to the file system: nobody waits for the disk in a frame.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  ~NewFile() {
    std::error_code ignored;
    if (is_ours_) std::filesystem::remove(path_, ignored);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  const std::string& path() const { return path_; }
  // With the permissions of `other`, which hold before the first byte is in it. Whatever else has that name by then is not written to, and
  // a link is not followed.
  bool write(const std::string& text, const std::string& other) {
    remove_left_over();
    std::error_code error;
    const std::filesystem::perms permissions = std::filesystem::status(other, error).permissions();
    std::FILE* file = error ? nullptr : std::fopen(path_.c_str(), "wbx");
    if (file == nullptr) return false;
    is_ours_ = true;
    std::filesystem::permissions(path_, permissions, error);
    const bool is_whole = !error && std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
    return (std::fclose(file) == 0) && is_whole;
  }
  bool replace(const std::string& other) {
    std::error_code error;
    std::filesystem::rename(path_, other, error);
    if (!error) is_ours_ = false;
    return !error;
  }

 private:
  // Of a program that ended in the middle of this.
  void remove_left_over() const {
    std::error_code error;
    const std::filesystem::file_type type = std::filesystem::symlink_status(path_, error).type();
    const bool is_left_over = type == std::filesystem::file_type::regular || type == std::filesystem::file_type::symlink;
    if (is_left_over) std::filesystem::remove(path_, error);
  }

  std::string path_;
  bool is_ours_ = false;
};

}  // namespace

std::span<const SettingKey> setting_keys() { return kKeys; }

std::string range_of(const SettingKey& key) {
  if (key.unit[0] == 0) return "true or false";
  return (key.zero_is_off ? "0 or " : "") + std::to_string(key.minimum) + " to " + std::to_string(key.maximum) + " " + key.unit;
}

uint32_t snapped(const SettingKey& key, uint32_t value) {
  if (!key.zero_is_off || value >= key.minimum) return value;
  return value < key.minimum - value ? 0 : key.minimum;
}

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
  changed_ |= bit_of(key);
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
  Config wanted = in_file;
  for (const SettingKey& key : kKeys) {
    if ((changed_ & bit_of(key)) != 0) wanted.*key.field = value(key);
  }
  if (is_same(in_file, wanted)) {
    const bool has_changes = std::exchange(changed_, 0) != 0;
    return say(false, has_changes ? path_ + " says so already" : "nothing was changed here, so " + path_ + " stays as it is");
  }
  std::optional<std::string> text = read_file(path);
  if (!text || !may_write(path)) return say(true, "cannot write " + path_ + ": may this program write to it?");
  std::string names;
  for (const SettingKey& key : kKeys) {
    if (in_file.*key.field == wanted.*key.field) continue;
    *text = with_value(*text, key.name, text_of(key, wanted.*key.field));
    names += (names.empty() ? "" : ", ") + std::string(key.name);
  }
  NewFile file(path + kTemporary);
  if (!file.write(*text, path)) {
    return say(true, "cannot write " + file.path() + " with the permissions of the old file: may this program write to that folder?");
  }
  // The plugin's own reader has the last word: what it would not read as wanted is not put in place.
  Config again;
  if (api_->config_load(&again, sizeof(again), file.path().c_str(), &problem) != FRAMEPUMP_OK || !is_same(again, wanted)) {
    return say(true, "not written: " + path_ + " was edited just now, or has keys in a form that the overlay cannot edit (an inline table?)");
  }
  if (!file.replace(path)) return say(true, "cannot replace " + path_ + ": may this program write to its folder?");
  changed_ = 0;
  return say(false, "wrote " + names + " to " + path_);
}

}  // namespace framepump::extras
