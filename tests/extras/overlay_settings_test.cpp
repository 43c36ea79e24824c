// SPDX-License-Identifier: MIT
#include "extras/overlay_settings.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "config/config.h"
#include "config/source_root.h"
#include "config/temporary_folder.h"
#include "support/test_network.h"

using framepump::test::read_text;
using framepump::test::TemporaryFolder;
using framepump::test::write_text;
using namespace framepump::extras;

namespace {

const SettingKey& key_named(const std::string& name) {
  for (const SettingKey& key : setting_keys()) {
    if (name == key.name) return key;
  }
  FAIL("no key " << name);
  return setting_keys().front();
}

framepump_config loaded(const std::string& path) {
  framepump_config config = {};
  framepump_message message = {};
  message.struct_size = sizeof(message);
  CHECK_EQ(framepump::test::api().config_load(&config, sizeof(config), path.c_str(), &message), FRAMEPUMP_OK);
  CHECK_EQ(std::string(message.text), "");
  return config;
}

// A network that was opened with a file of this text, and the settings for both.
struct Stage {
  explicit Stage(const std::string& text) {
    write_text(path, text);
    framepump::Config config;
    static_cast<framepump_config&>(config) = loaded(path);
    network.emplace(framepump::Network::create(framepump::Api::linked(), config).value());
    settings.emplace(framepump::Api::linked(), *network, path);
  }
  bool set(const std::string& name, uint32_t value) { return settings->set(key_named(name), value); }

  TemporaryFolder folder;
  std::string path = folder.file();
  std::optional<framepump::Network> network;
  std::optional<OverlaySettings> settings;
};

// The plugin with a config_load that tells `on_load` of each file that it has read, and of what it found.
class WatchedApi {
 public:
  using OnLoad = std::function<void(const std::string& path, framepump_config& config)>;
  explicit WatchedApi(OnLoad on_load) {
    on_load_ = std::move(on_load);
    table_ = framepump::test::api();
    table_.config_load = [](framepump_config* config, uint32_t struct_size, const char* path, framepump_message* message) -> uint32_t {
      const uint32_t error = framepump::test::api().config_load(config, struct_size, path, message);
      if (error == FRAMEPUMP_OK) on_load_(path, *config);
      return error;
    };
  }
  ~WatchedApi() { on_load_ = nullptr; }
  WatchedApi(const WatchedApi&) = delete;
  WatchedApi& operator=(const WatchedApi&) = delete;

  framepump::Api api() const {
    return framepump::Api::from([](uint32_t) -> const framepump_api* { return &table_; });
  }

 private:
  static inline OnLoad on_load_;
  static inline framepump_api table_;
};

constexpr const char* kNew = ".overlay-new";

// Plain users' rules, for a test that root runs.
class AsNobody {
 public:
  AsNobody() { if (geteuid() == 0) REQUIRE_EQ(seteuid(65'534), 0); }
  ~AsNobody() { if (getuid() == 0) CHECK_EQ(seteuid(0), 0); }
};

}  // namespace

TEST_CASE("the overlay's keys are those of the plugin, with its ranges") {
  for (const SettingKey& key : setting_keys()) {
    CAPTURE(key.name);
    const framepump::ConfigKey* found = nullptr;
    for (const framepump::ConfigKey& known : framepump::config_keys()) {
      if (std::string(known.name) == key.name) found = &known;
    }
    REQUIRE(found != nullptr);
    CHECK(found->field == key.field);
    CHECK_EQ(found->minimum, key.minimum);
    CHECK_EQ(found->zero_is_off, key.zero_is_off);
    CHECK_EQ(found->maximum, key.maximum);
    CHECK_EQ(found->change == framepump::KeyChange::restart, key.needs_restart);
    CHECK_EQ(found->kind == framepump::KeyKind::boolean, key.unit[0] == 0);
    CHECK_LE(key.usual_maximum, key.maximum);
  }
}

TEST_CASE("what a key allows is said as the plugin means it, and a slider stops at nothing that is refused") {
  CHECK_EQ(range_of(key_named("pump.stall_takeover_ms")), "0 or 20 to 60000 ms");
  CHECK_EQ(range_of(key_named("pump.slice_us")), "0 to 1000000 us");
  CHECK_EQ(range_of(key_named("pump.threaded")), "true or false");
  for (const framepump::ConfigKey& known : framepump::config_keys()) {
    if (std::string(known.name) != "pump.stall_takeover_ms") continue;
    for (uint32_t value = 0; value <= 100; ++value) CHECK(framepump::is_allowed(known, snapped(key_named(known.name), value)));
  }
  CHECK_EQ(snapped(key_named("pump.stall_takeover_ms"), 9), 0);
  CHECK_EQ(snapped(key_named("pump.stall_takeover_ms"), 10), 20);
  CHECK_EQ(snapped(key_named("pump.stall_takeover_ms"), 21), 21);
  CHECK_EQ(snapped(key_named("pump.slice_us"), 9), 9);
}

TEST_CASE("a live key is in force at once, and what is out of range is refused in the plugin's words") {
  Stage stage("");
  CHECK(stage.set("pump.slice_us", 1'234));
  CHECK_EQ(stage.network->config().slice_us, 1'234);
  CHECK_EQ(stage.settings->message(), "");
  CHECK_FALSE(stage.set("pump.slice_us", 1'000'001));
  CHECK(stage.settings->is_refusal());
  CHECK_NE(stage.settings->message().find("pump.slice_us"), std::string::npos);
  CHECK_NE(stage.settings->message().find("1000001"), std::string::npos);
  CHECK_EQ(stage.network->config().slice_us, 1'234);
  CHECK_FALSE(stage.set("pump.stall_takeover_ms", 5));  // within 0 to 60000, and yet not allowed
  CHECK_NE(stage.settings->message().find("pump.stall_takeover_ms"), std::string::npos);
  CHECK_FALSE(stage.set("memory.budget_kib", 1));  // of a key that needs a restart, too
  CHECK_FALSE(stage.settings->is_waiting(key_named("memory.budget_kib")));
}

TEST_CASE("a key that needs a restart waits, and is written for it") {
  Stage stage("");
  CHECK(stage.set("stream.receive_limit_kib", 512));
  CHECK(stage.settings->is_waiting(key_named("stream.receive_limit_kib")));
  CHECK_EQ(stage.network->config().receive_limit_kib, framepump::Config().receive_limit_kib);
  CHECK(stage.settings->write());
  CHECK_EQ(loaded(stage.path).receive_limit_kib, 512);
}

TEST_CASE("writing changes the values that differ and nothing else of the file") {
  const std::string before = read_text(framepump::test::in_sources("assets/framepump.toml"));
  Stage stage(before);
  CHECK(stage.settings->write());
  CHECK_EQ(read_text(stage.path), before);
  CHECK_NE(stage.settings->message().find("nothing was changed"), std::string::npos);
  CHECK(stage.set("pump.quantum_kib", 64));
  CHECK(stage.settings->write());
  CHECK_EQ(read_text(stage.path), before);
  CHECK_NE(stage.settings->message().find("already"), std::string::npos);
  CHECK(stage.set("pump.threaded", 1));
  CHECK(stage.set("pump.slice_us", 3'500));
  CHECK(stage.set("memory.kernel_window_kib", 0));
  REQUIRE(stage.settings->write());
  std::string expected = before;
  const auto replace = [&](const std::string& from, const std::string& to) { expected.replace(expected.find(from), from.size(), to); };
  replace("\nthreaded = false\n", "\nthreaded = true\n");
  replace("\nslice_us = 2000\n", "\nslice_us = 3500\n");
  replace("\nkernel_window_kib = 65536\n", "\nkernel_window_kib = 0\n");
  CHECK_EQ(read_text(stage.path), expected);
  CHECK_EQ(stage.settings->message(), "wrote pump.threaded, pump.slice_us, memory.kernel_window_kib to " + stage.path);
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(stage.folder.path())) ++files;
  CHECK_EQ(files, 1);
}

TEST_CASE("keys that the overlay does not own keep what the file says, though the network has something else") {
  Stage stage("[datagram]\ntimeout_ms = 7000\n");
  framepump::Config config = stage.network->config();
  config.datagram_timeout_ms = 1'000;
  config.linger_ms = 1;
  REQUIRE(stage.network->configure(config));
  CHECK(stage.set("pump.quantum_kib", 16));
  REQUIRE(stage.settings->write());
  CHECK_EQ(read_text(stage.path), "[datagram]\ntimeout_ms = 7000\n\n[pump]\nquantum_kib = 16\n");
}

TEST_CASE("what somebody has edited in the file since it was opened stays, unless it was changed here") {
  Stage stage("[pump]\nslice_us = 3000\n[memory]\nbudget_kib = 65536\n");
  const std::string edited = "[pump]\nslice_us = 4000\nquantum_kib = 32\n[memory]\nbudget_kib = 262144\n[stream]\nreceive_limit_kib = 512\n";
  write_text(stage.path, edited);  // nobody watches it
  CHECK(stage.settings->write());
  CHECK_EQ(read_text(stage.path), edited);
  CHECK(stage.set("pump.quantum_kib", 16));
  CHECK(stage.settings->write());
  const std::string written = "[pump]\nslice_us = 4000\nquantum_kib = 16\n[memory]\nbudget_kib = 262144\n[stream]\nreceive_limit_kib = 512\n";
  CHECK_EQ(read_text(stage.path), written);
  CHECK_EQ(stage.settings->message(), "wrote pump.quantum_kib to " + stage.path);
  write_text(stage.path, edited);  // after it was written, the last word is the editor's again
  CHECK(stage.settings->write());
  CHECK_EQ(read_text(stage.path), edited);
  CHECK_FALSE(stage.set("pump.slice_us", 2'000'000));  // refused: not changed
  CHECK(stage.settings->write());
  CHECK_EQ(read_text(stage.path), edited);
}

TEST_CASE("every form of a file that can be edited is read back as wanted, and keeps its other lines") {
  struct Form {
    const char* before;
    const char* after;
  };
  constexpr Form kForms[] = {
      {"", "[pump]\nthreaded = true\nquantum_kib = 7\n"},
      {"# mine", "# mine\n\n[pump]\nthreaded = true\nquantum_kib = 7\n"},
      {"[pump]", "[pump]\nthreaded = true\nquantum_kib = 7"},
      {"[pump] # quantum_kib = 9\n\n[stream]\nlinger_ms = 1\n", "[pump] # quantum_kib = 9\nthreaded = true\nquantum_kib = 7\n\n[stream]\nlinger_ms = 1\n"},
      {" [ pump ]\r\n\tquantum_kib=0x10# small\r\n[stream]\r\n", " [ pump ]\r\n\tquantum_kib=7# small\r\nthreaded = true\r\n[stream]\r\n"},
      {"pump.quantum_kib = 1_000 # many\n", "pump.quantum_kib = 7 # many\npump.threaded = true\n"},
      {"[pump]\n\"quantum_kib\" = 9\nslice_us = 5\n", "[pump]\n\"quantum_kib\" = 7\nslice_us = 5\nthreaded = true\n"},
      {"\xEF\xBB\xBF[pump]\nthreaded = false\n", "\xEF\xBB\xBF[pump]\nthreaded = true\nquantum_kib = 7\n"},
  };
  for (const Form& form : kForms) {
    CAPTURE(form.before);
    Stage stage(form.before);
    const framepump_config before = loaded(stage.path);
    CHECK(stage.set("pump.threaded", 1));
    CHECK(stage.set("pump.quantum_kib", 7));
    CHECK(stage.settings->write());
    CHECK_EQ(stage.settings->is_refusal(), false);
    CHECK_EQ(read_text(stage.path), form.after);
    framepump_config wanted = before;
    wanted.threaded = 1;
    wanted.quantum_kib = 7;
    CHECK_EQ(framepump::differing_keys(loaded(stage.path), wanted), 0);
  }
}

TEST_CASE("a form that cannot be edited is refused, and the file stays as it is") {
  const std::string text = "pump = { threaded = false, quantum_kib = 9 }\n";
  Stage stage(text);
  CHECK(stage.set("pump.threaded", 1));
  CHECK_FALSE(stage.settings->write());
  CHECK_NE(stage.settings->message().find("not written"), std::string::npos);
  CHECK_EQ(read_text(stage.path), text);
}

TEST_CASE("a file that is broken, gone, or not ours to write is left alone, and the message says why") {
  Stage stage("[pump]\nthreaded = false\n");
  CHECK(stage.set("pump.threaded", 1));
  const auto refuses = [&](const std::string& word) {
    CHECK_FALSE(stage.settings->write());
    CHECK(stage.settings->is_refusal());
    CAPTURE(stage.settings->message());
    CHECK_NE(stage.settings->message().find(word), std::string::npos);
  };
  SUBCASE("broken") {
    write_text(stage.path, "[pump]\nthreaded = maybe\n");
    refuses("threaded");
    CHECK_EQ(read_text(stage.path), "[pump]\nthreaded = maybe\n");
  }
  SUBCASE("gone") {
    std::filesystem::remove(stage.path);
    refuses("cannot be read");
    CHECK_FALSE(std::filesystem::exists(stage.path));
  }
  SUBCASE("read-only") {
    REQUIRE_EQ(chmod(stage.folder.path().c_str(), 0777), 0);
    REQUIRE_EQ(chmod(stage.path.c_str(), 0444), 0);
    const AsNobody nobody;
    refuses("cannot write");
  }
  SUBCASE("in a folder that is read-only") {
    REQUIRE_EQ(chmod(stage.folder.path().c_str(), 0555), 0);
    REQUIRE_EQ(chmod(stage.path.c_str(), 0666), 0);
    {
      const AsNobody nobody;
      refuses("folder");
    }
    REQUIRE_EQ(chmod(stage.folder.path().c_str(), 0755), 0);
  }
  if (std::filesystem::exists(stage.path) && read_text(stage.path).find("maybe") == std::string::npos) {
    CHECK_EQ(loaded(stage.path).threaded, 0);
  }
}

TEST_CASE("a link stays a link, and the file keeps its permissions") {
  Stage stage("[pump]\nthreaded = false\n");
  REQUIRE_EQ(chmod(stage.path.c_str(), 0640), 0);
  const std::string link = stage.folder.file("link.toml");
  std::filesystem::create_symlink(stage.path, link);
  OverlaySettings settings(framepump::Api::linked(), *stage.network, link);
  CHECK(settings.set(key_named("pump.threaded"), 1));
  REQUIRE(settings.write());
  CHECK(std::filesystem::is_symlink(link));
  CHECK_EQ(loaded(stage.path).threaded, 1);
  CHECK_EQ(static_cast<int>(std::filesystem::status(stage.path).permissions()), 0640);
}

TEST_CASE("a text that would change a key that is not the overlay's is not put in place") {
  const std::string text = "[pump]\nthreaded = false\n";
  Stage stage(text);
  const WatchedApi watched([](const std::string& path, framepump_config& config) { config.linger_ms += path.ends_with(kNew) ? 1 : 0; });
  OverlaySettings settings(watched.api(), *stage.network, stage.path);
  CHECK(settings.set(key_named("pump.threaded"), 1));
  CHECK_FALSE(settings.write());
  CHECK_NE(settings.message().find("not written"), std::string::npos);
  CHECK_EQ(read_text(stage.path), text);
  CHECK_FALSE(std::filesystem::exists(stage.path + kNew));
}

TEST_CASE("the new text is readable by nobody who may not read the old one, not even before it is in place") {
  Stage stage("[pump]\nthreaded = false\n");
  REQUIRE_EQ(chmod(stage.path.c_str(), 0600), 0);
  int permissions = -1;
  const WatchedApi watched([&](const std::string& path, framepump_config&) {
    if (path.ends_with(kNew)) permissions = static_cast<int>(std::filesystem::status(path).permissions());
  });
  OverlaySettings settings(watched.api(), *stage.network, stage.path);
  CHECK(settings.set(key_named("pump.threaded"), 1));
  REQUIRE(settings.write());
  CHECK_EQ(permissions, 0600);
  CHECK_EQ(static_cast<int>(std::filesystem::status(stage.path).permissions()), 0600);
}

TEST_CASE("what has the new file's name is replaced if it may be a left-over, never followed, and otherwise left alone") {
  Stage stage("[pump]\nthreaded = false\n");
  CHECK(stage.set("pump.threaded", 1));
  const std::string taken = stage.path + kNew;
  const std::string other = stage.folder.file("other.txt");
  write_text(other, "not yours");
  SUBCASE("a left-over") {
    write_text(taken, "[pump]\nthr");
    CHECK(stage.settings->write());
    CHECK_FALSE(std::filesystem::exists(taken));
  }
  SUBCASE("a link") {
    std::filesystem::create_symlink(other, taken);
    CHECK(stage.settings->write());
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(taken)));
    CHECK_FALSE(std::filesystem::is_symlink(stage.path));
  }
  SUBCASE("a folder") {
    std::filesystem::create_directory(taken);
    CHECK_FALSE(stage.settings->write());
    CHECK_NE(stage.settings->message().find(taken), std::string::npos);
    CHECK(std::filesystem::is_directory(taken));
    CHECK_EQ(loaded(stage.path).threaded, 0);
    return;
  }
  CHECK_EQ(read_text(other), "not yours");
  CHECK_EQ(read_text(stage.path), "[pump]\nthreaded = true\n");
}

TEST_CASE("without a config file there is nothing to write, and the overlay says so") {
  framepump::Network network = framepump::Network::create(framepump::Api::linked()).value();
  OverlaySettings settings(framepump::Api::linked(), network, "");
  CHECK_FALSE(settings.has_file());
  CHECK_FALSE(settings.write());
  CHECK(settings.is_refusal());
}
