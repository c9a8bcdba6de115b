/**
 * Packets as text: layers from the outermost in, joined by `/`.
 *
 *     ip(dst=127.0.0.1,ttl=9)/icmp(type=echo,id=7,seq=1)/"hello"
 *
 * What is not given is filled in: lengths, checksums, the numbers of what follows, addresses of this machine.
 */
import type { IPAddress, IPFamily } from '../../sockaddr/ip.js';
import { PacketBuilder } from './builder.js';
import type { BuiltPacket, PacketDefaults, PacketLink } from './built-packet.js';
import { DestinationReader } from './destination.js';
import { Reading } from './kinds/kind.js';
import { readLayers } from './layers-of.js';

export type { BuiltPacket, PacketDefaults, PacketLink } from './built-packet.js';
export { describeBytes, describeLayers, type LayerDescription } from './describe.js';
export { fragmentPacket } from './fragment.js';
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

/** What of {@link PacketDefaults} an expression asks for, by its first packet and its last. */
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
  /** The first packet, with addresses of documentation where those of the machine are to be filled in. */
  readonly example: BuiltPacket;
  /**
   * Where the packets go, without making them: the first and the last of each run of addresses that is written, with
   * those between them; and where else the first packet is handed on to, by its source route for instance. Empty for
   * frames without IP.
   */
  readonly destinations: readonly (readonly [IPAddress, IPAddress])[];
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
export function parsePacket(text: string, { file, seed, host }: ParsePacketOptions): PacketExpression {
  const reading = new Reading(text, file, host);
  const builder = new PacketBuilder(text, readLayers(text, reading), seed);
  const example = builder.check();
  const { count, outermost, needs } = builder;
  const runs = builder.destinations ?? [];
  const read = new DestinationReader().read(example.bytes, outermost);
  const others = runs.length === 0 ? read : read.filter(({ key }) => key !== example.destination?.key);
  return {
    text,
    count,
    outermost,
    needs: { ...needs, random: reading.random },
    example,
    destinations: [...runs, ...others.map((one) => [one, one] as const)],
    at: (index, defaults) => builder.build(index, defaults),
    *packets(defaults) {
      for (let index = 0; index < count; index++) yield builder.build(index, defaults);
    },
  };
}
