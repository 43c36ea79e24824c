// SPDX-License-Identifier: MIT
#pragma once

#include <imgui.h>

namespace demo {

// Told apart by colour-blind eyes too (Okabe and Ito 2008), on a dark ground.
inline const ImVec4 kBlue(0.34f, 0.71f, 0.91f, 1);
inline const ImVec4 kOrange(0.90f, 0.62f, 0.0f, 1);
inline const ImVec4 kGreen(0.0f, 0.70f, 0.53f, 1);
inline const ImVec4 kPale(0.94f, 0.89f, 0.55f, 0.6f);

}  // namespace demo
