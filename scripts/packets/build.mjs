/** The packets of the expressions in expressions.json. */
import { readFileSync } from 'node:fs';

const load = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const { parsePacket } = await load('src/raw/send/expression.js');
const { parseIP } = await load('src/sockaddr/ip.js');
const { parseHardwareAddress } = await load('src/sockaddr/link-layer.js');

/** Addresses as of a machine that has these, whatever the packet. */
const DEFAULTS = {
  sourceFor: ({ family }) => parseIP(family === 'ipv4' ? '192.0.2.200' : '2001:db8::200'),
  sourceHardware: () => parseHardwareAddress('02:00:00:00:00:01'),
  destinationHardware: () => parseHardwareAddress('02:00:00:00:00:02'),
  nextIdentification: () => 0x1234,
  nextEcho: () => ({ identifier: 0, sequence: 0 }),
};

export const EXPRESSIONS = JSON.parse(readFileSync(new URL('expressions.json', import.meta.url), 'utf8'));

/** @returns [{ text, packet }] of every packet of every expression */
export function buildPackets(expressions = EXPRESSIONS) {
  const file = () => new Uint8Array(0);
  return expressions.flatMap((text) =>
    [...parsePacket(text, { seed: 1, file }).packets(DEFAULTS)].map((packet) => ({ text, packet })),
  );
}

/** LINKTYPE_RAW: the version is in the packet. */
export const linkTypeOf = ({ link }) => (link === 'ethernet' ? 1 : 101);
