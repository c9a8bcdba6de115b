/** What filters of live captures need to know of an interface, before it is opened. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parseIP } from '../../src/sockaddr/ip.js';
import { LinkType } from '../../src/wire/link-types.js';
import type { FilterOptions } from '../filter/compile.js';

/** ARPHRD_ numbers of linux/if_arp.h whose links begin with the same header in captures, whatever the driver. */
const LINK_TYPES: Readonly<Record<number, number>> = {
  1: LinkType.ETHERNET,
  772: LinkType.ETHERNET,
  801: LinkType.IEEE802_11,
  802: LinkType.IEEE802_11_PRISM,
  803: LinkType.IEEE802_11_RADIOTAP,
};

/** The pseudo-interface for all of them; libpcap gives its packets a cooked header. */
export const ANY_DEVICE = 'any';

/** What a filter for `device` is compiled for; undefined where that shows only when it is opened. */
export function deviceFilterOptions(
  device: string,
): Pick<FilterOptions, 'linkType' | 'netmask' | 'target'> | undefined {
  const linkType = device === ANY_DEVICE ? LinkType.LINUX_SLL : LINK_TYPES[hardwareType(device) ?? -1];
  return linkType === undefined ? undefined : { linkType, netmask: netmask(device), target: 'kernel' };
}

function hardwareType(device: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/type`, 'latin1'));
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

export interface DeviceLink {
  readonly linkType: number;
  readonly cooked: boolean;
  readonly loopback: boolean;
  readonly netmask?: number | undefined;
}
export function describeDevice(device: string): DeviceLink {
  const type = hardwareType(device) ?? -1;
  if (device === ANY_DEVICE) return { linkType: LinkType.LINUX_SLL2, cooked: true, loopback: false };
  if (type === 0xfffe) return { linkType: LinkType.RAW, cooked: false, loopback: false };
  const linkType = LINK_TYPES[type];
  if (linkType === undefined) return { linkType: LinkType.LINUX_SLL2, cooked: true, loopback: false };
  return { linkType, cooked: false, loopback: type === 772, netmask: netmask(device) };
}
