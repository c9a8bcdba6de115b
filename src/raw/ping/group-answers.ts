/** Who has answered which probe to a group, so that a second answer of the same one is told from that of another. */
import { REPLIERS_MAX } from './host.js';

/** Addresses that are remembered of all probes together at most; more would be somebody's forgery. */
const ANSWERS_MAX = 4 * REPLIERS_MAX;

interface Answers {
  /** When the first one came, by the port's clock. */
  readonly since: number;
  readonly addresses: Set<string>;
}

export class GroupAnswers {
  readonly #memoryMs: number;
  readonly #answersMax: number;
  /** By the number of the probe, in the order in which they were first answered. */
  readonly #probes = new Map<number, Answers>();
  /** Addresses in all of them. */
  #size = 0;

  /** @param memoryMs milliseconds for which the answers to a probe are remembered, from the first one on */
  constructor(memoryMs: number, answersMax = ANSWERS_MAX) {
    this.#memoryMs = memoryMs;
    this.#answersMax = answersMax;
  }

  /**
   * Remembers an answer.
   *
   * @param first whether the probe had none so far
   * @returns whether this address has answered the probe before, or nobody can tell, because that is forgotten, or there
   *   are more than are remembered
   */
  isRepeated(number: number, address: string, first: boolean, now: number): boolean {
    this.#forget(now);
    if (first) {
      this.#probes.set(number, { since: now, addresses: new Set([address]) });
      this.#size++;
      return false;
    }
    const addresses = this.#probes.get(number)?.addresses;
    if (addresses === undefined || addresses.has(address)) return true;
    if (addresses.size >= REPLIERS_MAX || this.#size >= this.#answersMax) return true;
    addresses.add(address);
    this.#size++;
    return false;
  }

  /** A Map has its keys in the order in which they came. */
  #forget(now: number): void {
    for (const [number, { since, addresses }] of this.#probes) {
      if (since + this.#memoryMs >= now) return;
      this.#probes.delete(number);
      this.#size -= addresses.size;
    }
  }
}
