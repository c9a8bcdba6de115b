/**
 * One direction of a TCP connection put in order: what comes early is held until what is before it is there, or until
 * nobody can hope for it any more.
 *
 * Bounded: at most so many bytes and pieces are held, and for so long by the capture's clock; when a bound is met, or the
 * other end acknowledges what was not captured, the hole becomes a gap and what follows is delivered.
 */
import { sequenceDistance } from './tcp-tracker.js';

export interface StreamPiece {
  /** In bytes since the start of the direction, gaps counted. */
  readonly offset: number;
  /** Null for bytes that were never seen. */
  readonly bytes: Uint8Array | null;
  readonly length: number;
}

export interface ReassemblyLimits {
  /** Default 4 MiB. */
  readonly bytes?: number;
  /** Default 4,096. */
  readonly pieces?: number;
  /** Of capture time; default 60 s. */
  readonly ageMs?: number;
}

interface Held {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
}

export class StreamReassembly {
  readonly #limits: Required<ReassemblyLimits>;
  #next: number | undefined;
  #offset = 0;
  #held: Held[] = [];
  #heldBytes = 0;
  /** How often a bound has made a gap that more patience might have filled. */
  bounded = 0;

  constructor({ bytes = 4 << 20, pieces = 4096, ageMs = 60_000 }: ReassemblyLimits = {}) {
    this.#limits = { bytes, pieces, ageMs };
  }

  /** A SYN: data begins after it. Later ones change nothing. */
  start(sequence: number): void {
    this.#next ??= (sequence + 1) >>> 0;
  }

  /**
   * A segment, as much of it as was captured.
   *
   * @param bytes copied where they have to wait
   * @param length as sent; more than `bytes` where the capture is cut
   */
  segment(sequence: number, bytes: Uint8Array, length: number, timeMs: number): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    if (length === 0) return pieces;
    this.#next ??= sequence;
    const ahead = sequenceDistance(sequence, this.#next);
    if (ahead > 0) {
      this.#hold({ sequence, bytes: bytes.slice(), sinceMs: timeMs });
      if (this.#overdue(timeMs)) {
        this.bounded++;
        this.#skipToHeld(pieces);
      }
      return pieces;
    }
    this.#deliver(bytes, length, -ahead, pieces);
    this.#drain(pieces);
    return pieces;
  }

  /** The other end has everything before `acknowledgment`: what is missing of it was not captured. */
  acknowledged(acknowledgment: number): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    while (this.#next !== undefined && this.#held.length > 0) {
      const first = this.#held[0] as Held;
      if (sequenceDistance(acknowledgment, first.sequence) <= 0) break;
      this.#skipToHeld(pieces);
    }
    return pieces;
  }

  /** What is held, holes as gaps, at the end of the capture. */
  end(): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    while (this.#held.length > 0) this.#skipToHeld(pieces);
    return pieces;
  }

  #overdue(timeMs: number): boolean {
    const { bytes, pieces, ageMs } = this.#limits;
    const first = this.#held[0];
    return (
      this.#heldBytes > bytes || this.#held.length > pieces || (first !== undefined && timeMs - first.sinceMs > ageMs)
    );
  }

  #hold(piece: Held): void {
    let at = this.#held.length;
    while (at > 0 && sequenceDistance((this.#held[at - 1] as Held).sequence, piece.sequence) > 0) at--;
    this.#held.splice(at, 0, piece);
    this.#heldBytes += piece.bytes.length;
  }

  /** @param skip bytes at the front that were delivered before */
  #deliver(bytes: Uint8Array, length: number, skip: number, pieces: StreamPiece[]): void {
    if (skip >= length) return;
    const fresh = bytes.subarray(Math.min(skip, bytes.length));
    if (fresh.length > 0) this.#push(fresh, fresh.length, pieces);
    const missing = length - Math.max(skip, bytes.length);
    if (missing > 0) this.#push(null, missing, pieces);
  }

  #push(bytes: Uint8Array | null, length: number, pieces: StreamPiece[]): void {
    pieces.push({ offset: this.#offset, bytes, length });
    this.#offset += length;
    this.#next = ((this.#next as number) + length) >>> 0;
  }

  #drain(pieces: StreamPiece[]): void {
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const ahead = sequenceDistance(first.sequence, this.#next as number);
      if (ahead > 0) return;
      this.#held.shift();
      this.#heldBytes -= first.bytes.length;
      this.#deliver(first.bytes, first.bytes.length, -ahead, pieces);
    }
  }

  #skipToHeld(pieces: StreamPiece[]): void {
    const first = this.#held[0];
    if (first === undefined) return;
    const ahead = sequenceDistance(first.sequence, this.#next as number);
    if (ahead > 0) this.#push(null, ahead, pieces);
    this.#drain(pieces);
  }
}
