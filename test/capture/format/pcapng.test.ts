import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../capture/format/bytes.js';
import { openWriter } from '../../../capture/format/open.js';
import { BlockClock, BlockTime } from '../../../capture/format/pcapng-blocks.js';
import { decode, ETHERNET, encode, facts, hex, packet } from '../helpers.js';

const u32 = (value: number, little: boolean): string => {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes.toString('hex');
};

const sized = (little: boolean, width: number, value: number): string =>
  width === 4 ? u32(value, little) : u32(value, little).slice(...(little ? [0, 4] : [4, 8]));

/** Hex of 16- and 32-bit fields, written big-endian, for either byte order: `2:` and `4:` give the width. */
function block(type: number, little: boolean, ...fields: (readonly [number, number] | string)[]): string {
  const body = fields
    .map((field) => {
      if (typeof field === 'string') return field.replace(/\s+/g, '');
      const [width, value] = field;
      return sized(little, width, value);
    })
    .join('');
  const total = u32(body.length / 2 + 12, little);
  return u32(type, little) + total + body + total;
}

const section = (little: boolean): string =>
  block(0x0a0d0d0a, little, [4, 0x1a2b3c4d], [2, 1], [2, 0], 'ffffffffffffffff');
const description = (little: boolean, ...options: (readonly [number, number] | string)[]): string =>
  block(1, little, [2, 1], [2, 0], [4, 0xffff], ...options);

describe.each([true, false])('reading pcapng, little-endian: %s', (little) => {
  const head = section(little) + description(little);

  test('reads enhanced packets with flags and comments', () => {
    const file =
      section(little) +
      description(little, [2, 2], [2, 4], '65746830', [2, 9], [2, 1], '09000000', [4, 0]) +
      block(
        6,
        little,
        [4, 0],
        [4, 0x17979cfe],
        [4, 0x362a0015 + 0x38000],
        [4, 3],
        [4, 60],
        'aabbcc00',
        [2, 1],
        [2, 2],
        '68690000',
        [2, 2],
        [2, 4],
        [4, 0x0a],
        [4, 0],
      );
    const reader = decode(hex(file));
    expect(reader.fault).toBeUndefined();
    const value = (0x17979cfen << 32n) + BigInt(0x362a0015 + 0x38000);
    expect(reader.packets.map(facts)).toEqual([
      {
        number: 1,
        timestamp: { seconds: Number(value / 1_000_000_000n), nanoseconds: Number(value % 1_000_000_000n) },
        interface: { id: 0, name: 'eth0', linkType: 1, snapshotLength: 0xffff },
        direction: 'out',
        flags: 0x0a,
        comments: ['hi'],
        originalLength: 60,
        bytes: [0xaa, 0xbb, 0xcc],
      },
    ]);
  });

  test('reads simple and obsolete packets', () => {
    const simple = block(3, little, [4, 3], 'aabbcc00');
    const obsolete = block(2, little, [2, 0], [2, 7], [4, 0], [4, 5_000_001], [4, 2], [4, 9], 'ddee0000');
    const { packets } = decode(hex(head + simple + obsolete));
    expect(packets.map((one) => [one.timestamp, [...one.bytes], one.originalLength])).toEqual([
      [null, [0xaa, 0xbb, 0xcc], 3],
      [{ seconds: 5, nanoseconds: 1000 }, [0xdd, 0xee], 9],
    ]);
  });

  test('passes over names, secrets, custom and unknown blocks', () => {
    const others = [4, 0x0a, 0xbad, 0x7777].map((type) => block(type, little, '0102030405060708')).join('');
    const { packets, fault } = decode(hex(head + others + block(3, little, [4, 1], 'aa000000')));
    expect(fault).toBeUndefined();
    expect(packets).toHaveLength(1);
  });

  test('adds if_tsoffset', () => {
    const offset = little ? '0a00000000000000' : '000000000000000a';
    const file = section(little) + description(little, [2, 14], [2, 8], offset, [4, 0]);
    const { packets } = decode(hex(file + block(6, little, [4, 0], [4, 0], [4, 1_500_000], [4, 0], [4, 0])));
    expect(packets[0]?.timestamp).toEqual({ seconds: 11, nanoseconds: 500_000_000 });
  });

  test('keeps the last counters of each interface', () => {
    const eight = (value: number): string =>
      little ? u32(value, true) + u32(0, true) : u32(0, false) + u32(value, false);
    const counters = (received: number): string =>
      block(5, little, [4, 0], [4, 0], [4, 0], [2, 4], [2, 8], eight(received), [2, 7], [2, 8], eight(3), [4, 0]);
    const { statistics } = decode(hex(head + counters(5) + counters(9)));
    expect(statistics).toEqual({ received: 9, droppedKernel: 3, droppedInterface: null, droppedApplication: null });
  });

  test.each([
    ['an interface that is not described', block(6, little, [4, 5], [4, 0], [4, 0], [4, 0], [4, 0])],
    ['more bytes than the block holds', block(6, little, [4, 0], [4, 0], [4, 0], [4, 9], [4, 9])],
    ['a block that is too short', block(6, little, [4, 0])],
    ['an impossible length', u32(6, little) + u32(13, little) + '00'.repeat(8)],
    ['lengths that differ', block(6, little, [4, 0], [4, 0], [4, 0], [4, 0], [4, 0]).slice(0, -8) + u32(99, little)],
    ['lengths that differ in a block passed over', block(4, little, [4, 0]).slice(0, -8) + u32(99, little)],
    ['a section without its magic', u32(0x0a0d0d0a, little) + u32(28, little) + '00'.repeat(20)],
    ['another major version', block(0x0a0d0d0a, little, [4, 0x1a2b3c4d], [2, 2], [2, 0], 'ffffffffffffffff')],
    ['a claim beyond any packet', u32(6, little) + u32(0xffff_fff0, little) + '00'.repeat(8)],
  ])('%s is corruption at its block, and ends the reading', (_, bad) => {
    const whole = block(3, little, [4, 1], 'aa000000');
    const reader = decode(hex(head + whole + bad + whole));
    expect(reader.packets).toHaveLength(1);
    expect(reader.fault).toMatchObject({ code: 'BAD_CAPTURE', offset: (head + whole).length / 2 });
  });
});

test('sections of both byte orders follow each other, and their interfaces are counted on', () => {
  const part = (little: boolean): string =>
    section(little) + description(little) + block(3, little, [4, 1], 'aa000000');
  const { packets, interfaces, fault } = decode(hex(part(true) + part(false) + part(true)));
  expect(fault).toBeUndefined();
  expect(packets.map((one) => one.interface.id)).toEqual([0, 1, 2]);
  expect(interfaces.map((one) => one.id)).toEqual([0, 1, 2]);
});

describe('timestamps', () => {
  test.each([
    [6, 1_700_000_000_123_456n, 1_700_000_000, 123_456_000],
    [9, 1_700_000_000_123_456_789n, 1_700_000_000, 123_456_789],
    [0, 1_700_000_000n, 1_700_000_000, 0],
    [3, 1_700_000_000_999n, 1_700_000_000, 999_000_000],
    [12, 1_700_000_123_456_789_012n, 1_700_000, 123_456_789],
    [0x80 | 10, (1_700_000_000n << 10n) | 512n, 1_700_000_000, 500_000_000],
    [0x80 | 32, (1_700_000_000n << 32n) | 0xffff_ffffn, 1_700_000_000, 999_999_999],
    [0xff, 0xffff_ffff_ffff_ffffn, 0, 0],
  ])('resolution %i', (resolution, value, seconds, nanoseconds) => {
    const clock = new BlockClock(resolution);
    const [high, low] = [Number(value >> 32n), Number(value & 0xffff_ffffn)];
    expect(clock.at(high, low)).toEqual({ seconds, nanoseconds });
    expect(clock.at(high, low)).toEqual({ seconds, nanoseconds });
  });

  test('moments outside of 64 bits of nanoseconds become the nearest inside', () => {
    const time = new BlockTime();
    time.set(-1, 5);
    expect([time.high, time.low]).toEqual([0, 0]);
    time.set(1e12, 5);
    expect(time.high).toBe(0xffff_ffff);
  });
});

test('the way that a cooked header says is believed, and what it leaves open is the flags to say', () => {
  const cooked = { ...ETHERNET, linkType: 276 };
  const directions = [0, 3, 4].map((packetType) => {
    const bytes = hex(`0800 0000 00000003 0001 0${packetType} 06 020000000001 0000 45`);
    return decode(encode('pcapng', [packet(1, { interface: cooked, bytes, direction: 'out' })])).packets[0]?.direction;
  });
  expect(directions).toEqual(['in', 'out', 'out']);
});

describe('writing pcapng', () => {
  test('is byte for byte what the format says', () => {
    const file = encode('pcapng', [packet(1, { bytes: Uint8Array.of(0xaa), originalLength: 60, direction: 'in' })]);
    const time = 1_700_000_001_123_456_789n;
    const expected =
      block(0x0a0d0d0a, true, [4, 0x1a2b3c4d], [2, 1], [2, 0], 'ffffffffffffffff', [2, 4], [2, 4], '74657374', [4, 0]) +
      block(1, true, [2, 1], [2, 0], [4, 262_144], [2, 2], [2, 4], '65746830', [2, 9], [2, 1], '09000000', [4, 0]) +
      block(
        6,
        true,
        [4, 0],
        [4, Number(time >> 32n)],
        [4, Number(time & 0xffff_ffffn)],
        [4, 1],
        [4, 60],
        'aa000000',
        [2, 2],
        [2, 4],
        [4, 1],
        [4, 0],
      );
    expect(Buffer.from(file).toString('hex')).toBe(expected);
  });

  test('known counters are kept, unknown ones are not made up', () => {
    const statistics = { received: 12, droppedKernel: 2, droppedInterface: null, droppedApplication: null };
    expect(decode(encode('pcapng', [packet(1)], statistics)).statistics).toEqual(statistics);
    expect(decode(encode('pcapng', [packet(1)])).statistics.received).toBeNull();
  });

  test('a packet without a time stays without one', () => {
    const [read] = decode(encode('pcapng', [packet(1, { timestamp: null })])).packets;
    expect(read?.timestamp).toBeNull();
  });

  test('several interfaces keep what is known about them', () => {
    const second = { ...ETHERNET, id: 1, name: 'wlan0', linkType: 105, description: 'über', hardware: 'x' };
    const { interfaces } = decode(encode('pcapng', [packet(1), packet(2, { interface: second })]));
    expect(interfaces).toEqual([ETHERNET, second]);
  });

  test('different snapshot lengths are not stated: libpcap refuses such files', () => {
    const second = { ...ETHERNET, id: 1, snapshotLength: 96 };
    const { interfaces } = decode(encode('pcapng', [packet(1), packet(2, { interface: second })]));
    expect(interfaces.map((one) => one.snapshotLength)).toEqual([0, 0]);
  });
});

describe('blocks of others', () => {
  const simple = (little: boolean) => block(3, little, [4, 4], 'aabbccdd');
  const names = (little: boolean) =>
    block(
      4,
      little,
      [2, 1],
      [2, 8],
      'c0000201',
      '61620000',
      [2, 0],
      [2, 0],
      [2, 1],
      [2, 2],
      '68690000',
      [2, 0],
      [2, 0],
    );
  const secrets = (little: boolean) =>
    block(10, little, [4, 0x544c534b], [4, 5], '6b65793d31000000', [2, 1], [2, 1], '78000000');
  const custom = (little: boolean) => block(0x0bad, little, [4, 32473], 'deadbeef');
  const secretive = (little: boolean) => block(0x4000_0bad, little, [4, 32473], 'deadbeef');
  const unknown = (little: boolean) => block(0x7777, little, 'cafebabe');

  const copy = (file: string): string => {
    const reader = decode(hex(file));
    expect(reader.fault).toBeUndefined();
    const out = new ByteWriter(16);
    const writer = openWriter('pcapng');
    writer.open(out, reader.interfaces);
    for (const one of reader.packets) writer.packet(out, one);
    writer.close(out, reader.statistics, reader.trailing);
    return Buffer.from(out.written()).toString('hex');
  };

  test.each([true, false])('are copied where they stood, little-endian: %s', (little) => {
    const three = (order: boolean) => names(order) + secrets(order) + custom(order);
    const head = section(little) + description(little);
    const file = head + three(little) + simple(little) + secretive(little) + simple(little) + secrets(little);
    const once = copy(file);
    expect(once).toContain(three(true) + simple(true));
    expect(once.endsWith(simple(true) + simple(true) + secrets(true))).toBe(true);
    expect(copy(once)).toBe(once);
    expect(decode(hex(file)).details.otherBlocks).toEqual({
      'name resolution': 1,
      'decryption secrets': 2,
      custom: 2,
    });
  });

  test('whose lengths lie are copied as far as they make sense', () => {
    const liar = block(10, false, [4, 0x544c534b], [4, 0xffff_fff1], '6b65793d31000000');
    expect(copy(section(false) + description(false) + liar + simple(false))).toContain('6b65793d31000000');
  });

  test('that nobody knows are copied as they are, in their own order alone', () => {
    const file = (little: boolean) => section(little) + description(little) + unknown(little) + simple(little);
    expect(copy(file(true))).toContain(unknown(true) + simple(true));
    expect(copy(file(false))).not.toContain('cafebabe');
  });

  test('options of packets and interfaces that are not read here go along, custom ones that allow it among them', () => {
    const option = (little: boolean, code: number, ...value: (string | [2 | 4, number])[]): string => {
      const hexed = value.map((part) => (typeof part === 'string' ? part : sized(little, ...part))).join('');
      const length = hexed.length / 2;
      return sized(little, 2, code) + sized(little, 2, length) + hexed + '00'.repeat((4 - (length % 4)) % 4);
    };
    const eight = (little: boolean, value: number): string =>
      little ? u32(value, true) + u32(0, true) : u32(0, false) + u32(value, false);
    const own = (little: boolean) => [
      option(little, 1, '68656c6c6f'),
      option(little, 4, 'c0000201ffffff00'),
      option(little, 8, eight(little, 1_000_000)),
      option(little, 10, [4, 3600]),
    ];
    const carried = (little: boolean) => [
      option(little, 3, '02deadbeef'),
      option(little, 4, eight(little, 7)),
      option(little, 6, [4, 5]),
      option(little, 7, `01${eight(little, 3)}`),
      option(little, 2988, [4, 32_473], '6869'),
    ];
    const file = (little: boolean, unknown: string) =>
      section(little) +
      block(1, little, [2, 1], [2, 0], [4, 0], ...own(little), [2, 0], [2, 0]) +
      block(
        6,
        little,
        [4, 0],
        [4, 0],
        [4, 1000],
        [4, 4],
        [4, 4],
        '01020304',
        ...carried(little),
        option(little, 19_372, [4, 32_473], '6869'),
        unknown,
        [2, 0],
        [2, 0],
      );
    for (const little of [true, false]) {
      const once = copy(file(little, option(little, 99, 'cafe')));
      expect(once).toContain(own(true).join(''));
      expect(once).toContain(carried(true).join(''));
      // Nobody can tell numbers from text in it: it stays in files of its own order.
      expect(once.includes('cafe')).toBe(little);
      expect(once).not.toContain(sized(true, 2, 19_372));
      expect(copy(once)).toBe(once);
    }
  });

  test('are passed over where they are large, or too many without a packet', () => {
    const large = block(0x7777, true, '00'.repeat((1 << 20) + 16));
    const { packets } = decode(hex(section(true) + description(true) + large + simple(true)));
    expect(packets[0]?.before).toBeUndefined();
    const reader = decode(
      hex(section(true) + description(true) + block(0x7777, true, '00'.repeat(1 << 19)).repeat(40)),
    );
    expect(reader.fault).toBeUndefined();
    expect(reader.trailing.length).toBeLessThan(33);
    expect(reader.details.otherBlocks).toEqual({ unknown: 40 });
  });
});
