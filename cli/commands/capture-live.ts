/** `capture [live]`: packets of a link, printed or written to a file. */
import { networkInterfaces } from 'node:os';
import {
  type CaptureEvent,
  checkExpression,
  compileFilter,
  type Direction,
  deviceFilterOptions,
  openCapSource,
  runPipeline,
} from '../../capture/index.js';
import type { ExitCode } from '../../src/errors.js';
import { type FilterFlags, filterHosts } from '../args/filter.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import { type PacketFlags, packetSinks } from '../render/packet-sinks.js';
import { recordHead } from '../render/record.js';

interface LiveFlags extends PacketFlags, FilterFlags {
  readonly interface?: string;
  readonly count?: number;
  readonly snapshotLength?: number;
  readonly buffer?: number;
  readonly duration?: number;
  readonly direction?: Direction;
}

export async function run([words]: [string[]], flags: LiveFlags, context: CommandContext): Promise<ExitCode> {
  const { json, output, logger } = context;
  const filter = words.join(' ');
  const device = flags.interface ?? defaultInterface();
  // libpcap compiles it once more, for the capture; what is wrong with it is shown here, and names are looked up only when asked.
  const link = deviceFilterOptions(device);
  if (link === undefined) checkExpression(filter, { names: flags.resolve === true });
  else compileFilter(filter, { ...link, hosts: await filterHosts(filter, flags, context) });
  const source = await openCapSource({
    device,
    filter,
    snapshotLength: flags.snapshotLength,
    bufferSize: flags.buffer,
    direction: flags.direction,
    logger,
    account: context.account,
    // The source has logged it.
    onEvent: (event: CaptureEvent) => {
      if (json) void output.record({ ...recordHead('capture.event'), ...event });
    },
  });
  logger.log('info', { event: 'listening', message: `capturing on ${device}` });
  const sinks = await packetSinks(flags, context);
  context.dropPrivileges();
  const summary = await runPipeline({
    source,
    sinks,
    count: flags.count,
    durationMs: flags.duration,
    signal: context.signal,
  });
  return finishCapture(context, summary);
}

/** As tcpdump(1) chooses: the first interface with an address that is not the loopback, else that. */
function defaultInterface(): string {
  const up = Object.entries(networkInterfaces());
  const found = up.find(([, addresses]) => addresses?.some((address) => !address.internal)) ?? up[0];
  return found?.[0] ?? 'lo';
}
