/** The flags of `raw trace`, and what they ask for. */
import { type Command, Option } from 'commander';
import { UsageError } from '../../src/errors.js';
import type { TraceMultipath, TraceOptions, TraceProtocol } from '../../src/raw/trace/options.js';
import { addFamilyOptions, type CommonOptions, type FamilyOptions } from './common.js';
import { count, integer, positiveDuration, size, trafficClass } from './values.js';

export interface TraceFlags extends FamilyOptions, CommonOptions {
  readonly protocol?: TraceProtocol;
  readonly port?: number;
  readonly sourcePort?: number;
  readonly firstHop?: number;
  readonly maxHops?: number;
  readonly queries?: number;
  readonly timeout?: number;
  readonly interval?: number;
  readonly report?: number;
  readonly live?: boolean;
  readonly multipath?: TraceMultipath;
  readonly flows?: number;
  readonly size?: number;
  readonly tos?: number;
  readonly interface?: string;
  readonly source?: string;
  readonly deadline?: number;
  readonly gap?: number;
  readonly dontFragment?: boolean;
  readonly resolve?: boolean;
  readonly as?: boolean;
}

const port = integer(1, 65_535);
const hops = integer(1, 255);

export function addTraceOptions(command: Command): Command {
  return addFamilyOptions(command)
    .argument('<HOST>', 'a name or an address')
    .addOption(
      new Option('--protocol <P>', 'of the probes (default: icmp, and udp where that is not permitted)').choices([
        'icmp',
        'udp',
        'tcp',
      ]),
    )
    .option('--port <N>', 'destination port (default: 33434 for udp, 80 for tcp)', port)
    .option('--source-port <N>', 'own port, of the first flow (default: a free one)', port)
    .option('-f, --first-hop <N>', 'hop to begin with (default: 1)', hops)
    .option('-m, --max-hops <N>', 'hops at most (default: 30)', hops)
    .option('--gap <N>', 'silent hops in a row after which it goes no further (default: none)', hops)
    .option(
      '-q, --queries <N>',
      'probes to each hop, in each round and flow (default: 3; 1 with --report, --live and --flows)',
      integer(1, 100),
    )
    .option(
      '-W, --timeout <T>',
      'time to wait for each answer (default: 3s; without --report and --live less where hops around have answered)',
      positiveDuration,
    )
    .option('--report <N>', 'trace N times, then print the figures of each hop', count)
    .option('--live', 'trace on and on, with the figures on the terminal; q quits')
    .option(
      '-i, --interval <T>',
      'with --report and --live: time from one round to the next (default: 1s)',
      positiveDuration,
    )
    .addOption(
      new Option(
        '--multipath <HOW>',
        'what tells probes apart: nothing that balancers look at (paris, the default), as that with UDP that shows translators (dublin), ports (classic, the default of UDP without privileges)',
      ).choices(['paris', 'dublin', 'classic']),
    )
    .option('--flows <N>', 'flows to follow, for parallel paths (default: 1)', integer(1, 64))
    .option('-s, --size <N>', 'bytes of a probe, IP header included', size(65_535))
    .option('-F, --dont-fragment', 'no fragments: who has a link that is too small for a probe says so (!F-MTU)')
    .option('-Q, --tos <CLASS>', 'TOS byte or traffic class: ef, af41+ect0, or a number', trafficClass)
    .option('-I, --interface <NAME>', 'interface to leave by')
    .option('-S, --source <ADDR>', 'own address')
    .option('-w, --deadline <T>', 'end after this time', positiveDuration)
    .option('--resolve', 'ask for the names of hops')
    .option('--as', 'ask which autonomous systems hops are of: DNS, origin.asn.cymru.com');
}

/** @throws UsageError for flags that contradict each other, or say something about what there will not be */
export function checkTraceFlags(flags: TraceFlags): void {
  const { firstHop = 1, maxHops = 30, protocol, multipath, report, live } = flags;
  if (firstHop > maxHops) {
    throw new UsageError(`--first-hop ${firstHop}: beyond the last hop, ${maxHops}`, 'raise --max-hops');
  }
  if (live === true && report !== undefined) throw new UsageError('--live and --report: one of them');
  if (live === true && flags.json === true) {
    throw new UsageError('--live and --json: one of them', 'records of several rounds: --json --report N');
  }
  if (flags.interval !== undefined && live !== true && report === undefined) {
    throw new UsageError('--interval: from which round to the next?', 'add --report N or --live');
  }
  if (protocol === undefined || protocol === 'icmp') {
    const flag = flags.port !== undefined ? '--port' : flags.sourcePort !== undefined ? '--source-port' : undefined;
    if (flag !== undefined) throw new UsageError(`${flag}: ICMP has no ports`, 'add --protocol udp or --protocol tcp');
  }
  if (multipath === 'dublin' && protocol !== 'udp') {
    throw new UsageError(`--multipath dublin: for UDP`, 'add --protocol udp');
  }
}

/** What the flags say by themselves. */
export function traceOptions(flags: TraceFlags) {
  const { live, report } = flags;
  return {
    protocol: flags.protocol,
    multipath: flags.multipath,
    port: flags.port,
    sourcePort: flags.sourcePort,
    flows: flags.flows,
    firstHop: flags.firstHop,
    maxHops: flags.maxHops,
    // A report of one round is a report.
    queries: flags.queries ?? (report === undefined ? undefined : 1),
    timeoutMs: flags.timeout,
    // The figures of a report are to be right, however long it takes.
    adaptive: report === undefined ? undefined : false,
    rounds: live === true ? Number.POSITIVE_INFINITY : report,
    intervalMs: flags.interval,
    deadlineMs: flags.deadline,
    gap: flags.gap,
    dontFragment: flags.dontFragment,
    packetSize: flags.size,
    trafficClass: flags.tos,
  } satisfies Partial<TraceOptions>;
}
