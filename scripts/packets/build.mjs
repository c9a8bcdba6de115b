/** The packets of the expressions in expressions.json, and capture files of them. */
import { readFileSync, writeFileSync } from 'node:fs';

const load = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const { parsePacket } = await load('src/raw/send/expression.js');
const { parseIP } = await load('src/sockaddr/ip.js');
const { parseHardwareAddress } = await load('src/sockaddr/link-layer.js');

/** Addresses as of a machine that has these, whatever the packet. */
const DEFAULTS = {
  sourceFor: ({ family }) => parseIP(family === 'ipv4' ? '192.0.2.200' : '2001:db8::200'),
  sourceHardware: () => parseHardwareAddress('02:00:00:00:00:01'),
  nextIdentification: () => 0x1234,
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

/** A pcap file of packets of one link. */
export function writeCapture(path, packets, linkType) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0x40000, 16);
  head.writeUInt32LE(linkType, 20);
  const records = packets.flatMap(({ bytes }, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + i, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return [record, bytes];
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
}
