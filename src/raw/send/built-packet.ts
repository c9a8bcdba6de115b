/** A packet that is ready to leave, and what has to be known of the machine to make one. */
import type { SockctlError } from '../../errors.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { HardwareAddress } from '../../sockaddr/link-layer.js';
import { dissect } from '../../wire/dissect.js';
import type { Layer } from '../../wire/layer.js';
import { LinkType } from '../../wire/link-types.js';

/** What stands first in a packet, which decides the socket it leaves by. */
export type PacketLink = 'ethernet' | 'ipv4' | 'ipv6';

export interface BuiltPacket {
  readonly bytes: Uint8Array;
  /** `bytes` taken apart (worked out when it is asked for): what a receiver would see, not what was asked for. */
  readonly layers: readonly Layer[];
  readonly link: PacketLink;
  /** Where the outermost IP header says it goes, with the zone that was written; undefined without an IP header. */
  readonly destination: IPAddress | undefined;
}

/** What is filled in where the expression leaves it open. Every function is called synchronously, for each packet. */
export interface PacketDefaults {
  /**
   * The address from which this machine sends to `destination`; where none is known, why, if anybody knows: an error that
   * asks for `src=…`.
   */
  sourceFor(destination: IPAddress): IPAddress | SockctlError | undefined;
  /** The address of the interface that frames leave by; undefined asks for `eth(src=…)`. */
  sourceHardware?(): HardwareAddress | undefined;
  /**
   * The hardware address of the next hop to `destination`; it is not asked about multicast and broadcast addresses, nor
   * for ARP requests. Undefined asks for `eth(dst=…)`.
   */
  destinationHardware?(destination: IPAddress): HardwareAddress | undefined;
  /** For `identification` of IPv4 headers and of IPv6 fragment headers; its lowest 16 or 32 bits are taken. */
  nextIdentification(): number;
  /** For `identifier` and `sequence` of ICMP requests, 16 bits each, by which replies are told apart. */
  nextEcho(): { readonly identifier: number; readonly sequence: number };
}

/** The link type under which a packet is read. */
export const LINK_TYPES: Readonly<Record<PacketLink, number>> = {
  ethernet: LinkType.ETHERNET,
  ipv4: LinkType.IPV4,
  ipv6: LinkType.IPV6,
};

/** A packet of bytes, taken apart when it is asked for its layers. */
export function builtPacket(link: PacketLink, bytes: Uint8Array, destination: IPAddress | undefined): BuiltPacket {
  let layers: readonly Layer[] | undefined;
  return {
    bytes,
    link,
    destination,
    get layers() {
      layers ??= dissect(bytes, LINK_TYPES[link]).layers;
      return layers;
    },
  };
}
