/** What the runner of machines does where a port does not let it go on. */
import { describe, expect, it } from 'vitest';
import type { ProbeMachine } from '../../../../src/raw/probes/machine.js';
import type { ProbePort, SendOutcome } from '../../../../src/raw/probes/port.js';
import { runMachine } from '../../../../src/raw/probes/run.js';
import { RecordQueue } from '../../../../src/raw/record-queue.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';

const TIME = { seconds: 0, nanoseconds: 0 };

/** A port whose socket has room for `room` probes and then for none, on a clock that only waiting moves. */
class StuckPort implements ProbePort {
  readonly socket = 'raw';
  readonly batch = 4;
  readonly ownHeader = false;
  clock = 0;
  wakes = 0;
  sent = 0;
  readonly #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  now(): number {
    return this.clock;
  }

  wallClock() {
    return TIME;
  }

  send(probes: readonly unknown[]): Promise<SendOutcome> {
    if (this.sent >= this.#room) return new Promise(() => undefined);
    this.sent += probes.length;
    return Promise.resolve({ times: probes.map(() => TIME) });
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  receive(): void {}

  #round = 0;

  wakeAt(time: number, callback: () => void): void {
    const round = ++this.#round;
    setImmediate(() => {
      if (round !== this.#round) return;
      this.wakes++;
      this.clock = Math.max(this.clock, time);
      callback();
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Always has something to send, gives up each probe after 100 ms and everything at 1,000. */
class Deadline implements ProbeMachine<string> {
  done = false;
  #items: string[] = [];
  #given = 0;

  due(now: number, most: number) {
    if (now >= 1000) return [];
    return Array.from({ length: most }, () => ({ to: parseIP('192.0.2.1'), protocol: 1, bytes: new Uint8Array(8) }));
  }

  sent(): void {}
  refused(): void {}
  answered(): void {}

  elapsed(now: number): void {
    for (; this.#given < Math.floor(now / 100); this.#given++) this.#items.push(`given up ${this.#given}`);
    if (now >= 1000) this.done = true;
  }

  wakeAt(): number {
    // Something is due all the time.
    return 0;
  }

  stop(): void {
    this.done = true;
  }

  take(): string[] {
    return this.#items.splice(0);
  }
}

describe('a machine on a port without room', () => {
  it('gives up what is over, and ends at its deadline, while a send waits', async () => {
    const port = new StuckPort(8);
    const queue = new RecordQueue<string>();
    await runMachine(new Deadline(), port, queue);
    const told: string[] = [];
    for await (const item of queue) told.push(item);
    expect(port.sent).toBe(8);
    expect(told).toHaveLength(10);
    expect(port.clock).toBeGreaterThanOrEqual(1000);
    expect(port.clock).toBeLessThan(1020);
    // It looks now and then, not all the time.
    expect(port.wakes).toBeLessThan(150);
  });
});
