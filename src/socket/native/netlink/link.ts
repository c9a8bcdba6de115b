/** What the kernel tells of an interface: RTM_NEWLINK and RTM_DELLINK of rtnetlink(7) as a value. */
import { HardwareAddress } from '../../../sockaddr/link-layer.js';
import { IFINFOMSG_SIZE, Ifinfomsg, LINK_STATS_SIZE, LinkStats64 } from '../layout.js';
import { Attributes } from './message.js';

export interface LinkFacts {
  /** 1 to 2147483647; never that of another interface while this one is there, but used again after it. */
  readonly index: number;
  readonly name: string;
  /** The ARPHRD_ number of linux/if_arp.h: 1 for Ethernet, 772 for the loopback interface. */
  readonly hardwareType: number;
  /** Those that are set, named as netdevice(7) does without IFF_: UP, RUNNING, LOWER_UP, LOOPBACK, … */
  readonly flags: readonly string[];
  /** Turned on by who runs this machine (IFF_UP) and with a carrier (IFF_LOWER_UP): packets can come and go. */
  readonly up: boolean;
  /** Bytes of a packet without the link's header. */
  readonly mtu: number;
  readonly operState: OperState;
  /** Its address on the link; undefined for a link without any. */
  readonly address: HardwareAddress | undefined;
  /** The kind of a virtual interface, IFLA_INFO_KIND: veth, vlan, bridge, tun, … */
  readonly kind: string | undefined;
  /** The index of the interface that this one is a port of: a bridge, a bond. */
  readonly master: number | undefined;
  /** The index of the interface below this one, or of the other end of a veth pair. */
  readonly link: number | undefined;
  /** Whether {@link link} is an index in another network namespace. */
  readonly linkElsewhere: boolean;
  /** What whoever runs this machine calls it (ip link set alias). */
  readonly alias: string | undefined;
  /** As they were when this was told; a change of them alone is not told. */
  readonly counters: LinkCounters | undefined;
}

/** Since the interface was made, as rtnl_link_stats64 counts. */
export interface LinkCounters {
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receiveErrors: number;
  readonly sendErrors: number;
  readonly receiveDropped: number;
  readonly sendDropped: number;
}

/** RFC 2863's ifOperStatus, by the number that IFLA_OPERSTATE has. */
const OPER_STATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'] as const;
export type OperState = (typeof OPER_STATES)[number];

const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;

/** netdevice(7), by the number of the bit. */
const FLAG_NAMES = [
  'UP',
  'BROADCAST',
  'DEBUG',
  'LOOPBACK',
  'POINTOPOINT',
  'NOTRAILERS',
  'RUNNING',
  'NOARP',
  'PROMISC',
  'ALLMULTI',
  'MASTER',
  'SLAVE',
  'MULTICAST',
  'PORTSEL',
  'AUTOMEDIA',
  'DYNAMIC',
  'LOWER_UP',
  'DORMANT',
  'ECHO',
] as const;

/** The IFLA_ attributes of linux/if_link.h that are read. */
const Ifla = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  wireless: 11,
  operState: 16,
  linkInfo: 18,
  alias: 20,
  stats64: 23,
  linkNamespace: 37,
} as const;
const IFLA_INFO_KIND = 1;

/** MAX_ADDR_LEN of the kernel's netdevice.h. */
const ADDRESS_MAX = 32;

/**
 * The interface that the body of an RTM_NEWLINK or RTM_DELLINK is about; undefined for one that says nothing of an
 * interface itself: a bridge's or IPv6's word on it, an event of a wireless driver, or bytes that are cut.
 */
export function decodeLink(body: Uint8Array): LinkFacts | undefined {
  if (body.length < IFINFOMSG_SIZE) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // An RTM_DELLINK of AF_BRIDGE is about a port that has left its bridge, not about an interface that is gone.
  if (view.getUint8(Ifinfomsg.family) !== 0) return undefined;
  const index = view.getInt32(Ifinfomsg.index, true);
  const attributes = new Attributes(body, IFINFOMSG_SIZE);
  const name = attributes.text(Ifla.name);
  // A wireless event has the name and the event alone: what else an interface has would seem to be gone.
  if (index <= 0 || name === undefined || attributes.has(Ifla.wireless)) return undefined;
  const flags = view.getUint32(Ifinfomsg.flags, true);
  const address = attributes.bytes(Ifla.address)?.subarray(0, ADDRESS_MAX);
  return {
    index,
    name,
    hardwareType: view.getUint16(Ifinfomsg.type, true),
    flags: flagNames(flags),
    up: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    mtu: attributes.u32(Ifla.mtu) ?? 0,
    operState: OPER_STATES[attributes.u8(Ifla.operState) ?? 0] ?? 'unknown',
    address: address === undefined ? undefined : new HardwareAddress(address),
    kind: attributes.nested(Ifla.linkInfo)?.text(IFLA_INFO_KIND),
    // 0 is for none: the other end of a pair that is gone.
    master: attributes.u32(Ifla.master) || undefined,
    link: attributes.u32(Ifla.link) || undefined,
    linkElsewhere: attributes.has(Ifla.linkNamespace),
    alias: attributes.text(Ifla.alias),
    counters: decodeCounters(attributes.bytes(Ifla.stats64)),
  };
}

/** Whether two values of one interface differ in their counters at most. */
export function sameLink(a: LinkFacts, b: LinkFacts): boolean {
  const { counters: _, ...left } = a;
  const { counters: __, ...right } = b;
  return JSON.stringify(left) === JSON.stringify(right);
}

function flagNames(flags: number): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (((flags >>> bit) & 1) === 1) names.push(FLAG_NAMES[bit] ?? `0x${(2 ** bit).toString(16)}`);
  }
  return names;
}

function decodeCounters(bytes: Uint8Array | undefined): LinkCounters | undefined {
  if (bytes === undefined || bytes.length < LINK_STATS_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Exact up to 9,007 TB.
  const at = (offset: number) => Number(view.getBigUint64(offset, true));
  return {
    receivedPackets: at(LinkStats64.receivedPackets),
    sentPackets: at(LinkStats64.sentPackets),
    receivedBytes: at(LinkStats64.receivedBytes),
    sentBytes: at(LinkStats64.sentBytes),
    receiveErrors: at(LinkStats64.receiveErrors),
    sendErrors: at(LinkStats64.sendErrors),
    receiveDropped: at(LinkStats64.receiveDropped),
    sendDropped: at(LinkStats64.sendDropped),
  };
}
