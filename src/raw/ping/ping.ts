/**
 * ICMP and ICMPv6 echo (RFC 792, RFC 4443 section 4), and ICMP timestamps: who answers, how fast, and what came back
 * instead. The loop is a state machine (machine.ts); here it gets its sockets.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { UsageError } from '../../errors.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import { runMachine } from '../probes/run.js';
import { RecordQueue } from '../record-queue.js';
import { PingMachine } from './machine.js';
import { checkPingOptions, type PingOptions } from './options.js';
import { pingOrder } from './order.js';
import { PingPort } from './ping-port.js';
import type { PingRecord } from './records.js';
import { SEARCHES_MAX } from './search-schedule.js';
import { openPingSocket, openSweepSender, type PingSocket, socketDrops } from './sockets.js';
import { isSweep, Sweep } from './sweep.js';
import { type PingTarget, TargetSet } from './targets.js';

/** Sending takes more than one processor. */
const SWEEP_THREADS = 2;
/** Hosts that can be pinged without end: each of them has a place in memory. */
const ENDLESS_MAX = 2 ** 20;

/**
 * Pings the targets and yields what happens as it happens; see records.ts. Whoever stops iterating ends the run.
 *
 * @throws UsageError for options that make no sense; SocketError EPERM or EACCES when no socket may be opened
 */
export async function* ping(
  targets: readonly PingTarget[] | TargetSet,
  options: PingOptions,
): AsyncGenerator<PingRecord> {
  for await (const batch of pingBatches(targets, options)) yield* batch;
}

/** As {@link ping}, with all records at once that come in one turn of the event loop. */
export async function* pingBatches(
  targets: readonly PingTarget[] | TargetSet,
  options: PingOptions,
): AsyncGenerator<PingRecord[]> {
  checkPingOptions(options);
  const set = targets instanceof TargetSet ? targets : new TargetSet(targets);
  if (options.count === undefined && options.retries === undefined && set.count > BigInt(ENDLESS_MAX)) {
    throw new UsageError(`ping: ${set.count} hosts without end`, 'give a count of probes to each');
  }
  if (options.pmtuSearch === true && set.count > BigInt(SEARCHES_MAX)) {
    throw new UsageError(`ping: the MTUs of ${set.count} paths at once`, `give ${SEARCHES_MAX} hosts at most`);
  }
  const sockets = await openAll(set.families, options);
  const [first] = sockets;
  if (first !== undefined && sockets.length === 1 && isSweep(options, set.count) && canSweep(first, set)) {
    try {
      yield* sweep(first, set, options);
    } finally {
      await first.socket.close();
    }
    return;
  }
  const port = await withSockets(sockets, () => new PingPort(sockets, options.backend.alarm()));
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  try {
    options.onOpen?.();
    const machine = new PingMachine({
      plan: options,
      order: pingOrder(set, options.randomOrder),
      hosts: set.count,
      routes: (family) => ({
        socket: sockets.find((one) => one.family === family)?.kind ?? 'raw',
        backend: options.backend.name,
      }),
      drops: () => socketDrops(sockets),
      identifier: randomInt(0x1_0000),
      key: randomBytes(8),
    });
    options.signal?.addEventListener('abort', interrupt, { once: true });
    if (options.signal?.aborted === true) interrupt();
    const queue = new RecordQueue<PingRecord>();
    const run = runMachine(machine, port, queue, { signal: stop.signal });
    options.onStart?.(() => machine.standing(port.now(), port.wallClock()));
    yield* queue.batches();
    await run;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    stop.abort();
    await port.close();
  }
}

/** Whether the socket has memory for many messages; a group has more than one answer. */
function canSweep({ socket, kind }: PingSocket, set: TargetSet): boolean {
  return kind === 'raw' && socket.table !== undefined && !set.hasGroups;
}

async function* sweep(socket: PingSocket, set: TargetSet, options: PingOptions): AsyncGenerator<PingRecord[]> {
  const { signal, onOpen, onStart, backend } = options;
  const queue = new RecordQueue<PingRecord>();
  const sender = socket.family === 'ipv4' ? await openSweepSender(options) : undefined;
  const run = new Sweep(
    {
      plan: options,
      order: pingOrder(set, options.randomOrder),
      hosts: set.count,
      socket,
      sender,
      route: { socket: socket.kind, backend: backend.name },
      identifier: randomInt(0x1_0000),
      key: randomBytes(8),
      threads: availableParallelism() > 1 ? SWEEP_THREADS : 0,
    },
    queue,
  );
  const interrupt = () => run.stop('interrupted');
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    run.open();
    onOpen?.();
    run.start();
    if (signal?.aborted === true) interrupt();
    onStart?.(() => run.standing());
    yield* queue.batches();
    await run.finished;
  } finally {
    signal?.removeEventListener('abort', interrupt);
    run.close();
    await sender?.socket.close();
  }
}

/** What closes them itself, once it is made. */
async function withSockets<Made>(sockets: readonly PingSocket[], make: () => Made): Promise<Made> {
  try {
    return make();
  } catch (error) {
    for (const { socket } of sockets) await socket.close();
    throw error;
  }
}

async function openAll(families: readonly IPFamily[], options: PingOptions): Promise<PingSocket[]> {
  const sockets: PingSocket[] = [];
  try {
    for (const family of families) sockets.push(await openPingSocket(family, options));
    return sockets;
  } catch (error) {
    for (const { socket } of sockets) await socket.close();
    throw error;
  }
}
