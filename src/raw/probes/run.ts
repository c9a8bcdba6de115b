/** Runs a probing machine on a port: the one place where its steps meet the world. */
import { SocketError } from '../../errors.js';
import type { RecordQueue } from '../record-queue.js';
import type { ProbeMachine } from './machine.js';
import type { OutgoingProbe, ProbePort } from './port.js';

/** A socket without room, as one whose neighbours are looked for, holds what is sent back: it is looked at so often. */
const WHILE_SENDING_MS = 10;

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs until the machine is done, or the signal ends it; what it tells goes into the queue, which is ended with it. The
 * port stays the caller's to close.
 */
export async function runMachine<Item>(
  machine: ProbeMachine<Item>,
  port: ProbePort,
  queue: RecordQueue<Item>,
  { signal }: RunOptions = {},
): Promise<void> {
  const runner = new Runner(machine, port, queue);
  const interrupt = () => runner.stop('interrupted');
  signal?.addEventListener('abort', interrupt, { once: true });
  if (signal?.aborted === true) interrupt();
  try {
    await runner.finished;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
}

class Runner<Item> {
  readonly finished: Promise<void>;
  readonly #machine: ProbeMachine<Item>;
  readonly #port: ProbePort;
  readonly #queue: RecordQueue<Item>;
  #finish: () => void = () => undefined;
  #sending = false;
  /** Answers are taken in, after which it goes on by itself. */
  #taking = false;
  /** Nothing goes on until the records that wait have been taken. */
  #held = false;
  #over = false;

  constructor(machine: ProbeMachine<Item>, port: ProbePort, queue: RecordQueue<Item>) {
    this.#machine = machine;
    this.#port = port;
    this.#queue = queue;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    port.receive({
      answers: (batch) => {
        if (this.#over) return;
        try {
          machine.answered(batch, port.now());
        } catch (error) {
          this.#fail(error);
        }
        if (!this.#taking) this.#step();
      },
      failed: (error) => this.#fail(error),
    });
    this.#step();
  }

  stop(reason: 'interrupted' | 'deadline'): void {
    if (this.#over) return;
    this.#machine.stop(reason, this.#port.now(), this.#port.wallClock());
    this.#end();
  }

  /** What is due goes out, what is given up is told, and the next time is set. */
  #step(): void {
    if (this.#over || this.#held) return;
    try {
      this.#goOn();
    } catch (error) {
      this.#fail(error);
    }
  }

  #goOn(): void {
    const machine = this.#machine;
    const now = this.#port.now();
    const time = this.#port.wallClock();
    // What has arrived by now is not given up because this process has been too busy to read it.
    if (machine.wakeAt() <= now) this.#takeAnswers();
    if (this.#over) return;
    machine.elapsed(now, time);
    if (!this.#sending) void this.#send();
    this.#tell();
    if (machine.done) this.#end();
    else if (!this.#held) this.#wake();
  }

  #takeAnswers(): void {
    this.#taking = true;
    try {
      this.#port.takeAnswers?.();
    } finally {
      this.#taking = false;
    }
  }

  /** While something is sent, what is due is due already; but what is waited for may be over. */
  #wake(): void {
    const port = this.#port;
    const next = this.#machine.wakeAt();
    const at = this.#sending ? Math.max(next, port.now() + WHILE_SENDING_MS) : next;
    if (at !== Number.POSITIVE_INFINITY) port.wakeAt(at, () => this.#step());
  }

  /** Sends what is due, batch by batch, until nothing is. */
  async #send(): Promise<void> {
    const port = this.#port;
    try {
      let probes = this.#machine.due(port.now(), port.batch);
      if (probes.length === 0) return;
      this.#sending = true;
      while (probes.length > 0 && !this.#over) {
        await this.#sendBatch(probes);
        this.#tell();
        if (this.#queue.full) await this.#queue.drained();
        await port.turn();
        if (this.#over) return;
        probes = this.#machine.due(port.now(), port.batch);
      }
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#sending = false;
    }
    this.#step();
  }

  /** A probe that is refused has its answer; the ones behind it are sent all the same. */
  async #sendBatch(probes: readonly OutgoingProbe[]): Promise<void> {
    for (let at = 0; at < probes.length && !this.#over; ) {
      const { times, refused } = await this.#port.send(at === 0 ? probes : probes.slice(at));
      const now = this.#port.now();
      if (times.length > 0) this.#machine.sent(times, now);
      at += times.length;
      if (refused === undefined) return;
      this.#machine.refused(refused, this.#port.wallClock(), now);
      at++;
    }
  }

  #tell(): void {
    for (const item of this.#machine.take()) this.#queue.add(item);
    if (this.#queue.full && !this.#held) void this.#hold();
  }

  /**
   * Records are not dropped: who is too slow for them slows down the probes, and holds back what comes in, however much
   * that is: the kernel's buffer bounds it, and counts what it had no room for.
   */
  async #hold(): Promise<void> {
    this.#held = true;
    this.#port.pause();
    await this.#queue.drained();
    this.#held = false;
    if (this.#over) return;
    this.#port.resume();
    await this.#port.turn();
    this.#step();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    if (error instanceof SocketError) this.#machine.stop('error', this.#port.now(), this.#port.wallClock());
    this.#over = true;
    this.#queue.fail(error, this.#machine.take());
    this.#finish();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue.end(this.#machine.take());
    this.#finish();
  }
}
