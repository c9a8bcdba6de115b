/** `tcp serve`: echo, discard, or stdin and stdout shared by all clients. */
import { ExitCode, UsageError } from '../../src/errors.js';
import type { IPPrefix } from '../../src/sockaddr/prefix.js';
import { resolveEndpoint } from '../../src/sockaddr/resolve.js';
import type { StreamConnection } from '../../src/socket/port.js';
import { Broadcast } from '../../src/stream/broadcast.js';
import {
  type ConnectionHandler,
  discard,
  echo,
  generate,
  proxyTo,
  runCommand,
  saveTo,
  sendFile,
} from '../../src/stream/handlers.js';
import { serve } from '../../src/stream/serve.js';
import { endHalf, sendAll } from '../../src/stream/transfer.js';
import { chosenFamily, type FamilyOptions } from '../args/common.js';
import { serverTls, type TlsServerFlags } from '../args/tls.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';
import { streamSummary } from '../render/stream.js';
import { endTerminal, receiveToStdout } from '../stdio.js';

interface ServeFlags extends FamilyOptions, TlsServerFlags {
  readonly echo?: boolean;
  readonly discard?: boolean;
  readonly chargen?: boolean;
  readonly send?: string;
  readonly save?: string;
  readonly proxy?: string;
  readonly exec?: string;
  readonly once?: boolean;
  readonly maxConnections?: number;
  readonly refuse?: boolean;
  readonly idleTimeout?: number;
  readonly allow?: readonly IPPrefix[];
  readonly deny?: readonly IPPrefix[];
  readonly dropSlow?: boolean;
  readonly backlog: number;
  readonly grace: number;
}

export async function run([address]: [string], flags: ServeFlags, context: CommandContext): Promise<ExitCode> {
  const handler = await chooseHandler(flags, context);
  if (flags.refuse === true && flags.maxConnections === undefined) {
    throw new UsageError('--refuse: it is about --max-connections, which is not given');
  }
  const locals = await resolveEndpoint(address, {
    protocol: 'tcp',
    passive: true,
    family: chosenFamily(flags),
    signal: context.signal,
  });
  const started = performance.now();
  const server = await serve(locals, {
    backend: await context.backend(),
    logger: context.logger,
    settings: context.settings,
    backlog: flags.backlog,
    once: flags.once === true,
    maxConnections: flags.maxConnections,
    refuse: flags.refuse === true,
    idleTimeoutMs: flags.idleTimeout,
    allow: flags.allow ?? [],
    deny: flags.deny ?? [],
    graceMs: flags.grace,
    secure: await serverTls(flags, context),
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

const MODES = ['echo', 'discard', 'chargen', 'send', 'save', 'proxy', 'exec'] as const;

/** @throws UsageError for two modes at once, or a file that can't be sent */
async function chooseHandler(flags: ServeFlags, context: CommandContext): Promise<ConnectionHandler> {
  const given = MODES.filter((mode) => flags[mode] !== undefined);
  if (given.length > 1) throw new UsageError(`--${given.join(' and --')}: one mode at a time`);
  if (flags.dropSlow === true && given.length > 0) {
    throw new UsageError(`--drop-slow with --${given[0]}: it is about clients that share stdin`);
  }
  if (flags.echo === true) return echo;
  if (flags.discard === true) return discard;
  if (flags.chargen === true) return generate;
  if (flags.send !== undefined) return sendFile(flags.send);
  if (flags.save !== undefined) return saveTo(flags.save);
  if (flags.exec !== undefined) return runCommand(flags.exec);
  if (flags.proxy === undefined) return terminal(context, flags.dropSlow === true, flags.once === true);
  const { signal, settings, logger } = context;
  const targets = await resolveEndpoint(flags.proxy, { protocol: 'tcp', family: chosenFamily(flags), signal });
  return proxyTo(targets, { backend: await context.backend(), logger, settings, signal });
}

/** The default mode: what clients send goes to stdout, and stdin goes to every client. */
function terminal(context: CommandContext, dropSlow: boolean, once: boolean): ConnectionHandler {
  const stdin = new Broadcast(process.stdin, {
    dropSlow,
    onSlow: (number) => {
      const what = dropSlow ? 'dropped' : 'it holds the others back; --drop-slow would drop it';
      context.logger.log('warn', { event: 'notice', message: `connection ${number} is slow: ${what}` });
    },
  });
  return async (connection, number) => {
    const show = (direction: 'in' | 'out') => (chunk: Uint8Array) => dataRecord(context, number, direction, chunk);
    const [showIn, showOut] = context.json ? [show('in'), show('out')] : [undefined, undefined];
    // One client has stdin for itself.
    const sent = once
      ? sendAll(connection, process.stdin, { pump: true, onChunk: showOut })
      : stdin.add(connection, number, showOut);
    const received = receiveToStdout(connection, context, showIn).then(() =>
      endTerminal(() => endHalf(connection, { pump: true })),
    );
    await both(connection, received, sent);
  };
}

/** Waits for both directions; when one fails the other has no sense any more. */
async function both(connection: StreamConnection, received: Promise<void>, sent: Promise<void>): Promise<void> {
  const results = await Promise.allSettled([
    received,
    sent.catch((error: unknown) => {
      connection.destroy();
      throw error;
    }),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function dataRecord(
  { output }: CommandContext,
  connection: number,
  direction: 'in' | 'out',
  data: Uint8Array,
): void | Promise<void> {
  return output.record({ ...recordHead('tcp.data'), connection, direction, length: data.length, data });
}
