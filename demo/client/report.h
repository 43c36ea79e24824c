// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "demo/client/demo_game.h"
#include "engine_stub/engine.h"

namespace demo {

// What a run measured, as JSON.
std::string make_report(engine::Engine& engine, const DemoGame& game);
// False: the file cannot be written.
bool write_report(const std::string& path, const std::string& report);

}  // namespace demo
