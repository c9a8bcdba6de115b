/** `raw ping`: echo to one host or several. */
import { ExitCode, UsageError } from '../../src/errors.js';
import { ping } from '../../src/raw/ping/ping.js';
import type { PingSummary } from '../../src/raw/ping/records.js';
import type { PingTarget } from '../../src/raw/ping/targets.js';
import { resolveHost } from '../../src/sockaddr/resolve.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { pingHeader, pingJson, pingText } from '../render/ping.js';

interface PingFlags extends FamilyOptions {
  readonly count?: number;
  readonly interval: number;
  readonly timeout: number;
  readonly size: number;
  readonly ttl?: number;
}

export async function run([hosts]: [string[]], flags: PingFlags, context: CommandContext): Promise<ExitCode> {
  const { json, output, signal } = context;
  const targets = await resolveTargets(hosts, flags, signal);
  if (!json) await output.line(pingHeader(targets, flags.size));
  const records = ping(targets, {
    backend: await context.backend(),
    logger: context.logger,
    settings: context.settings,
    count: flags.count,
    intervalMs: flags.interval,
    timeoutMs: flags.timeout,
    size: flags.size,
    ttl: flags.ttl,
    onOpen: context.dropPrivileges,
    signal,
  });
  const summaries: PingSummary[] = [];
  for await (const record of records) {
    if (record.type === 'ping.summary') {
      summaries.push(record);
      if (json) context.summary({ ...record, ...pingJson(record) });
      else await output.line(pingText(record));
    } else {
      await (json ? output.record(pingJson(record)) : output.line(pingText(record)));
    }
  }
  const answered = (summary: PingSummary) => summary.received + summary.late > 0;
  if (context.interrupted()) return interruptedExit(summaries.some(answered));
  return summaries.every(answered) ? ExitCode.ok : ExitCode.failed;
}

async function resolveTargets(hosts: readonly string[], flags: PingFlags, signal: AbortSignal): Promise<PingTarget[]> {
  const targets: PingTarget[] = [];
  const seen = new Set<string>();
  for (const name of hosts) {
    const [address] = await resolveHost(name, { family: chosenFamily(flags), signal });
    if (address === undefined) continue;
    if (seen.has(address.toString())) throw new UsageError(`raw ping: ${name}: this address is among the hosts twice`);
    seen.add(address.toString());
    targets.push({ name, address });
  }
  return targets;
}
