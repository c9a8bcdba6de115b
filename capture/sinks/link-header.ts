/** How long the link header is, for dumps that leave it out. */
import { LinkType } from '../../src/wire/link-types.js';

const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

const FIXED: Readonly<Record<number, number>> = {
  [LinkType.NULL]: 4,
  [LinkType.LOOP]: 4,
  [LinkType.LINUX_SLL]: 16,
  [LinkType.LINUX_SLL2]: 20,
};

/** Bytes in front of the network header, VLAN tags included; 0 for links without a header and for unknown ones. */
export function linkHeaderLength(linkType: number, bytes: Uint8Array): number {
  if (linkType !== LinkType.ETHERNET) return FIXED[linkType] ?? 0;
  let at = 12;
  while (VLAN_TYPES.has(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))) at += 4;
  return at + 2;
}
