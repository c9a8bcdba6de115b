/**
 * How much may be on its way at once: a model of the path after BBR (Cardwell, Cheng, Gunn, Yeganeh, Jacobson,
 * 'BBR: Congestion-Based Congestion Control', Communications of the ACM 60(2), 2017; draft-ietf-ccwg-bbr), without its
 * pacing. The window follows what the path delivers:
 *
 *     window = gain x (largest delivery rate of the last 10 round trips) x (smallest round trip of the last 10 s)
 *              + what it delivers in a few milliseconds
 *
 * It backs off when the rate falls, when losses are of its own making, and to four datagrams when nothing comes back.
 *
 * Whether losses are of its own making it finds out by trying, as PCC does (Dong, Li, Zarchy, Godfrey, Schapira, 'PCC:
 * Re-architecting Congestion Control for Consistent High Performance', NSDI 2015): when more than 2 % are lost, the
 * window is cut to three quarters for some round trips. Where that costs nothing, it was too large, and stays so. Where
 * less arrives in proportion, the path loses anyway, as a radio link does, and the window goes back to where it was, with
 * room for what will be lost; TCP's Reno and CUBIC would shrink to nearly nothing.
 *
 * The last term is for short paths, whose round trip is less than the time that a busy machine takes to look at its
 * socket; a queue of less than 5 ms harms nobody (the target of CoDel, RFC 8289 section 4.2).
 */

/** Datagrams of the initial window (RFC 6928). */
const INITIAL_PACKETS = 10;
const MIN_PACKETS = 4;
const GAIN_MAX = 2;
const GAIN_MIN = 1;
/** Where room is made for what the path loses, at least this. */
const GAIN_LOSSY = 1.5;
/** What is cut from the window for an experiment, and from the gain where that was right. */
const CUT = 0.75;
/** A round without loss gives back so much of the gain. */
const REGAIN = 0.05;
/** Share of the bytes whose loss is a reason for an experiment. */
const LOSS_TOLERATED = 0.02;
/** Round trips on either side of an experiment, and from one to the next where the losses were the path's. */
const TRIAL_ROUNDS = 4;
const TRIAL_PAUSE = 32;
/** With the cut window so much of what arrived before still does, or the cut has cost something. */
const TRIAL_KEEPS = 0.9;
/** Room is made for so many losses at most. */
const LOSS_MAX = 0.5;
const RATE_ROUNDS = 10;
const RTT_WINDOW_MS = 10_000;
/** While the smallest round trip is measured anew, the window is small for so long. */
const RTT_PROBE_MS = 200;
const QUEUE_MS = 5;
/** Startup is over when the rate has grown by less than this for three round trips. */
const STARTUP_GROWTH = 1.25;
const STARTUP_ROUNDS = 3;

export interface Acknowledged {
  readonly bytes: number;
  /** Bytes a millisecond that the path has delivered meanwhile. */
  readonly rate: number;
  /** Whether there was too little to send, so that the path may take more than that. */
  readonly limited: boolean;
  /** Whether the window was made use of: one that is not needed does not grow (RFC 7661). */
  readonly full: boolean;
  readonly now: number;
}

export class Congestion {
  #packet: number;
  #window: number;
  #startup = true;
  #gain = GAIN_MAX;
  /** Bytes a millisecond: the largest of each of the last rounds, a ring by round. */
  readonly #rates = new Float64Array(RATE_ROUNDS);
  #round = 0;
  /** What was acknowledged and lost since the trial's phase began, and when that was. */
  #phase: 'watch' | 'settle' | 'cut' = 'watch';
  #phaseRounds = 0;
  #phaseAcked = 0;
  #phaseLost = 0;
  #phaseBegan: number;
  /** Bytes a millisecond before the window was cut. */
  #rateBefore = 0;
  #pauseRounds = 0;
  /** Share that the path loses whatever the window is. */
  #pathLoss = 0;
  #bestRate = 0;
  #flatRounds = 0;
  #minRtt = Number.POSITIVE_INFINITY;
  #minRttAt = 0;
  #probeUntil = 0;

  /** @param packet bytes of a datagram */
  constructor(packet: number, now: number) {
    this.#packet = packet;
    this.#phaseBegan = now;
    this.#window = INITIAL_PACKETS * packet;
  }

  /** Bytes that may be on their way. */
  get window(): number {
    return this.#window;
  }

  /** The size of a datagram has changed. */
  set packet(bytes: number) {
    this.#packet = bytes;
    this.#window = Math.max(this.#window, MIN_PACKETS * bytes);
  }

  get minRtt(): number | undefined {
    return Number.isFinite(this.#minRtt) ? this.#minRtt : undefined;
  }

  measured(rtt: number, now: number): void {
    if (rtt <= this.#minRtt) {
      this.#minRtt = rtt;
      this.#minRttAt = now;
    } else if (now - this.#minRttAt > RTT_WINDOW_MS) {
      // Nothing so short for long: the path may have changed. With little on the way, the next ones show it.
      this.#minRtt = rtt;
      this.#minRttAt = now;
      this.#probeUntil = now + RTT_PROBE_MS;
    }
  }

  /** Bytes have been acknowledged. */
  acked({ bytes, rate, limited, full, now }: Acknowledged): void {
    this.#phaseAcked += bytes;
    const slot = this.#round % RATE_ROUNDS;
    if (rate > (this.#rates[slot] as number) && (!limited || rate > this.#rate())) this.#rates[slot] = rate;
    if (this.#startup) {
      if (full) this.#window += bytes;
      return;
    }
    this.#window = Math.min(this.#target(now), full ? this.#window + bytes : this.#window);
  }

  lost(bytes: number): void {
    this.#phaseLost += bytes;
  }

  /** All that was on its way when the last round began is accounted for. */
  endRound(now: number): void {
    const rate = this.#rate();
    if (this.#startup) {
      if (rate > this.#bestRate * STARTUP_GROWTH) {
        this.#bestRate = rate;
        this.#flatRounds = 0;
      } else if (++this.#flatRounds >= STARTUP_ROUNDS) {
        this.#startup = false;
        this.#enter('watch', now);
      }
    } else this.#endTrialRound(now);
    this.#round++;
    this.#rates[this.#round % RATE_ROUNDS] = 0;
  }

  #endTrialRound(now: number): void {
    const lost = this.#phaseLost / (this.#phaseAcked + this.#phaseLost || 1);
    if (this.#phase === 'watch' && lost <= LOSS_TOLERATED) {
      this.#gain = Math.min(GAIN_MAX, this.#gain + REGAIN);
      this.#pathLoss = 0;
    }
    if (this.#pauseRounds > 0) this.#pauseRounds--;
    if (++this.#phaseRounds < (this.#phase === 'settle' ? 1 : TRIAL_ROUNDS)) return;
    const delivered = this.#phaseAcked / Math.max(0.001, now - this.#phaseBegan);
    switch (this.#phase) {
      case 'watch':
        this.#rateBefore = delivered;
        this.#enter(lost > LOSS_TOLERATED && this.#pauseRounds === 0 ? 'settle' : 'watch', now);
        return;
      case 'settle':
        this.#enter('cut', now);
        return;
      default:
        if (delivered >= TRIAL_KEEPS * this.#rateBefore) {
          this.#pathLoss = 0;
          this.#gain = Math.max(GAIN_MIN, this.#gain * CUT);
        } else {
          // Where nothing is lost any more, the losses were its own, and the window before was hardly too large.
          this.#pathLoss = lost > LOSS_TOLERATED ? Math.min(LOSS_MAX, lost) : 0;
          if (this.#pathLoss > 0) this.#gain = Math.max(GAIN_LOSSY, this.#gain);
          this.#pauseRounds = TRIAL_PAUSE;
        }
        this.#enter('watch', now);
    }
  }

  #enter(phase: 'watch' | 'settle' | 'cut', now: number): void {
    this.#phase = phase;
    this.#phaseRounds = 0;
    this.#phaseAcked = 0;
    this.#phaseLost = 0;
    this.#phaseBegan = now;
  }

  /** Nothing came back for two timeouts: begin as at the start, with little. */
  collapse(): void {
    this.#window = MIN_PACKETS * this.#packet;
    this.#rates.fill(0);
    this.#bestRate = 0;
    this.#flatRounds = 0;
    this.#startup = true;
    this.#gain = GAIN_MAX;
  }

  #rate(): number {
    let rate = 0;
    for (const one of this.#rates) if (one > rate) rate = one;
    return rate;
  }

  #target(now: number): number {
    const rate = this.#rate();
    const least = MIN_PACKETS * this.#packet;
    if (!Number.isFinite(this.#minRtt) || rate === 0) return Math.max(least, this.#window);
    if (now < this.#probeUntil) return Math.max(least, (rate * this.#minRtt) / 2);
    const queue = rate * QUEUE_MS * (this.#gain - 1);
    const window = (this.#gain * rate * this.#minRtt + queue) / (1 - this.#pathLoss);
    return Math.max(least, this.#phase === 'watch' ? window : window * CUT);
  }
}
