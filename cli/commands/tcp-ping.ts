/** `tcp ping`: handshakes with one port or several. */
import { ExitCode } from '../../src/errors.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { type HandshakeSummary, type HandshakeTarget, pingPorts } from '../../src/stream/ping.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { handshakeJson, handshakeText } from '../render/handshake.js';

interface PingFlags extends FamilyOptions {
  readonly count?: number;
  readonly interval: number;
  readonly timeout: number;
  readonly source?: string;
}

export async function run([addresses]: [string[]], flags: PingFlags, context: CommandContext): Promise<ExitCode> {
  const { json, output, signal } = context;
  const family = chosenFamily(flags);
  const targets: HandshakeTarget[] = [];
  for (const name of addresses) {
    const [endpoint] = await resolveEndpoint(name, { protocol: 'tcp', family, signal });
    if (endpoint !== undefined) targets.push({ name, endpoint });
  }
  const source = await sourceEndpoints(flags.source, 'tcp', family);
  context.dropPrivileges();
  const records = pingPorts(targets, {
    backend: await context.backend(),
    logger: context.logger,
    settings: context.settings,
    source,
    count: flags.count,
    intervalMs: flags.interval,
    timeoutMs: flags.timeout,
    signal,
  });
  const summaries: HandshakeSummary[] = [];
  for await (const record of records) {
    if (record.type === 'ping.summary') summaries.push(record);
    if (record.type === 'ping.summary' && json) context.summary({ ...record, ...handshakeJson(record) });
    else await (json ? output.record(handshakeJson(record)) : output.line(handshakeText(record)));
  }
  if (context.interrupted()) return interruptedExit(summaries.some(({ received }) => received > 0));
  return summaries.every(({ open }) => open > 0) ? ExitCode.ok : ExitCode.failed;
}
