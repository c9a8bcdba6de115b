/**
 * The conversations that carry most at present, of any number of them, in memory that never grows: Space-Saving
 * (Metwally, Agrawal and El Abbadi, 2005), weighted by bytes, of which those of {@link HALF_LIFE_MS} ago count half.
 *
 * What is promised: a conversation with more than 1/capacity of all bytes, both weighted so, is in the table. One that is
 * not takes the place, and the weight, of the lightest. Its own counters begin then, so they are exact for those that
 * have come while there was room, and at least what they say for the others.
 */
import { type FlowHeader, KEY_WORDS } from './flow-header.js';
import { TrafficCounters } from './traffic-counters.js';

/** Those that were large an hour ago must make room for what goes on now. */
const HALF_LIFE_MS = 30_000;
/** Later bytes weigh more, instead of earlier ones less; before that leaves what a double holds, all are scaled down. */
const SCALE_MAX = 2 ** 400;

/** The label of a conversation whose packets are of several kinds; reserved as an EtherType and as a protocol. */
export const MIXED_LABEL = 0xffff;

const FIRST_IS_GREATER = 1;
const HAS_FORWARD = 2;
const HAS_BACKWARD = 4;
const LATE = 8;

export class ConversationTable {
  readonly capacity: number;
  readonly counters: TrafficCounters;
  #size = 0;
  #replaced = 0;
  readonly #keys: Int32Array;
  readonly #hashes: Int32Array;
  readonly #marks: Uint8Array;
  readonly #labels: Uint16Array;
  readonly #weights: Float64Array;
  /** Entries by hash, plus one; 0 where there is none. Four times as many as entries, so that searches are short. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  /** Drawn for each table: nobody can choose addresses that meet in one slot. */
  readonly #factors: Int32Array;
  /**
   * Entries by weight, the lightest first, once all are taken. The weights that the order goes by are as they were when
   * an entry was last looked at; as they only grow, an entry whose weight is still the same is where it belongs.
   */
  readonly #heap: Int32Array;
  readonly #heapWeights: Float64Array;
  #scale = 1;
  #scaleAtMs = 0;

  /**
   * @param capacity a power of two
   * @param random from 0 to 1, for the hashing
   */
  constructor(capacity: number, random: () => number) {
    this.capacity = capacity;
    this.counters = new TrafficCounters(capacity);
    this.#keys = new Int32Array(capacity * KEY_WORDS);
    this.#hashes = new Int32Array(capacity);
    this.#marks = new Uint8Array(capacity);
    this.#labels = new Uint16Array(capacity);
    this.#weights = new Float64Array(capacity);
    this.#slots = new Int32Array(capacity * 4);
    this.#shift = 32 - Math.log2(capacity * 4);
    this.#factors = Int32Array.from({ length: KEY_WORDS }, () => Math.floor(random() * 2 ** 32) | 1);
    this.#heap = new Int32Array(capacity);
    this.#heapWeights = new Float64Array(capacity);
  }

  /** Conversations in the table: entries from 0 up. */
  get size(): number {
    return this.#size;
  }

  /** How often one has taken the place of another. */
  get replaced(): number {
    return this.#replaced;
  }

  /** To be called before packets of this moment are added. */
  advance(elapsedMs: number): void {
    if (elapsedMs <= this.#scaleAtMs) return;
    this.#scale *= 2 ** ((elapsedMs - this.#scaleAtMs) / HALF_LIFE_MS);
    this.#scaleAtMs = elapsedMs;
    if (this.#scale > SCALE_MAX) this.#rescale();
  }

  /** @param label what kind of packet it is: its EtherType, or the protocol in its IP header */
  add(header: FlowHeader, label: number, bytes: number, window: number): void {
    const { key, length, forward } = header;
    const hash = this.#hash(key, length);
    let entry = this.#find(key, length, hash);
    if (entry < 0) {
      entry = this.#size < this.capacity ? this.#size++ : this.#takeLightest();
      for (let i = 0; i < length; i++) this.#keys[entry * KEY_WORDS + i] = key[i] as number;
      this.#hashes[entry] = hash;
      this.#labels[entry] = label;
      this.#marks[entry] = (forward ? 0 : FIRST_IS_GREATER) | (this.#replaced > 0 ? LATE : 0);
      this.#insert(hash, entry);
    } else if (this.#labels[entry] !== label) this.#labels[entry] = MIXED_LABEL;
    this.#marks[entry] = (this.#marks[entry] as number) | (forward ? HAS_FORWARD : HAS_BACKWARD);
    this.#weights[entry] = (this.#weights[entry] as number) + bytes * this.#scale;
    this.counters.add(entry, 1, bytes, window);
  }

  /** A view of an entry's {@link FlowHeader.key}. */
  key(entry: number): Int32Array {
    return this.#keys.subarray(entry * KEY_WORDS, (entry + 1) * KEY_WORDS);
  }

  label(entry: number): number {
    return this.#labels[entry] as number;
  }

  /** Whether the second end of the key has sent the first packet. */
  firstIsGreater(entry: number): boolean {
    return ((this.#marks[entry] as number) & FIRST_IS_GREATER) !== 0;
  }

  /** Whether both ends have sent something. */
  bothWays(entry: number): boolean {
    return ((this.#marks[entry] as number) & (HAS_FORWARD | HAS_BACKWARD)) === (HAS_FORWARD | HAS_BACKWARD);
  }

  /** Whether it may have had packets before it was in the table. */
  isLate(entry: number): boolean {
    return ((this.#marks[entry] as number) & LATE) !== 0;
  }

  /** Multiplication by odd numbers nobody knows, of which the highest bits are taken. */
  #hash(key: Int32Array, length: number): number {
    const factors = this.#factors;
    let sum = 0;
    for (let i = 0; i < length; i++) sum = (sum + Math.imul(key[i] as number, factors[i] as number)) | 0;
    return sum;
  }

  #find(key: Int32Array, length: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash >>> this.#shift; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#isKey(entry, key, length)) return entry;
    }
  }

  /** The first word says how many count, so that equal ones are of equal length. */
  #isKey(entry: number, key: Int32Array, length: number): boolean {
    const at = entry * KEY_WORDS;
    for (let i = 0; i < length; i++) if (this.#keys[at + i] !== key[i]) return false;
    return true;
  }

  #insert(hash: number, entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash >>> this.#shift;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  /** Takes an entry out; those behind it that were pushed on by it move up. */
  #remove(entry: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = (this.#hashes[entry] as number) >>> this.#shift;
    while (slots[hole] !== entry + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#hashes[(slots[slot] as number) - 1] as number) >>> this.#shift;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot] as number;
      hole = slot;
    }
    slots[hole] = 0;
  }

  /** The entry whose conversation has to go; its weight stays, its counters are cleared. */
  #takeLightest(): number {
    if (this.#replaced === 0) this.#buildHeap();
    const heap = this.#heap;
    for (;;) {
      const entry = heap[0] as number;
      const weight = this.#weights[entry] as number;
      if (this.#heapWeights[0] === weight) {
        this.#replaced++;
        this.#remove(entry);
        this.counters.clear(entry);
        return entry;
      }
      this.#heapWeights[0] = weight;
      this.#sink(0);
    }
  }

  #buildHeap(): void {
    for (let i = 0; i < this.capacity; i++) {
      this.#heap[i] = i;
      this.#heapWeights[i] = this.#weights[i] as number;
    }
    for (let i = (this.capacity >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const weights = this.#heapWeights;
    const entry = heap[from] as number;
    const weight = weights[from] as number;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (weights[child + 1] as number) < (weights[child] as number)) child++;
      if ((weights[child] as number) >= weight) break;
      heap[at] = heap[child] as number;
      weights[at] = weights[child] as number;
      at = child;
    }
    heap[at] = entry;
    weights[at] = weight;
  }

  /** The order stays as it is: all are divided by the same. */
  #rescale(): void {
    const by = this.#scale;
    for (let i = 0; i < this.capacity; i++) {
      this.#weights[i] = (this.#weights[i] as number) / by;
      this.#heapWeights[i] = (this.#heapWeights[i] as number) / by;
    }
    this.#scale = 1;
  }
}
