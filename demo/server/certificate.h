// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <optional>
#include <string>

#include "demo/protocol/private_folder.h"

namespace demo {

// Who the server is over TLS. One that it made itself is for localhost, 127.0.0.1, ::1 and the address that it serves at; nobody but it has
// signed it, so clients believe it by its own file. Nothing is returned with an `error`.
class Certificate {
 public:
  // For as long as this object lives: the key is nowhere but in memory, the certificate in a temporary folder.
  static std::optional<Certificate> make(const std::string& host, std::string& error);
  // certificate.pem and key.pem in this folder, made if neither is there.
  static std::optional<Certificate> keep(const std::string& folder, const std::string& host, std::string& error);
  static Certificate of_files(const std::string& certificate_file, const std::string& key_file);

  // Valid as long as this object stays where it is.
  framepump::Tls tls() const;
  const std::string& file() const { return certificate_file_; }

 private:
  PrivateFolder folder_;
  std::string certificate_file_;
  std::string key_file_;  // or, if that is empty,
  std::string key_pem_;
};

}  // namespace demo
