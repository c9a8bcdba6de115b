/**
 * One walk along the path: which probes it has sent in each flow, how far each flow has got, and which hop is to be told
 * next. A flow ends at the target, or where somebody says that it goes no further.
 */
import type { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { AnsweredProbe, UnansweredProbe } from './records.js';
import type { AnswerMeaning } from './table.js';

/** What is kept of a message, for comparison with what is quoted: headers of TCP have as much. */
export const HEADER_BYTES = 20;

/** A probe from the moment that it is due. */
export interface SentProbe {
  readonly serial: number;
  readonly round: Round;
  readonly ttl: number;
  readonly flow: number;
  readonly query: number;
  /** Its message as far as {@link HEADER_BYTES} go. */
  readonly header: Uint8Array;
  /** Of {@link TraceTable.epoch}, when it left. */
  readonly epoch: number;
  state: 'leaving' | 'waiting' | 'answered' | 'lost' | 'refused';
  /** Whether it is lost, but an answer may still come. */
  overdue: boolean;
  sentAt: number;
  sentTime: Timestamp | null;
  answer?: AnsweredProbe;
  meaning?: AnswerMeaning;
  /** What this machine said, of one that it refused. */
  refusal?: SocketError;
}

export interface RoundOptions {
  readonly flows: number;
  readonly firstHop: number;
  readonly maxHops: number;
  readonly queries: number;
  readonly window: number;
  readonly gap: number | undefined;
}

interface Flow {
  /** The next probe. */
  ttl: number;
  query: number;
  /** The last hop that anybody has answered at, and that time was exceeded at. */
  heard: number;
  exceeded: number;
  /** Up to here all hops have answered, or are overdue. */
  passed: number;
  reachedAt: number;
  /** The target may be nearer than that. */
  atMost: boolean;
  unreachableAt: number;
  refusedAt: number;
  /** Nothing more goes out for now: see {@link Round.hold}. */
  held: boolean;
  /** The end that the round before has found. */
  readonly expected: number | undefined;
  /** That may be nearer: hops that may be it are tried one after the other. */
  readonly apart: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;

/** `silent`: nothing has come from where the path ended in the round before. */
export type RoundEnd = 'reached' | 'max-hops' | 'unreachable' | 'gap' | 'error' | 'silent';

export class Round {
  readonly number: number;
  /** The next hop to be told. */
  next: number;
  /** How it has ended, once all its hops are told. */
  end: RoundEnd | undefined;
  readonly #options: RoundOptions;
  readonly #flows: Flow[];
  /** By TTL, in the order of sending. */
  readonly #probes: SentProbe[][] = [];

  /** @param before the round that tells where the path will end */
  constructor(number: number, options: RoundOptions, before?: Round) {
    const { firstHop, flows } = options;
    this.number = number;
    this.next = firstHop;
    this.#options = options;
    this.#flows = Array.from({ length: flows }, (_, flow) => ({
      ttl: firstHop,
      query: 1,
      heard: firstHop - 1,
      exceeded: firstHop - 1,
      passed: firstHop - 1,
      reachedAt: NEVER,
      atMost: false,
      unreachableAt: NEVER,
      refusedAt: NEVER,
      held: false,
      expected: before?.foundEnd(flow),
      apart: before?.foundAtMost(flow) ?? false,
    }));
  }

  /** Where a flow has ended, or did in the rounds before where it is silent now; undefined where nobody has said so. */
  foundEnd(flow: number): number | undefined {
    const { exceeded, expected = NEVER } = this.#flows[flow] as Flow;
    const said = this.#saidEnd(flow);
    if (said !== NEVER) return said;
    return exceeded < expected && expected !== NEVER ? expected : undefined;
  }

  /** Whether the target may be nearer than {@link foundEnd}. */
  foundAtMost(flow: number): boolean {
    const { reachedAt, atMost, apart } = this.#flows[flow] as Flow;
    return reachedAt === NEVER ? apart : atMost;
  }

  /** More has come from the target than there were probes that may have reached it: it is nearer, if that can be. */
  doubt(index: number): void {
    const flow = this.#flows[index];
    if (flow !== undefined && flow.reachedAt !== NEVER) flow.atMost ||= flow.exceeded + 1 < flow.reachedAt;
  }

  /** Whether the target has answered at this hop, but may be nearer. */
  isAtMost(ttl: number): boolean {
    return this.#flows.some(({ reachedAt, atMost }) => atMost && reachedAt === ttl);
  }

  /** Where somebody has said that a flow ends; Infinity where nobody has. */
  #saidEnd(flow: number): number {
    const { reachedAt, unreachableAt, exceeded } = this.#flows[flow] as Flow;
    if (reachedAt !== NEVER) return reachedAt;
    // Some router on the way let others pass after all.
    return exceeded <= unreachableAt ? unreachableAt : NEVER;
  }

  get reached(): boolean {
    return this.#flows.some(({ reachedAt }) => reachedAt !== NEVER);
  }

  get unreachable(): boolean {
    return this.#flows.some((flow) => flow.reachedAt === NEVER && flow.unreachableAt !== NEVER);
  }

  get refused(): boolean {
    return this.#flows.some(({ refusedAt }) => refusedAt !== NEVER);
  }

  /** The last hop of a flow; Infinity while nobody knows. */
  endOf(flow: number): number {
    const { refusedAt, exceeded, expected = this.#shortest } = this.#flows[flow] as Flow;
    const said = this.#saidEnd(flow);
    if (said !== NEVER) return said;
    if (refusedAt !== NEVER) return refusedAt;
    return exceeded < expected ? expected : NEVER;
  }

  /** Where the target has answered first, in any flow: the others end there too, unless they are heard of beyond. */
  get #shortest(): number {
    return this.#flows.reduce((least, { reachedAt }) => Math.min(least, reachedAt), NEVER);
  }

  /**
   * The last hop of all flows, as {@link endOf}. Of a round that is over it is the last one told, but for a target that was
   * found nearer by an answer which came late.
   */
  get lastHop(): number {
    let last = 0;
    for (let flow = 0; flow < this.#flows.length; flow++) last = Math.max(last, this.endOf(flow));
    return this.end === undefined || (this.reached && last !== NEVER) ? last : this.next - 1;
  }

  /** The hop beyond which nothing has been tried. */
  get tried(): number {
    return Math.max(this.#options.firstHop - 1, this.#probes.length - 1);
  }

  probesAt(ttl: number): readonly SentProbe[] {
    return (this.#probes[ttl] ?? []).filter(({ flow }) => this.endOf(flow) >= ttl);
  }

  /** The queries to a hop that have not been sent, for the end of a trace that comes before its time. */
  missingAt(ttl: number): UnansweredProbe[] {
    const missing: UnansweredProbe[] = [];
    for (let flow = 0; flow < this.#flows.length; flow++) {
      if (this.endOf(flow) < ttl) continue;
      const sent = (this.#probes[ttl] ?? []).filter((probe) => probe.flow === flow).length;
      for (let query = sent + 1; query <= this.#options.queries; query++) {
        missing.push({ flow, query, sentTime: null, address: null, reason: 'not-sent' });
      }
    }
    return missing;
  }

  /** The flow whose turn it is, by TTL and query; undefined where all have to wait or have ended. */
  candidate(): number | undefined {
    let found: number | undefined;
    for (let i = 0; i < this.#flows.length; i++) {
      const flow = this.#flows[i] as Flow;
      if (flow.held || flow.ttl > this.#limitOf(i) || (flow.apart && this.#mayHaveReached(i))) continue;
      const best = found === undefined ? undefined : (this.#flows[found] as Flow);
      if (best === undefined || flow.ttl < best.ttl || (flow.ttl === best.ttl && flow.query < best.query)) found = i;
    }
    return found;
  }

  /** The largest TTL that a flow may be tried with now. */
  #limitOf(index: number): number {
    const flow = this.#flows[index] as Flow;
    const { maxHops, window, gap = NEVER } = this.#options;
    const limit = Math.min(maxHops, this.endOf(index), this.#heardOf + gap);
    // Where the end is expected, all up to there may go at once.
    const open = Math.max(flow.passed, flow.heard) + window;
    return flow.expected !== undefined && limit <= flow.expected ? limit : Math.min(limit, open);
  }

  /** Whether a probe to a hop before the next one may still be answered by the target. */
  #mayHaveReached(index: number): boolean {
    const { ttl, exceeded } = this.#flows[index] as Flow;
    const before = this.#probes.slice(exceeded + 1, ttl).flat();
    return before.some(
      ({ flow, state, overdue }) => flow === index && (state === 'leaving' || state === 'waiting' || overdue),
    );
  }

  /** What the next probe of a flow is. */
  upcoming(flow: number): { readonly ttl: number; readonly query: number } {
    return this.#flows[flow] as Flow;
  }

  /** The next probe of its flow is on its way. */
  launched(probe: SentProbe): void {
    const flow = this.#flows[probe.flow] as Flow;
    let probes = this.#probes[probe.ttl];
    if (probes === undefined) {
      probes = [];
      this.#probes[probe.ttl] = probes;
    }
    probes.push(probe);
    if (flow.query < this.#options.queries) flow.query++;
    else {
      flow.query = 1;
      flow.ttl++;
    }
  }

  /** Whether the probe goes beyond all routers that have answered, and as far as to where the path has ended before. */
  mayReach({ flow: index, ttl }: SentProbe): boolean {
    const { exceeded, expected = 0, apart, reachedAt } = this.#flows[index] as Flow;
    return ttl > exceeded && ttl >= (reachedAt === NEVER ? (apart ? 0 : expected) : reachedAt);
  }

  /**
   * Keeps a flow from sending, or lets it go on: the target has answered it, and it is only not known yet how far away it
   * is. A flow whose end is expected goes no further than that anyway.
   */
  hold(index: number, held: boolean): void {
    const flow = this.#flows[index];
    if (flow !== undefined) flow.held = held && flow.expected === undefined;
  }

  /**
   * Somebody has answered.
   *
   * @param atMost the target, perhaps to a probe with a smaller TTL
   */
  heard({ flow: index, ttl }: SentProbe, what: 'exceeded' | 'reached' | 'unreachable', atMost = false): void {
    const flow = this.#flows[index] as Flow;
    flow.heard = Math.max(flow.heard, ttl);
    if (what === 'exceeded') flow.exceeded = Math.max(flow.exceeded, ttl);
    else if (what === 'reached') {
      if (ttl <= flow.reachedAt) flow.atMost = atMost;
      flow.reachedAt = Math.min(flow.reachedAt, ttl);
    } else flow.unreachableAt = Math.min(flow.unreachableAt, ttl);
  }

  refuse({ flow: index, ttl }: SentProbe): void {
    const flow = this.#flows[index] as Flow;
    flow.refusedAt = Math.min(flow.refusedAt, ttl);
  }

  /**
   * Lets the window go on over hops that have been silent for `overdueMs`.
   *
   * @returns when the next one will have been, Infinity where nothing waits for it
   */
  pass(now: number, overdueMs: number): number {
    let wakeAt = NEVER;
    for (let i = 0; i < this.#flows.length; i++) {
      const flow = this.#flows[i] as Flow;
      flow.passed = Math.max(flow.passed, flow.heard);
      for (let ttl = flow.passed + 1; ttl < flow.ttl; ttl++) {
        const at = this.#quietSince(i, ttl) + overdueMs;
        if (at > now) {
          const held = flow.ttl > this.#limitOf(i) && flow.ttl <= Math.min(this.#options.maxHops, this.endOf(i));
          if (held) wakeAt = Math.min(wakeAt, at);
          break;
        }
        flow.passed = ttl;
      }
    }
    return wakeAt;
  }

  /** When the last probe of a flow left for a hop, if nothing has become of it yet. */
  #quietSince(flow: number, ttl: number): number {
    let last = Number.NEGATIVE_INFINITY;
    for (const probe of this.#probes[ttl] ?? []) {
      if (probe.flow !== flow) continue;
      if (probe.state === 'leaving') return NEVER;
      if (probe.state === 'waiting') last = Math.max(last, probe.sentAt);
    }
    return last;
  }

  /** Whether the hop {@link next} has all its outcomes. */
  get settled(): boolean {
    const ttl = this.next;
    for (let i = 0; i < this.#flows.length; i++) {
      const flow = this.#flows[i] as Flow;
      if (flow.ttl <= ttl && this.endOf(i) >= ttl) return false;
    }
    return this.probesAt(ttl).every(({ state }) => state !== 'leaving' && state !== 'waiting');
  }

  /** Whether the hop before {@link next} was the last, and why; sets {@link end}. */
  concluded(): boolean {
    const { maxHops, gap = NEVER } = this.#options;
    if (this.next > this.lastHop) {
      this.end = this.reached ? 'reached' : this.unreachable ? 'unreachable' : this.refused ? 'error' : 'silent';
    } else if (this.next > maxHops) this.end = 'max-hops';
    else if (this.next > this.#heardOf + gap) this.end = 'gap';
    return this.end !== undefined;
  }

  /** The last hop that anybody has answered at, in any flow. */
  get #heardOf(): number {
    return this.#flows.reduce((most, flow) => Math.max(most, flow.heard), this.#options.firstHop - 1);
  }
}
