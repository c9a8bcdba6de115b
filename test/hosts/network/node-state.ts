/** What a node of a network keeps while it runs, and what its description says, made ready. */
import { seeded } from '../../seeded.js';
import { type ErrorKind, refusal } from './answers.js';
import type { Pattern } from './description.js';
import { PrefixSet } from './prefix-set.js';
import { RateLimit } from './rate-limit.js';
import { type Addresses, firstAddresses, type TopologyNode } from './topology.js';

/** What a node has done. */
export interface NodeLedger {
  /** ICMP errors sent. */
  errors: number;
  /** ICMP errors that its rate limit kept back. */
  limited: number;
  /** Answers to probes that were for it. */
  answers: number;
  /** Packets that ended in it without a word: in its black hole, damaged ones, and what it gives no answer to. */
  swallowed: number;
}

export interface NodeState {
  readonly ledger: NodeLedger;
  readonly limit: RateLimit | undefined;
  readonly blackHole: PrefixSet;
  /** `met`: packets to them so far. */
  readonly refuses: readonly {
    readonly to: PrefixSet;
    readonly kind: ErrorKind;
    readonly when: Pattern;
    met: number;
  }[];
  readonly answersFrom: Addresses;
  readonly nat: Addresses;
  readonly groups: PrefixSet;
  readonly random: () => number;
  /** Echo requests so far. */
  echoes: number;
  /** Packets so far for which there were several ways. */
  chosen: number;
  identification: number;
}

const EVERYTHING = ['0.0.0.0/0', '::/0'];

export function stateOf({ name, description }: TopologyNode, seed: number): NodeState {
  const router = description.kind === 'router' ? description : undefined;
  const speaker = description.kind === 'prober' ? undefined : description;
  const groups = description.kind === 'host' ? description.groups : undefined;
  const { rateLimit, answersFrom = [] } = speaker ?? {};
  const { blackHole = [], refuses = [], nat } = router ?? {};
  return {
    ledger: { errors: 0, limited: 0, answers: 0, swallowed: 0 },
    limit: rateLimit === undefined ? undefined : new RateLimit(rateLimit.perSecond, rateLimit.burst ?? 1),
    blackHole: new PrefixSet(blackHole === true ? EVERYTHING : blackHole),
    refuses: refuses.map(({ to, because, when = { every: 1 } }) => ({
      to: new PrefixSet([to]),
      kind: refusal(because),
      when,
      met: 0,
    })),
    answersFrom: firstAddresses(answersFrom),
    nat: firstAddresses(nat?.addresses ?? []),
    groups: new PrefixSet(groups ?? []),
    random: seeded([...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed)),
    echoes: 0,
    chosen: 0,
    identification: 1,
  };
}
