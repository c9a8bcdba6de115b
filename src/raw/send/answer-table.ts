/** Packets that wait for their answers, each for the same time, and which of them an answer is for. */
import { elapsedMs, type Timestamp } from '../../measure/clock.js';
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
  /** It left as a frame, so that its answers are frames. */
  readonly framed: boolean;
  /** On the clock of performance.now(): what comes later is none of its answers. Its owner may put it off, of the last one. */
  deadline: number;
}

export interface Answered {
  readonly packet: Awaiting;
  readonly how: AnswerKind;
  /** 1 for the first answer of the packet. */
  readonly number: number;
}

/** What has come, beside what it says. */
export interface Arrival {
  readonly time: Timestamp;
  readonly framed: boolean;
}

/** Those that expect the same, in the order in which they were added; all before `silent` are answered. */
interface Expecting {
  readonly entries: Entry[];
  silent: number;
}

interface Entry {
  readonly packet: Awaiting;
  answers: number;
}

/** What nobody expects any more that is remembered at most. */
const OVER_MAX = 65_536;

export class AnswerTable {
  readonly #byKey = new Map<string, Expecting>();
  /** In the order of their deadlines; those before `#head` are done with. */
  #queue: Entry[] = [];
  #head = 0;
  #open = 0;
  /** What was expected until a deadline, and is not any more: an error that says it is late, and about no other packet. */
  readonly #over = new Set<string>();

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
      if (others !== undefined) others.entries.push(entry);
      else {
        this.#byKey.set(key, { entries: [entry], silent: 0 });
        this.#over.delete(key);
      }
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
   * answer yet, else the last one. What came before a packet left is none of its answers, whatever it says.
   */
  match(keys: readonly AnswerKey[], arrival: Arrival): Answered | undefined {
    for (const { how, key } of keys) {
      if (how === 'error' && this.#over.has(key)) return undefined;
      const expecting = this.#byKey.get(key);
      const entry = expecting === undefined ? undefined : choose(expecting, arrival);
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
      for (const key of entry.packet.keys) if (this.#forget(key, entry)) this.#overlook(key);
    }
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return silent;
  }

  #overlook(key: string): void {
    this.#over.add(key);
    if (this.#over.size <= OVER_MAX) return;
    for (const oldest of this.#over) {
      this.#over.delete(oldest);
      break;
    }
  }

  /** @returns whether nobody expects it any more */
  #forget(key: string, entry: Entry): boolean {
    const expecting = this.#byKey.get(key);
    if (expecting === undefined) return false;
    const { entries } = expecting;
    // It is the oldest or the newest of them.
    if (entries[0] === entry) {
      entries.shift();
      expecting.silent = Math.max(0, expecting.silent - 1);
    } else if (entries.at(-1) === entry) {
      entries.pop();
      expecting.silent = Math.min(expecting.silent, entries.length);
    }
    return entries.length === 0 && this.#byKey.delete(key);
  }
}

function choose(expecting: Expecting, arrival: Arrival): Entry | undefined {
  const { entries } = expecting;
  while ((entries[expecting.silent]?.answers ?? 0) > 0) expecting.silent++;
  for (let i = expecting.silent; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (entry.answers === 0 && mayAnswer(entry, arrival)) return entry;
  }
  return entries.findLast((entry) => mayAnswer(entry, arrival));
}

function mayAnswer({ packet }: Entry, { time, framed }: Arrival): boolean {
  return packet.framed === framed && elapsedMs(packet.sentAt, time) >= 0;
}
