/** Packets that wait for their answers, each for the same time, and which of them an answer is for. */
import type { Timestamp } from '../../measure/clock.js';
import type { AnswerKey, AnswerKind } from './answer.js';

export interface Awaiting {
  /** Of the packet, from 1. */
  readonly sequence: number;
  /** The wall clock just before it left; its owner may set it anew when that is known better. */
  sentAt: Timestamp;
  /** What its answers would say, the surest first. */
  readonly keys: readonly string[];
  /** Whether more than one answers, so that the first one is not the end. */
  readonly toMany: boolean;
  /** On the clock of performance.now(): what comes later is none of its answers. */
  readonly deadline: number;
}

export interface Answered {
  readonly packet: Awaiting;
  readonly how: AnswerKind;
  /** 1 for the first answer of the packet. */
  readonly number: number;
}

interface Entry {
  readonly packet: Awaiting;
  answers: number;
}

export class AnswerTable {
  readonly #byKey = new Map<string, Entry[]>();
  /** In the order of their deadlines; those before `#head` are done with. */
  #queue: Entry[] = [];
  #head = 0;
  #open = 0;

  /** How many it holds: those that were answered too, until their time is over. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** How many of them may still have an answer that matters: the first, or another one of many. */
  get open(): number {
    return this.#open;
  }

  /** How many of them nobody has answered yet. */
  get silent(): number {
    let count = 0;
    for (let i = this.#head; i < this.#queue.length; i++) if (this.#queue[i]?.answers === 0) count++;
    return count;
  }

  /** When the first of them is over; undefined where there is none. */
  get nextDeadline(): number | undefined {
    return this.#queue[this.#head]?.packet.deadline;
  }

  /** Packets are added in the order of their deadlines. */
  add(packet: Awaiting): void {
    const entry = { packet, answers: 0 };
    this.#queue.push(entry);
    this.#open++;
    for (const key of packet.keys) {
      const others = this.#byKey.get(key);
      if (others === undefined) this.#byKey.set(key, [entry]);
      else others.push(entry);
    }
  }

  /** Takes out the one that was added last: it could not be sent. */
  withdraw(): void {
    const entry = this.#queue.length > this.#head ? this.#queue.pop() : undefined;
    if (entry === undefined) return;
    if (entry.answers === 0 || entry.packet.toMany) this.#open--;
    for (const key of entry.packet.keys) this.#forget(key, entry);
  }

  /**
   * The packet that a received one answers. Of several for which it says the same, that is the first one that has no
   * answer yet, else the last one.
   */
  match(keys: readonly AnswerKey[]): Answered | undefined {
    for (const { how, key } of keys) {
      const entries = this.#byKey.get(key);
      if (entries === undefined) continue;
      const entry = entries.find(({ answers }) => answers === 0) ?? entries.at(-1);
      if (entry === undefined) continue;
      if (++entry.answers === 1 && !entry.packet.toMany) this.#open--;
      return { packet: entry.packet, how, number: entry.answers };
    }
    return undefined;
  }

  /** Takes out the packets whose deadline is not after `now`, and gives back those that nobody has answered. */
  expire(now: number): Awaiting[] {
    const silent: Awaiting[] = [];
    for (;;) {
      const entry = this.#queue[this.#head];
      if (entry === undefined || entry.packet.deadline > now) break;
      this.#head++;
      if (entry.answers === 0 || entry.packet.toMany) this.#open--;
      if (entry.answers === 0) silent.push(entry.packet);
      for (const key of entry.packet.keys) this.#forget(key, entry);
    }
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return silent;
  }

  #forget(key: string, entry: Entry): void {
    const entries = this.#byKey.get(key);
    if (entries === undefined) return;
    // It is the oldest or the newest of them.
    if (entries[0] === entry) entries.shift();
    else if (entries.at(-1) === entry) entries.pop();
    if (entries.length === 0) this.#byKey.delete(key);
  }
}
