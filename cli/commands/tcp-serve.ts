/** `tcp serve`: echo, discard, or stdin and stdout shared by all clients. */
import { ExitCode, UsageError } from '../../src/errors.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import type { StreamConnection } from '../../src/socket/port.js';
import { Broadcast } from '../../src/stream/broadcast.js';
import { type ConnectionHandler, discard, echo, serve } from '../../src/stream/serve.js';
import { receiveAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { endTerminal } from '../args/terminal.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';
import { streamSummary } from '../render/stream.js';

interface ServeFlags extends FamilyOptions {
  readonly echo?: boolean;
  readonly discard?: boolean;
  readonly once?: boolean;
  readonly backlog: number;
  readonly grace: number;
}

export async function run([address]: [string], flags: ServeFlags, context: CommandContext): Promise<ExitCode> {
  if (flags.echo === true && flags.discard === true) throw new UsageError('--echo and --discard: one mode at a time');
  const locals = await resolveEndpoint(address, {
    protocol: 'tcp',
    passive: true,
    family: chosenFamily(flags),
    signal: context.signal,
  });
  const handler = flags.echo === true ? echo : flags.discard === true ? discard : terminal(context);
  const started = performance.now();
  const server = await serve(locals, {
    backend: await context.backend(),
    logger: context.logger,
    settings: context.settings,
    backlog: flags.backlog,
    once: flags.once === true,
    graceMs: flags.grace,
    handler,
    signal: context.signal,
  });
  context.dropPrivileges();
  await server.done;
  streamSummary(context, {
    ...server.totals,
    durationMs: performance.now() - started,
    endReason: context.interrupted() ? 'interrupted' : 'eof',
  });
  return ExitCode.ok;
}

/** The default mode: what clients send goes to stdout, and stdin goes to every client. */
function terminal(context: CommandContext): ConnectionHandler {
  const stdin = new Broadcast(process.stdin);
  return async (connection, number) => {
    const sent = stdin.add(connection.duplex, (chunk) => void dataRecord(context, number, 'out', chunk));
    const received = receiveAll(connection, (chunk) =>
      context.json ? dataRecord(context, number, 'in', chunk) : context.output.write(chunk),
    ).then(() => endTerminal(() => connection.duplex.end()));
    await both(connection, received, sent);
  };
}

/** Waits for both directions; when one fails the other has no sense any more. */
async function both({ duplex }: StreamConnection, received: Promise<void>, sent: Promise<void>): Promise<void> {
  const results = await Promise.allSettled([
    received,
    sent.catch((error: unknown) => {
      duplex.destroy();
      throw error;
    }),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function dataRecord(
  { json, output }: CommandContext,
  connection: number,
  direction: 'in' | 'out',
  data: Uint8Array,
): void | Promise<void> {
  if (!json) return undefined;
  return output.record({ ...recordHead('tcp.data'), connection, direction, length: data.length, data });
}
