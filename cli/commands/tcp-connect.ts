/** `tcp connect`: stdin to the peer, the peer to stdout, each half ending on its own. */
import { ExitCode, toSockctlError } from '../../src/errors.js';
import { formatEndpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { connectStream } from '../../src/stream/connect.js';
import { receiveAll, sendAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import { endTerminal } from '../args/terminal.js';
import { type CommandContext, recordHead } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { streamSummary } from '../render/stream.js';

interface ConnectFlags extends FamilyOptions {
  readonly source?: string;
  readonly timeout?: number;
}

export async function run([address]: [string], flags: ConnectFlags, context: CommandContext): Promise<ExitCode> {
  const family = chosenFamily(flags);
  const { signal, json, output, logger } = context;
  const targets = await resolveEndpoint(address, { protocol: 'tcp', family, signal, timeoutMs: flags.timeout });
  const connection = await connectStream(targets, {
    backend: await context.backend(),
    logger,
    settings: context.settings,
    source: await sourceEndpoints(flags.source, 'tcp', family),
    timeoutMs: flags.timeout,
    signal,
  });
  context.dropPrivileges();
  const started = performance.now();
  const remote = formatEndpoint(connection.remote);
  logger.log('info', { event: 'notice', message: `connected to ${remote} from ${formatEndpoint(connection.local)}` });
  const { duplex } = connection;
  const stop = () => duplex.destroy();
  signal.addEventListener('abort', stop, { once: true });

  let bytesIn = 0;
  let bytesOut = 0;
  const data = (direction: 'in' | 'out', chunk: Uint8Array) =>
    output.record({ ...recordHead('tcp.data'), connection: 1, direction, length: chunk.length, data: chunk });
  const received = receiveAll(connection, (chunk) => {
    bytesIn += chunk.length;
    return json ? data('in', chunk) : output.write(chunk);
  }).then(() => endTerminal(duplex));
  const sent = sendAll(connection, process.stdin, (chunk) => {
    bytesOut += chunk.length;
    if (json) void data('out', chunk);
  });
  const [inbound, outbound] = await Promise.allSettled([received, sent]);
  duplex.destroy();
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
    endReason: interrupted ? 'interrupted' : error === undefined ? 'eof' : 'error',
  });
  if (interrupted) return interruptedExit(false);
  if (error !== undefined) throw error;
  return ExitCode.ok;
}
