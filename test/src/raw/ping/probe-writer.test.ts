/** The bytes of probes, and what proves that a reply is to one of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOffset, readClocks } from '../../../../src/raw/ping/clocks.js';
import { ProbeWriter } from '../../../../src/raw/ping/probe-writer.js';
import { readRoute, recordRouteOption } from '../../../../src/raw/ping/record-route.js';
import { TokenCode } from '../../../../src/raw/ping/token.js';
import { checksum } from '../../../../src/wire/checksum.js';
import { dissectProtocol } from '../../../../src/wire/dissect.js';

const KEY = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);

const writerOf = (size: number, pattern?: Uint8Array, kind: 'echo' | 'timestamp' = 'echo', key = KEY) =>
  new ProbeWriter({ kind, size, pattern, identifier: 0xbeef, key });

describe('the token', () => {
  it('is HalfSipHash-2-4: the test vector of its authors for eight bytes', () => {
    const code = new TokenCode(KEY);
    code.compute(0x03020100, 0x07060504);
    expect([code.first, code.second]).toEqual([0xedfee820, 0xbce4858c]);
  });
});

describe('a probe', () => {
  it('is an echo request with a right checksum, of any size, pattern and number', () => {
    fc.assert(
      fc.property(
        fc.nat(3000),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined }),
        fc.nat(2 ** 40),
        fc.nat(2 ** 20),
        (size, pattern, number, sequence) => {
          const writer = writerOf(size, pattern);
          // Whatever was in the memory before does not matter.
          const bytes = new Uint8Array(writer.length + 7).fill(0xaa);
          writer.write('ipv4', number, sequence, 0, bytes, 3);
          const probe = bytes.subarray(3, 3 + writer.length);
          expect(checksum(probe, 0, probe.length)).toBe(0);
          const [message] = dissectProtocol(probe, 1).layers;
          expect(message).toMatchObject({ icmpType: 8, icmpCode: 0, identifier: 0xbeef, sequence: sequence & 0xffff });
          expect(bytes.subarray(0, 3).every((byte) => byte === 0xaa)).toBe(true);
          expect(bytes.subarray(3 + writer.length).every((byte) => byte === 0xaa)).toBe(true);
          expect(writer.compare(probe, 8, probe.length, number)).toBe(-1);
          expect(writer.resembles(probe, 8, probe.length, number)).toBe(true);
          expect(writer.readNumber(probe, 8, probe.length)).toBe(size >= 16 ? number : -1);
          const filled = pattern === undefined ? undefined : pattern[0];
          if (size > 16) expect(probe[24]).toBe(filled ?? 16);
        },
      ),
    );
  });

  it('of a search may be shorter', () => {
    const writer = writerOf(2000);
    for (const length of [8, 24, 25, 1480]) {
      const bytes = new Uint8Array(length);
      writer.write('ipv4', 5, 9, 0, bytes, 0, length);
      expect(checksum(bytes, 0, length)).toBe(0);
      expect(writer.compare(bytes, 8, length, 5, length)).toBe(-1);
      expect(writer.compare(bytes, 8, length, 5, length + 3)).toBe(length - 8);
    }
  });

  it('of IPv6 leaves the checksum to the kernel', () => {
    const writer = writerOf(56);
    const bytes = new Uint8Array(writer.length);
    writer.write('ipv6', 1, 1, 0, bytes);
    expect([...bytes.subarray(0, 4)]).toEqual([128, 0, 0, 0]);
  });

  it('can be a timestamp request', () => {
    const writer = writerOf(56, undefined, 'timestamp');
    const bytes = new Uint8Array(writer.length);
    writer.write('ipv4', 1, 2, 0x4567_89ab, bytes);
    expect(checksum(bytes, 0, 20)).toBe(0);
    expect(dissectProtocol(bytes, 1).layers[0]).toMatchObject({ icmpType: 13, sequence: 2, originate: 0x4567_89ab });
  });
});

describe('a payload', () => {
  it('shows where it differs, what is missing and what is too much', () => {
    const writer = writerOf(56);
    const sent = new Uint8Array(writer.length);
    writer.write('ipv4', 77, 1, 0, sent);
    fc.assert(
      fc.property(fc.array(fc.nat(55), { maxLength: 10 }), fc.integer({ min: -20, max: 20 }), (places, more) => {
        const got = new Uint8Array(64 + more);
        got.set(sent.subarray(0, got.length));
        const changed = new Set(places.filter((place) => place + 8 < got.length));
        for (const place of changed) got[place + 8] = (got[place + 8] as number) ^ 0x55;
        const ends = more === 0 ? [] : [Math.min(56, 56 + more)];
        const first = Math.min(...changed, ...ends);
        expect(writer.compare(got, 8, got.length, 77)).toBe(Number.isFinite(first) ? first : -1);
        expect(writer.differing).toBe(changed.size + Math.abs(more));
      }),
    );
  });

  it('comes back as it was sent, or has to be looked at, whichever byte is another', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 300 }),
        fc.nat(2 ** 40),
        fc.nat(0xffff),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (size, number, sequence, place, change) => {
          const writer = writerOf(size);
          const bytes = new Uint8Array(5 + writer.length);
          writer.write('ipv4', number, sequence, 0, bytes, 5);
          // What a host makes of it.
          bytes.set([0, 0, 0, 0], 5);
          const sum = checksum(bytes, 5, bytes.length);
          bytes.set([sum >> 8, sum & 255], 7);
          const asSent = (ipv4: boolean) =>
            writer.readNumber(bytes, 13, bytes.length) === number &&
            writer.isAsSent(ipv4, number, sequence, bytes, 5, bytes.length);
          expect([asSent(true), asSent(false)]).toEqual([true, true]);
          expect(writer.isAsSent(true, number, sequence, bytes, 5, bytes.length - 1)).toBe(false);
          // Type, identifier and sequence are for the caller to know.
          const others = [1, 2, 3, ...Array.from({ length: size }, (_, i) => 8 + i)];
          const at = others[place % others.length] as number;
          bytes[5 + at] = ((bytes[5 + at] as number) + change) & 255;
          expect(asSent(true)).toBe(false);
          expect(asSent(false)).toBe(at < 8);
        },
      ),
    );
  });

  it('of another run, of another probe, or made up, is not taken for ours', () => {
    const writer = writerOf(56);
    const sent = new Uint8Array(writer.length);
    writer.write('ipv4', 77, 1, 0, sent);
    const other = writerOf(56, undefined, 'echo', Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9));
    expect(other.readNumber(sent, 8, sent.length)).toBe(-1);
    expect(other.resembles(sent, 8, sent.length, 77)).toBe(false);
    expect(writer.resembles(sent, 8, sent.length, 78)).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 80 }), (bytes) => {
        expect(writer.readNumber(bytes, 0, bytes.length)).toBe(-1);
        expect(writer.resembles(bytes, 0, bytes.length, 77)).toBe(false);
      }),
    );
  });

  it('may have lost half of its code, and no more', () => {
    const writer = writerOf(56);
    const sent = new Uint8Array(writer.length);
    writer.write('ipv4', 77, 1, 0, sent);
    for (let i = 0; i < 4; i++) sent[8 + i] = (sent[8 + i] as number) ^ 1;
    expect(writer.resembles(sent, 8, sent.length, 77)).toBe(true);
    sent[12] = (sent[12] as number) ^ 1;
    expect(writer.resembles(sent, 8, sent.length, 77)).toBe(false);
  });
});

describe('a recorded route', () => {
  it('is what the routers have written so far', () => {
    const option = recordRouteOption();
    expect(option).toHaveLength(40);
    const header = new Uint8Array(60);
    header[0] = 0x4f;
    header.set(option, 20);
    expect(readRoute(header)).toEqual([]);
    header.set([10, 0, 0, 1, 10, 0, 0, 2], 23);
    header[22] = 12;
    expect(readRoute(header)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('is read from any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (header) => {
        const route = readRoute(header);
        if (route !== undefined) expect(route.length).toBeLessThanOrEqual(9);
      }),
    );
  });
});

describe('clocks', () => {
  const reply = (originate: number, receive: number, transmit: number) => {
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of [originate, receive, transmit].entries()) view.setUint32(8 + 4 * i, value);
    return bytes;
  };

  it('are read as they stand', () => {
    expect(readClocks(reply(1, 2, 0x8000_0003))).toEqual({ originate: 1, receive: 2, transmit: 0x8000_0003 });
  });

  it('tell how far the other one is ahead, across midnight too', () => {
    const arrived = { seconds: 86_400, nanoseconds: 4_000_000 };
    const sent = { seconds: 86_399, nanoseconds: 998_000_000 };
    expect(clockOffset({ originate: 0, receive: 101, transmit: 102 }, sent, arrived)).toBe((103 + 98) / 2);
    const behind = { originate: 0, receive: 86_399_000, transmit: 86_399_000 };
    const later = { seconds: 86_400, nanoseconds: 0 };
    expect(clockOffset(behind, later, arrived)).toBe((-1000 - 1004) / 2);
  });

  it('say nothing where their times are of another kind', () => {
    const time = { seconds: 0, nanoseconds: 0 };
    expect(clockOffset({ originate: 0, receive: 0x8000_0001, transmit: 5 }, time, time)).toBeNull();
    expect(clockOffset({ originate: 0, receive: 5, transmit: 90_000_000 }, time, time)).toBeNull();
  });
});
