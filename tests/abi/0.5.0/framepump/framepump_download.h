/* SPDX-License-Identifier: MIT
 *
 * Downloads: files from web servers, over HTTP and HTTPS, written by a thread of their own in both modes. Nothing of a download runs in
 * tick but telling how far it is. plugin/docs/downloads.md is the guide.
 *
 * A file is written as PATH.part, with PATH.part.state beside it, and renamed to PATH (over what is there) once it is whole, has the
 * size and the SHA-256 that were asked for, and is on the disk. A part that is found there is continued, if the server says that the file
 * is still the same, else the download starts anew. What stays of one that failed:
 *   removed   a size or hash that differs, and abort()
 *   kept      everything else: the next download_start to the same path goes on where this one was
 */
#ifndef FRAMEPUMP_DOWNLOAD_H
#define FRAMEPUMP_DOWNLOAD_H

#include <framepump/framepump_types.h>

#define FRAMEPUMP_DOWNLOAD_COMPRESSED 1u      /* asks for gzip, br or zstd, whichever curl has; never continued, always starts anew */
#define FRAMEPUMP_DOWNLOAD_ALLOW_DOWNGRADE 2u /* follows a redirect from https to http */
#define FRAMEPUMP_DOWNLOAD_START_ANEW 4u      /* whatever part is there */
#define FRAMEPUMP_DOWNLOAD_NO_SYNC 8u         /* does not wait until the file is on the disk: for what can be had again */
#define FRAMEPUMP_DOWNLOAD_PAUSED 16u         /* begins with download_pause */

#define FRAMEPUMP_DOWNLOAD_HTTP_ANY 0u        /* HTTP/2 over TLS where the server has it, else HTTP/1.1 */
#define FRAMEPUMP_DOWNLOAD_HTTP_1 1u          /* HTTP/1.1 */
#define FRAMEPUMP_DOWNLOAD_HTTP_2 2u          /* HTTP/2, without TLS too: the server is known to speak it */

typedef struct framepump_download_options {
  uint32_t struct_size;
  uint32_t flags;                  /* FRAMEPUMP_DOWNLOAD_* */
  const char* url;                 /* http:// or https://, in ASCII, below 2048 bytes; may hold "name:password@" */
  const char* path;                /* of the file to be, below 4000 bytes; its folder must be there */
  uint32_t priority;               /* FRAMEPUMP_PRIORITY_*: which of those that wait begins first */
  uint32_t http_version;           /* FRAMEPUMP_DOWNLOAD_HTTP_* */
  uint64_t user_data;              /* comes back in events */
  uint64_t expected_bytes;         /* the size it must have; 0: any */
  uint64_t size_limit_bytes;       /* the size it must not exceed; 0: none */
  const char* sha256;              /* 64 hexadecimal digits that it must hash to; null: any */
  const char* headers;             /* lines "Name: value" with '\n' between them, below 2048 bytes; null: none. They and the
                                      name and password in the URL go to the URL's own scheme, host and port only */
  const char* proxy;               /* http:// or https:// URL; "": none; null: as http_proxy, https_proxy, all_proxy and no_proxy
                                      say in the environment */
  const char* ca_file;             /* PEM file of the only authorities to believe; null: the system's */
  uint32_t rate_limit_kib;         /* KiB a second; 0: no limit but download.rate_limit_kib */
  uint32_t attempts;               /* 0: download.attempts */
} framepump_download_options;

#define FRAMEPUMP_DOWNLOAD_QUEUED 1u          /* waits for one of download.parallel places */
#define FRAMEPUMP_DOWNLOAD_CHECKING 2u        /* reads the part that is there, for the hash */
#define FRAMEPUMP_DOWNLOAD_CONNECTING 3u      /* until the response begins */
#define FRAMEPUMP_DOWNLOAD_RECEIVING 4u
#define FRAMEPUMP_DOWNLOAD_WAITING 5u         /* until the next attempt */
#define FRAMEPUMP_DOWNLOAD_PAUSED_HERE 6u     /* by download_pause */
#define FRAMEPUMP_DOWNLOAD_FINISHING 7u       /* all bytes are there: checks, waits for the disk */
#define FRAMEPUMP_DOWNLOAD_FINISHED 8u        /* DOWNLOAD_FINISHED was published */
#define FRAMEPUMP_DOWNLOAD_FAILED 9u          /* DOWNLOAD_FAILED was published */

/* Why a download failed, in the event's `reason` and in info; CLOSED_HERE after close, ABORTED_HERE after abort. */
#define FRAMEPUMP_REASON_DOWNLOAD_NAME 64u      /* the host has no address */
#define FRAMEPUMP_REASON_DOWNLOAD_CONNECT 65u   /* nobody answers there */
#define FRAMEPUMP_REASON_DOWNLOAD_TLS 66u       /* the certificate, or no TLS that both speak */
#define FRAMEPUMP_REASON_DOWNLOAD_STATUS 67u    /* an HTTP status that is no file; value2 of the event: which */
#define FRAMEPUMP_REASON_DOWNLOAD_REDIRECT 68u  /* too many, or to where none is followed */
#define FRAMEPUMP_REASON_DOWNLOAD_BROKEN 69u    /* the connection broke too often, or the server says what makes no sense */
#define FRAMEPUMP_REASON_DOWNLOAD_STALLED 70u   /* the server sent next to nothing for download.stall_timeout_ms, too often */
#define FRAMEPUMP_REASON_DOWNLOAD_SIZE 71u      /* another size than expected_bytes, or more than size_limit_bytes */
#define FRAMEPUMP_REASON_DOWNLOAD_HASH 72u      /* another hash than sha256 */
#define FRAMEPUMP_REASON_DOWNLOAD_DISK_FULL 73u
#define FRAMEPUMP_REASON_DOWNLOAD_FILE 74u      /* the file cannot be written; the event's text holds the system's reason */
#define FRAMEPUMP_REASON_DOWNLOAD_MEMORY 75u

/* All of it as of the last tick. */
typedef struct framepump_download_info {
  uint32_t struct_size;
  uint32_t state;                  /* FRAMEPUMP_DOWNLOAD_QUEUED ... */
  uint64_t bytes;                  /* of the file, so far */
  uint64_t total_bytes;            /* 0: unknown */
  uint64_t resumed_bytes;          /* of `bytes`, those that were there when the download was started */
  uint64_t bytes_per_s;            /* smoothed over about a second */
  int64_t remaining_ms;            /* at this rate; -1: unknown */
  uint32_t attempt;                /* counted from 1; 0: none yet */
  uint32_t reason;                 /* FAILED: FRAMEPUMP_REASON_* */
  uint32_t http_status;            /* of the newest response; 0: none yet */
  uint32_t http_version;           /* 10, 11, 20; 0: none yet */
  uint32_t redirects;              /* followed in this attempt */
  uint32_t priority;
  const char* url;                 /* the one that answers, after redirects; valid until the next tick */
  const char* text;                /* why the newest attempt failed, or ""; valid until the next tick */
} framepump_download_info;

#endif
