/**
 * Which addresses are near: this machine's own, and those of the networks that its interfaces are on. Packets to all
 * others go through somebody else's routers.
 */

import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { IPAddress } from '../sockaddr/ip.js';
import { type IPPrefix, parsePrefix } from '../sockaddr/prefix.js';
import { withoutZone } from '../sockaddr/zone.js';

/** No router hands these on: RFC 919 section 7, RFC 5771 section 4, RFC 4291 sections 2.5.6 and 2.7 (scopes 1 and 2). */
const NEVER_ROUTED = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/24', '255.255.255.255/32', '::1/128', 'fe80::/10'];
const NARROW_SCOPES = [1, 2];

export interface AttachedNetworks {
  /** Whether packets to `address` stay on this machine, or on a link that it is on. */
  has(address: IPAddress): boolean;
  /** Whether that is true of every address of the block. */
  hasAll(block: IPPrefix): boolean;
}

/** As they are now: an interface may get or lose an address at any time. */
export function attachedNetworks(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): AttachedNetworks {
  const networks = NEVER_ROUTED.map((text) => parsePrefix(text));
  for (const { cidr } of Object.values(interfaces).flatMap((addresses) => addresses ?? [])) {
    // The address of an interface, with the length of its network.
    if (cidr !== null) networks.push(parsePrefix(cidr, { hostBits: 'clear' }));
  }
  return {
    // The unspecified address stands for this machine (RFC 1122 section 3.2.1.3).
    has: (address) =>
      address.isUnspecified || isNarrow(address) || networks.some((network) => network.contains(withoutZone(address))),
    hasAll: (block) => isNarrowBlock(block) || networks.some((network) => network.containsPrefix(block)),
  };
}

/** Multicast of IPv6 says itself how far it goes. */
function isNarrow(address: IPAddress): boolean {
  return address.family === 'ipv6' && address.isMulticast && NARROW_SCOPES.includes((address.toBytes()[1] ?? 0) & 15);
}

function isNarrowBlock(block: IPPrefix): boolean {
  return block.length >= 16 && isNarrow(block.first);
}
