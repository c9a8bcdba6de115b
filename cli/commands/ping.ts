/** `raw ping`: echo to one host, to many, or to blocks of them. */
import { ExitCode, UsageError } from '../../src/errors.js';
import type { PingOptions } from '../../src/raw/ping/options.js';
import { pingBatches } from '../../src/raw/ping/ping.js';
import type { PingSummary, PingTotal } from '../../src/raw/ping/records.js';
import { TargetSet } from '../../src/raw/ping/targets.js';
import { interfaceIndex } from '../../src/sockaddr/interfaces.js';
import { parseIP } from '../../src/sockaddr/ip.js';
import { checkFarRate } from '../args/far-rate.js';
import { readHostFile } from '../args/host-file.js';
import { type HostError, type HostSet, resolveHosts } from '../args/hosts.js';
import type { PingFlags } from '../args/ping-options.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { printError } from '../render/error-line.js';
import type { PingHosts } from '../render/ping.js';
import { recordHead } from '../render/record.js';
import { counted } from '../render/report.js';
import { openPingOutput } from './ping-output.js';
import { checkPingFlags, onlyFamily, paceOf, planPing } from './ping-plan.js';

export async function run([words]: [string[]], flags: PingFlags, context: CommandContext): Promise<ExitCode> {
  checkPingFlags(flags, context);
  // SO_BINDTODEVICE's own error does not say which interfaces there are.
  if (flags.interface !== undefined) interfaceIndex(flags.interface);
  const { entries, unresolved } = await findHosts(words, flags, context);
  const set = new TargetSet(entries);
  const named = new Map(entries.flatMap((entry) => ('prefix' in entry ? [] : [[entry.name, entry] as const])));
  const several =
    entries.length > 1 || unresolved.length > 0 || flags.file !== undefined || named.size < entries.length;
  const hosts: PingHosts = { set, named };
  const plan = planPing(flags, several);
  const near = entries.map((entry) => ('prefix' in entry ? entry.prefix : entry.address));
  checkFarRate(paceOf(flags, plan, set.size), near);
  if (set.repeated > 0) {
    const message = `${counted(set.repeated, 'host is', 'hosts are')} named again: each is pinged once`;
    context.logger.log('info', { event: 'notice', message });
  }
  const output = openPingOutput(hosts, flags, plan, context);
  const options: PingOptions = {
    ...plan,
    tell: output.tell,
    backend: await context.backend(),
    logger: output.logger,
    settings: context.settings,
    ttl: flags.ttl,
    tos: flags.tos,
    pmtu: flags.pmtu,
    interface: flags.interface,
    source: flags.source === undefined ? undefined : parseIP(flags.source),
    onOpen: context.dropPrivileges,
    onStart: output.begin,
    signal: context.signal,
  };
  let last: PingSummary | PingTotal | undefined;
  try {
    for await (const batch of pingBatches(set, options)) {
      await output.write(batch);
      const record = batch.at(-1);
      if (record?.type === 'ping.summary' || record?.type === 'ping.total') last = record;
    }
  } finally {
    await output.close();
  }
  return exitCode(last, unresolved.length, context);
}

/**
 * What the arguments and the file name; what can't be resolved is told, and left out.
 *
 * @throws UsageError for no hosts and for what is none; the error of the last one where none can be resolved
 */
async function findHosts(words: readonly string[], flags: PingFlags, context: CommandContext): Promise<HostSet> {
  const { signal } = context;
  if (words.includes('-')) throw new UsageError('-: is no host', 'hosts from stdin are --file -');
  const texts = words.map((text) => ({ text }));
  const more = flags.file === undefined ? [] : await readHostFile(flags.file, signal);
  if (texts.length + more.length === 0) {
    if (flags.file !== undefined)
      throw new UsageError(`--file ${flags.file}: there are no hosts in it`, 'write one a line');
    throw new UsageError('raw ping: whom?', 'give a name, an address, a block such as 10.0.0.0/24, or --file FILE');
  }
  const found = await resolveHosts([...texts, ...more], onlyFamily(flags), signal);
  const { entries, unresolved } = found;
  const left = entries.length > 0 ? unresolved : unresolved.slice(0, -1);
  for (const one of left) tellUnresolved(one, context);
  const last = unresolved.at(-1);
  if (entries.length === 0 && last !== undefined) throw last.error;
  return found;
}

function tellUnresolved({ target, error }: HostError, { json, output }: CommandContext): void {
  printError(error);
  const { code, message } = error;
  if (json) void output.record({ ...recordHead('ping.unresolved'), target, code, message });
}

/** Done when every host has answered; when interrupted, when any has. */
function exitCode(
  last: PingSummary | PingTotal | undefined,
  unresolved: number,
  { interrupted }: CommandContext,
): ExitCode {
  if (last === undefined) return interrupted() ? ExitCode.interrupted : ExitCode.failed;
  const alive = last.type === 'ping.total' ? last.alive : Math.min(1, last.received + last.late);
  if (interrupted()) return interruptedExit(alive > 0);
  const all = last.type === 'ping.total' ? last.of : 1;
  return alive === all && unresolved === 0 ? ExitCode.ok : ExitCode.failed;
}
