/** `capture read`: files decoded, counted, converted or merged. */
import { existsSync } from 'node:fs';
import { createCountSink, runPipeline } from '../../capture/index.js';
import { ExitCode, UsageError } from '../../src/errors.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import { type PacketFlags, packetSinks } from '../render/packet-sinks.js';

interface ReadFlags extends PacketFlags {
  readonly count?: number;
  readonly countOnly?: boolean;
}

export async function run([args]: [string[]], flags: ReadFlags, context: CommandContext): Promise<ExitCode> {
  const source = await openFiles(splitFiles(args));
  const counter = createCountSink();
  const sinks = flags.countOnly === true ? [counter] : await packetSinks(flags, context, source);
  context.dropPrivileges();
  const summary = await runPipeline({
    source,
    sinks,
    count: flags.count,
    signal: context.signal,
  });
  if (flags.countOnly === true && !context.json) await context.output.line(String(counter.packets));
  const code = finishCapture(context, summary);
  // Reading nothing from an empty file is a result too.
  return summary.endReason === 'interrupted' ? code : ExitCode.ok;
}

/**
 * The arguments up to the first that names no file; what follows would be a filter.
 *
 * @throws UsageError for a filter: files can be filtered where the link is captured only
 */
function splitFiles(args: readonly string[]): readonly string[] {
  const isFile = (text: string) => text === '-' || existsSync(text);
  const end = args.findIndex((text, i) => i > 0 && !isFile(text));
  if (end < 0) return args;
  const rest = args.slice(end).join(' ');
  throw new UsageError(
    `capture read: '${rest}' names no file, and filters are for live captures`,
    'check the file name, or filter with: sockctl capture FILTER',
    'BACKEND_LIMIT',
  );
}
