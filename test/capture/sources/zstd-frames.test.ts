import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openFileSource } from '../../../capture/sources/file.js';
import { cutFrames } from '../../../capture/sources/zstd-frames.js';
import { hasCommand } from '../../hosts/machine.js';
import { collect, content, encode, packet, scratch } from '../helpers.js';

const file = scratch();
const noZstd = !hasCommand('zstd');

const zstd = (bytes: Uint8Array, ...flags: string[]): Buffer =>
  execFileSync('zstd', ['-qc', ...flags], { input: bytes, maxBuffer: 1 << 26 });
/** RFC 8878 section 3.1.2 */
const skippable = (length: number): Buffer =>
  Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, length, 0, 0, 0]), Buffer.alloc(length, 0x28)]);

async function cut(bytes: Uint8Array, at: readonly number[]): Promise<Buffer[]> {
  async function* chunks() {
    let from = 0;
    for (const to of [...at].sort((a, b) => a - b).concat(bytes.length)) {
      yield bytes.subarray(from, to);
      from = to;
    }
  }
  const pieces: Buffer[] = [];
  for await (const piece of cutFrames(chunks())) pieces.push(Buffer.from(piece));
  return pieces;
}

/** Offsets at which pieces begin. */
const begins = (pieces: readonly Buffer[]): number[] => {
  let at = 0;
  return pieces.map((piece) => {
    at += piece.length;
    return at - piece.length;
  });
};

describe.skipIf(noZstd)('frames of zstd (skipped without zstd)', () => {
  const frames = noZstd
    ? []
    : [
        zstd(Buffer.from('hello')),
        zstd(Buffer.alloc(300_000, 7), '--no-check'),
        skippable(0),
        zstd(Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * index * 7919) >> 5))),
        skippable(200),
        zstd(Buffer.alloc(0)),
      ];
  const whole = Buffer.concat(frames);
  const ends = begins([...frames, Buffer.alloc(0)]);

  test('are cut where they end, however they come', async () => {
    expect(begins(await cut(whole, []))).toEqual(ends.slice(0, -1));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 20 }), async (at) => {
        const pieces = await cut(whole, at);
        expect(Buffer.concat(pieces).equals(whole)).toBe(true);
        const found = new Set(begins(pieces));
        for (const end of ends.slice(0, -1)) expect(found).toContain(end);
        for (const begin of found) expect([...ends, ...at]).toContain(begin);
      }),
      { numRuns: 30 },
    );
  });

  test('what is no zstd is left as it is', async () => {
    const junk = Buffer.concat([frames[0] as Buffer, Buffer.from('no frame at all, but long enough for one')]);
    expect(Buffer.concat(await cut(junk, [3])).equals(junk)).toBe(true);
  });

  test('a capture in several of them is read to its end, and a cut one to where it is cut', async () => {
    const packets = Array.from({ length: 3000 }, (_, index) =>
      packet(index + 1, { bytes: Uint8Array.from({ length: 90 }, (_, at) => (at * index * 7919) >> 3) }),
    );
    const plain = encode('pcap', packets);
    const thirds = [0, 1, 2].map((n) => plain.subarray((n * plain.length) / 3, ((n + 1) * plain.length) / 3));
    const parts = thirds.map((third) => zstd(third));
    const read = await collect(await openFileSource(file('several.zst', Buffer.concat(parts))));
    expect(read.error).toBeUndefined();
    expect(content(read.packets)).toBe(content(packets));
    const cutShort = Buffer.concat(parts).subarray(0, -40);
    const { packets: some, error } = await collect(await openFileSource(file('cut.zst', cutShort)));
    expect(error).toMatchObject({ code: 'TRUNCATED_CAPTURE' });
    expect(some.length).toBeGreaterThan(1900);
  });
});
