/** Packets of expressions as a machine with certain addresses builds them. */
import { readFileSync } from 'node:fs';
import {
  type BuiltPacket,
  type PacketDefaults,
  type ParsePacketOptions,
  parsePacket,
} from '../../../../src/raw/send/expression.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { parseHardwareAddress } from '../../../../src/sockaddr/link-layer.js';
import { dissect } from '../../../../src/wire/dissect.js';
import type { Dissection, Layer } from '../../../../src/wire/layer.js';
import { LinkType } from '../../../../src/wire/link-types.js';

export const DEFAULTS: PacketDefaults = {
  sourceFor: ({ family }) => parseIP(family === 'ipv4' ? '192.0.2.200' : '2001:db8::200'),
  sourceHardware: () => parseHardwareAddress('02:00:00:00:00:01'),
  destinationHardware: () => parseHardwareAddress('02:00:00:00:00:02'),
  nextIdentification: () => 0x1234,
  nextEcho: () => ({ identifier: 0, sequence: 0 }),
};

export const OPTIONS: ParsePacketOptions = {
  seed: 1,
  file: (path) => {
    throw new Error(`no file ${path}`);
  },
};

export const LINKS = { ethernet: LinkType.ETHERNET, ipv4: LinkType.IPV4, ipv6: LinkType.IPV6 };

export function build(text: string, options: Partial<ParsePacketOptions> = {}): BuiltPacket {
  return parsePacket(text, { ...OPTIONS, ...options }).at(0, DEFAULTS);
}

export function buildAll(text: string): BuiltPacket[] {
  return [...parsePacket(text, OPTIONS).packets(DEFAULTS)];
}

export function read({ bytes, link }: BuiltPacket): Dissection {
  return dissect(bytes, LINKS[link]);
}

export const hexOf = ({ bytes }: BuiltPacket): string => Buffer.from(bytes).toString('hex');

export const layersOf = (packet: BuiltPacket): readonly Layer[] => read(packet).layers;

/** The expressions that other programs read too (scripts/compare-packets.mjs). */
export const EXPRESSIONS: readonly string[] = JSON.parse(
  readFileSync(new URL('../../../../scripts/packets/expressions.json', import.meta.url), 'utf8'),
);
