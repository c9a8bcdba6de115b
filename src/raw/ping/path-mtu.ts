/**
 * The search for a path's MTU: packets that nobody may fragment, of sizes that close in on the largest one that gets there.
 *
 * A router that tells its next link's MTU (RFC 1191, RFC 8201) is believed as far as that the next size tried is the one it
 * names. Where nobody tells anything, a size is given up when several packets of it are lost while smaller ones, sent at
 * the same time, get through: how many it takes depends on how many of the small ones are lost (RFC 4821 section 7.6.2
 * asks for that distinction).
 */
import type { IPFamily } from '../../sockaddr/ip.js';
import type { PathMtu } from './records.js';

/** What every link carries: RFC 791 section 3.1, RFC 8200 section 5. */
const LEAST: Readonly<Record<IPFamily, number>> = { ipv4: 68, ipv6: 1280 };
/** The first that no packet has: 16 bits of length, to which IPv6 does not count its header. */
const BEYOND: Readonly<Record<IPFamily, number>> = { ipv4: 65_536, ipv6: 65_576 };
/** What most paths have, and so the first guess. */
const USUAL = 1500;
/** How likely chance may be as an explanation: on a path that loses nothing, and on one that does. */
const DOUBT = 1e-3;
const DOUBT_LOSSY = 1e-4;
/** Packets of a size that are tried at most, for each that is asked for. */
const PERSISTENCE = 5;

/** What is to be sent next: IP bytes, and whether only to see how many of a size that is known to get through are lost. */
export interface MtuTry {
  readonly size: number;
  readonly control: boolean;
  /** Which of the sizes in turn it belongs to. */
  readonly round: number;
}

/** A path that changes all the time is given up to what was found last. */
const RESTARTS_MAX = 8;

export class PathMtuSearch {
  readonly #family: IPFamily;
  readonly #tries: number;
  /** The largest size that has got there, 0 for none, and the smallest that has not. */
  #low = 0;
  #high: number;
  #reporter: string | null = null;
  #told: number | undefined;
  #size: number;
  /** Of the present size: packets sent, and lost. */
  #sent = 0;
  #lost = 0;
  #controls = 0;
  /** Controls that are in flight. */
  #controlsOpen = 0;
  /** How often the path has been another one. */
  #restarts = 0;
  /** Of all packets whose size is known to get through: how many had an outcome, and were lost. */
  #settled = 0;
  #settledLost = 0;
  #unreachable = false;
  #round = 0;

  /** @param tries packets of a size that are lost before it is given up, at least */
  constructor(family: IPFamily, tries: number) {
    this.#family = family;
    this.#tries = tries;
    this.#high = BEYOND[family];
    this.#size = LEAST[family];
  }

  get done(): boolean {
    return this.#unreachable || this.#high - this.#low <= 1;
  }

  get result(): PathMtu {
    return {
      mtu: this.#low === 0 ? null : this.#low,
      tooBig: this.#high === BEYOND[this.#family] ? null : this.#high,
      reporter: this.#reporter,
      unreachable: this.#unreachable,
      complete: this.done,
    };
  }

  /** What to send now; undefined while answers are waited for, or when it is {@link done}. */
  next(): MtuTry | undefined {
    if (this.done) return undefined;
    if (this.#low > 0 && this.#sent > this.#controls && this.#sent > 0) {
      this.#controls++;
      this.#controlsOpen++;
      return { size: this.#low, control: true, round: this.#round };
    }
    if (this.#sent >= this.#needed) return undefined;
    this.#sent++;
    return { size: this.#size, control: false, round: this.#round };
  }

  /**
   * Packets of the size that must be lost, all of them, so that chance is no explanation: Fisher's exact test against
   * those whose size is known to get through.
   */
  get #needed(): number {
    const most = this.#tries * PERSISTENCE;
    if (this.#low === 0) return most;
    const doubt = this.#settledLost === 0 ? DOUBT : DOUBT_LOSSY;
    let needed = this.#tries;
    while (needed < most && chance(needed, this.#settled, this.#settledLost) > doubt) needed++;
    return needed;
  }

  /**
   * It has been answered, however late.
   *
   * @param wasLost it was {@link lost} before, which is taken back
   */
  answered({ size, control, round }: MtuTry, wasLost: boolean): void {
    const current = round === this.#round;
    if (wasLost && control) this.#settledLost--;
    else this.#settled++;
    if (current && control && !wasLost) this.#controlsOpen--;
    if (current && !control && wasLost) this.#lost--;
    if (size <= this.#low) {
      this.#judge();
      return;
    }
    // Those of this size that were lost, were lost by chance.
    if (current) {
      this.#settled += this.#lost;
      this.#settledLost += this.#lost;
    }
    this.#low = size;
    if (size >= this.#high) {
      this.#high = BEYOND[this.#family];
      this.#reporter = null;
    }
    this.#choose();
  }

  /** Nothing has come back, or an error that a smaller packet would have met with too. */
  lost({ control, round }: MtuTry): void {
    if (control) {
      this.#settled++;
      this.#settledLost++;
    }
    if (round !== this.#round) return;
    if (control) this.#controlsOpen--;
    else this.#lost++;
    this.#judge();
  }

  /**
   * It has come to a link that is too narrow for it.
   *
   * @param mtu of the link; 0 where that is not said
   * @param reporter who says so; null for this machine
   */
  tooBig({ size, control, round }: MtuTry, mtu: number, reporter: string | null): void {
    if (control && round === this.#round) this.#controlsOpen--;
    if (size >= this.#high) return;
    if (size <= this.#low) {
      // What got through does not any more: the path has become another one.
      if (this.#restarts++ === RESTARTS_MAX) return;
      this.#low = 0;
    }
    const believable = mtu < size && mtu >= this.#low && mtu >= LEAST[this.#family];
    this.#told = believable ? mtu : undefined;
    this.#high = believable ? mtu + 1 : size;
    this.#reporter = reporter;
    // Less than every link of the Internet takes: whoever says so lets nothing through.
    if (this.#high <= LEAST[this.#family]) {
      this.#unreachable = true;
      return;
    }
    this.#choose();
  }

  #judge(): void {
    if (this.done || this.#lost < this.#needed || this.#controlsOpen > 0) return;
    if (this.#low === 0) {
      this.#unreachable = true;
      return;
    }
    this.#high = this.#size;
    this.#reporter = null;
    this.#choose();
  }

  /** The next size: what a router has named, what is usual, the most, or the middle. */
  #choose(): void {
    this.#round++;
    this.#sent = 0;
    this.#lost = 0;
    this.#controls = 0;
    this.#controlsOpen = 0;
    const fits = (size: number | undefined) => size !== undefined && size > this.#low && size < this.#high;
    const most = BEYOND[this.#family] - 1;
    if (fits(this.#told)) this.#size = this.#told as number;
    else if (fits(USUAL)) this.#size = USUAL;
    else if (this.#high > most) this.#size = most;
    else this.#size = Math.max(LEAST[this.#family], (this.#low + this.#high) >> 1);
  }
}

/** How likely it is that all of `lost` packets are among the lost ones, where `othersLost` of `others` are. */
function chance(lost: number, others: number, othersLost: number): number {
  let probability = 1;
  for (let i = 0; i < lost; i++) probability *= (lost + othersLost - i) / (lost + others - i);
  return probability;
}
