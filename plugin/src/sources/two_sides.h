// SPDX-License-Identifier: MIT
#pragma once

#include "pump/source.h"

namespace framepump {

// The two sources of a socket, told apart by type: what the pump calls take_turn is receive_turn of one and send_turn of the other.
class ReceiveSource : public Source {
 public:
  ReceiveSource() : Source(Line::receive, FRAMEPUMP_PRIORITY_NORMAL, 0) {}
  Turn take_turn(const TurnContext& context) final { return receive_turn(context); }

 protected:
  ~ReceiveSource() = default;
  virtual Turn receive_turn(const TurnContext& context) = 0;
};
class SendSource : public Source {
 public:
  SendSource() : Source(Line::send, FRAMEPUMP_PRIORITY_NORMAL, 0) {}
  Turn take_turn(const TurnContext& context) final { return send_turn(context); }

 protected:
  ~SendSource() = default;
  virtual Turn send_turn(const TurnContext& context) = 0;
};

}  // namespace framepump
