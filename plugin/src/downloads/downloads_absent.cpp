// SPDX-License-Identifier: MIT
//
// A plugin without downloads.
#if !defined(FRAMEPUMP_WITH_DOWNLOADS)

#include "downloads/download_service.h"

namespace framepump {

bool read_download_options(const framepump_download_options&, DownloadRequest&, FixedText<400>&) { return true; }

DownloadService* make_download_service(const Host&, FileThread&, WakeSignal&, NameLookup*, uint32_t& error, const char*& why) {
  error = FRAMEPUMP_ERROR_UNSUPPORTED;
  why = "this plugin was built without downloads (FRAMEPUMP_WITH_DOWNLOADS, which needs libcurl and OpenSSL)";
  return nullptr;
}

void destroy_download_service(const Host&, DownloadService*) {}

}  // namespace framepump

#endif
