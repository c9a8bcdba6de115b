/** `raw sniff`: what raw sockets receive. */
import { runPipeline } from '../../capture/index.js';
import { type ExitCode, SocketError } from '../../src/errors.js';
import type { SniffDrops } from '../../src/raw/sniff.js';
import { interfaceIndex } from '../../src/sockaddr/interfaces.js';
import { type FilterFlags, filterHosts } from '../args/filter.js';
import type { CommandContext } from '../context.js';
import { finishCapture } from '../render/capture.js';
import { createProgressSink } from '../render/capture-progress.js';
import { checkPacketFlags, type PacketFlags, packetSinks } from '../render/packet-sinks.js';
import { type SocketFlags, sniffSockets } from './sniff-sockets.js';
import { createSniffSource } from './sniff-source.js';

interface SniffFlags extends PacketFlags, FilterFlags, SocketFlags {
  readonly count?: number;
  readonly duration?: number;
  readonly snapshotLength?: number;
  readonly buffer?: number;
}

/** Of each socket, unless asked for: as much as a second of small packets at a hundred thousand a second. */
const RECEIVE_BUFFER = 64 << 20;

export async function run([words]: [string[]], flags: SniffFlags, context: CommandContext): Promise<ExitCode> {
  const { logger } = context;
  checkPacketFlags(flags, context);
  const interfaces = [...new Set(flags.interface)];
  // SO_BINDTODEVICE takes any name where no such interface exists yet; a mistyped one must not wait for ever.
  for (const name of interfaces) interfaceIndex(name);
  const filter = words.join(' ');
  const hosts = await filterHosts(filter, flags, context);
  const backend = await context.backend();
  const inKernel = backend.name === 'native';
  const source = createSniffSource(sniffSockets(interfaces, { filter, hosts, inKernel }, flags, context), {
    backend,
    logger,
    settings: context.settings,
    snapshotLength: flags.snapshotLength,
    receiveBuffer: flags.buffer ?? RECEIVE_BUFFER,
    onListening: ({ receiveBuffer }) => {
      if (flags.buffer !== undefined) checkBuffer(flags.buffer, receiveBuffer);
    },
  });
  // A file that is there already is not touched for a capture that may not begin.
  await source.open();
  const where = interfaces.length === 0 ? 'all interfaces' : interfaces.join(', ');
  logger.log('info', { event: 'listening', message: `sniffing on ${where}` });
  const sinks = await packetSinks(flags, context, { filter }).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  context.dropPrivileges();
  const summary = await runPipeline({
    source,
    sinks: [...sinks, createProgressSink(flags, context)],
    live: true,
    count: flags.count,
    durationMs: flags.duration,
    signal: context.signal,
  });
  noteUnknownDrops(context, source.drops());
  return finishCapture(context, summary);
}

/** @throws SocketError where the kernel gave less; it doubles what it gives (socket(7)) */
function checkBuffer(wanted: number, given: number): void {
  if (given >= 2 * wanted) return;
  throw new SocketError({
    syscall: `setsockopt(SO_RCVBUF=${wanted})`,
    code: 'EPERM',
    advice: `${given / 2} bytes is the most without CAP_NET_ADMIN: run it with sudo, or raise net.core.rmem_max`,
  });
}

/** Where nobody can tell how many drops are of interest, how many they are at most. */
function noteUnknownDrops({ logger }: CommandContext, { socket, socketAtMost }: SniffDrops): void {
  if (socket !== null || socketAtMost === null || socketAtMost === 0) return;
  const message =
    `${socketAtMost} packets dropped by the kernel at most: without room it counts packets before it asks the filter, ` +
    'which may have kept them out; --buffer makes room';
  logger.log('warn', { event: 'notice', message });
}
