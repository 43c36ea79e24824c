// SPDX-License-Identifier: MIT
#pragma once

namespace framepump {

// Ends the sleep of whoever waits without the pump's token, since commands have come. Any thread.
class PumpWaker {
 public:
  virtual void wake_pump() = 0;

 protected:
  ~PumpWaker() = default;
};

}  // namespace framepump
