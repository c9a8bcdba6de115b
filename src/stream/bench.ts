/**
 * Stream throughput: as many bytes as go through, to a server that discards, from one that generates, or both at once.
 * What counts as sent is what the peer's kernel has acknowledged, where the own kernel tells.
 */
import { UsageError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { roundMs } from '../measure/clock.js';
import { type OptionSetting, setting } from '../options/settings.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import type { Backend, StreamConnection, ZeroCopyCounts } from '../socket/port.js';
import { connectStream } from './connect.js';
import { sendChunk } from './transfer.js';

export interface BenchOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  readonly source?: readonly Endpoint[] | undefined;
  /** Which way the bytes go: to the server, from it, or both. */
  readonly direction: 'send' | 'receive' | 'both';
  /** Connections at once. */
  readonly parallel?: number;
  /** Milliseconds to measure, after the warm-up. */
  readonly timeMs?: number | undefined;
  /** Bytes to move in all, instead of a time. */
  readonly bytes?: number | undefined;
  /** Milliseconds at the start that do not count. */
  readonly warmupMs?: number;
  readonly intervalMs?: number;
  /** Bytes of each write, 1 to 1 MiB. */
  readonly length?: number;
  /** Bits a second for all connections together, paced by the kernel (SO_MAX_PACING_RATE). */
  readonly rate?: number | undefined;
  /** Send with MSG_ZEROCOPY, which wins where an adapter reads the bytes itself; the native backend alone can do it. */
  readonly zeroCopy?: boolean | undefined;
  /** Called when the connections are open, before the first byte. */
  readonly onOpen?: () => void;
  /** Called several times a second while it runs. */
  readonly onProgress?: ((progress: BenchProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where a measurement stands. */
export interface BenchProgress {
  /** Milliseconds since the warm-up was over; negative during it. */
  readonly elapsedMs: number;
  /** How much of it is done, 0 to 1. */
  readonly fraction: number;
  /** Since the last of these. */
  readonly bitsPerSecond: number;
}

export interface BenchFigures {
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly bitsPerSecond: number;
  /** Null where the kernel does not tell. */
  readonly retransmits: number | null;
  /** Mean of the connections' smoothed round-trip times. */
  readonly rttMs: number | null;
}

export interface BenchInterval extends BenchFigures {
  readonly type: 'interval';
  /** Milliseconds since the start at which it begins; negative during the warm-up. */
  readonly fromMs: number;
}

export interface BenchSummary extends BenchFigures {
  readonly type: 'summary';
  readonly requestedBitsPerSecond: number | null;
  /** Writes whose bytes the kernel was to read from this process, and those that it has copied all the same. */
  readonly zeroCopy: Readonly<ZeroCopyCounts> | null;
  /** Of one processor, of this process. */
  readonly cpuPercent: number;
  /** 'eof': the server has ended it. */
  readonly endReason: 'deadline' | 'count' | 'eof' | 'interrupted';
}

const DEFAULT_TIME_MS = 10_000;
const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_LENGTH = 1 << 20;
const PROGRESS_MS = 200;

/**
 * Connects, runs, and yields a record at each interval and one at the end.
 *
 * @throws SocketError when a connection can't be made, or fails
 */
export async function* benchStream(
  targets: readonly Endpoint[],
  options: BenchOptions,
): AsyncGenerator<BenchInterval | BenchSummary> {
  const { parallel = 1, rate, settings = [], signal } = options;
  const pacing = rate === undefined ? [] : [setting('SO_MAX_PACING_RATE', String(Math.ceil(rate / 8 / parallel)))];
  const zero = options.zeroCopy === true ? [setting('SO_ZEROCOPY', true)] : [];
  if (zero.length > 0 && options.backend.name !== 'native') {
    throw new UsageError(`${options.backend.name} backend: no MSG_ZEROCOPY`, undefined, 'BACKEND_LIMIT');
  }
  const connections: StreamConnection[] = [];
  try {
    for (let i = 0; i < parallel; i++) {
      connections.push(
        await connectStream(targets, { ...options, settings: [...pacing, ...zero, ...settings], signal }),
      );
    }
    options.onOpen?.();
    yield* new Bench(connections, options).run();
  } finally {
    for (const connection of connections) connection.destroy();
  }
}

/** Counters at one moment. */
interface Snapshot {
  readonly time: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly retransmits: number | null;
  readonly rttMs: number | null;
}

class Bench {
  readonly #connections: readonly StreamConnection[];
  readonly #options: BenchOptions;
  readonly #zeroCopy: ZeroCopyCounts | undefined;
  #ended: BenchSummary['endReason'] | undefined;
  #failure: unknown;
  #done = 0;
  #wake: () => void = () => undefined;

  constructor(connections: readonly StreamConnection[], options: BenchOptions) {
    this.#connections = connections;
    this.#options = options;
    this.#zeroCopy = options.zeroCopy === true ? { calls: 0, copied: 0 } : undefined;
  }

  async *run(): AsyncGenerator<BenchInterval | BenchSummary> {
    const { timeMs, bytes, direction, warmupMs = 0, intervalMs = DEFAULT_INTERVAL_MS, rate, signal } = this.#options;
    const abort = () => this.#end('interrupted');
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    const started = performance.now() + warmupMs;
    const until = bytes === undefined ? started + (timeMs ?? DEFAULT_TIME_MS) : Number.POSITIVE_INFINITY;
    let first = this.#snapshot();
    let cpu = process.cpuUsage();
    let last = first;
    // The first bytes go within these calls.
    for (const connection of this.#connections) this.#start(connection);
    let warm = warmupMs === 0;
    const progress = this.#reportProgress(started);
    try {
      // Intervals are due by the clock: none is longer because the one before was late.
      for (let due = started - warmupMs + intervalMs; this.#ended === undefined; ) {
        const next = Math.min(due, until, warm ? Number.POSITIVE_INFINITY : started);
        await this.#sleep(next - performance.now());
        const now = this.#snapshot();
        if (!warm && now.time >= started) {
          warm = true;
          [first, last] = [now, now];
          cpu = process.cpuUsage();
          due = started + intervalMs;
          continue;
        }
        if (now.time >= until) this.#ended ??= 'deadline';
        if (bytes !== undefined && direction === 'receive' && now.bytesIn >= bytes) this.#ended ??= 'count';
        if (now.time < due && this.#ended === undefined) continue;
        if (now.time - last.time > 1) {
          yield { type: 'interval', fromMs: roundMs(last.time - started), ...this.#figures(last, now) };
          last = now;
        }
        due += intervalMs;
      }
      if (this.#failure !== undefined) throw this.#failure;
      const end = this.#snapshot();
      const { user, system } = process.cpuUsage(cpu);
      yield {
        type: 'summary',
        ...this.#figures(first, end),
        requestedBitsPerSecond: rate ?? null,
        zeroCopy: this.#zeroCopy === undefined ? null : { ...this.#zeroCopy },
        cpuPercent: Math.round((user + system) / 10 / Math.max(1, end.time - first.time)),
        endReason: this.#ended ?? 'eof',
      };
    } finally {
      clearInterval(progress);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** @param started when the warm-up is over */
  #reportProgress(started: number): NodeJS.Timeout | undefined {
    const { onProgress, timeMs = DEFAULT_TIME_MS, bytes } = this.#options;
    if (onProgress === undefined) return undefined;
    const begin = this.#snapshot();
    let last = begin;
    return setInterval(() => {
      const now = this.#snapshot();
      const elapsedMs = now.time - started;
      const moved = now.bytesIn + now.bytesOut - begin.bytesIn - begin.bytesOut;
      const fraction = bytes === undefined ? elapsedMs / timeMs : moved / bytes;
      const { bitsPerSecond } = this.#figures(last, now);
      onProgress({ elapsedMs, fraction: Math.min(1, Math.max(0, fraction)), bitsPerSecond });
      last = now;
    }, PROGRESS_MS);
  }

  /** Moves bytes until somebody ends it. */
  #start(connection: StreamConnection): void {
    const { direction, length = DEFAULT_LENGTH, bytes } = this.#options;
    const share = bytes === undefined ? Number.POSITIVE_INFINITY : Math.ceil(bytes / this.#connections.length);
    const zeroCopy = this.#zeroCopy;
    const tasks: Promise<unknown>[] = [];
    // Without a reader the end of the connection would not be seen.
    const receiving = receive(connection);
    if (direction !== 'receive') tasks.push(send(connection, { length, bytes: share, zeroCopy }));
    // With so many bytes to move the end is the server's own: it has read them all by then.
    if (direction === 'receive' || bytes !== undefined) tasks.push(receiving);
    else receiving.then(() => this.#end('eof')).catch((error: unknown) => this.#fail(error));
    Promise.all(tasks).then(
      () => {
        // The last connection to be done ends it.
        if (++this.#done === this.#connections.length) this.#end(direction === 'receive' ? 'eof' : 'count');
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #end(reason: BenchSummary['endReason']): void {
    this.#ended ??= reason;
    this.#wake();
  }

  #fail(error: unknown): void {
    if (this.#ended === undefined) this.#failure ??= error;
    this.#end('eof');
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended !== undefined) return resolve();
      const timer = setTimeout(resolve, Math.max(0, milliseconds));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      return undefined;
    });
  }

  #snapshot(): Snapshot {
    let [bytesIn, bytesOut, retransmits, rtt, told] = [0, 0, 0, 0, 0];
    for (const connection of this.#connections) {
      const info = connection.info();
      bytesIn += connection.bytesIn;
      // To tcp(7) the SYN and the FIN are bytes as well.
      const acked = info?.bytesAcked == null ? connection.bytesOut : Math.max(0, info.bytesAcked - 1);
      bytesOut += Math.min(acked, connection.bytesOut);
      if (info === undefined) continue;
      told++;
      retransmits += info.totalRetransmits;
      rtt += info.rttMs;
    }
    const all = told === this.#connections.length;
    return {
      time: performance.now(),
      bytesIn,
      bytesOut,
      retransmits: all ? retransmits : null,
      rttMs: all ? roundMs(rtt / told) : null,
    };
  }

  #figures(from: Snapshot, to: Snapshot): BenchFigures {
    const [bytesIn, bytesOut, durationMs] = [
      to.bytesIn - from.bytesIn,
      to.bytesOut - from.bytesOut,
      to.time - from.time,
    ];
    return {
      connections: this.#connections.length,
      bytesIn,
      bytesOut,
      durationMs: roundMs(durationMs),
      bitsPerSecond: durationMs > 0 ? Math.round(((bytesIn + bytesOut) * 8000) / durationMs) : 0,
      retransmits: to.retransmits === null || from.retransmits === null ? null : to.retransmits - from.retransmits,
      rttMs: to.rttMs,
    };
  }
}

interface SendOptions {
  readonly length: number;
  readonly bytes: number;
  readonly zeroCopy: ZeroCopyCounts | undefined;
}

async function send(connection: StreamConnection, { length, bytes, zeroCopy }: SendOptions): Promise<void> {
  const { pump } = connection;
  const pattern = new Uint8Array(Math.min(length, bytes));
  if (pump !== undefined) {
    await pump.generate(pattern, { limit: bytes, chunk: length, zeroCopy });
    if (Number.isFinite(bytes)) pump.shutdown();
    return;
  }
  for (let left = bytes; left > 0; left -= pattern.length) {
    await sendChunk(connection, left < pattern.length ? pattern.subarray(0, left) : pattern, {});
  }
  connection.duplex.end();
}

function receive(connection: StreamConnection): Promise<void> {
  if (connection.pump !== undefined) return connection.pump.discard();
  const { duplex } = connection;
  return new Promise((resolve, reject) => {
    duplex.once('error', reject).once('end', resolve).once('close', resolve).resume();
  });
}
