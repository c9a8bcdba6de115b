/** `udp send`: payloads from the command line, a file or stdin, at a rate. */
import { sendDatagrams } from '../../src/datagram/send.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import type { InetEndpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { choosePayloads, type PayloadFlags } from '../args/payloads.js';
import { sourceEndpoints } from '../args/source.js';
import type { Rate } from '../args/values.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { failureWriter, sendSummary, writeDatagram } from '../render/datagram.js';
import { showIntervals } from './udp-progress.js';
import { type ReliableSendFlags, sendReliably } from './udp-send-reliable.js';

interface SendFlags extends FamilyOptions, PayloadFlags, ReliableSendFlags {
  readonly rate?: Rate;
  readonly burst?: number;
  readonly time?: number;
  readonly wait?: number;
  readonly source?: string;
  readonly broadcast?: boolean;
  readonly ttl?: number;
  readonly interface?: string;
  readonly loop?: boolean;
  readonly pmtu?: string;
  readonly twoWay?: boolean;
  readonly interval?: number;
  readonly reliable?: boolean;
  readonly quiet?: boolean;
}

export async function run([address]: [string], flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  refuseContradictions(flags);
  const family = chosenFamily(flags);
  const [target] = await resolveEndpoint(address, { protocol: 'udp', family, signal: context.signal });
  if (target === undefined || target.family === 'unix')
    throw new UsageError(`udp send ${address}: not an IP address and port`);
  const sources = await sourceEndpoints(flags.source, 'udp', target.family);
  const settings = [...commandSettings(flags, target), ...context.settings];
  if (flags.reliable === true) return sendReliably(target, sources?.[0], settings, flags, context);
  const { source: payloads, size } = choosePayloads(flags);
  const intervals = showIntervals(flags, context, flags.rate !== undefined || flags.time !== undefined);
  const summary = await sendDatagrams(target, {
    backend: await context.backend(),
    logger: context.logger,
    settings,
    source: sources?.[0],
    payloads,
    perSecond: perSecond(flags.rate, size),
    burst: flags.burst,
    timeMs: flags.time,
    probe: flags.probe === true,
    twoWay: flags.twoWay === true,
    onOpen: context.dropPrivileges,
    waitMs: flags.wait,
    onReply: (message) => writeDatagram(context, message, undefined),
    onFailure: failureWriter(context, target),
    ...intervals,
    signal: context.signal,
  });
  intervals.end();
  sendSummary(context, summary);
  if (summary.error !== undefined) throw summary.error;
  if (summary.endReason === 'interrupted') return interruptedExit(summary.sent > 0);
  return ExitCode.ok;
}

function refuseContradictions(flags: SendFlags): void {
  if (flags.twoWay === true && flags.probe !== true) {
    throw new UsageError('--two-way: it is about probes that come back, so it needs --probe');
  }
  if (flags.burst !== undefined && flags.rate === undefined) {
    throw new UsageError('--burst: it needs --rate, which says how long the pause after it is');
  }
  if (flags.reliable !== true) return;
  for (const name of ['probe', 'data', 'hex', 'size', 'chunk', 'count', 'rate', 'time', 'wait', 'broadcast'] as const) {
    if (flags[name] !== undefined) {
      throw new UsageError(`--reliable and --${name}: these do not go together`, 'it delivers --file or stdin, whole');
    }
  }
}

function commandSettings(flags: SendFlags, { family, address }: InetEndpoint): OptionSetting[] {
  const v6 = family === 'ipv6';
  const many = address.isMulticast;
  const settings: OptionSetting[] = [];
  if (flags.broadcast === true) settings.push(setting('SO_BROADCAST', true));
  if (flags.ttl !== undefined) {
    const name = v6 ? (many ? 'IPV6_MULTICAST_HOPS' : 'IPV6_UNICAST_HOPS') : many ? 'IP_MULTICAST_TTL' : 'IP_TTL';
    settings.push(setting(name, flags.ttl));
  }
  if (flags.loop === false) {
    if (!many) throw new UsageError(`--no-loop: ${address} is no multicast group`);
    settings.push(setting(v6 ? 'IPV6_MULTICAST_LOOP' : 'IP_MULTICAST_LOOP', false));
  }
  if (flags.interface !== undefined) {
    const name = many ? (v6 ? 'IPV6_MULTICAST_IF' : 'IP_MULTICAST_IF') : 'SO_BINDTODEVICE';
    settings.push(setting(name, flags.interface));
  }
  if (flags.pmtu !== undefined) {
    settings.push(parsed(v6 ? 'IPV6_MTU_DISCOVER' : 'IP_MTU_DISCOVER', flags.pmtu));
  }
  return settings;
}

/** A setting by the words of its option's type. */
function parsed(name: string, text: string): OptionSetting {
  const { option } = setting(name, 0);
  const value = option.type.parse(text);
  if (value === undefined) throw new UsageError(`${name}: '${text}' is not ${option.type.describe}`);
  return { option, value };
}

function perSecond(rate: Rate | undefined, size: number | undefined): number | undefined {
  if (rate === undefined || rate.unit === 'datagrams') return rate?.value;
  if (size === undefined || size === 0) {
    throw new UsageError(
      '--rate in bits: the datagrams must have one known size',
      'give --size, --data, --hex or --chunk, or a rate in datagrams',
    );
  }
  return rate.value / (8 * size);
}
