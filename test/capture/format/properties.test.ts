import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CaptureFormat } from '../../../capture/format/open.js';
import { SockctlError } from '../../../src/errors.js';
import { anyPackets, decode, encode, facts, hex, packet } from '../helpers.js';

const FORMATS: readonly CaptureFormat[] = ['pcap', 'pcapng'];

describe.each(FORMATS)('%s', (format) => {
  test('write, read, write gives the same bytes', () => {
    fc.assert(
      fc.property(anyPackets, (packets) => {
        fc.pre(packets.length > 0);
        const file = encode(format, packets);
        expect(encode(format, decode(file).packets)).toEqual(file);
      }),
    );
  });

  test('however the bytes are cut, the packets are the same', () => {
    fc.assert(
      fc.property(anyPackets, fc.array(fc.nat(2000), { maxLength: 40 }), (packets, cuts) => {
        const file = encode(format, packets);
        const inside = cuts.filter((cut) => cut < file.length);
        expect(decode(file, inside).packets.map(facts)).toEqual(decode(file).packets.map(facts));
      }),
    );
  });

  test('byte by byte', () => {
    const file = encode(format, [packet(1), packet(2), packet(3)]);
    const cuts = Array.from(file, (_, index) => index);
    expect(decode(file, cuts).packets.map(facts)).toEqual(decode(file).packets.map(facts));
  });

  test('cut anywhere: every whole packet, then one fault where the broken record begins', () => {
    const packets = [1, 2, 3].map((number) => packet(number, { bytes: new Uint8Array(number * 3) }));
    const file = encode(format, packets);
    // Where each record begins: the file without it and those behind it is that long.
    const starts = packets.map((_, index) => encode(format, packets.slice(0, index)).length);
    if (format === 'pcapng') starts[0] = encode(format, [packets[0] as (typeof packets)[0]]).length - 32 - 4;
    const boundaries = [...starts, file.length];
    for (let length = (boundaries[0] as number) + 1; length <= file.length; length++) {
      const { packets: read, fault } = decode(file.subarray(0, length));
      const whole = boundaries.filter((end) => end <= length).length - 1;
      expect(read.length).toBe(whole);
      if (length === boundaries[whole]) expect(fault).toBeUndefined();
      else expect(fault).toMatchObject({ code: 'TRUNCATED_CAPTURE', offset: boundaries[whole] });
    }
    for (let length = 1; length < 24; length++) expect(() => void check(file.subarray(0, length))).not.toThrow();
  });

  test('damaged anywhere: no exception but ours, and the end is reached', () => {
    const packets = [1, 2, 3].map((number) => packet(number, { comments: ['a comment'], direction: 'in' }));
    const file = encode(format, packets);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (damage) => {
          const broken = file.slice();
          for (const [at, value] of damage) broken[at] = value;
          check(broken);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('any bytes behind a right beginning', () => {
    const head = encode(format, [packet(1)]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (rest) => {
        const file = new Uint8Array(head.length + rest.length);
        file.set(head);
        file.set(rest, head.length);
        expect(check(file)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});

test('pcap to pcapng and back keeps every time, length and byte', () => {
  fc.assert(
    fc.property(anyPackets, (packets) => {
      fc.pre(packets.length > 0);
      const original = encode('pcap', packets);
      const there = encode('pcapng', decode(original).packets);
      expect(encode('pcap', decode(there).packets)).toEqual(original);
    }),
  );
});

test('any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void check(bytes)),
    { numRuns: 1000 },
  );
});

describe('other formats are refused by name', () => {
  test.each([
    ['', /empty/],
    ['d4c3', /ends inside the header/],
    ['34cdb2a1 0200 0400', /Kuznetzov's modified pcap/],
    ['a1b2cd34 0002 0004', /Kuznetzov's modified pcap/],
    ['736e6f6f70000000 00000002', /snoop/],
    ['474d4255', /Network Monitor 2/],
    ['504b0304', /zip/],
    ['fd377a585a00', /xz/],
    ['68656c6c6f20776f726c64', /not a capture file/],
  ])('%s', (digits, message) => {
    expect(() => decode(hex(digits))).toThrow(message);
  });
});

/** Reads `bytes` to the end; the number of packets. Anything thrown that is not a SockctlError fails the test. */
function check(bytes: Uint8Array): number {
  try {
    return decode(bytes).packets.length;
  } catch (error) {
    expect(error).toBeInstanceOf(SockctlError);
    return 0;
  }
}
