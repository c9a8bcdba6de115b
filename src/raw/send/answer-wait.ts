/** Waiting for the answers of packets, and counting them. */
import { elapsedMs, roundMs, type Timestamp } from '../../measure/clock.js';
import { Histogram } from '../../measure/histogram.js';
import { type Alarm, waitUntil } from '../../measure/pacer.js';
import { dissect } from '../../wire/dissect.js';
import { LinkType } from '../../wire/link-types.js';
import { answerKeys, expectedKeys } from './answer.js';
import { AnswerTable, type Awaiting } from './answer-table.js';
import type { BuiltPacket } from './built-packet.js';
import type { ArrivedPacket } from './packet-sockets.js';
import type { AnswerCounts, SendPacketsOptions } from './send-options.js';

/** Packets that wait for their answers at most; then sending waits for the first of them. */
const AWAITING_MAX = 1 << 18;

export class AnswerWait {
  readonly #milliseconds: number;
  readonly #options: Pick<SendPacketsOptions, 'isForMany' | 'onAnswer' | 'onSilence' | 'signal'>;
  readonly #table = new AnswerTable();
  readonly #rtt = new Histogram();
  #answered = 0;
  #unanswered = 0;
  #received = 0;
  #errors = 0;
  /** Ends the wait for answers when one has come. */
  #wake: (() => void) | undefined;

  /** @param milliseconds how long each packet waits */
  constructor(
    milliseconds: number,
    options: Pick<SendPacketsOptions, 'isForMany' | 'onAnswer' | 'onSilence' | 'signal'>,
  ) {
    this.#milliseconds = milliseconds;
    this.#options = options;
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Before a packet leaves, or the first fragment of it: an answer may be there as soon as it has. */
  expect({ layers, destination, link }: BuiltPacket, sequence: number, sentAt: Timestamp): Awaiting {
    const toMany =
      destination !== undefined && (destination.isMulticast || this.#options.isForMany?.(destination) === true);
    const keys = expectedKeys(layers, toMany);
    const framed = link === 'ethernet';
    const awaiting = { sequence, sentAt, keys, toMany, framed, deadline: Number.POSITIVE_INFINITY };
    this.#table.add(awaiting);
    return awaiting;
  }

  /** The packet that was expected last has left, or a fragment of it: nobody has all of it, and answers, before the last. */
  left(awaiting: Awaiting, sentAt: Timestamp): void {
    awaiting.sentAt = sentAt;
    awaiting.deadline = performance.now() + this.#milliseconds;
  }

  /** The packet that was expected last has not left. */
  withdraw(): void {
    this.#table.withdraw();
  }

  arrived({ bytes, linkType, timestamp, timestampSource }: ArrivedPacket): void {
    if (this.#table.size === 0) return;
    const arrival = { time: timestamp, framed: linkType === LinkType.ETHERNET };
    const dissection = dissect(bytes, linkType);
    const found = this.#table.match(answerKeys(dissection.layers), arrival);
    if (found === undefined) return;
    const rttMs = roundMs(elapsedMs(found.packet.sentAt, timestamp));
    this.#received++;
    if (found.how === 'error') this.#errors++;
    if (found.number === 1) {
      this.#answered++;
      this.#rtt.add(rttMs);
    }
    this.#options.onAnswer?.({
      sequence: found.packet.sequence,
      how: found.how,
      rttMs,
      answer: found.number,
      timestamp,
      timestampSource,
      linkType,
      bytes,
      dissection,
    });
    this.#wake?.();
  }

  /** While sending waits for `time`, on the clock of performance.now(): tells of packets that are not answered. */
  async until(time: number, alarm: Alarm | undefined): Promise<void> {
    const table = this.#table;
    for (;;) {
      const deadline = table.nextDeadline;
      if (this.#stopped || deadline === undefined || (deadline >= time && table.size < AWAITING_MAX)) return;
      await waitUntil(deadline, alarm, this.#options.signal);
      await this.expire();
    }
  }

  /** Waits until all packets are answered, or their time is over. */
  async untilAnswered(): Promise<void> {
    const { signal } = this.#options;
    while (this.#table.open > 0 && !this.#stopped) {
      const wait = Math.max(1, (this.#table.nextDeadline ?? 0) - performance.now());
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, wait);
        signal?.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
      await this.expire();
    }
  }

  /** Tells of those whose time is over; what has come by now is looked at first. */
  async expire(): Promise<void> {
    const now = performance.now();
    if ((this.#table.nextDeadline ?? Number.POSITIVE_INFINITY) > now) return;
    await turn();
    for (const { sequence } of this.#table.expire(now)) {
      this.#unanswered++;
      this.#options.onSilence?.(sequence);
    }
  }

  counts(): AnswerCounts {
    return {
      answered: this.#answered,
      unanswered: this.#unanswered,
      inFlight: this.#table.silent,
      received: this.#received,
      errors: this.#errors,
      rttMs: this.#rtt.summary(),
    };
  }
}

/** A turn of the event loop: sockets and signals have theirs. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
