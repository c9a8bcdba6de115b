/** Blocks as the kernel writes them (packet(7), linux/if_packet.h), made here, and read as columns. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framePackets } from '../../../../capture/frames.js';
import type { CaptureInterface } from '../../../../capture/record.js';
import { type BlockLayout, BlockReader } from '../../../../capture/sources/ring/block.js';

interface KernelPacket {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly bytes: Uint8Array;
  readonly beyond: number;
  /** TCI and TPID, of a tag that the kernel has taken out; a TPID of 0 where it does not say. */
  readonly tag: { readonly tci: number; readonly tpid: number } | undefined;
  readonly index: number;
  readonly type: number;
  readonly protocol: number;
  readonly address: Uint8Array;
  /** Bytes of the link header, by which the packet is out of step with multiples of four. */
  readonly header: number;
}

const anyPacket = fc.record<KernelPacket>({
  seconds: fc.integer({ min: 0, max: 0x7fff_ffff }),
  nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  bytes: fc.uint8Array({ maxLength: 120 }),
  beyond: fc.nat(70_000),
  tag: fc.option(fc.record({ tci: fc.nat(0xffff), tpid: fc.constantFrom(0, 0x8100, 0x88a8, 0x9100) }), {
    nil: undefined,
  }),
  index: fc.integer({ min: 1, max: 3 }),
  type: fc.nat(4),
  protocol: fc.nat(0xffff),
  address: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  header: fc.constantFrom(14, 14, 18, 0, 27),
});

/** As tpacket_rcv() lays packets out: the network header at a multiple of 16, and PACKET_RESERVE bytes. */
function blockOf(packets: readonly KernelPacket[], layout: BlockLayout, reserve: number): Uint8Array {
  const bytes = new Uint8Array(64 * 1024);
  const view = new DataView(bytes.buffer);
  const at = 4096;
  view.setUint32(at + 8, 1, true);
  view.setUint32(at + 12, packets.length, true);
  view.setUint32(at + 16, 48, true);
  let here = at + 48;
  for (const one of packets) {
    const header = layout.header === 'cooked' ? 0 : one.header;
    const room = layout.header === 'cooked' ? 16 : Math.max(header, 16);
    const net = ((68 + room + 15) & ~15) + reserve;
    const mac = net - header;
    const next = (mac + one.bytes.length + 7) & ~7;
    view.setUint32(here, next, true);
    view.setUint32(here + 4, one.seconds, true);
    view.setUint32(here + 8, one.nanoseconds, true);
    view.setUint32(here + 12, one.bytes.length, true);
    view.setUint32(here + 16, one.bytes.length + one.beyond, true);
    view.setUint32(here + 20, 1 | (one.tag === undefined ? 0 : 0x10) | (one.tag?.tpid ? 0x40 : 0), true);
    view.setUint16(here + 24, mac, true);
    view.setUint16(here + 26, net, true);
    view.setUint32(here + 32, one.tag?.tci ?? 0, true);
    view.setUint16(here + 36, one.tag?.tpid ?? 0, true);
    view.setUint16(here + 48, 17, true);
    view.setUint16(here + 50, one.protocol);
    view.setInt32(here + 52, one.index, true);
    view.setUint16(here + 56, 1, true);
    view.setUint8(here + 58, one.type);
    view.setUint8(here + 59, 6);
    bytes.set(one.address, here + 60);
    bytes.set(one.bytes, here + mac);
    here += next;
  }
  return bytes;
}

function captured(one: KernelPacket, { header, snapshotLength }: BlockLayout): Buffer {
  const tag = Buffer.alloc(4);
  tag.writeUInt16BE(one.tag?.tpid || 0x8100, 0);
  tag.writeUInt16BE(one.tag?.tci ?? 0, 2);
  const bytes = Buffer.from(one.bytes);
  if (header === 'cooked') {
    const front = Buffer.alloc(20);
    front.writeUInt16BE(one.tag === undefined ? one.protocol : one.tag.tpid || 0x8100, 0);
    front.writeUInt32BE(one.index, 4);
    front.writeUInt16BE(1, 8);
    front.writeUInt8(one.type, 10);
    front.writeUInt8(6, 11);
    front.set(one.address, 12);
    const inner = Buffer.alloc(2);
    inner.writeUInt16BE(one.protocol, 0);
    const behind = one.tag === undefined ? [] : [tag.subarray(2), inner];
    return Buffer.concat([front, ...behind, bytes]).subarray(0, snapshotLength);
  }
  const tagged = header === 'ethernet' && one.tag !== undefined && bytes.length >= 12;
  const whole = tagged ? Buffer.concat([bytes.subarray(0, 12), tag, bytes.subarray(12)]) : bytes;
  return whole.subarray(0, snapshotLength);
}

const FLAGS = [1 | 4, 1 | 12, 1 | 8, 1 | 16, 2];

test.each(['ethernet', 'other', 'cooked'] as const)('packets of a block, %s', (header) => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 12 }), fc.constantFrom(60, 262_144), (packets, snapshotLength) => {
      const layout = { header, snapshotLength };
      const bytes = blockOf(packets, layout, header === 'ethernet' ? 2 : 0);
      const interfaces = [0, 1, 2, 3].map(
        (id): CaptureInterface => ({ id, name: `eth${id}`, linkType: 1, snapshotLength }),
      );
      const reader = new BlockReader({ bytes, words: new Int32Array(bytes.buffer) }, layout, (index) => index);
      const batch = reader.read(4096, 10);
      const read = framePackets(batch, interfaces);
      expect(read.map((one) => Buffer.from(one.bytes).toString('hex'))).toEqual(
        packets.map((one) => captured(one, layout).toString('hex')),
      );
      expect(batch.starts.subarray(0, batch.count).every((start) => start % 4 === 0)).toBe(true);
      for (const [at, one] of packets.entries()) {
        const grown = captured(one, { header, snapshotLength: 1e9 }).length - one.bytes.length;
        expect(read[at]).toMatchObject({
          number: 11 + at,
          timestamp: { seconds: one.seconds, nanoseconds: one.nanoseconds },
          originalLength: one.bytes.length + one.beyond + grown,
          flags: FLAGS[one.type],
          direction: one.type === 4 ? 'out' : 'in',
          interface: { name: `eth${one.index}` },
        });
      }
    }),
  );
});
