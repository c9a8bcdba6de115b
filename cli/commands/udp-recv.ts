/** `udp recv`: each datagram whole, to stdout. */
import { type ReceiveSummary, receiveDatagrams } from '../../src/datagram/receive.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { type FilterFlags, filterHosts, filterSettings } from '../args/filter.js';
import { type Membership, membershipOf, membershipSettings } from '../args/memberships.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { receiveSummary, writeDatagram } from '../render/datagram.js';
import { onFirstLocal, resolveLocal } from './udp-local.js';
import { showIntervals } from './udp-progress.js';
import { type ReliableReceiveFlags, receiveReliably } from './udp-recv-reliable.js';

interface ReceiveFlags extends FamilyOptions, ReliableReceiveFlags, FilterFlags {
  readonly filter?: string;
  readonly echo?: boolean;
  readonly count?: number;
  readonly idleTimeout?: number;
  readonly join?: readonly Membership[];
  readonly keep?: number;
  readonly probe?: boolean;
  readonly window?: number;
  readonly once?: boolean;
  readonly interval?: number;
  readonly summaryOnly?: boolean;
  readonly reliable?: boolean;
  readonly file?: string;
  readonly quiet?: boolean;
}

export async function run([address]: [string], flags: ReceiveFlags, context: CommandContext): Promise<ExitCode> {
  refuseContradictions(flags);
  const locals = await resolveLocal(address, joinedFamily(flags), context.signal);
  if (flags.reliable === true) return receiveReliably(locals, flags, context);
  const summary = await onFirstLocal(locals, (local) => receive(local, flags, context));
  receiveSummary(context, summary);
  if (summary.error !== undefined) throw summary.error;
  return summary.endReason === 'interrupted' ? interruptedExit(summary.received > 0) : ExitCode.ok;
}

/** A socket of IPv4 alone hears groups of IPv4 as everybody expects; those of IPv6 need one of IPv6. */
function joinedFamily(flags: ReceiveFlags): FamilyOptions {
  const families = new Set(flags.join?.map(({ family }) => family));
  if (chosenFamily(flags) !== undefined || families.size === 0) return flags;
  return families.has('ipv6') ? { ipv6: true } : { ipv4: true };
}

function refuseContradictions(flags: ReceiveFlags): void {
  if (flags.reliable === true) {
    for (const name of ['echo', 'probe', 'keep', 'join', 'filter'] as const) {
      if (flags[name] !== undefined) throw new UsageError(`--reliable and --${name}: these do not go together`);
    }
    return;
  }
  if (flags.file !== undefined) throw new UsageError('--file: it is for --reliable; others redirect stdout');
  if (flags.probe === true) return;
  if (flags.once === true) throw new UsageError('--once: it ends with a probe, so it needs --probe');
  if (flags.window !== undefined)
    throw new UsageError('--window: it is about the numbers of probes, so it needs --probe');
}

async function receive(local: Endpoint, flags: ReceiveFlags, context: CommandContext): Promise<ReceiveSummary> {
  let bound: Endpoint = local;
  const { filter = '' } = flags;
  const hosts = await filterHosts(filter, flags, context);
  const filters = filterSettings(filter, { kind: 'datagram' }, hosts);
  const backend = await context.backend();
  const joined = membershipSettings([...membershipOf(local), ...(flags.join ?? [])], backend.name === 'native');
  // A probe's payload is filling: only what it tells is of interest.
  const quiet = flags.summaryOnly === true || (flags.probe === true && !context.json);
  const intervals = showIntervals(flags, context, flags.probe === true);
  try {
    return await receiveDatagrams(local, {
      backend,
      logger: context.logger,
      settings: [...joined, ...filters, ...context.settings],
      count: flags.count,
      idleTimeoutMs: flags.idleTimeout,
      keep: flags.keep,
      echo: flags.echo === true,
      probe: flags.probe === true,
      window: flags.window,
      once: flags.once === true,
      onListening: (endpoint) => {
        context.dropPrivileges();
        bound = endpoint;
      },
      onDatagram: quiet ? undefined : (message, probe) => writeDatagram(context, message, bound, probe),
      ...intervals,
      signal: context.signal,
    });
  } finally {
    intervals.end();
  }
}
