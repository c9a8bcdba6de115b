/** A value for every option that a kernel takes on a new socket, as `--opt` has it. */
import type { SocketOption } from '../../src/options/row.js';

const SAMPLES: Record<string, string> = {
  SO_ATTACH_FILTER: '1,6 0 0 65535',
  SO_ATTACH_REUSEPORT_CBPF: '1,6 0 0 0',
  SO_BINDTODEVICE: 'lo',
  SO_BINDTOIFINDEX: 'lo',
  SO_BUSY_POLL_BUDGET: '16',
  SO_INCOMING_CPU: '0',
  // Above 6 it takes a capability.
  SO_PRIORITY: '3',
  SO_TIMESTAMPING: 'rx-software+software',
  SO_TXREHASH: '0',
  SO_PEEK_OFF: '0',
  SO_BUF_LOCK: 'send',
  IP_OPTIONS: '01010101',
  // The ECN bits of a stream are TCP's own.
  IP_TOS: 'af11',
  IP_MULTICAST_IF: '127.0.0.1',
  IP_UNICAST_IF: 'lo',
  IP_LOCAL_PORT_RANGE: '40000-40100',
  IP_ADD_MEMBERSHIP: '239.255.42.42@lo',
  IP_DROP_MEMBERSHIP: '239.255.42.42@lo',
  MCAST_JOIN_SOURCE_GROUP: '232.42.42.42,127.0.0.1@lo',
  MCAST_LEAVE_SOURCE_GROUP: '232.42.42.42,127.0.0.1@lo',
  MCAST_BLOCK_SOURCE: '239.255.42.42,127.0.0.1@lo',
  MCAST_UNBLOCK_SOURCE: '239.255.42.42,127.0.0.1@lo',
  IPV6_CHECKSUM: '2',
  IPV6_ROUTER_ALERT: '0',
  IPV6_TCLASS: 'ef',
  IPV6_MULTICAST_IF: 'lo',
  IPV6_UNICAST_IF: 'lo',
  IPV6_ADD_MEMBERSHIP: 'ff05::4242@lo',
  IPV6_DROP_MEMBERSHIP: 'ff05::4242@lo',
  IPV6_JOIN_SOURCE_GROUP: 'ff35::4242,::1@lo',
  IPV6_LEAVE_SOURCE_GROUP: 'ff35::4242,::1@lo',
  IPV6_BLOCK_SOURCE: 'ff05::4242,::1@lo',
  IPV6_UNBLOCK_SOURCE: 'ff05::4242,::1@lo',
  IPV6_PKTINFO: '::1@lo',
  IPV6_ADDR_PREFERENCES: 'public',
  // Next header, length, a PadN option of four.
  IPV6_HOPOPTS: '0000010400000000',
  IPV6_RTHDRDSTOPTS: '0000010400000000',
  IPV6_DSTOPTS: '0000010400000000',
  // Type 4 (RFC 8754): one segment, ::1.
  IPV6_RTHDR: '000204000000000000000000000000000000000000000001',
  TCP_CONGESTION: 'reno',
  TCP_FASTOPEN: '5',
  TCP_FASTOPEN_KEY: '00112233445566778899aabbccddeeff',
  TCP_LINGER2: '60',
  TCP_REPAIR: '1',
  TCP_REPAIR_QUEUE: 'send',
  TCP_SAVE_SYN: '1',
  TCP_RTO_MIN_US: '100ms',
  TCP_DELACK_MAX_US: '20ms',
  TCP_ULP: 'tls',
  UDP_ENCAP: 'espinudp',
  PACKET_ADD_MEMBERSHIP: 'promisc@lo',
  PACKET_DROP_MEMBERSHIP: 'promisc@lo',
  PACKET_VERSION: 'v3',
  PACKET_RX_RING: '64kx4',
  PACKET_TX_RING: '64kx4/2048',
  PACKET_FANOUT: 'hash:4711',
  PACKET_VNET_HDR_SZ: '12',
};

const BY_KIND: Record<string, string> = {
  flag: 'on',
  linger: '5',
  timeval: '1.5',
  mask: '0xff',
  unsigned64: '1000000',
};

/** The sample of `option`; a number within its range, a full-length value for bytes. */
export function sample({ name, type }: SocketOption): string {
  const known = SAMPLES[name] ?? BY_KIND[type.kind];
  if (known !== undefined) return known;
  const range = /from (-?\d+) to (\d+)/.exec(type.describe);
  if (range !== null) return String(Math.min(Number(range[2]), Math.max(Number(range[1]), 1000)));
  const names = /^(?:one|any) of ([^,]+), ([^, ]+)/.exec(type.describe);
  if (names !== null) return names[2] ?? '';
  const bytes = /^(?:\d+ to )?(\d+) bytes/.exec(type.describe);
  return 'ff'.repeat(Number(bytes?.[1] ?? 0));
}
