// SPDX-License-Identifier: MIT
//
// The settings that the overlay changes, and how it writes them into the config file. No drawing here.
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace framepump::extras {

// One key of framepump.toml.
struct SettingKey {
  const char* name;  // "pump.slice_us"
  uint32_t framepump_config::*field;
  uint32_t minimum;   // as in framepump_config.h, which the plugin checks; tests hold these against its list
  uint32_t maximum;
  uint32_t usual_maximum;  // how far a slider goes; what is beyond can be typed
  const char* unit;   // "" for true and false
  bool needs_restart;
  bool zero_is_off = false;  // 0 is allowed although it is below the minimum
};
std::span<const SettingKey> setting_keys();

// "0 or 20 to 60000 ms"; "true or false".
std::string range_of(const SettingKey& key);
// What a slider that stands at `value` means: between 0 and the minimum of a key that 0 turns off, the nearer of the two.
uint32_t snapped(const SettingKey& key, uint32_t value);

// Edits a network's settings. A live key is in force from the next tick on; one that needs a restart is kept for the file.
class OverlaySettings {
 public:
  // `network` outlives this. `path`: its config file; empty: it has none.
  OverlaySettings(Api api, Network& network, std::string path);

  // In force, or wanted after a restart.
  uint32_t value(const SettingKey& key) const;
  // What the plugin refuses changes nothing, and message() is its sentence.
  bool set(const SettingKey& key, uint32_t value);
  // It has a value that waits for a restart.
  bool is_waiting(const SettingKey& key) const;

  // Writes those of setting_keys() that set() has changed since the last write, where they differ from what the file says; its
  // comments, its order and its other keys stay as they are, also those that somebody has edited meanwhile. The file is read and
  // replaced at once, on this thread: a matter of a person's click. False: message() says why, and nothing has changed.
  bool write();
  bool has_file() const { return !path_.empty(); }
  const std::string& path() const { return path_; }

  // The newest word: a refusal, or what was written. Empty: nothing to say.
  const std::string& message() const { return message_; }
  bool is_refusal() const { return is_refusal_; }

 private:
  bool say(bool is_refusal, std::string text);

  Api api_;
  Network& network_;
  std::string path_;
  Config wanted_;            // of keys that need a restart
  uint32_t changed_ = 0;     // bit i: set() has changed key i since the last write
  std::string message_;
  bool is_refusal_ = false;
};

// `text`, a framepump.toml, with the value (true, false or a number) of `key` set to `value`: in place if it is there, else behind the last
// key of its table, else in a new table at the end.
std::string with_value(const std::string& text, const std::string& key, const std::string& value);

}  // namespace framepump::extras
