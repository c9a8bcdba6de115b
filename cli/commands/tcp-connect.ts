/** `tcp connect`: stdin to the peer, the peer to stdout, each half ending on its own. */
import { ExitCode, SockctlError, toSockctlError } from '../../src/errors.js';
import { roundMs } from '../../src/measure/clock.js';
import { endpointRecord, formatEndpoint } from '../../src/sockaddr/endpoint.js';
import type { StreamConnection } from '../../src/socket/port.js';
import { type Dialed, dialStream } from '../../src/stream/dial.js';
import { onIdle } from '../../src/stream/idle.js';
import type { ProxyRoute } from '../../src/stream/proxy-route.js';
import { describeTls } from '../../src/stream/tls-facts.js';
import { sendAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import { clientTls, type TlsClientFlags } from '../args/tls.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { HexDump } from '../render/hex-dump.js';
import { recordHead } from '../render/record.js';
import { connectionInfo, streamInterval, streamSummary } from '../render/stream.js';
import { endTerminal, receiveToStdout, type ShowChunk } from '../stdio.js';

/** How long the end of a checked TLS session is waited for. */
const POLITE_MS = 250;

interface ConnectFlags extends FamilyOptions, TlsClientFlags {
  readonly source?: string;
  readonly timeout?: number;
  readonly retry?: number;
  readonly idleTimeout?: number;
  readonly check?: boolean;
  readonly info?: boolean;
  readonly interval?: number;
  readonly hex?: boolean;
  readonly via?: ProxyRoute;
}

export async function run([address]: [string], flags: ConnectFlags, context: CommandContext): Promise<ExitCode> {
  const family = chosenFamily(flags);
  const { signal, logger } = context;
  const before = performance.now();
  const { connection, tls } = await dialStream(address, {
    backend: await context.backend(),
    logger,
    settings: context.settings,
    family,
    source: await sourceEndpoints(flags.source, 'tcp', family),
    timeoutMs: flags.timeout,
    retries: flags.retry,
    via: flags.via,
    tls: clientTls(flags),
    onOpen: context.dropPrivileges,
    signal,
  });
  const started = performance.now();
  const remote = formatEndpoint(connection.remote);
  const target = flags.via === undefined ? remote : `${address} through ${remote}`;
  if (flags.check === true) return check({ connection, tls }, target, started - before, context);
  const secured = tls === undefined ? '' : `, ${describeTls(tls)}`;
  const message = `connected to ${target} from ${formatEndpoint(connection.local)}${secured}`;
  logger.log('info', { event: 'notice', message });
  const watch = watchConnection(connection, flags, context);
  const stop = () => {
    watch.stop();
    connection.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });

  const show = chunkViewer(flags, context);
  const [showIn, showOut] = [show?.('in'), show?.('out')];
  const received = receiveToStdout(connection, context, showIn).then(() => endTerminal(stop));
  const sent = sendAll(connection, process.stdin, { pump: true, onChunk: showOut });
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

/** Who is shown each chunk of a direction: records with --json, lines with --hex; undefined for nobody. */
function chunkViewer(
  { hex }: ConnectFlags,
  { json, output }: CommandContext,
): ((direction: 'in' | 'out') => ShowChunk) | undefined {
  if (!json && hex !== true) return undefined;
  const dump = hex === true ? new HexDump((text) => process.stderr.write(text)) : undefined;
  return (direction) => (data) => {
    dump?.add(direction, data);
    if (!json) return undefined;
    return output.record({ ...recordHead('tcp.data'), connection: 1, direction, length: data.length, data });
  };
}

/** `--check`: that it connects is the result. */
async function check(
  { connection, tls }: Dialed,
  target: string,
  connectMs: number,
  { json, output, summary }: CommandContext,
): Promise<ExitCode> {
  const { local, remote } = connection;
  if (tls !== undefined) await endPolitely(connection);
  connection.destroy();
  const ends = { remote: endpointRecord(remote), local: endpointRecord(local), connectMs: roundMs(connectMs) };
  const secured = tls === undefined ? {} : { tls };
  if (json) void output.record({ ...recordHead('tcp.check'), open: true, ...ends, ...secured });
  else {
    await output.line(`${target} is open, connected in ${connectMs.toFixed(3)} ms`);
    if (tls !== undefined) await output.line(describeTls(tls));
  }
  summary({ ...recordHead('tcp.summary'), connections: 1, refused: 0, bytesIn: 0, bytesOut: 0, endReason: 'eof' });
  return ExitCode.ok;
}

/** Ends a TLS session so that the server sees a whole one: what it still says is read, for a moment at most. */
function endPolitely({ duplex }: StreamConnection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLITE_MS);
    duplex.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    duplex.resume().end();
  });
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
