/** `tcp bench`: throughput to a discarding server, or from a generating one. */
import { ExitCode, SockctlError, UsageError } from '../../src/errors.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { type BenchSummary, benchStream } from '../../src/stream/bench.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import type { Rate } from '../args/values.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { benchJson, benchProgress, benchText } from '../render/bench.js';
import { liveLine } from '../render/live-line.js';

interface BenchFlags extends FamilyOptions {
  readonly time?: number;
  readonly bytes?: number;
  readonly parallel: number;
  readonly reverse?: boolean;
  readonly both?: boolean;
  readonly warmup: number;
  readonly interval: number;
  readonly length: number;
  readonly rate?: Rate;
  readonly zerocopy?: boolean;
  readonly source?: string;
  readonly quiet?: boolean;
}

export async function run([address]: [string], flags: BenchFlags, context: CommandContext): Promise<ExitCode> {
  const { json, output, signal, logger, settings } = context;
  if (flags.time !== undefined && flags.bytes !== undefined) {
    throw new UsageError('--time and --bytes: one of them ends the measurement');
  }
  if (flags.reverse === true && flags.both === true)
    throw new UsageError('--reverse and --both: one direction at a time');
  if (flags.rate !== undefined && flags.rate.unit !== 'bits') {
    throw new UsageError('--rate: a stream has no datagrams', 'give bits a second, such as 100mbit');
  }
  if (flags.rate !== undefined && flags.reverse === true) {
    throw new UsageError('--rate with --reverse: the sender is what is paced, and that is the server');
  }
  if (flags.zerocopy === true && flags.reverse === true) {
    throw new UsageError('--zerocopy with --reverse: it is about sending');
  }
  if (flags.length === 0) throw new UsageError('--length 0: a write of nothing moves nothing');
  const family = chosenFamily(flags);
  const targets = await resolveEndpoint(address, { protocol: 'tcp', family, signal });
  const live = json || flags.quiet === true ? undefined : liveLine();
  const records = benchStream(targets, {
    backend: await context.backend(),
    logger,
    settings,
    source: await sourceEndpoints(flags.source, 'tcp', family),
    direction: flags.both === true ? 'both' : flags.reverse === true ? 'receive' : 'send',
    parallel: flags.parallel,
    timeMs: flags.time,
    bytes: flags.bytes,
    warmupMs: flags.warmup,
    intervalMs: flags.interval,
    length: flags.length,
    rate: flags.rate?.value,
    zeroCopy: flags.zerocopy === true,
    onOpen: context.dropPrivileges,
    onProgress: live === undefined ? undefined : (progress) => live.show(benchProgress(progress)),
    signal,
  });
  let moved = 0;
  let ended: BenchSummary['endReason'] | undefined;
  for await (const record of records) {
    if (record.type === 'summary') [moved, ended] = [record.bytesIn + record.bytesOut, record.endReason];
    live?.clear();
    if (!json) {
      await output.line(benchText(record));
      // Before the live line stands there again.
      await output.flush();
    } else if (record.type === 'summary') context.summary(benchJson(record));
    else void output.record(benchJson(record));
  }
  if (context.interrupted()) return interruptedExit(moved > 0);
  if (ended === 'eof' && flags.reverse !== true) {
    const what = `${address}: the server has ended the connection`;
    throw new SockctlError('EPIPE', {
      what,
      advice: 'the figures are those until then; look at the log of the server',
    });
  }
  return ExitCode.ok;
}
