/** Answers that nobody has asked for: whatever they are, they do no harm, and none is taken for a probe's. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingProbe, ProbeAnswer } from '../../../../src/raw/probes/port.js';
import { IcmpFormat } from '../../../../src/raw/trace/icmp-format.js';
import { TraceMachine } from '../../../../src/raw/trace/machine.js';
import type { TraceOptions, TraceProtocol } from '../../../../src/raw/trace/options.js';
import { planOf } from '../../../../src/raw/trace/plan.js';
import type { TraceSummary } from '../../../../src/raw/trace/records.js';
import { TcpFormat } from '../../../../src/raw/trace/tcp-format.js';
import { UdpFormat } from '../../../../src/raw/trace/udp-format.js';
import { type IPAddress, parseIP } from '../../../../src/sockaddr/ip.js';
import { checksum } from '../../../../src/wire/checksum.js';
import { encodeIcmp } from '../../../../src/wire/icmp.js';
import { readExtensions } from '../../../../src/wire/icmp-extension.js';
import { encodeIcmpv6 } from '../../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../../src/wire/ipv6.js';

const ENDS = {
  ipv4: { source: parseIP('192.0.2.1'), target: parseIP('198.51.100.9'), other: parseIP('203.0.113.5') },
  ipv6: { source: parseIP('2001:db8::1'), target: parseIP('2001:db8:100::9'), other: parseIP('2001:db8:5::5') },
} as const;
type Family = keyof typeof ENDS;

const TIME = { seconds: 1_800_000_000, nanoseconds: 0 };

function machineOf(family: Family, protocol: TraceProtocol, asked: Partial<TraceOptions> = {}) {
  const { source, target } = ENDS[family];
  const plan = planOf(family, { protocol, spacingMs: 0, ...asked } as TraceOptions);
  const format = new { icmp: IcmpFormat, udp: UdpFormat, tcp: TcpFormat }[protocol]({
    source,
    target,
    multipath: plan.multipath,
    port: plan.port,
    portIsFree: true,
    sourcePorts: [41_000],
    identifier: 0x1234,
    token: Uint8Array.of(0xca, 0xfe, 0xba, 0xbe),
    sequenceBase: 0x6789_abcd,
    firstSerial: 777,
    payloadLength: plan.payloadLength,
  });
  const machine = new TraceMachine({
    ...plan,
    target: { name: 'x', address: target },
    source,
    port: null,
    format,
    firstSerial: 777,
    socket: 'raw',
    backend: 'native',
    ownHeader: family === 'ipv4',
  });
  const probes = machine.due(0, 64);
  machine.sent(
    probes.map(() => TIME),
    0,
  );
  return { machine, probes };
}

const packet = (from: IPAddress, protocol: number, bytes: Uint8Array): ProbeAnswer => ({
  kind: 'packet',
  time: TIME,
  timestampSource: 'kernel',
  userTime: TIME,
  from,
  hopLimit: 60,
  trafficClass: 0,
  protocol,
  bytes,
});

function summaryOf(machine: TraceMachine): TraceSummary {
  machine.stop('interrupted', 1, TIME);
  const summary = machine.take().find((record): record is TraceSummary => record.type === 'trace.summary');
  if (summary === undefined) throw new Error('no summary');
  return summary;
}

/** 'Time exceeded' about a packet, as a router would send it. */
function exceeded(family: Family, quoted: Uint8Array): Uint8Array {
  return family === 'ipv4' ? encodeIcmp({ icmpType: 11 }, quoted) : encodeIcmpv6({ icmpType: 3 }, quoted);
}

function asPacket(
  family: Family,
  probe: OutgoingProbe,
  change: { source?: string; destination?: string; protocol?: number } = {},
) {
  const { source, target } = ENDS[family];
  const ends = { source: change.source ?? source.toString(), destination: change.destination ?? target.toString() };
  const header = new Uint8Array(family === 'ipv4' ? 20 : 40);
  const protocol = change.protocol ?? probe.protocol;
  if (family === 'ipv4') {
    encodeIPv4(
      { ...ends, ttl: 1, protocolNumber: protocol, identification: probe.identification ?? 0 },
      probe.bytes.length,
      header,
    );
  } else encodeIPv6({ ...ends, hopLimit: 1, nextHeader: protocol }, probe.bytes.length, header);
  return Uint8Array.of(...header, ...probe.bytes);
}

const CASES = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  (['icmp', 'udp', 'tcp'] as const).map((protocol) => [family, protocol] as const),
);
const icmpOf = (family: Family) => (family === 'ipv4' ? 1 : 58);

describe.each(CASES)('%s %s', (family, protocol) => {
  const { target, other } = ENDS[family];

  it('any bytes from anybody', () => {
    const answer = fc.record({
      kind: fc.constantFrom('packet', 'report'),
      from: fc.constantFrom(target, other),
      protocol: fc.constantFrom(1, 6, 17, 58, 99),
      icmpType: fc.integer({ min: 0, max: 255 }),
      bytes: fc.uint8Array({ maxLength: 200 }),
    });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 20 }), (answers) => {
        const { machine } = machineOf(family, protocol);
        const whole = answers.map(({ kind, from, protocol: number, icmpType, bytes }): ProbeAnswer => {
          const sound = Uint8Array.from(bytes);
          if (kind === 'packet') return packet(from, number, sound);
          const {
            bytes: _,
            protocol: __,
            ...rest
          } = packet(from, number, sound) as Extract<ProbeAnswer, { kind: 'packet' }>;
          return { ...rest, kind: 'report', to: target, icmpType, icmpCode: 0, sent: sound };
        });
        machine.answered(whole, 1);
        machine.elapsed(1, TIME);
        expect(summaryOf(machine)).toMatchObject({ received: 0, duplicates: 0, reached: false });
      }),
    );
  });

  it('any quotes within an error that is sound', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (quoted, type, quotesTarget) => {
          const { machine } = machineOf(family, protocol);
          const bytes = Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...quoted);
          if (quotesTarget && quoted.length >= 48) {
            bytes[8] = family === 'ipv4' ? 0x45 : 0x60;
            bytes[8 + (family === 'ipv4' ? 9 : 6)] = { icmp: icmpOf(family), udp: 17, tcp: 6 }[protocol];
            bytes.set(target.toBytes(), 8 + (family === 'ipv4' ? 16 : 24));
          }
          const sum = checksum(bytes, 0, bytes.length);
          bytes[2] = sum >> 8;
          bytes[3] = sum & 255;
          machine.answered([packet(other, icmpOf(family), bytes)], 1);
          expect(summaryOf(machine)).toMatchObject({ received: 0, reached: false });
        },
      ),
    );
  });

  it('a quote of one of ours is taken, and one that is forged from it is not', () => {
    const { machine, probes } = machineOf(family, protocol);
    const probe = probes[0] as OutgoingProbe;
    const long = asPacket(family, probe);
    const headerLength = family === 'ipv4' ? 20 : 40;
    const short = long.slice(0, headerLength + 8);
    const forged: Uint8Array[] = [asPacket(family, probe, { protocol: 99 })];
    // Who knows all but the eight bytes of the message that make the identity; and another destination with it.
    for (const at of { icmp: [0, 6, 7], udp: [2, 3], tcp: [2, 3, 4, 5] }[protocol]) {
      const changed = Uint8Array.from(short);
      changed[headerLength + at] = (changed[headerLength + at] as number) ^ 0x80;
      forged.push(changed);
    }
    if (protocol !== 'tcp') {
      for (const at of [8, 9, 10, 11]) {
        const changed = Uint8Array.from(long);
        changed[headerLength + at] = (changed[headerLength + at] as number) ^ 1;
        forged.push(changed);
      }
      forged.push(asPacket(family, probe, { destination: other.toString() }).slice(0, headerLength + 8));
    }
    for (const quoted of forged) machine.answered([packet(other, icmpOf(family), exceeded(family, quoted))], 1);
    expect(machine.take()).toEqual([]);
    machine.answered([packet(other, icmpOf(family), exceeded(family, short))], 2);
    machine.answered([packet(other, icmpOf(family), exceeded(family, long))], 2);
    const { path } = summaryOf(machine);
    expect(path[0]).toMatchObject({ received: 1, duplicates: 1 });
    expect(path.slice(1).every(({ received }) => received === 0)).toBe(true);
  });

  it('what comes about one that has not left yet waits until that is known', () => {
    const { machine } = machineOf(family, protocol, {
      rounds: 2,
      queries: 1,
      maxHops: 1,
      intervalMs: 10,
      multipath: 'classic',
    });
    machine.elapsed(10, TIME);
    const [probe] = machine.due(10, 1);
    machine.answered([packet(other, icmpOf(family), exceeded(family, asPacket(family, probe as OutgoingProbe)))], 11);
    machine.sent([{ seconds: TIME.seconds - 1, nanoseconds: 950e6 }], 11);
    expect(summaryOf(machine).path[0]).toMatchObject({ sent: 2, received: 1, lastMs: 50 });
  });
});

it('no more probes are on their way than half a thousand, however many are asked for', () => {
  const { machine } = machineOf('ipv4', 'udp', { queries: 100, window: 255, maxHops: 255 });
  let onTheWay = 64;
  for (let probes = machine.due(0, 64); probes.length > 0; probes = machine.due(0, 64)) {
    machine.sent(
      probes.map(() => TIME),
      0,
    );
    onTheWay += probes.length;
  }
  expect(onTheWay).toBe(512);
});

it('extensions of any bytes are read to their end, or as far as they make sense', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(readExtensions(bytes).length).toBeLessThanOrEqual(bytes.length / 4);
    }),
  );
  expect(readExtensions(Uint8Array.of(0x20, 0, 0, 0, 0, 8, 1, 1, 0x05, 0xe2, 0x01, 0x07))).toEqual([
    { kind: 'mpls', labels: [{ label: 24_096, trafficClass: 0, bottomOfStack: true, ttl: 7 }] },
  ]);
});
