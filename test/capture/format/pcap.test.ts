import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { decode, ETHERNET, encode, facts, hex, packet } from '../helpers.js';

/** Header of version 2.4, snapshot length 65,535, Ethernet. */
const LITTLE = 'd4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000';
const LITTLE_NANO = LITTLE.replace('d4c3b2a1', '4d3cb2a1');
const BIG = 'a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001';
const BIG_NANO = BIG.replace('a1b2c3d4', 'a1b23c4d');

const at = (file: string): unknown => decode(hex(file)).packets.map((one) => one.timestamp);

describe('reading pcap', () => {
  test('reads little-endian microseconds', () => {
    const reader = decode(hex(`${LITTLE} 00f15365 40e20100 03000000 3c000000 aabbcc`));
    expect(reader.packets.map(facts)).toEqual([
      {
        number: 1,
        timestamp: { seconds: 1_700_000_000, nanoseconds: 123_456_000 },
        interface: { id: 0, name: null, linkType: 1, snapshotLength: 65_535 },
        direction: null,
        originalLength: 60,
        bytes: [0xaa, 0xbb, 0xcc],
      },
    ]);
    expect(reader.fault).toBeUndefined();
  });

  test('reads both byte orders and both units', () => {
    const little = '00f15365 15cd5b07 00000000 00000000';
    const big = '6553f100 075bcd15 00000000 00000000';
    expect(at(`${LITTLE_NANO} ${little}`)).toEqual([{ seconds: 1_700_000_000, nanoseconds: 123_456_789 }]);
    expect(at(`${BIG_NANO} ${big}`)).toEqual([{ seconds: 1_700_000_000, nanoseconds: 123_456_789 }]);
    expect(at(`${BIG} 6553f100 0001e240 00000000 00000000`)).toEqual([
      { seconds: 1_700_000_000, nanoseconds: 123_456_000 },
    ]);
  });

  test('seconds are unsigned, and a fraction of more than a second is carried', () => {
    expect(at(`${LITTLE} ffffffff 00093d00 00000000 00000000`)).toEqual([{ seconds: 0xffff_ffff + 4, nanoseconds: 0 }]);
  });

  test('lengths are exchanged in files of version 2.2, and told by their sizes in 2.3', () => {
    const record = '00000000 00000000 3c000000 02000000 aabb';
    for (const minor of ['0200', '0300']) {
      const { packets } = decode(hex(`d4c3b2a1 0200 ${minor} 00000000 00000000 ffff0000 01000000 ${record}`));
      expect(packets.map((one) => [one.originalLength, one.bytes.length])).toEqual([[60, 2]]);
    }
  });

  test('the bits above the link type are not part of it', () => {
    expect(decode(hex(LITTLE.replace(/01000000$/, '01000044'))).interfaces[0]?.linkType).toBe(1);
  });

  test('cooked packets carry their direction', () => {
    const head = LITTLE.replace(/01000000$/, '71000000');
    const record = (type: string) => `00000000 00000000 02000000 02000000 ${type}`;
    const { packets } = decode(hex(`${head}${record('0004')}${record('0000')}${record('0003')}`));
    expect(packets.map((one) => one.direction)).toEqual(['out', 'in', null]);
  });

  test('a record larger than the format allows is corruption, with its place', () => {
    const good = '00000000 00000000 01000000 01000000 aa';
    const reader = decode(hex(`${LITTLE} ${good} 00000000 00000000 01000400 01000400 bb`));
    expect(reader.packets).toHaveLength(1);
    expect(reader.fault).toMatchObject({ code: 'BAD_CAPTURE', offset: 41 });
    expect(reader.fault?.reason).toContain('262145');
  });

  test('a snapshot length above the usual limit raises it', () => {
    const size = 300_000;
    const file = Buffer.alloc(24 + 16 + size);
    file.set(hex(LITTLE));
    file.writeUInt32LE(size, 16);
    file.writeUInt32LE(size, 24 + 8);
    file.writeUInt32LE(size, 24 + 12);
    expect(decode(file).packets[0]?.bytes).toHaveLength(size);
  });

  test.each(['0300 0400', '0200 0500', '0100 0000'])('refuses version %s', (version) => {
    const reader = decode(hex(LITTLE.replace('0200 0400', version)));
    expect(reader.fault).toMatchObject({ code: 'BAD_CAPTURE', offset: 0 });
  });

  test('takes the link type without what is said of the check sequence, and refuses reserved bits', () => {
    expect(decode(hex(LITTLE.replace(/01000000$/, '01000044'))).interfaces[0]?.linkType).toBe(1);
    const { fault } = decode(hex(LITTLE.replace(/01000000$/, '01000200')));
    expect(fault).toMatchObject({ code: 'BAD_CAPTURE', reason: 'link type 0x20001 has reserved bits set' });
  });
});

describe('writing pcap', () => {
  test('is byte for byte what the format says', () => {
    const file = encode('pcap', [packet(1, { bytes: Uint8Array.of(0xaa, 0xbb), originalLength: 60 })]);
    const head = '4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000';
    expect(Buffer.from(file)).toEqual(Buffer.from(hex(`${head} 01f15365 15cd5b07 02000000 3c000000 aabb`)));
  });

  test('a second link type is refused by name', () => {
    const other = { ...ETHERNET, id: 1, linkType: 101 };
    expect(() => encode('pcap', [packet(1), packet(2, { interface: other })])).toThrow(UsageError);
  });

  test('a time beyond 32 bits is refused, not wrapped', () => {
    const timestamp = { seconds: 2 ** 32, nanoseconds: 0 };
    expect(() => encode('pcap', [packet(1, { timestamp })])).toThrow(/1970 to 2106/);
  });

  test('a file without packets and interfaces still has its head', () => {
    const reader = decode(encode('pcap', []));
    expect(reader.fault).toBeUndefined();
    expect(reader.interfaces).toHaveLength(1);
  });
});
