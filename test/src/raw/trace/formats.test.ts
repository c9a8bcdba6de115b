/** What probes look like on the wire, and which quotes and answers are taken for theirs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IcmpFormat } from '../../../../src/raw/trace/icmp-format.js';
import type { TraceMultipath } from '../../../../src/raw/trace/options.js';
import { type FormatOptions, type ProbeFormat, SERIAL_MAX } from '../../../../src/raw/trace/probe-format.js';
import { TcpFormat } from '../../../../src/raw/trace/tcp-format.js';
import { DUBLIN_LENGTHS, UdpFormat } from '../../../../src/raw/trace/udp-format.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { addressSum, checksum } from '../../../../src/wire/checksum.js';

const ENDS = {
  ipv4: { source: parseIP('192.0.2.1'), target: parseIP('198.51.100.9') },
  ipv6: { source: parseIP('2001:db8::1'), target: parseIP('2001:db8:100::9') },
} as const;
type Family = keyof typeof ENDS;

const KINDS = { icmp: IcmpFormat, udp: UdpFormat, tcp: TcpFormat } as const;

function formatOf(kind: keyof typeof KINDS, family: Family, given: Partial<FormatOptions> = {}): ProbeFormat {
  return new KINDS[kind]({
    ...ENDS[family],
    multipath: 'paris',
    port: 33_434,
    portIsFree: true,
    sourcePorts: [41_000, 41_001, 41_002, 41_003],
    identifier: 0x1234,
    token: Uint8Array.of(9, 8, 7, 6),
    sequenceBase: 0xffff_ff00,
    firstSerial: 1,
    payloadLength: kind === 'tcp' ? 0 : 32,
    ...given,
  });
}

/** What every error quotes of it. */
const eight = (bytes: Uint8Array) => bytes.slice(0, 8);

function isSound(family: Family, protocol: number, bytes: Uint8Array): boolean {
  const { source, target } = ENDS[family];
  const pseudo =
    protocol === 1 ? 0 : addressSum(Uint8Array.of(...source.toBytes(), ...target.toBytes()), protocol, bytes.length);
  return checksum(bytes, 0, bytes.length, pseudo) === 0;
}

const serial = fc.integer({ min: 1, max: SERIAL_MAX });
const flow = fc.integer({ min: 0, max: 3 });
const token = fc.uint8Array({ minLength: 4, maxLength: 4 }).filter((bytes) => bytes.some((byte) => byte !== 0));
const CASES = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  [
    ['icmp', 'paris'],
    ['icmp', 'classic'],
    ['udp', 'paris'],
    ['udp', 'classic'],
    ['udp', 'dublin'],
    ['tcp', 'paris'],
    ['tcp', 'classic'],
  ].map(([kind, multipath]) => [family, kind, multipath] as [Family, keyof typeof KINDS, TraceMultipath]),
);

describe.each(CASES)('%s %s %s', (family, kind, multipath) => {
  it('every checksum is right, and the probe is known by what is quoted of it', () => {
    fc.assert(
      fc.property(
        serial,
        serial,
        flow,
        token,
        fc.integer({ min: 8, max: 64 }),
        (number, first, which, secret, length) => {
          const payloadLength = kind === 'tcp' ? 0 : length;
          const format = formatOf(kind, family, { multipath, firstSerial: first, token: secret, payloadLength });
          const bytes = format.encode(number, which);
          expect(isSound(family, format.protocol, bytes)).toBe(true);
          // Dublin's is in the IP header over IPv4.
          const identification = family === 'ipv4' ? number : null;
          expect(format.identify(eight(bytes), identification)).toMatchObject({ serial: number });
          expect(format.identify(bytes, identification)).toEqual({ kind: 'certain', serial: number });
          expect(format.translated(bytes.slice(0, 20), bytes)).toBe(false);
          expect(format.translated(bytes.slice(0, 20), eight(bytes))).toBe(false);
          expect(format.sameButTranslated(bytes.slice(0, 20), eight(bytes))).toBe(true);
        },
      ),
    );
  });

  it('a payload of somebody else is nobody of ours', () => {
    if (kind === 'tcp') return;
    fc.assert(
      fc.property(serial, token, token, (number, own, other) => {
        fc.pre(Buffer.compare(own, other) !== 0);
        const theirs = formatOf(kind, family, { multipath, token: other }).encode(number, 0);
        expect(formatOf(kind, family, { multipath, token: own }).identify(theirs, number)).toEqual({ kind: 'foreign' });
      }),
    );
  });

  it('never throws, whatever is quoted or answered', () => {
    const format = formatOf(kind, family, { multipath });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 80 }),
        fc.uint8Array({ minLength: 0, maxLength: 80 }),
        (quoted, answer) => {
          format.identify(quoted, 77);
          // Nobody guesses a token of 32 bits and what goes with it.
          expect(format.answer(answer)).toBeUndefined();
        },
      ),
    );
  });
});

describe('Paris', () => {
  it.each(['ipv4', 'ipv6'] as const)(
    '%s: what load balancers look at is the same for all probes of a flow',
    (family) => {
      fc.assert(
        fc.property(serial, serial, flow, token, (one, other, which, secret) => {
          const icmp = formatOf('icmp', family, { token: secret });
          expect(icmp.encode(one, which).slice(0, 6)).toEqual(icmp.encode(other, which).slice(0, 6));
          for (const kind of ['udp', 'tcp'] as const) {
            const format = formatOf(kind, family, { token: secret });
            expect(format.encode(one, which).slice(0, 4)).toEqual(format.encode(other, which).slice(0, 4));
          }
        }),
      );
    },
  );

  it.each(['icmp', 'udp', 'tcp'] as const)('%s: flows differ in the first four bytes', (kind) => {
    const format = formatOf(kind, 'ipv4');
    const heads = new Set([0, 1, 2, 3].map((which) => format.encode(5, which).slice(0, 4).join()));
    expect(heads.size).toBe(4);
  });

  it('UDP: the checksum is the serial number', () => {
    fc.assert(
      fc.property(serial, flow, (number, which) => {
        const bytes = formatOf('udp', 'ipv6').encode(number, which);
        expect(((bytes[6] as number) << 8) | (bytes[7] as number)).toBe(number);
      }),
    );
  });
});

describe('Dublin', () => {
  it('IPv4: all bytes of a flow are the same, since the identification is the serial number', () => {
    const format = formatOf('udp', 'ipv4', { multipath: 'dublin' });
    expect(format.encode(7, 2)).toEqual(format.encode(4711, 2));
    expect(format.encode(7, 2)).not.toEqual(format.encode(7, 3));
  });

  it('IPv6: the length tells the last thousand probes apart, whatever the first one was', () => {
    fc.assert(
      fc.property(serial, fc.integer({ min: 0, max: 3 * DUBLIN_LENGTHS }), (first, sent) => {
        const format = formatOf('udp', 'ipv6', { multipath: 'dublin', firstSerial: first });
        const numbers = Array.from({ length: Math.min(sent + 1, 64) }, (_, i) => sent - i).reverse();
        const serials = numbers.map((index) => ((first - 1 + index) % SERIAL_MAX) + 1);
        const probes = serials.map((number) => format.encode(number, 0));
        for (const [i, bytes] of probes.entries()) {
          expect(format.identify(eight(bytes), null)).toEqual({ kind: 'likely', serial: serials[i] });
        }
      }),
    );
  });
});

describe('classic', () => {
  it('UDP: the port goes up by one, begins again at the end, and tells the probe', () => {
    const format = formatOf('udp', 'ipv4', { multipath: 'classic', port: 65_530, firstSerial: 65_533 });
    const ports: number[] = [];
    for (const number of [65_533, 65_534, 1, 2, 3, 4, 5]) {
      const bytes = format.encode(number, 0);
      ports.push(((bytes[2] as number) << 8) | (bytes[3] as number));
      expect(format.identify(eight(bytes), null)).toEqual({ kind: 'likely', serial: number });
    }
    expect(ports).toEqual([65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 65_530]);
  });
});

describe('answers of the target', () => {
  const reply = (family: Family, request: Uint8Array) => {
    const bytes = request.slice();
    bytes[0] = family === 'ipv4' ? 0 : 129;
    return bytes;
  };

  it.each(['ipv4', 'ipv6'] as const)('%s: an echo reply has identifier, sequence and token', (family) => {
    const format = formatOf('icmp', family);
    const bytes = reply(family, format.encode(300, 1));
    expect(format.answer(bytes)).toEqual({ serial: 300 });
    for (const at of [0, 1, 4, 5, 6, 7, 8, 11, 12, 13]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0x40;
      expect(format.answer(changed)).toBeUndefined();
    }
    expect(format.answer(bytes.slice(0, 13))).toBeUndefined();
  });

  it('TCP: what acknowledges a SYN, across the end of the numbers', () => {
    const format = formatOf('tcp', 'ipv4', { port: 443 });
    const answer = (acknowledgment: number, flags: number, from = 443, to = 41_001) => {
      const view = new DataView(new ArrayBuffer(20));
      view.setUint16(0, from);
      view.setUint16(2, to);
      view.setUint32(8, acknowledgment);
      view.setUint16(12, 0x5000 | flags);
      return format.answer(new Uint8Array(view.buffer));
    };
    const sequence = (0xffff_ff00 + 300) % 2 ** 32;
    expect(answer(sequence + 1, 0x12)).toEqual({ serial: 300, tcpFlags: ['SYN', 'ACK'] });
    expect(answer(sequence + 1, 0x14)).toEqual({ serial: 300, tcpFlags: ['RST', 'ACK'] });
    expect(answer(sequence + 1, 0x10)).toBeUndefined();
    expect(answer(sequence + 1, 0x04)).toBeUndefined();
    expect(answer(sequence + 1, 0x12, 80)).toBeUndefined();
    expect(answer(sequence + 1, 0x12, 443, 41_004)).toBeUndefined();
    expect(answer(0xffff_ff00, 0x12)).toBeUndefined();
    expect(answer(0, 0x14)).toEqual({ serial: 0xff, tcpFlags: ['RST', 'ACK'] });
  });

  it('TCP: with a payload, whether or not that is acknowledged', () => {
    fc.assert(
      fc.property(
        serial,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 0, max: 1460 }),
        fc.boolean(),
        (number, sequenceBase, payloadLength, all) => {
          const format = formatOf('tcp', 'ipv4', { port: 443, sequenceBase, payloadLength });
          const probe = format.encode(number, 2);
          const sequence = new DataView(probe.buffer).getUint32(4);
          const view = new DataView(new ArrayBuffer(20));
          view.setUint16(0, 443);
          view.setUint16(2, 41_002);
          view.setUint32(8, (sequence + 1 + (all ? payloadLength : 0)) % 2 ** 32);
          view.setUint16(12, 0x5014);
          expect(format.answer(new Uint8Array(view.buffer))).toEqual({ serial: number, tcpFlags: ['RST', 'ACK'] });
          expect(format.identify(eight(probe), null)).toEqual({ kind: 'certain', serial: number });
        },
      ),
    );
  });

  it('UDP: an echo of the probe, to one of our ports', () => {
    const format = formatOf('udp', 'ipv4');
    const probe = format.encode(55, 1);
    const echoed = Uint8Array.of(
      probe[2] as number,
      probe[3] as number,
      probe[0] as number,
      probe[1] as number,
      ...probe.slice(4),
    );
    expect(format.answer(echoed)).toEqual({ serial: 55 });
    expect(format.answer(probe)).toBeUndefined();
  });
});
