/** What ping makes of answers that loopback never gives: late, twice, changed, somebody else's, and none. */
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/log/events.js';
import { portableWallClock, type Timestamp } from '../../../../src/measure/clock.js';
import { ping } from '../../../../src/raw/ping/ping.js';
import type { PingRecord, PingSummary } from '../../../../src/raw/ping/records.js';
import { inetEndpoint } from '../../../../src/sockaddr/endpoint.js';
import { type IPv4Address, parseIP } from '../../../../src/sockaddr/ip.js';
import type { Backend, MessageHandlers, OutgoingMessage, RawSocket } from '../../../../src/socket/port.js';
import { encodeIcmp } from '../../../../src/wire/icmp.js';
import { encodeIPv4 } from '../../../../src/wire/ipv4.js';

const TARGET = parseIP('192.0.2.7');

/** An answer to a probe: what, from whom, and after how many milliseconds. */
interface Answer {
  readonly afterMs: number;
  readonly from?: string;
  readonly change?: (request: Uint8Array) => Uint8Array;
}

/** The echo reply to an ICMP request. */
function replyTo(request: Uint8Array): Uint8Array {
  const view = new DataView(request.buffer, request.byteOffset);
  return encodeIcmp({ icmpType: 0, identifier: view.getUint16(4), sequence: view.getUint16(6) }, request.subarray(8));
}

/** A network of one host that answers probe n as `script[n]` says. */
class ScriptedSocket implements RawSocket {
  readonly backend = 'native';
  readonly local = undefined;
  readonly dropped = 0;
  readonly droppedAtMost = 0;
  readonly receiveBuffer = 0;
  readonly pathMtu = () => null;
  sent = 0;
  #handlers: MessageHandlers | undefined;
  readonly #script: readonly (readonly Answer[])[];

  constructor(script: readonly (readonly Answer[])[]) {
    this.#script = script;
  }

  now(): Timestamp {
    return portableWallClock();
  }

  receive(handlers: MessageHandlers): void {
    this.#handlers = handlers;
  }

  async send([message]: readonly OutgoingMessage[]): Promise<Timestamp> {
    const request = Uint8Array.from(message?.bytes ?? []);
    const time = this.now();
    for (const answer of this.#script[this.sent++] ?? [])
      setTimeout(() => this.#answer(request, answer), answer.afterMs);
    return time;
  }

  #answer(request: Uint8Array, { from = TARGET.toString(), change = replyTo }: Answer): void {
    const icmp = change(request);
    const bytes = new Uint8Array(20 + icmp.length);
    bytes.set(icmp, encodeIPv4({ source: from, destination: '192.0.2.1', protocolNumber: 1 }, icmp.length, bytes));
    this.#handlers?.messages([
      {
        bytes,
        from: inetEndpoint(parseIP(from) as IPv4Address, 0),
        length: bytes.length,
        truncated: false,
        segmentSize: bytes.length,
        timestamp: this.now(),
        timestampSource: 'kernel',
        hopLimit: 60,
        trafficClass: 0,
        destination: null,
        interfaceIndex: null,
      },
    ]);
  }

  drain = () => false;
  pause(): void {}
  resume(): void {}
  takeFailures(): void {}
  async close(): Promise<void> {}
}

const unused = () => Promise.reject(new Error('ping does not use this'));

async function run(script: readonly (readonly Answer[])[]): Promise<{ events: PingRecord[]; summary: PingSummary }> {
  const backend: Backend = {
    name: 'native',
    alarm: () => undefined,
    listen: unused,
    connect: unused,
    datagram: unused,
    ping: unused,
    frames: unused,
    frameSender: unused,
    raw: async () => new ScriptedSocket(script),
  };
  const options = { backend, logger: silentLogger, count: script.length, intervalMs: 20, timeoutMs: 60, size: 16 };
  const events: PingRecord[] = [];
  for await (const record of ping([{ name: 'host', address: TARGET }], options)) events.push(record);
  const summary = events.pop();
  if (summary?.type !== 'ping.summary') throw new Error('the last record is not the summary');
  return { events, summary };
}

const changed = (at: number) => (request: Uint8Array) => {
  const bytes = Uint8Array.from(request);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return replyTo(bytes);
};

describe('ping', () => {
  it('counts an answer that comes twice once, and the other as a duplicate', async () => {
    const { events, summary } = await run([[{ afterMs: 1 }, { afterMs: 5 }], [{ afterMs: 10 }]]);
    expect(events.map((e) => e.type === 'ping.reply' && [e.sequence, e.duplicate])).toEqual([
      [1, false],
      [1, true],
      [2, false],
    ]);
    expect(summary).toMatchObject({ transmitted: 2, received: 2, duplicates: 1, lossPercent: 0, endReason: 'count' });
  });

  it('reports a timeout, and then the answer as late and not as lost', async () => {
    const { events, summary } = await run([[{ afterMs: 80 }], [{ afterMs: 1 }], [], [{ afterMs: 1 }]]);
    const told = events.map((e) =>
      e.type === 'ping.reply' ? [e.type, e.sequence, e.late] : e.type === 'ping.timeout' ? [e.type, e.sequence] : [],
    );
    expect(told).toEqual(
      expect.arrayContaining([
        ['ping.timeout', 1],
        ['ping.reply', 1, true],
        ['ping.reply', 2, false],
        ['ping.timeout', 3],
        ['ping.reply', 4, false],
      ]),
    );
    expect(summary).toMatchObject({ transmitted: 4, received: 2, late: 1, lossPercent: 25 });
  });

  it('waits for the answer to the last probe', async () => {
    const { summary } = await run([[{ afterMs: 1 }], [{ afterMs: 40 }]]);
    expect(summary).toMatchObject({ transmitted: 2, received: 2, lossPercent: 0, inFlight: 0 });
  });

  it('marks an answer whose payload differs', async () => {
    const { events, summary } = await run([[{ afterMs: 1, change: changed(20) }]]);
    expect(events).toMatchObject([{ type: 'ping.reply', corrupt: true }]);
    expect(summary).toMatchObject({ received: 1, corrupt: 1 });
  });

  it('passes over answers to other probes, and counts them', async () => {
    const { events, summary } = await run([
      [
        { afterMs: 1, change: changed(5) },
        { afterMs: 1, change: changed(6) },
        { afterMs: 1, change: () => new Uint8Array(3) },
      ],
    ]);
    expect(events.map((e) => e.type)).toEqual(['ping.timeout']);
    expect(summary).toMatchObject({ transmitted: 1, received: 0, lossPercent: 100, foreign: 2 });
  });

  it('tells when somebody else has answered', async () => {
    const { events, summary } = await run([[{ afterMs: 1, from: '192.0.2.8' }]]);
    expect(events).toMatchObject([{ type: 'ping.reply', address: '192.0.2.8', foreignAddress: true }]);
    expect(summary).toMatchObject({ received: 1, foreignAddress: 1, address: '192.0.2.7' });
  });

  it('takes the round trip from the clock of the answer', async () => {
    const { events, summary } = await run([[{ afterMs: 15 }]]);
    const [reply] = events;
    expect(reply?.type === 'ping.reply' && reply.rttMs).toBeGreaterThanOrEqual(14);
    expect(reply?.type === 'ping.reply' && reply.rttMs).toBeLessThan(60);
    expect(summary.rttMs.p50).toBe(reply?.type === 'ping.reply' ? reply.rttMs : undefined);
  });
});
