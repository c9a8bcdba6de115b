/** `tcp connect`: stdin to the peer, the peer to stdout, each half ending on its own. */
import { ExitCode, toSockctlError } from '../../src/errors.js';
import { formatEndpoint } from '../../src/sockaddr/endpoint.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import { connectStream } from '../../src/stream/connect.js';
import { receiveAll, sendAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { sourceEndpoints } from '../args/source.js';
import { endTerminal } from '../args/terminal.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { recordHead } from '../render/record.js';
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
  const stop = () => connection.destroy();
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
  connection.destroy();
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
    endReason: interrupted ? 'interrupted' : error === undefined ? 'eof' : 'error',
  });
  if (interrupted) return interruptedExit(false);
  if (error !== undefined) throw error;
  return ExitCode.ok;
}
