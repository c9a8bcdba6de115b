/** The options of `raw ping`. */
import { type Command, Option } from 'commander';
import { SIZE_MAX } from '../../src/raw/ping/options.js';
import { addFamilyOptions, type FamilyOptions } from './common.js';
import {
  count,
  duration,
  fillPattern,
  integer,
  positiveDuration,
  type Rate,
  rate,
  size,
  trafficClass,
} from './values.js';

export interface PingFlags extends FamilyOptions {
  readonly count?: number;
  readonly interval?: number;
  readonly timeout?: number;
  readonly deadline?: number;
  readonly size?: number;
  readonly pattern?: Uint8Array;
  readonly ttl?: number;
  readonly tos?: number;
  readonly pmtu?: 'do' | 'want' | 'dont' | 'probe';
  readonly interface?: string;
  readonly source?: string;
  readonly flood?: boolean;
  readonly adaptive?: boolean;
  readonly rate?: Rate;
  readonly yes?: boolean;
  readonly file?: string;
  readonly randomOrder?: boolean;
  readonly seed?: number;
  readonly retry?: number;
  readonly alive?: boolean;
  readonly unreachable?: boolean;
  readonly timestampRequest?: boolean;
  readonly pmtuSearch?: boolean;
  readonly broadcast?: boolean;
  readonly recordRoute?: boolean;
  readonly histogram?: boolean;
  readonly summaryOnly?: boolean;
  readonly progress?: number;
  readonly live?: boolean;
  readonly verbose?: number;
  readonly quiet?: boolean;
  readonly logFile?: string;
}

export function addPingOptions(command: Command): Command {
  return addFamilyOptions(command)
    .argument('[HOST...]', 'names, addresses, or blocks such as 10.0.0.0/24 and 2001:db8::/64')
    .option('--file <FILE>', 'more hosts, one a line, # begins a comment; - for stdin')
    .option('-c, --count <N>', 'probes to each host (default: one host until interrupted, several once)', count)
    .option(
      '-i, --interval <T>',
      'from one probe to a host to the next; 0 for as fast as it goes (default: 1s)',
      duration,
    )
    .option('--rate <R>', 'probes to all hosts together: 500 or 5k a second, 10/m, or bits of ICMP, 10mbit', rate)
    .option(
      '-W, --timeout <T>',
      'time to wait for each answer (default: 2s; --alive, --unreachable: 1s)',
      positiveDuration,
    )
    .option('-w, --deadline <T>', 'end after this time, whatever is still waited for', positiveDuration)
    .option('-s, --size <N>', 'payload bytes (default: 56)', size(SIZE_MAX))
    .option('-p, --pattern <HEX>', 'fill the payload with these bytes, again and again', fillPattern)
    .option('-t, --ttl <N>', 'time to live, hop limit', integer(1, 255))
    .option('-Q, --tos <CLASS>', 'TOS byte or traffic class: ef, af41+ect0, or a number', trafficClass)
    .addOption(
      new Option(
        '-M, --pmtu <HOW>',
        'too large for the path: an error (do), fragments (dont), fragments once the MTU is known (want), lost (probe)',
      ).choices(['do', 'want', 'dont', 'probe']),
    )
    .option('-I, --interface <NAME>', 'the interface to leave by')
    .option('-S, --source <ADDR>', 'own address')
    .option('-f, --flood', 'the next probe as soon as the last is answered, or after 10 ms; a dot for each lost one')
    .option('-A, --adaptive', 'the next probe after about a round trip')
    .option('--yes', 'more than 1,000 probes a second to networks that are not attached here: yes')
    .option('--random-order', 'hosts in a random order')
    .option('--seed <N>', 'which random order: the same number, the same order', integer(0, 2 ** 47 - 1))
    .option('--alive', 'print the hosts that answer, nothing else')
    .option('--unreachable', 'print the hosts that do not, nothing else')
    .option('--retry <N>', 'until a host answers, so many more probes (--alive, --unreachable: 3)', integer(0, 1000))
    .option('--timestamp-request', "ask for the other's time of day instead of an echo (RFC 792), IPv4")
    .option('--pmtu-search', 'find the largest packet that gets there whole')
    .option('--broadcast', 'the addresses are broadcast addresses: tell everybody who answers')
    .option('--record-route', 'have routers write themselves into the packet (RFC 791), IPv4')
    .option('--histogram', 'the distribution of the round trips at the end')
    .option('--summary-only', 'nothing for single probes; of hosts that are sent one each, the total alone')
    .option('--progress <T>', 'tell figures so often, beside the answers', positiveDuration)
    .option('--live', 'a view of the hosts on the terminal');
}
