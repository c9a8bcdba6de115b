/** Where the packets of `capture` come from: rings of the kernel, or the cap package. */
import {
  type CaptureEvent,
  type CaptureSource,
  checkExpression,
  compileLiveFilter,
  createPacketFilter,
  type Direction,
  deviceFilterOptions,
  type HostTable,
  openCapSource,
  openRingSource,
  type PacketFilter,
} from '../../capture/index.js';
import { SockctlError, UsageError } from '../../src/errors.js';
import { type FilterFlags, filterHosts } from '../args/filter.js';
import type { CommandContext } from '../context.js';
import type { LiveSinkFlags } from '../render/live-sinks.js';
import { recordHead } from '../render/record.js';

/** The flags that say what is captured, and how. */
export interface SourceFlags extends LiveSinkFlags, FilterFlags {
  readonly snapshotLength?: number;
  readonly buffer?: number;
  readonly direction?: Direction;
  readonly promiscuous: boolean;
  readonly workers: number;
  readonly timestampSource: 'kernel' | 'adapter';
  readonly exitWhenGone?: boolean;
}

/** A capture that has begun. */
export interface Opened {
  readonly source: CaptureSource;
  /** What is left for this process to filter. */
  readonly rest?: PacketFilter;
}

/**
 * The kernel's rings where system calls can be had, else the cap package.
 *
 * @throws FilterError for the filter, SocketError for interfaces, UsageError BACKEND_LIMIT for what the backend can't do
 */
export async function openSource(
  devices: readonly string[],
  filter: string,
  flags: SourceFlags,
  context: CommandContext,
): Promise<Opened> {
  const hosts = await filterHosts(filter, flags, context);
  if (context.backendChoice !== 'portable') {
    try {
      return await openRings(devices, filter, hosts, flags, context);
    } catch (error) {
      const missing = error instanceof SockctlError && error.code === 'BACKEND_MISSING';
      if (!missing || context.backendChoice === 'native') throw error;
      const message = `${error.message}: capturing through the cap package`;
      context.logger.log('warn', { event: 'fallback', message });
    }
  }
  return { source: await openCap(devices, filter, hosts, flags, context) };
}

async function openRings(
  devices: readonly string[],
  filter: string,
  hosts: HostTable | undefined,
  flags: SourceFlags,
  context: CommandContext,
): Promise<Opened> {
  const source = await openRingSource({
    devices,
    filter,
    hosts,
    snapshotLength: flags.snapshotLength,
    bufferSize: flags.buffer,
    workers: flags.workers,
    prompt: flags.write === undefined || flags.print === true || flags.write === '-' || flags.flush === 'packet',
    direction: flags.direction,
    promiscuous: flags.promiscuous,
    timestamps: flags.timestampSource,
    exitWhenGone: flags.exitWhenGone,
    settings: context.settings,
    onOpen: context.onOpen,
    logger: context.logger,
    onEvent: eventRecorder(context),
  });
  return source.filters ? { source } : { source, rest: createPacketFilter(filter, source.interfaces, { hosts }) };
}

/** @throws UsageError BACKEND_LIMIT for what the cap package can't do */
function openCap(
  devices: readonly string[],
  filter: string,
  hosts: HostTable | undefined,
  flags: SourceFlags,
  context: CommandContext,
): Promise<CaptureSource> {
  const [device = '', ...more] = devices;
  if (more.length > 0) throw limit('several -i', 'capture any, or one interface at a time');
  if (flags.workers > 1) throw limit('--workers', 'leave it out');
  if (flags.timestampSource === 'adapter') throw limit('--timestamp-source adapter', 'leave it out');
  if (context.settings.length > 0) throw limit('--opt', 'its sockets are those of libpcap');
  if (context.onOpen !== undefined) throw limit('--print-options', 'its sockets are those of libpcap');
  // libpcap compiles it once more, for the capture.
  const link = deviceFilterOptions(device);
  if (link === undefined) checkExpression(filter, { names: flags.resolve === true });
  else compileLiveFilter(filter, { ...link, hosts });
  return openCapSource({
    device,
    filter,
    snapshotLength: Math.min(flags.snapshotLength ?? 0, CAP_MAX) || undefined,
    bufferSize: flags.buffer,
    direction: flags.direction,
    promiscuous: flags.promiscuous,
    logger: context.logger,
    account: context.account,
    onEvent: eventRecorder(context),
  });
}

/** cap keeps no more of a packet. */
const CAP_MAX = 65_535;

function limit(what: string, advice: string): UsageError {
  return new UsageError(`${what}: the portable backend can't do it`, advice, 'BACKEND_LIMIT');
}

/** The source has logged it. */
function eventRecorder({ json, output }: CommandContext): (event: CaptureEvent) => void {
  return (event) => {
    if (json) void output.record({ ...recordHead('capture.event'), ...event });
  };
}
