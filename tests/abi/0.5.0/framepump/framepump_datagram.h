/* SPDX-License-Identifier: MIT
 *
 * Datagrams: hosts (a UDP socket each) and their peers, speaking ENet's protocol (1.3), so the other side may be any ENet
 * program.
 *
 * Per peer, events and messages come in this order in every mode: CONNECTED or ACCEPTED, messages, CLOSED. Within a channel
 * messages come in the order in which they were sent, and an unreliable one that comes late is dropped. A tick publishes at most
 * 4,096 messages; the rest waits for the next one. When gameplay is slower than the peer, the oldest
 * unreliable messages beyond datagram.queue_limit_kib are dropped and counted, and reliable ones stay with their sender; a peer
 * that gives up over that closes with the reason OVERLOADED. ENet has a clock of its own, so time-outs run on real time.
 */
#ifndef FRAMEPUMP_DATAGRAM_H
#define FRAMEPUMP_DATAGRAM_H

#include <framepump/framepump_types.h>

/* How a message travels. */
#define FRAMEPUMP_UNRELIABLE 0u  /* in order, or not at all; never turned into a reliable one by its size */
#define FRAMEPUMP_RELIABLE 1u    /* in order, resent until it is acknowledged */
#define FRAMEPUMP_UNSEQUENCED 2u /* as it comes; above the MTU (about 1,400 bytes) the same as UNRELIABLE */

typedef struct framepump_host_options {
  uint32_t struct_size;
  uint32_t priority;               /* FRAMEPUMP_PRIORITY_* */
  const char* host;                /* numeric IPv4 to bind to; null: any address, a port of the system's choice (clients) */
  uint32_t port;                   /* 0 lets the system choose: see host_port */
  uint32_t peers;                  /* 1 to 4095; 0: datagram.peers */
  uint32_t channels;               /* 1 to 255; 0: datagram.channels */
  uint32_t reserved;
  uint64_t user_data;              /* comes back in events; accepted peers inherit it */
} framepump_host_options;

/* One received message; an array of these, so it is 48 bytes for ever. */
typedef struct framepump_received {
  framepump_handle peer;
  framepump_handle host;
  uint64_t user_data;              /* of the peer */
  union {
    const void* payload;           /* the datagram's own bytes, or a copy of a small one's; null when size_bytes is 0 */
    uint64_t payload_bits;         /* keeps the size where pointers are 32 bits wide */
  };
  uint32_t size_bytes;
  uint32_t channel;
  uint32_t delivery;               /* FRAMEPUMP_RELIABLE, FRAMEPUMP_UNRELIABLE, FRAMEPUMP_UNSEQUENCED */
  uint32_t dwell_us;               /* how long it waited for this tick, at most: counted from when the socket was last empty */
} framepump_received;

typedef struct framepump_peer_info {
  uint32_t struct_size;
  uint32_t state;                  /* FRAMEPUMP_STATE_CONNECTING, OPEN, CLOSING or CLOSED */
  int64_t rtt_us;                  /* round trip, smoothed; frame-locked sides add their frame times */
  int64_t jitter_us;               /* its mean deviation */
  uint64_t received_messages;
  uint64_t received_bytes;         /* of messages */
  uint64_t sent_messages;          /* handed to ENet */
  uint64_t sent_bytes;
  uint64_t unsent_bytes;           /* sent and not yet acknowledged (reliable) or not yet on the wire */
  uint64_t waiting_bytes;          /* received and not yet published, or published by the last tick */
  uint64_t queue_drops;            /* unreliable messages that gameplay did not take in time: datagram.queue_limit_kib */
  uint64_t throttled;              /* unreliable messages that ENet's sender threw away, since round trips became slower */
  uint32_t throttle_percent;       /* of unreliable messages, what ENet lets through now */
  uint32_t loss_permille;          /* of reliable packets, smoothed */
  uint32_t held;                   /* 1: its reliable messages stay unacknowledged until gameplay takes what waits */
  uint32_t channels;               /* agreed on; 0 while connecting */
  char address[56];                /* "127.0.0.1:7777" */
} framepump_peer_info;

typedef struct framepump_host_info {
  uint32_t struct_size;
  uint32_t priority;
  uint32_t peers;                  /* connected now */
  uint32_t peer_limit;
  uint64_t received_packets;       /* UDP packets */
  uint64_t received_bytes;
  uint64_t sent_packets;
  uint64_t sent_bytes;
  uint64_t received_messages;      /* sums over all peers, also those that are gone */
  uint64_t sent_messages;
  uint64_t queue_drops;
  uint64_t throttled;
  uint64_t kernel_drops;           /* packets that found the socket's buffer full */
  uint64_t refused_peers;          /* connected while no place was free for them here */
  uint64_t socket_errors;          /* sends and receives that failed, datagrams that were no ENet ones by their size */
  uint64_t enet_allocations;       /* memory blocks that ENet takes for messages, reckoned: 3 or 4 each, more for pieces */
  uint64_t tick_allocations;       /* of these, those between the last two ticks */
  uint64_t receive_buffer_bytes;   /* granted by the kernel */
  int64_t dwell_us;                /* newest message: the bound that it carries */
  int64_t dwell_max_us;
  char address[56];
} framepump_host_info;

#endif
