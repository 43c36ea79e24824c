/* SPDX-License-Identifier: MIT
 *
 * TLS for streams (1.2 and 1.3, OpenSSL). An endpoint whose `tls` is not null makes a stream or listener of it: what is written is
 * encrypted, what is read was decrypted, and everything else is as on a plain stream. CONNECTED and ACCEPTED come after the handshake,
 * which stream.connect_timeout_ms covers, too. A plugin that was built without TLS answers UNSUPPORTED.
 *
 * The peer's certificate is verified: against the system's authorities, or against those that are given here, and it must be for the
 * host. Where that fails the stream closes with a reason of its own (FRAMEPUMP_REASON_TLS_*), and the event's text says what was wrong. A
 * connection that fails on a listener's side was never accepted: there is no event, but a line in the log and a count in the totals.
 *
 * OpenSSL has memory of its own, outside of memory.budget_kib and of the host's allocator.
 */
#ifndef FRAMEPUMP_TLS_H
#define FRAMEPUMP_TLS_H

#include <framepump/framepump_types.h>

#define FRAMEPUMP_TLS_1_2 0x0303u
#define FRAMEPUMP_TLS_1_3 0x0304u

#define FRAMEPUMP_TLS_WITHOUT_VERIFICATION 1u   /* anybody may be the peer: for tests only; a warning is logged, once */
#define FRAMEPUMP_TLS_WITHOUT_RESUMPTION 2u     /* each handshake is a full one */
#define FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE 4u /* listeners: who has none, or one of an unknown issuer, is refused */

/* All texts are copied; null means the default. Files are PEM. A stream's are read on the file thread, once for all streams with the same
 * options; a listener's in listen. */
typedef struct framepump_tls {
  uint32_t struct_size;
  uint32_t flags;                /* FRAMEPUMP_TLS_WITHOUT_* and FRAMEPUMP_TLS_WANT_* */
  uint32_t min_version;          /* 0 or FRAMEPUMP_TLS_1_2: 1.2; FRAMEPUMP_TLS_1_3 */
  uint32_t reserved;
  const char* server_name;       /* a stream's: what the certificate must be for, and what the server is asked for; null: the endpoint's
                                    host. At most 253 bytes. */
  /* Who is believed, instead of the system's authorities; several of these add up. */
  const char* ca_file;
  const char* ca_path;           /* a folder: all files in it */
  const char* ca_pem;            /* the certificates themselves */
  /* Who we are: listeners must say so, streams may. The certificate, then those between it and its authority, in one file or text. */
  const char* certificate_file;
  const char* certificate_pem;   /* or the text itself */
  const char* private_key_file;  /* not encrypted */
  const char* private_key_pem;
  const char* alpn;              /* protocols, the preferred one first, separated by commas: "h2,http/1.1"; each at most 63 bytes */
} framepump_tls;

#define FRAMEPUMP_TLS_RESUMED 1u   /* the handshake continued an earlier session */
#define FRAMEPUMP_TLS_VERIFIED 2u  /* the peer showed a certificate, and it was good */

typedef struct framepump_tls_info {
  uint32_t struct_size;
  uint32_t version;              /* FRAMEPUMP_TLS_1_2, FRAMEPUMP_TLS_1_3; 0: a plain stream */
  uint32_t flags;                /* FRAMEPUMP_TLS_RESUMED, FRAMEPUMP_TLS_VERIFIED */
  uint32_t reserved;
  char cipher[64];               /* OpenSSL's name for it */
  char alpn[64];                 /* the protocol that both chose; empty: none */
  char peer_subject[256];        /* of the peer's certificate, on one line; empty: it showed none */
} framepump_tls_info;

#endif
