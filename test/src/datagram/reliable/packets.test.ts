import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DATA_HEADER,
  encodeAbort,
  encodeAck,
  encodeClose,
  encodeDone,
  encodeFin,
  encodeHello,
  encodeReady,
  encodeStart,
  encodeWelcome,
  finishData,
  HELLO_SIZE,
  isIntact,
  PacketType,
  type ReceivedPacket,
  readAbort,
  readAck,
  readDataNumber,
  readDataOffset,
  readDone,
  readFin,
  readPacket,
  readReady,
  readStart,
  readWelcome,
  seedOf,
} from '../../../../src/datagram/reliable/packets.js';

const id = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const number = fc.maxSafeNat();
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const seed = fc.integer({ min: 0, max: 0xffffffff });
const bits16 = fc.integer({ min: 0, max: 0xffff });

function read(bytes: Uint8Array): ReceivedPacket {
  const packet = readPacket(bytes);
  if (packet === undefined) throw new Error('not read');
  return packet;
}

describe('packets', () => {
  it('come back as they were written, with their check', () => {
    fc.assert(
      fc.property(
        id,
        id,
        number,
        number,
        digest,
        seed,
        fc.string({ maxLength: 60 }),
        (a, b, n, m, hash, check, text) => {
          const hello = read(encodeHello(a));
          expect([hello.type, hello.id, hello.bytes.length]).toEqual([PacketType.hello, a, HELLO_SIZE]);
          expect(isIntact(hello, 0)).toBe(true);
          expect(readWelcome(read(encodeWelcome(a, b)))).toBe(b);
          for (const size of [undefined, n]) {
            const start = { senderId: b, size, anew: size === undefined, name: text };
            expect(readStart(read(encodeStart(a, start, check)))).toEqual(start);
          }
          expect(readReady(read(encodeReady(a, n, m, hash, check)))).toEqual({ offset: n, windowEnd: m, digest: hash });
          expect(readFin(read(encodeFin(a, n, hash, check)))).toEqual({ size: n, digest: hash });
          expect(readDone(read(encodeDone(a, hash, check)))).toEqual(hash);
          expect(readAbort(read(encodeAbort(a, 3, text, check)))).toEqual({ reason: 3, text });
          expect(isIntact(read(encodeClose(a, check)), check)).toBe(true);
        },
      ),
    );
  });

  it('of data and acknowledgements do so too', () => {
    const ranges = fc.array(fc.record({ length: bits16, gap: bits16 }), { maxLength: 128 });
    fc.assert(
      fc.property(
        id,
        number,
        number,
        ranges,
        fc.uint8Array({ maxLength: 1400 }),
        seed,
        (a, n, m, list, data, check) => {
          const packet = new Uint8Array(DATA_HEADER + data.length);
          packet.set(data, DATA_HEADER);
          finishData(packet, a, n, m, check);
          expect([readDataNumber(read(packet)), readDataOffset(read(packet))]).toEqual([n, m]);
          expect(isIntact(read(packet), check)).toBe(true);
          const ack = {
            largest: Math.min(n, Number.MAX_SAFE_INTEGER - 1),
            delayMs: 1.5,
            inOrder: m,
            windowEnd: n,
            ranges: list,
          };
          expect(readAck(read(encodeAck(a, ack, check)))).toEqual(ack);
        },
      ),
    );
  });

  it('with any one bit turned are noticed, as are those of another connection', () => {
    const check = seedOf('0123456789abcdef', 'fedcba9876543210');
    const packet = encodeFin('0123456789abcdef', 12_345, new Uint8Array(32).fill(7), check);
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const turned = Uint8Array.from(packet);
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
      const got = readPacket(turned);
      expect(got !== undefined && isIntact(got, check)).toBe(false);
    }
    expect(isIntact(read(packet), seedOf('0123456789abcdee', 'fedcba9876543210'))).toBe(false);
  });

  it('that claim more than they hold are refused', () => {
    const ack = encodeAck('00'.repeat(8), { largest: 1, delayMs: 0, inOrder: 0, windowEnd: 0, ranges: [] }, 0);
    new DataView(ack.buffer).setUint16(28, 500);
    expect(readAck(read(ack))).toBeUndefined();
    const start = encodeStart('00'.repeat(8), { senderId: '00'.repeat(8), size: 1, anew: false, name: 'x' }, 0);
    start[33] = 200;
    expect(readStart(read(start))).toBeUndefined();
    const fin = encodeFin('00'.repeat(8), 1, new Uint8Array(32), 0);
    fin.fill(255, 16, 24);
    expect(readFin(read(fin))).toBeUndefined();
  });
});
