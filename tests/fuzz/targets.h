// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace framepump::fuzz {

void address_text(std::string_view bytes);    // an address as the plugin reads and writes it
void config_text(std::string_view bytes);     // a config file
void config_values(std::string_view bytes);   // settings, and a file that says the same
void config_words(std::string_view bytes);    // a name, a path and a text in the messages about settings
void host_names(std::string_view bytes);      // names, and what a hosts file says of them
void host_port(std::string_view bytes);       // an address and port as the demo reads and writes them
void http_head(std::string_view bytes);       // a request to the metrics page of the demo's server
void http_fields(std::string_view bytes);     // what a server says of a file
void http_url(std::string_view bytes);        // a URL, and where a redirect leads from it
void message_frames(std::string_view bytes);  // messages in a stream
void part_state(std::string_view bytes);      // what stands beside a part of a file
void swarm_datagram(std::string_view bytes);  // what the demo's swarm sends and receives
void update_head(std::string_view bytes);     // request and response of the demo's update

}  // namespace framepump::fuzz
