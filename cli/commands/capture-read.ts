/** `capture read`: files decoded, counted, converted or merged. */
import {
  type CaptureSink,
  type CaptureSource,
  createCountSink,
  createPacketFilter,
  runPipeline,
} from '../../capture/reading.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { type FilterFlags, filterHosts, splitFilter } from '../args/filter.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import type { PacketFlags } from '../render/packet-sinks.js';

interface ReadFlags extends PacketFlags, FilterFlags {
  readonly count?: number;
  readonly countOnly?: boolean;
}

export async function run([args]: [string[]], flags: ReadFlags, context: CommandContext): Promise<ExitCode> {
  const { files, filter: expression } = splitFilter(args);
  if (files.length === 0) throw new UsageError('capture read: no file', 'name one before the filter; - is stdin');
  const hosts = await filterHosts(expression, flags, context);
  const source = await openFiles(files, context.signal);
  const filter = expression === '' ? undefined : createPacketFilter(expression, source.interfaces, { hosts });
  const counter = createCountSink();
  const sinks = flags.countOnly === true ? [counter] : await packets(flags, context, source);
  context.dropPrivileges();
  const summary = await runPipeline({
    source,
    sinks,
    filter,
    count: flags.count,
    signal: context.signal,
  });
  if (flags.countOnly === true && !context.json) await context.output.line(String(counter.packets));
  const code = finishCapture(context, summary);
  // Reading nothing from an empty file is a result too.
  return summary.endReason === 'interrupted' ? code : ExitCode.ok;
}

/** What decodes and prints packets is loaded for those who want to see any. */
async function packets(flags: PacketFlags, context: CommandContext, source: CaptureSource): Promise<CaptureSink[]> {
  const { packetSinks } = await import('../render/packet-sinks.js');
  return packetSinks(flags, context, { read: source });
}
