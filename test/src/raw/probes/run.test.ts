/** What the runner of machines does where a port does not let it go on. */
import { describe, expect, it } from 'vitest';
import type { ProbeMachine } from '../../../../src/raw/probes/machine.js';
import type { ProbeAnswer, ProbeHandlers, ProbePort, SendOutcome } from '../../../../src/raw/probes/port.js';
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
  pause(): void {}
  resume(): void {}

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

/** Every turn of the event loop brings answers, unless it is paused. */
class FloodedPort extends StuckPort {
  #handlers: ProbeHandlers | undefined;
  #paused = false;
  #closed = false;

  constructor() {
    super(0);
  }

  override receive(handlers?: ProbeHandlers): void {
    this.#handlers = handlers;
    this.#flood();
  }

  override pause(): void {
    this.#paused = true;
    this.paused();
  }

  override resume(): void {
    this.#paused = false;
    this.#flood();
  }

  override close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  paused: () => void = () => undefined;

  #flood(): void {
    if (this.#paused || this.#closed) return;
    this.#handlers?.answers(FLOOD);
    setImmediate(() => this.#flood());
  }
}

const FLOOD: readonly ProbeAnswer[] = Array.from({ length: 1000 }, () => ({
  kind: 'packet',
  protocol: 1,
  bytes: new Uint8Array(8),
  time: TIME,
  timestampSource: 'kernel',
  userTime: TIME,
  from: parseIP('192.0.2.1'),
  hopLimit: null,
  trafficClass: null,
}));

/** Has nothing to send, and tells of each answer. */
class Listener implements ProbeMachine<number> {
  done = false;
  told = 0;
  elapses = 0;
  #untold: number[] = [];

  due() {
    return [];
  }

  sent(): void {}
  refused(): void {}

  answered(answers: readonly ProbeAnswer[]): void {
    for (let i = 0; i < answers.length; i++) this.#untold.push(this.told++);
  }

  elapsed(): void {
    this.elapses++;
  }

  wakeAt(): number {
    return Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.done = true;
  }

  take(): number[] {
    return this.#untold.splice(0);
  }
}

describe('a machine whose records nobody takes', () => {
  const run = () => {
    const port = new FloodedPort();
    const machine = new Listener();
    const queue = new RecordQueue<number>();
    const stop = new AbortController();
    const paused = () =>
      new Promise<void>((resolve) => {
        port.paused = resolve;
      });
    const full = paused();
    return {
      port,
      machine,
      queue,
      stop,
      full,
      paused,
      over: runMachine(machine, port, queue, { signal: stop.signal }),
    };
  };

  it('takes no more answers in than there is room for, and goes on when they have been taken', async () => {
    const { port, machine, queue, stop, full, paused, over } = run();
    await full;
    expect(machine.told).toBeGreaterThanOrEqual(65_536);
    expect(machine.told).toBeLessThan(65_536 + FLOOD.length);
    const held = machine.told;
    const again = paused();
    const batches = queue.batches();
    const { value: first } = await batches.next();
    expect(first).toHaveLength(held);
    await again;
    const { value: second } = await batches.next();
    expect(second?.[0]).toBe(held);
    stop.abort();
    await over;
    await port.close();
  });

  it('ends at once when it is interrupted', async () => {
    const { port, machine, stop, full, over } = run();
    await full;
    stop.abort();
    await over;
    expect(machine.done).toBe(true);
    await port.close();
  });
});
