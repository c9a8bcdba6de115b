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

  /** Those of a flow that have no outcome and may have got to the target, in the order of sending. */
  within(flow: number): SentProbe[] {
    return [...this.waiting, ...this.#leaving].filter((probe) => probe.flow === flow && probe.round.mayReach(probe));
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
