/**
 * Packets as text: layers from the outermost in, joined by `/`.
 *
 *     ip(dst=127.0.0.1,ttl=9)/icmp(type=echo,id=7,seq=1)/"hello"
 *
 * What is not given is filled in: lengths, checksums, the numbers of what follows, addresses of this machine.
 */
import type { IPAddress, IPFamily } from '../../sockaddr/ip.js';
import type { BuiltPacket, PacketDefaults, PacketLink } from './built-packet.js';

export type { BuiltPacket, PacketDefaults, PacketLink } from './built-packet.js';
export { PacketExpressionError } from './packet-error.js';

export interface ParsePacketOptions {
  /** The bytes of `file("payload.bin")`; what it throws is passed on. */
  readonly file: (path: string) => Uint8Array;
  /** For `random`: the same seed gives the same packets. A number from 0 to 2^32 - 1. */
  readonly seed: number;
  /**
   * What a name stands for where an IP address is asked for, looked up by the caller before (a first pass can collect
   * the names, answering each with any address of the family). Without it, or where it answers undefined, a name is an
   * error.
   */
  readonly host?: (name: string, family: IPFamily) => IPAddress | undefined;
}

/** What of {@link PacketDefaults} the packets of an expression may ask for. */
export interface PacketNeeds {
  /** Some IP header is without its source. */
  readonly source: boolean;
  readonly sourceHardware: boolean;
  readonly destinationHardware: boolean;
  /** Some field is `random`: the packet is another one each time. */
  readonly random: boolean;
}

export interface PacketExpression {
  readonly text: string;
  /**
   * How many packets there are, of which the last written range or list goes fastest. `Number.MAX_SAFE_INTEGER` where
   * there are as many or more: those beyond can't be asked for.
   */
  readonly count: number;
  /** What stands first. */
  readonly outermost: PacketLink;
  readonly needs: PacketNeeds;
  /** Each packet once, in order, made one by one as it is asked for. Throws as {@link PacketExpression.at} does. */
  packets(defaults: PacketDefaults): Iterable<BuiltPacket>;
  /**
   * The packet at `index`, from 0 up; beyond `count` they begin again from the first, with other random numbers. The same
   * index gives the same packet.
   *
   * @throws PacketExpressionError for a default that is not known, and for what does not fit: a packet beyond 65,535
   *   bytes, options beyond 40
   */
  at(index: number, defaults: PacketDefaults): BuiltPacket;
}

/**
 * Parses a packet expression.
 *
 * @throws PacketExpressionError saying what is wrong, where, and what was expected
 */
export declare function parsePacket(text: string, options: ParsePacketOptions): PacketExpression;

/** A field of a layer, for lists of them. */
export interface FieldDescription {
  readonly name: string;
  /** Shorter names of it. */
  readonly aliases: readonly string[];
  /** What is expected: `0 to 255`, `an IPv4 address`. */
  readonly value: string;
  /** What it is unless given, where that is not plain zero: `computed`, `64`. */
  readonly unlessGiven?: string;
}

export interface LayerDescription {
  /** As it is called in records. */
  readonly protocol: string;
  /** What it may be called in an expression; the first is the shortest that is usual. */
  readonly names: readonly string[];
  readonly fields: readonly FieldDescription[];
}

/** Every layer that can be written, from the link in. */
export declare function describeLayers(): readonly LayerDescription[];

/**
 * The fragments of a packet (RFC 791 section 3.2, RFC 8200 section 4.5), in order; the packet itself, alone, where it
 * fits.
 *
 * @param size the largest IP packet in bytes (a link header does not count)
 * @param identification of IPv6 fragments, 32 bits; IPv4 has its own in its header
 * @throws UsageError for a size that leaves no room, a packet that must not be fragmented (`dontFragment`), one
 *   without an IP header, and an IPv6 packet that has a fragment header already
 */
export declare function fragmentPacket(packet: BuiltPacket, size: number, identification: number): BuiltPacket[];
