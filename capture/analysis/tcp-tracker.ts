/**
 * What one TCP connection goes through, as somebody on the path sees it: its state, its handshake's round trip, and which
 * segments came again or late.
 *
 * A segment that begins before what has been seen came again, unless it fills a gap: then it is out of order when it is
 * there within the time that the path takes (the handshake's round trip, 3 ms at least), and was sent again otherwise.
 */
import type { TcpMessage } from '../../src/wire/tcp.js';

export type TcpState = 'syn-sent' | 'syn-received' | 'established' | 'closing' | 'closed' | 'reset' | 'unknown';

export interface TcpCounts {
  readonly state: TcpState;
  readonly retransmissions: number;
  readonly outOfOrder: number;
  /** Segments that were never seen, as far as later ones show it. */
  readonly gaps: number;
  readonly keepAlives: number;
  /** Of the handshake; null where it was not all seen. */
  readonly handshakeMs: number | null;
}

interface Gap {
  readonly start: number;
  readonly end: number;
  readonly openedMs: number;
}

class Side {
  /** The number after the highest seen; undefined before the first segment. */
  next: number | undefined;
  finAt: number | undefined;
  acknowledgedFin = false;
  gaps: Gap[] = [];
}

/** Gaps that are remembered of a direction: more are a path that can't be told anything about. */
const MAX_GAPS = 64;
const LEAST_REORDER_MS = 3;

/** `a - b` in sequence space, from -2^31 to 2^31. */
export function sequenceDistance(a: number, b: number): number {
  return (a - b) | 0;
}

const advance = (sequence: number, by: number): number => (sequence + by) >>> 0;

export class TcpTracker {
  readonly #sides = [new Side(), new Side()] as const;
  #state: TcpState = 'unknown';
  #retransmissions = 0;
  #outOfOrder = 0;
  #gaps = 0;
  #keepAlives = 0;
  #synMs: number | undefined;
  #handshakeMs: number | null = null;
  /** Which side has sent the first SYN; 0 where none was seen. */
  #client: 0 | 1 = 0;

  /**
   * @param side 0 or 1, the same for all segments of one direction
   * @param timeMs of the capture's clock
   */
  segment(tcp: TcpMessage, side: 0 | 1, timeMs: number): void {
    const own = this.#sides[side];
    const other = this.#sides[side === 0 ? 1 : 0];
    const syn = tcp.flags.includes('SYN');
    const fin = tcp.flags.includes('FIN');
    const acknowledges = tcp.flags.includes('ACK');
    if (tcp.flags.includes('RST')) this.#state = 'reset';
    else if (syn) this.#onSyn(side, acknowledges, timeMs, tcp.sequence === own.next);
    else this.#onSegment(side, acknowledges, timeMs);
    const length = tcp.payloadLength + (syn ? 1 : 0) + (fin ? 1 : 0);
    if (length > 0) this.#place(own, tcp.sequence, length, timeMs, syn);
    else if (own.next === undefined) own.next = tcp.sequence;
    if (fin) {
      own.finAt = advance(tcp.sequence, tcp.payloadLength);
      if (this.#state !== 'reset') this.#state = 'closing';
    }
    if (acknowledges && other.finAt !== undefined && sequenceDistance(tcp.acknowledgment, other.finAt) > 0) {
      other.acknowledgedFin = true;
    }
    if (own.acknowledgedFin && other.acknowledgedFin && this.#state === 'closing') this.#state = 'closed';
  }

  #onSyn(side: 0 | 1, acknowledges: boolean, timeMs: number, again: boolean): void {
    if (acknowledges) {
      if (this.#state === 'syn-sent') this.#state = 'syn-received';
      return;
    }
    if (this.#state !== 'unknown' && !again && this.#state !== 'closed' && this.#state !== 'reset') return;
    this.#state = 'syn-sent';
    this.#client = side;
    this.#synMs ??= timeMs;
    this.#sides[side].next = undefined;
  }

  #onSegment(side: 0 | 1, acknowledges: boolean, timeMs: number): void {
    if (this.#state === 'syn-received' && acknowledges && side === this.#client) {
      this.#state = 'established';
      if (this.#synMs !== undefined) this.#handshakeMs = timeMs - this.#synMs;
    } else if (this.#state === 'unknown') this.#state = 'established';
  }

  #place(side: Side, sequence: number, length: number, timeMs: number, syn: boolean): void {
    const end = advance(sequence, length);
    if (side.next === undefined || (syn && sequenceDistance(end, side.next) > 1)) {
      side.next = end;
      return;
    }
    const ahead = sequenceDistance(sequence, side.next);
    if (ahead >= 0) {
      if (ahead > 0) {
        this.#gaps++;
        side.gaps.push({ start: side.next, end: sequence, openedMs: timeMs });
        if (side.gaps.length > MAX_GAPS) side.gaps.shift();
      }
      side.next = end;
      return;
    }
    // RFC 9293 section 3.8.4: one byte, or none, before what comes next.
    if (length === 1 && ahead === -1 && !syn) {
      this.#keepAlives++;
      return;
    }
    const gap = side.gaps.findIndex(
      (one) => sequenceDistance(sequence, one.start) >= 0 && sequenceDistance(sequence, one.end) < 0,
    );
    if (gap < 0) this.#retransmissions++;
    else this.#fill(side, gap, sequence, end, timeMs);
    if (sequenceDistance(end, side.next) > 0) side.next = end;
  }

  #fill(side: Side, index: number, sequence: number, end: number, timeMs: number): void {
    const [gap] = side.gaps.splice(index, 1) as [Gap];
    const patience = Math.max(LEAST_REORDER_MS, this.#handshakeMs ?? 0);
    if (timeMs - gap.openedMs <= patience) this.#outOfOrder++;
    else this.#retransmissions++;
    this.#gaps--;
    for (const [start, stop] of [
      [gap.start, sequence],
      [end, gap.end],
    ] as const) {
      if (sequenceDistance(stop, start) <= 0) continue;
      side.gaps.push({ start, end: stop, openedMs: gap.openedMs });
      this.#gaps++;
    }
  }

  counts(): TcpCounts {
    return {
      state: this.#state,
      retransmissions: this.#retransmissions,
      outOfOrder: this.#outOfOrder,
      gaps: this.#gaps,
      keepAlives: this.#keepAlives,
      handshakeMs: this.#handshakeMs,
    };
  }
}
