/** `capture [live]`: packets of links, printed or written to files. */
import { networkInterfaces } from 'node:os';
import { type CaptureSink, type CaptureSource, runPipeline } from '../../capture/index.js';
import { type ExitCode, UsageError } from '../../src/errors.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import { type LiveSinks, liveSinks } from '../render/live-sinks.js';
import { openSource, type SourceFlags } from './capture-source.js';

interface LiveFlags extends SourceFlags {
  readonly interface?: readonly string[];
  readonly count?: number;
  readonly duration?: number;
}

export async function run([words]: [string[]], flags: LiveFlags, context: CommandContext): Promise<ExitCode> {
  const filter = words.join(' ');
  const devices = flags.interface ?? [defaultInterface()];
  const shown = liveSinks(flags, context, devices.join(', '), filter);
  const { source, rest } = await openSource(devices, filter, flags, { ...context, logger: shown.logger });
  const sinks = await openSinks(shown, source, flags).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  context.logger.log('info', { event: 'listening', message: `capturing on ${devices.join(', ')}` });
  context.dropPrivileges();
  const summary = await runPipeline({
    source,
    sinks,
    filter: rest,
    live: true,
    count: flags.count,
    durationMs: flags.duration,
    signal: context.signal,
  });
  if (flags.countOnly === true && !context.json) await context.output.line(String(summary.captured));
  return finishCapture(context, summary);
}

/** @throws UsageError for a format that can't hold all links */
async function openSinks(shown: LiveSinks, { interfaces }: CaptureSource, flags: LiveFlags): Promise<CaptureSink[]> {
  const types = [...new Set(interfaces.map(({ linkType }) => linkType))];
  if (flags.format === 'pcap' && types.length > 1) {
    const names = types.map(linkTypeName).join(' and ');
    throw new UsageError(`--format pcap: it holds one link type, not ${names}`, 'use --format pcapng');
  }
  return shown.sinks();
}

/** As tcpdump(1) chooses: the first interface with an address that is not the loopback, else that. */
function defaultInterface(): string {
  const up = Object.entries(networkInterfaces());
  const found = up.find(([, addresses]) => addresses?.some((address) => !address.internal)) ?? up[0];
  return found?.[0] ?? 'lo';
}
