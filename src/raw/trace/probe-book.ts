/**
 * The probes of a trace that something may come back for, and which of them an answer is about. No more are remembered
 * than REMEMBERED, the last ones.
 */
import type { IPAddress } from '../../sockaddr/ip.js';
import { sameAddress } from '../../sockaddr/zone.js';
import type { ErrorReading, TargetReading } from './answers.js';
import type { ProbeFormat } from './probe-format.js';
import type { SentProbe } from './round.js';

const REMEMBERED = 8192;

export interface ProbeBookContext {
  readonly format: ProbeFormat;
  /** Whether the serial number is the identification of IPv4 too. */
  readonly ownHeader: boolean;
}

export class ProbeBook {
  /** Those that have left and have no outcome, in the order of sending. */
  readonly waiting = new Set<SentProbe>();
  /** Those that are lost, and may be answered late. */
  readonly #overdue = new Set<SentProbe>();
  readonly #context: ProbeBookContext;
  readonly #target: IPAddress;
  /** Probes that the port has and has not told of yet. */
  readonly #leaving: SentProbe[] = [];
  readonly #known = new Map<number, SentProbe>();

  constructor(context: ProbeBookContext, target: IPAddress) {
    this.#context = context;
    this.#target = target;
  }

  get inFlight(): number {
    return this.waiting.size + this.#leaving.length;
  }

  /** The port has it. */
  launched(probe: SentProbe): void {
    this.#leaving.push(probe);
    this.#known.delete(probe.serial);
    this.#known.set(probe.serial, probe);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as number);
  }

  /** The next probe that the port tells of. */
  leaves(): SentProbe | undefined {
    return this.#leaving.shift();
  }

  /** It has been waited for long enough. */
  lost(probe: SentProbe): void {
    probe.state = 'lost';
    probe.overdue = true;
    this.waiting.delete(probe);
    this.#overdue.add(probe);
  }

  /** Nothing more is waited for, or expected. */
  answered(probe: SentProbe): void {
    probe.overdue = false;
    this.waiting.delete(probe);
    this.#overdue.delete(probe);
  }

  /**
   * Nothing is expected any more of what left `lateMs` before now, but for what `kept` holds of.
   *
   * @returns when that is so of the next one; Infinity where there is none
   */
  forget(now: number, lateMs: number, kept: (probe: SentProbe) => boolean): number {
    let next = Number.POSITIVE_INFINITY;
    for (const probe of this.#overdue) {
      if (kept(probe)) continue;
      if (now >= probe.sentAt + lateMs) this.answered(probe);
      else next = Math.min(next, probe.sentAt + lateMs);
    }
    return next;
  }

  /** Those of a flow that may still be answered and may have got to the target, in the order of sending. */
  within(flow: number): SentProbe[] {
    return [...this.#overdue, ...this.waiting, ...this.#leaving]
      .filter((probe) => probe.flow === flow && probe.round.mayReach(probe))
      .sort((a, b) => (a.sentAt === b.sentAt ? 0 : a.sentAt - b.sentAt));
  }

  /** The probe that a reading is about, if it is one of ours; 'several' where it may be about any of several. */
  find(reading: ErrorReading | TargetReading): SentProbe | 'several' | undefined {
    if (reading.kind === 'target') return reading.serial === null ? undefined : this.#known.get(reading.serial);
    const { format, ownHeader } = this.#context;
    const { identity, message, quote, to } = reading;
    if (identity.kind === 'foreign') return undefined;
    const probe = identity.kind === 'none' ? undefined : this.#known.get(identity.serial);
    if (identity.kind === 'certain' && probe !== undefined) return probe;
    if (!sameAddress(to, this.#target)) return undefined;
    // Without a packet to be seen, ports are all that there is of the header.
    if (quote === null) {
      if (probe !== undefined && !format.translated(probe.header, message)) return probe;
      return identity.kind === 'none' ? undefined : this.#onlyOne(message);
    }
    if (probe !== undefined && !format.translated(probe.header, message)) return probe;
    // A translator has been at the header, but the identification of IPv4 is the packet's own.
    const named = ownHeader && quote.identification !== null ? this.#known.get(quote.identification) : undefined;
    return named !== undefined && format.sameButTranslated(named.header, message) ? named : undefined;
  }

  /** The one probe that is waited for and looks like this, if there is no other. */
  #onlyOne(message: Uint8Array): SentProbe | 'several' | undefined {
    let found: SentProbe | undefined;
    for (const probe of this.waiting) {
      if (this.#context.format.translated(probe.header, message)) continue;
      if (found !== undefined) return 'several';
      found = probe;
    }
    return found;
  }
}
