/** What a live capture needs to know of an interface, before it is opened. */
import { networkInterfaces } from 'node:os';
import { interfaceHardwareType } from '../../src/sockaddr/interfaces.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { LinkType } from '../../src/wire/link-types.js';
import type { FilterOptions } from '../filter/compile.js';
import { ANY_INTERFACE } from '../record.js';

const LOOPBACK = 772;

/**
 * ARPHRD_ numbers of linux/if_arp.h whose packets are captured as they are on the link: it begins with one header whatever
 * the driver, as libpcap 1.10 has it. Not so PPP (512), whose drivers show one or none, ATM (19), the tunnels that libpcap
 * does not know (IPv6's 769, GRE's 778 and 823, 519), and CAN (280), whose frames are in the machine's order.
 */
const LINK_TYPES: ReadonlyMap<number, number> = new Map<number, number>([
  [1, LinkType.ETHERNET],
  [23, LinkType.ETHERNET],
  [LOOPBACK, LinkType.ETHERNET],
  [6, LinkType.IEEE802_5],
  [800, LinkType.IEEE802_5],
  [774, LinkType.FDDI],
  [513, LinkType.C_HDLC],
  [770, LinkType.FRELAY],
  [801, LinkType.IEEE802_11],
  [802, LinkType.IEEE802_11_PRISM],
  [803, LinkType.IEEE802_11_RADIOTAP],
  [804, LinkType.IEEE802_15_4_NOFCS],
  [826, LinkType.VSOCK],
  // No header: TUN and WireGuard, IP in IP, IPv6 in IP; DLCI, SLIP and its kin, HDLC with IP alone.
  ...[0xfffe, 768, 776, 15, 256, 257, 258, 259, 264, 518].map((type) => [type, LinkType.RAW] as const),
]);

/**
 * The link type of a capture on an interface of that ARPHRD_ number: its own, raw IP for links without a header, and
 * Linux's cooked header for the others.
 */
export function linkTypeOfHardware(hardware: number): number {
  return LINK_TYPES.get(hardware) ?? LinkType.LINUX_SLL2;
}

export interface DeviceLink {
  /** A LINKTYPE_ number: of the packets as they are captured. */
  readonly linkType: number;
  /**
   * A socket of SOCK_DGRAM gives the packets from their network header on, and the capture puts a cooked header in front:
   * on `any`, and where the link's own header is not known.
   */
  readonly cooked: boolean;
  /** Whether what goes out comes in again. */
  readonly loopback: boolean;
  /** Of the interface's first IPv4 network, 32 bits. */
  readonly netmask?: number | undefined;
}

/** @throws SocketError ENODEV for an interface that does not exist */
export function describeDevice(device: string): DeviceLink {
  return describeHardware(device, device === ANY_INTERFACE ? undefined : interfaceHardwareType(device));
}

/** @param hardware its ARPHRD_ number; undefined for `any` */
export function describeHardware(device: string, hardware: number | undefined): DeviceLink {
  if (hardware === undefined) return { linkType: LinkType.LINUX_SLL2, cooked: true, loopback: false };
  return {
    linkType: linkTypeOfHardware(hardware),
    cooked: !LINK_TYPES.has(hardware),
    loopback: hardware === LOOPBACK,
    netmask: netmask(device),
  };
}

/** What a filter for a live capture on `device` is compiled for. */
export function liveFilterOptions({ linkType, netmask }: DeviceLink): Pick<FilterOptions, 'linkType' | 'netmask'> {
  return { linkType, netmask };
}

/**
 * The same for a capture through libpcap; undefined where that shows only when it is opened. `any` has cooked headers of
 * the first version there.
 */
export function deviceFilterOptions(device: string): Pick<FilterOptions, 'linkType' | 'netmask'> | undefined {
  if (device === ANY_INTERFACE) return { linkType: LinkType.LINUX_SLL };
  try {
    const link = describeDevice(device);
    return link.cooked ? undefined : liveFilterOptions(link);
  } catch {
    return undefined;
  }
}

/** Of the interface's first IPv4 network. */
function netmask(device: string): number | undefined {
  const found = networkInterfaces()[device]?.find(({ family }) => family === 'IPv4');
  const mask = found === undefined ? undefined : parseIP(found.netmask);
  return mask?.family === 'ipv4' ? mask.value : undefined;
}
