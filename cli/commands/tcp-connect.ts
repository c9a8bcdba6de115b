/** `tcp connect`: stdin to the peer, the peer to stdout, each half ending on its own. */
import { ExitCode, SockctlError, toSockctlError } from '../../src/errors.js';
import { roundMs } from '../../src/measure/clock.js';
import { endpointRecord, formatEndpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import type { StreamConnection } from '../../src/socket/port.js';
import { connectStream } from '../../src/stream/connect.js';
import { onIdle } from '../../src/stream/idle.js';
import { receiveAll, sendAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import { endTerminal } from '../args/terminal.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { recordHead } from '../render/record.js';
import { connectionInfo, streamInterval, streamSummary } from '../render/stream.js';

interface ConnectFlags extends FamilyOptions {
  readonly source?: string;
  readonly timeout?: number;
  readonly retry?: number;
  readonly idleTimeout?: number;
  readonly check?: boolean;
  readonly info?: boolean;
  readonly interval?: number;
}

export async function run([address]: [string], flags: ConnectFlags, context: CommandContext): Promise<ExitCode> {
  const family = chosenFamily(flags);
  const { signal, json, output, logger } = context;
  const targets = await resolveEndpoint(address, { protocol: 'tcp', family, signal, timeoutMs: flags.timeout });
  const before = performance.now();
  const connection = await connectStream(targets, {
    backend: await context.backend(),
    logger,
    settings: context.settings,
    source: await sourceEndpoints(flags.source, 'tcp', family),
    timeoutMs: flags.timeout,
    retries: flags.retry,
    signal,
  });
  context.dropPrivileges();
  const started = performance.now();
  const remote = formatEndpoint(connection.remote);
  if (flags.check === true) return check(connection, started - before, context);
  logger.log('info', { event: 'notice', message: `connected to ${remote} from ${formatEndpoint(connection.local)}` });
  const watch = watchConnection(connection, flags, context);
  const stop = () => {
    watch.stop();
    connection.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });

  const data = (direction: 'in' | 'out', chunk: Uint8Array) =>
    output.record({ ...recordHead('tcp.data'), connection: 1, direction, length: chunk.length, data: chunk });
  const pump = true;
  // The chunk's memory is used again for the next one, while stdout may still be at it.
  const deliver = (chunk: Uint8Array) => (json ? data('in', chunk) : output.write(Buffer.from(chunk)));
  const received = receiveAll(connection, deliver, { pump }).then(() => endTerminal(stop));
  const onChunk = json ? (chunk: Uint8Array) => void data('out', chunk) : undefined;
  const sent = sendAll(connection, process.stdin, { pump, onChunk });
  const [inbound, outbound] = await Promise.allSettled([received, sent]);
  const idle = watch.idle();
  stop();
  const { bytesIn, bytesOut } = connection;
  const failure =
    inbound.status === 'rejected' ? inbound.reason : outbound.status === 'rejected' ? outbound.reason : undefined;
  const error = failure === undefined ? undefined : toSockctlError(failure, remote);
  const interrupted = context.interrupted();
  streamSummary(context, {
    connections: 1,
    refused: 0,
    bytesIn,
    bytesOut,
    durationMs: performance.now() - started,
    endReason: interrupted ? 'interrupted' : error !== undefined ? 'error' : idle ? 'timeout' : 'eof',
  });
  if (interrupted) return interruptedExit(false);
  if (error !== undefined) throw error;
  if (idle) throw new SockctlError('TIMEOUT', { what: `${remote}: nothing came or went for ${flags.idleTimeout} ms` });
  return ExitCode.ok;
}

/** `--check`: that it connects is the result. */
async function check(
  connection: StreamConnection,
  connectMs: number,
  { json, output, summary }: CommandContext,
): Promise<ExitCode> {
  const { local, remote } = connection;
  connection.destroy();
  const ends = { remote: endpointRecord(remote), local: endpointRecord(local), connectMs: roundMs(connectMs) };
  if (json) void output.record({ ...recordHead('tcp.check'), open: true, ...ends });
  else await output.line(`${formatEndpoint(remote)} is open, connected in ${connectMs.toFixed(3)} ms`);
  summary({ ...recordHead('tcp.summary'), connections: 1, refused: 0, bytesIn: 0, bytesOut: 0, endReason: 'eof' });
  return ExitCode.ok;
}

/** Reports at intervals and at the end as the flags ask for, and closes the connection when nothing moves. */
function watchConnection(
  connection: StreamConnection,
  { info, interval, idleTimeout }: ConnectFlags,
  context: CommandContext,
): { stop: () => void; idle: () => boolean } {
  let [bytesIn, bytesOut] = [0, 0];
  let since = performance.now();
  let [idle, stopped] = [false, false];
  const report = () => {
    const now = performance.now();
    const moved = { bytesIn: connection.bytesIn - bytesIn, bytesOut: connection.bytesOut - bytesOut };
    streamInterval(context, { ...moved, durationMs: now - since, info: info === true ? connection.info() : undefined });
    [bytesIn, bytesOut, since] = [connection.bytesIn, connection.bytesOut, now];
  };
  // While the connection is open: a closed one has nothing to tell.
  const stop = () => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    stopIdle();
    if (info === true) connectionInfo(context, connection.info());
  };
  const stopIdle = onIdle(connection, idleTimeout, () => {
    idle = true;
    stop();
    connection.destroy();
  });
  const timer = interval === undefined ? undefined : setInterval(report, interval);
  return { stop, idle: () => idle };
}
