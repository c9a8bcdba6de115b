/** `udp send`: payloads from the command line, a file or stdin, at a rate. */

import { sendDatagrams } from '../../src/datagram/send.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import type { Endpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { choosePayloads, type PayloadFlags } from '../args/payloads.js';
import { sourceEndpoints } from '../args/source.js';
import type { Rate } from '../args/values.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { sendSummary, writeDatagram } from '../render/datagram.js';

interface SendFlags extends FamilyOptions, PayloadFlags {
  readonly rate?: Rate;
  readonly wait?: number;
  readonly source?: string;
  readonly broadcast?: boolean;
  readonly ttl?: number;
}

export async function run([address]: [string], flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  const family = chosenFamily(flags);
  const [target] = await resolveEndpoint(address, { protocol: 'udp', family, signal: context.signal });
  if (target === undefined || target.family === 'unix')
    throw new UsageError(`udp send ${address}: not an IP address and port`);
  const sources = await sourceEndpoints(flags.source, 'udp', target.family);
  const { source: payloads, size } = choosePayloads(flags);
  const summary = await sendDatagrams(target, {
    backend: await context.backend(),
    logger: context.logger,
    settings: [...commandSettings(flags, target), ...context.settings],
    source: sources?.[0],
    payloads,
    perSecond: perSecond(flags.rate, size),
    probe: flags.probe === true,
    onOpen: context.dropPrivileges,
    waitMs: flags.wait,
    onReply: (message) => void writeDatagram(context, message, undefined),
    signal: context.signal,
  });
  sendSummary(context, summary);
  if (summary.error !== undefined) throw summary.error;
  if (summary.endReason === 'interrupted') return interruptedExit(summary.sent > 0);
  return ExitCode.ok;
}

function commandSettings(flags: SendFlags, target: Endpoint): OptionSetting[] {
  const settings: OptionSetting[] = [];
  if (flags.broadcast === true) settings.push(setting('SO_BROADCAST', true));
  if (flags.ttl !== undefined) {
    settings.push(setting(target.family === 'ipv6' ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', flags.ttl));
  }
  return settings;
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
