/** `raw trace`: the way to a host, hop by hop, once or on and on. */
import { clip, ExitCode, UsageError } from '../../src/errors.js';
import { type OptionSetting, setting } from '../../src/options/settings.js';
import type { TraceTarget } from '../../src/raw/trace/options.js';
import type { TraceSummary } from '../../src/raw/trace/records.js';
import { TraceControl, TraceTable } from '../../src/raw/trace/table.js';
import { trace } from '../../src/raw/trace/trace.js';
import { interfaceIndex } from '../../src/sockaddr/interfaces.js';
import { type IPAddress, tryParseIP } from '../../src/sockaddr/ip.js';
import { resolveHost } from '../../src/sockaddr/resolve.js';
import { chosenFamily } from '../args/common.js';
import { checkTraceFlags, type TraceFlags, traceOptions } from '../args/trace-options.js';
import type { CommandContext } from '../context.js';
import { checkLiveTerminal } from '../render/live-terminal.js';
import { HostFacts } from '../render/trace-facts.js';
import { liveSink } from '../render/trace-live.js';
import { lineSink, recordSink, reportSink, type TraceSink, type TraceSinkOptions } from '../render/trace-sinks.js';

/** RFC 919 section 7. What else is a broadcast address depends on the routes: the kernel says so. */
const LIMITED_BROADCAST = '255.255.255.255';

export async function run([host]: [string], flags: TraceFlags, context: CommandContext): Promise<ExitCode> {
  const { signal } = context;
  checkTraceFlags(flags);
  if (flags.live === true) checkLiveTerminal('for figures at the end: --report N');
  const settings = [...leavingBy(flags.interface), ...context.settings];
  const target = await resolveTarget(host, flags, signal);
  const source = await resolveSource(flags.source, target, signal);
  const facts = new HostFacts({ names: flags.resolve === true, origins: flags.as === true }, signal);
  const table = new TraceTable();
  const control = new TraceControl();
  const { sink, logger } = chooseSink(flags, context, { target, facts, table, control });
  let summary: TraceSummary | undefined;
  try {
    const records = trace(target, {
      ...traceOptions(flags),
      backend: await context.backend(),
      logger,
      settings,
      source,
      table,
      control,
      signal,
      onOpen: (opened) => {
        context.dropPrivileges();
        sink.opened(opened);
      },
    });
    for await (const record of records) {
      if (record.type === 'trace.hop') await sink.hop(record);
      else summary = record;
    }
    if (summary !== undefined) await sink.end(summary);
  } catch (error) {
    // What is known is told, whatever else went wrong.
    if (summary?.endReason === 'error') await sink.end(summary);
    throw error;
  } finally {
    facts.close();
    await sink.close();
  }
  if (summary?.reached === true) return ExitCode.ok;
  return context.interrupted() && (summary?.received ?? 0) === 0 ? ExitCode.interrupted : ExitCode.failed;
}

type SinkParts = Pick<TraceSinkOptions, 'target' | 'facts' | 'table'> & { readonly control: TraceControl };

function chooseSink(flags: TraceFlags, context: CommandContext, parts: SinkParts) {
  const { logger } = context;
  const options = {
    ...parts,
    context,
    flows: flags.flows ?? 1,
    trafficClass: flags.tos ?? 0,
    verbose: (flags.verbose ?? 0) > 0,
    rounds: flags.report,
  };
  if (flags.live === true) return liveSink({ ...options, logFile: flags.logFile });
  const make: (options: TraceSinkOptions) => TraceSink = context.json
    ? recordSink
    : flags.report === undefined
      ? lineSink
      : reportSink;
  return { sink: make(options), logger };
}

/** @throws SocketError where there is no such interface */
function leavingBy(name: string | undefined): OptionSetting[] {
  if (name === undefined) return [];
  interfaceIndex(name);
  return [setting('SO_BINDTODEVICE', name)];
}

async function resolveTarget(name: string, flags: TraceFlags, signal: AbortSignal): Promise<TraceTarget> {
  const [address] = await resolveHost(name, { family: chosenFamily(flags), signal });
  if (address === undefined) throw new UsageError(`raw trace: ${name} has no address`);
  if (address.isMulticast) {
    throw new UsageError(`raw trace: ${name}: there is no one way to a group`, 'give the address of a host');
  }
  if (address.toString() === LIMITED_BROADCAST) {
    throw new UsageError(`raw trace: ${name}: there is no one way to everybody`, 'give the address of a host');
  }
  return { name, address };
}

async function resolveSource(
  text: string | undefined,
  { address }: TraceTarget,
  signal: AbortSignal,
): Promise<IPAddress | undefined> {
  if (text === undefined) return undefined;
  const { family } = address;
  const numeric = tryParseIP(text)?.unmap();
  if (numeric !== undefined && numeric.family !== family) {
    const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
    throw new UsageError(`--source ${clip(text)}: ${address.toString()} is ${name}`, `give an ${name} address`);
  }
  return (await resolveHost(text, { family, signal }))[0];
}
