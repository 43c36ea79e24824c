// SPDX-License-Identifier: MIT
//
// FramePump in C++20, header-only, on top of framepump.h (whose comments are the full contract):
//
//   namespace fp = framepump;
//   fp::Result<fp::Network> net = fp::Network::open(fp::Api::linked(), "framepump.toml");
//   fp::Stream stream = net->connect("127.0.0.1", 7777).value();   // never blocks
//   while (running) {
//     fp::TickReport report = net->tick({.frame = n, .now_us = now});
//     for (const fp::Event& event : net->events()) ...            // valid until the next tick
//     for (fp::Stream ready : net->readable()) ...                // streams with unread bytes
//     stream.write("answer");                                     // says how much it took
//     net->flush();
//   }
//
// Nothing here throws, allocates or blocks (but Network::wait_until and its destructor). A program that uses Api::from
// only has no unresolved symbol of the library.
#pragma once

#include <framepump/datagram.hpp>
#include <framepump/framing.hpp>
#include <framepump/message.hpp>
#include <framepump/message_writer.hpp>
#include <framepump/download.hpp>
#include <framepump/network.hpp>
#include <framepump/result.hpp>
#include <framepump/round_trip.hpp>
#include <framepump/stream.hpp>
#include <framepump/tls.hpp>
#include <framepump/types.hpp>
