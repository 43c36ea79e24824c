// SPDX-License-Identifier: MIT
//
// The overlay's window as somebody would see it: letters are read back out of the triangles, and the pointer clicks on them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "config/temporary_folder.h"
#include "extras/imgui_screen.h"
#include "extras/overlay.h"
#include "extras/overlay_view.h"
#include "support/allocation_count.h"
#include "support/test_network.h"

using namespace framepump::extras;
using framepump::test::ImGuiScreen;
using framepump::test::ScreenText;

namespace {

// A game of both sides with an overlay: a download that is not read, an ENet peer, a config file.
struct Stage {
  explicit Stage(float density) : density_(density), screen(1280 * density, 720 * density, density) {
    framepump::test::write_text(path, "[pump]\nslice_us = 3000 # mine\n");
    network.emplace(framepump::Network::open(framepump::Api::linked(), path.c_str()).value());
    overlay.emplace(framepump::Api::linked(), *network, path);
    listener = network->listen("127.0.0.1", 0).value();
    client = network->connect("127.0.0.1", listener.port(), framepump::Priority::bulk).value();
    overlay->set_name(client.value(), "upload");
    host = network->open_host(framepump::HostOptions("127.0.0.1", 0)).value();
    peer = network->open_host().value().connect("127.0.0.1", host.port()).value();
    overlay->set_name(peer.value(), "swarm");
  }

  void tick(int64_t longer_us = 0) {
    now_us += 16'000;
    const framepump::Frame frame = {.frame = ++frames, .now_us = now_us};
    framepump::TickReport report = network->tick(frame);
    for (const framepump::Event& event : network->events()) {
      if (event.what() == framepump::EventKind::accepted && event.other == listener.value()) server = event.handle;
    }
    report.tick_us += longer_us;
    report.phase_receive_us += longer_us;
    report.overrun = longer_us > 0 ? 1 : 0;  // whatever else this machine does meanwhile
    if (longer_us > 0) {
      report.culprit = client.value();
      report.culprit_us = longer_us;
      report.culprit_bytes = 65'536;
    }
    overlay->frame(report, frame);
    network->flush();
  }
  void draw() {
    screen.frame([&] { overlay->draw(); });
  }
  // Until both sides are there and the queue is full.
  bool get_going() {
    const std::string bytes(1 << 20, 'x');
    for (int n = 0; n < 2'000; ++n) {
      tick();
      client.write(bytes);
      (void)peer.send("hello");
      draw();
      const SourceRow* row = server == 0 ? nullptr : overlay->sources().find(server);
      if (row != nullptr && row->is_pressed(now_us) && overlay->sources().find(host.value()) != nullptr) return true;
      network->wait_until(framepump::test::now_us() + 1'000);
    }
    return false;
  }
  void click(const ScreenText& text) { click(ImVec2((text.least.x + text.most.x) / 2, (text.least.y + text.most.y) / 2)); }
  void click(ImVec2 at) {
    screen.click(at, [&] { overlay->draw(); });
  }
  void click(const std::string& wanted) {
    const std::vector<ScreenText> texts = screen.texts();
    const ScreenText* text = ImGuiScreen::find(texts, wanted);
    CAPTURE(wanted);
    REQUIRE(text != nullptr);
    click(*text);
  }
  // The widget to the right of a key's name.
  void click_value_of(const std::string& key) {
    const std::vector<ScreenText> texts = screen.texts();
    const ScreenText* text = ImGuiScreen::find(texts, key);
    CAPTURE(key);
    REQUIRE(text != nullptr);
    const float names = ImGui::GetFont()->GetCharAdvance('m') * 19;  // the longest name and a star
    click(ImVec2(text->least.x + names + 16 * density_, (text->least.y + text->most.y) / 2));
  }
  std::string all_texts() const {
    std::string all;
    for (const ScreenText& text : screen.texts()) all += text.text + "\n";
    return all;
  }

  float density_;
  framepump::test::TemporaryFolder folder;
  std::string path = folder.file();
  ImGuiScreen screen;
  std::optional<framepump::Network> network;
  std::optional<Overlay> overlay;
  framepump::Listener listener;
  framepump::Stream client;
  framepump_handle server = 0;
  framepump::Host host;
  framepump::Peer peer;
  int64_t now_us = 1'000'000;
  uint64_t frames = 0;
};

// Everything that can be read stands whole within its window and within the display.
void check_readable(const Stage& stage, std::initializer_list<const char*> wanted) {
  const std::vector<ScreenText> texts = stage.screen.texts();
  const ImVec2 display = ImGui::GetIO().DisplaySize;
  CAPTURE(stage.all_texts());
  for (const std::string text : wanted) {
    CAPTURE(text);
    CHECK(ImGuiScreen::find(texts, text) != nullptr);
  }
  for (const ScreenText& text : texts) {
    CAPTURE(text.text);
    CHECK(text.is_whole);
    CHECK_GE(text.least.x, 0);
    CHECK_GE(text.least.y, 0);
    CHECK_LE(text.most.x, display.x);
    CHECK_LE(text.most.y, display.y);
  }
  for (const ScreenText& a : texts) {
    for (const ScreenText& b : texts) {
      const bool is_apart = &a == &b || a.most.x <= b.least.x || b.most.x <= a.least.x || a.most.y <= b.least.y || b.most.y <= a.least.y;
      CAPTURE(a.text);
      CAPTURE(b.text);
      CHECK(is_apart);
    }
  }
}

// ---- what eyes make of colours ----

struct Rgb {
  double red, green, blue;
};

// Machado, Oliveira and Fernandes (2009), severity 1.0, on linear light.
constexpr double kSight[4][9] = {
    {1, 0, 0, 0, 1, 0, 0, 0, 1},
    {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},   // no red cones
    {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},    // no green cones
    {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},   // no blue cones
};

double linear(double value) { return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4); }

Rgb seen(OverlayColor color, const double (&m)[9]) {
  const Rgb c = {linear(static_cast<double>(color.red)), linear(static_cast<double>(color.green)), linear(static_cast<double>(color.blue))};
  const auto row = [&](int at) { return std::clamp(m[at] * c.red + m[at + 1] * c.green + m[at + 2] * c.blue, 0.0, 1.0); };
  return {row(0), row(3), row(6)};
}

double luminance(const Rgb& c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; }

// CIE 1976, with the white of sRGB.
double difference(const Rgb& a, const Rgb& b) {
  const auto lab = [](const Rgb& c) {
    const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
    const double x = f((0.4124 * c.red + 0.3576 * c.green + 0.1805 * c.blue) / 0.9505);
    const double y = f(luminance(c));
    const double z = f((0.0193 * c.red + 0.1192 * c.green + 0.9505 * c.blue) / 1.089);
    return Rgb{116 * y - 16, 500 * (x - y), 200 * (y - z)};
  };
  const Rgb p = lab(a);
  const Rgb q = lab(b);
  return std::hypot(p.red - q.red, p.green - q.green, p.blue - q.blue);
}

}  // namespace

TEST_CASE("the overlay shows ticks, streams, peers and memory, and every word can be read, at both densities") {
  for (const float density : {1.0f, 2.0f}) {
    CAPTURE(density);
    Stage stage(density);
    REQUIRE(stage.get_going());
    stage.draw();
    check_readable(stage, {"frame-locked", "poll", "receive", "accept", "ENet", "sources", "send", "other", "upload", "swarm", "bulk", "RTT", "loss",
                           "queued i/o", "Streams and peers"});
    const std::string texts = stage.all_texts();
    CHECK_NE(texts.find("! BP 1"), std::string::npos);
    CHECK_NE(texts.find("of 3.00 ms"), std::string::npos);
    CHECK_NE(texts.find("of 128 MiB"), std::string::npos);
    CHECK_NE(texts.find("host 127.0.0.1"), std::string::npos);
  }
}

TEST_CASE("overruns are listed with their culprits, at both densities, until they are cleared") {
  for (const float density : {1.0f, 2.0f}) {
    CAPTURE(density);
    Stage stage(density);
    REQUIRE(stage.get_going());
    stage.draw();
    stage.click("Overruns");
    check_readable(stage, {"no tick was longer than its slice and margin"});
    stage.tick(7'000);
    stage.draw();
    stage.draw();
    check_readable(stage, {"upload", "7000 us, 64K", "Clear"});
    stage.click("Clear");
    CHECK_EQ(stage.overlay->overruns().count(), 0);
    stage.draw();
    check_readable(stage, {"no tick was longer than its slice and margin"});
  }
}

TEST_CASE("the controls change the network and write its file, at both densities") {
  for (const float density : {1.0f, 2.0f}) {
    CAPTURE(density);
    Stage stage(density);
    REQUIRE(stage.get_going());
    stage.draw();
    stage.click("Controls");
    check_readable(stage, {"threaded", "slice_us", "quantum_kib", "3000 us", "64 KiB", "Write to the config file"});
    stage.click_value_of("threaded");
    CHECK_EQ(stage.network->config().threaded, 1);
    stage.tick();
    CHECK(stage.overlay->history().newest().is_threaded);
    stage.click("Write to the config file");
    CHECK_EQ(framepump::test::read_text(stage.path), "[pump]\nslice_us = 3000 # mine\nthreaded = true\n");
    CHECK_NE(stage.overlay->settings().message().find("wrote pump.threaded"), std::string::npos);
    stage.click_value_of("slice_us");  // on a slider: some other value
    CHECK_NE(stage.network->config().slice_us, 3'000);
    CHECK_LE(stage.network->config().slice_us, 16'000);
    CHECK(!stage.overlay->settings().set(setting_keys()[1], 2'000'000));
    stage.draw();
    CHECK_NE(stage.all_texts().find("pump.slice_us"), std::string::npos);  // the plugin's sentence stands in the window
  }
}

TEST_CASE("wherever the guard's slider is clicked its value is allowed, and what is typed is refused in the plugin's words") {
  Stage stage(1);
  REQUIRE(stage.get_going());
  stage.draw();
  stage.click("Controls");
  const std::vector<ScreenText> texts = stage.screen.texts();
  const ScreenText* key = ImGuiScreen::find(texts, "stall_takeover_ms");
  REQUIRE(key != nullptr);
  const float y = (key->least.y + key->most.y) / 2;
  const float begin = key->least.x + ImGui::GetFont()->GetCharAdvance('m') * 19;
  int offs = 0;
  int least = 0;
  for (float x = begin + 4; x < begin + 160; x += 4) {
    stage.click(ImVec2(x, y));
    CAPTURE(stage.overlay->settings().message());
    CHECK_FALSE(stage.overlay->settings().is_refusal());
    const uint32_t value = stage.network->config().stall_takeover_ms;
    offs += value == 0 ? 1 : 0;
    least += value == 20 ? 1 : 0;
  }
  CHECK_GT(offs, 0);
  CHECK_GT(least, 0);
  ImGui::GetIO().MousePos = ImVec2(begin + 16, y);
  for (int n = 0; n < 3; ++n) stage.draw();
  CHECK_NE(stage.all_texts().find("0 or 20 to 60000 ms"), std::string::npos);
  ImGui::GetIO().KeyCtrl = true;
  stage.click(ImVec2(begin + 16, y));
  ImGui::GetIO().KeyCtrl = false;
  ImGui::GetIO().AddInputCharacter('7');
  for (int n = 0; n < 3; ++n) stage.draw();
  CHECK(stage.overlay->settings().is_refusal());
  CHECK_NE(stage.overlay->settings().message().find("7"), std::string::npos);
}

TEST_CASE("a click on a stream's priority gives it the next one") {
  Stage stage(1);
  REQUIRE(stage.get_going());
  stage.draw();
  stage.click("bulk");
  CHECK_EQ(stage.client.info()->priority, FRAMEPUMP_PRIORITY_REALTIME);
  stage.tick();
  stage.draw();
  CHECK(ImGuiScreen::find(stage.screen.texts(), "realtime") != nullptr);
}

TEST_CASE("a hidden overlay draws nothing and asks nothing, and knows the hitch that came meanwhile") {
  Stage stage(1);
  stage.overlay->set_visible(false);
  for (int n = 0; n < 200 && stage.server == 0; ++n) {
    stage.tick();
    stage.network->wait_until(framepump::test::now_us() + 1'000);
  }
  stage.tick(7'000);
  stage.draw();
  CHECK_EQ(ImGuiScreen::vertices(), 0);
  REQUIRE_GE(stage.overlay->sources().rows().size(), 3);
  for (const SourceRow& row : stage.overlay->sources().rows()) {
    if (row.handle != stage.client.value()) CHECK_EQ(row.looked_at_us, 0);  // that one is the culprit
  }
  stage.overlay->set_visible(true);
  stage.tick();
  stage.draw();
  stage.draw();
  CHECK_GT(ImGuiScreen::vertices(), 0);
  CHECK_EQ(stage.overlay->overruns().count(), 1);
  CHECK_NE(stage.all_texts().find("overruns 1"), std::string::npos);
}

TEST_CASE("steady frames with the overlay allocate nothing") {
  Stage stage(1);
  REQUIRE(stage.get_going());
  const auto frames = [&](int count) {
    for (int n = 0; n < count; ++n) {
      stage.tick();
      stage.draw();
    }
  };
  frames(static_cast<int>(TickHistory::kCapacity) + 20);  // until the graphs are full
  const uint64_t allocations = framepump::test::allocation_count().value_or(0);
  frames(50);
  CHECK_EQ(framepump::test::allocation_count().value_or(0), allocations);
}

TEST_CASE("a window that a smaller display leaves outside comes back into it") {
  Stage stage(1);
  stage.tick();
  stage.screen.frame([&] { stage.overlay->draw({600, 200, 700, 500}); });
  ImGui::GetIO().DisplaySize = ImVec2(720, 400);
  for (int n = 0; n < 3; ++n) stage.draw();
  CHECK_FALSE(stage.screen.texts().empty());
  for (const ScreenText& text : stage.screen.texts()) {
    CHECK_LE(text.most.x, 720);
    CHECK_LE(text.most.y, 400);
  }
}

TEST_CASE("the parts of a bar are told apart by every kind of eyes, and stand out from the ground") {
  for (const auto& sight : kSight) {
    for (size_t a = 0; a < kTickParts; ++a) {
      const Rgb color = seen(color_of(static_cast<TickPart>(a)), sight);
      CAPTURE(std::string(name_of(static_cast<TickPart>(a))));
      CHECK_GE((luminance(color) + 0.05) / (0.006 + 0.05), 3.0);  // the field's own is 0.006; WCAG asks 3 of graphics
      for (size_t b = a + 1; b < kTickParts; ++b) {
        CAPTURE(std::string(name_of(static_cast<TickPart>(b))));
        CHECK_GE(difference(color, seen(color_of(static_cast<TickPart>(b)), sight)), 15);  // 2.3 is just noticeable
      }
    }
  }
}
