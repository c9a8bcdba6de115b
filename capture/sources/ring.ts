/**
 * Live capture on Linux through rings that the kernel fills (packet-ring.ts): every packet has the kernel's time, its
 * length on the link, its direction and its interface, and every packet that was dropped is counted.
 *
 * Packets are handed on where they lie. While the consumer looks at a block, the kernel fills the others.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { toSockctlError, UsageError } from '../../src/errors.js';
import { type Logger, silentLogger } from '../../src/log/events.js';
import { type Libc, loadLibc } from '../../src/socket/native/libc.js';
import { type LinkChange, type LinkMonitor, openLinkMonitor } from '../../src/socket/native/link-monitor.js';
import { type FrameBatch, framePackets } from '../frames.js';
import { ANY_INTERFACE, type CapturedPacket, type CaptureInterface } from '../record.js';
import { addStatistics, type CaptureSource, type CaptureStatistics } from '../source.js';
import { LinkFollower } from './ring/follow.js';
import { InterfaceTable, RingLink } from './ring/link.js';
import { type RingSourceOptions, ringShape } from './ring/options.js';

const MAX_WORKERS = 64;
/** How often the counters are read: drops are told then, and the kernel's 32 bits don't wrap unseen. */
const COUNTERS_MS = 1000;
/** How long is waited at the end for packets that the kernel has counted and not handed over, beyond its own timeout. */
const DRAIN_MS = 500;

/**
 * Opens a ring for each interface and begins to capture.
 *
 * @throws SocketError ENODEV, EPERM without CAP_NET_RAW, ENOMEM for rings that are too large, EOPNOTSUPP for timestamps
 *   that the adapter can't take; FilterError; SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function openRingSource(options: RingSourceOptions): Promise<CaptureSource> {
  const { devices, logger = silentLogger } = options;
  if (devices.length === 0) throw new UsageError('no interface to capture on', 'name one with -i');
  const twice = devices.find((device, index) => devices.indexOf(device) !== index);
  if (twice !== undefined) throw new UsageError(`-i ${twice}: given twice`, 'name each interface once');
  if (devices.length > 1 && devices.includes(ANY_INTERFACE)) {
    throw new UsageError(`-i ${ANY_INTERFACE}: it has the packets of the others too`, `leave out the other -i`);
  }
  const { workers = 1 } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new UsageError(`${workers} workers: a whole number from 1 to ${MAX_WORKERS}`);
  }
  const libc = await loadLibc();
  const table = new InterfaceTable();
  const source = new RingSource(libc, table, options, logger);
  try {
    for (const device of devices) {
      source.links.push(new RingLink(libc, device, { ...options, logger }, table, () => source.wake()));
    }
    await source.follow();
  } catch (error) {
    await source.close();
    throw error;
  }
  return source;
}

class RingSource implements CaptureSource {
  readonly timestampSource = 'kernel';
  readonly links: RingLink[] = [];
  /** Set when the capture has ended by itself, for an interface that is gone. */
  ended: 'gone' | undefined;
  readonly #libc: Libc;
  readonly #table: InterfaceTable;
  readonly #options: RingSourceOptions;
  readonly #logger: Logger;
  readonly #counting: NodeJS.Timeout;
  #delivered = 0;
  #stopBy: number | undefined;
  #closed = false;
  #monitor: LinkMonitor | undefined;
  #wake: (() => void) | undefined;

  constructor(libc: Libc, table: InterfaceTable, options: RingSourceOptions, logger: Logger) {
    this.#libc = libc;
    this.#table = table;
    this.#options = options;
    this.#logger = logger;
    this.#counting = setInterval(() => this.#tellDrops(), COUNTERS_MS);
    // What is waited for are packets.
    this.#counting.unref();
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#table.all;
  }

  async *packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[], undefined> {
    for await (const batch of this.frames(signal)) yield framePackets(batch, this.interfaces);
  }

  async *frames(signal?: AbortSignal): AsyncGenerator<FrameBatch, undefined> {
    const stop = (): void => this.#stop();
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      while (!this.#closed) {
        let idle = true;
        for (const link of this.links) {
          const batch = link.take(this.#delivered);
          if (batch === undefined) continue;
          idle = false;
          this.#delivered += batch.count;
          yield batch;
          if (this.#closed) return;
          link.release();
        }
        if (idle && this.#finished()) return;
        // Under load too, timers, signals and files must have their turn.
        if (idle) await this.#ready();
        else await turn();
      }
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Tells what becomes of the interfaces from here on. */
  async follow(): Promise<void> {
    const follower = new LinkFollower(this.links, {
      logger: this.#logger,
      onEvent: (event) => this.#options.onEvent?.(event),
      waits: this.#options.exitWhenGone !== true,
      onGone: () => {
        this.ended = 'gone';
        this.#stop();
      },
    });
    const untold = (error: unknown) => {
      const message = `changes of interfaces are not told: ${toSockctlError(error).message}`;
      this.#logger.log('warn', { event: 'interface', message });
    };
    const onChange = (change: LinkChange) => follower.change(change);
    try {
      this.#monitor = await openLinkMonitor(this.#libc, { logger: this.#logger, onChange, onFailure: untold });
      follower.begin(this.#monitor.links);
    } catch (error) {
      untold(error);
    }
  }

  /** Called when there may be something to do. */
  wake(): void {
    this.#wake?.();
  }

  statistics(): CaptureStatistics {
    const counted = new Map(this.links.map((link) => [link.interface, link.statistics()]));
    return { ...addStatistics(counted.values()), interfaces: counted };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#counting);
    this.#monitor?.close();
    this.wake();
    await Promise.all(this.links.map((link) => link.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Nothing more comes in; what has come is still handed over. */
  #stop(): void {
    if (this.#stopBy !== undefined) return;
    const { bufferSize, prompt } = this.#options;
    this.#stopBy = performance.now() + 2 * ringShape(bufferSize, prompt).timeoutMs + DRAIN_MS;
    for (const link of this.links) link.quiesce();
    this.wake();
  }

  /** Whether all that came in before the stop has been handed over. */
  #finished(): boolean {
    if (this.#stopBy === undefined) return false;
    return performance.now() > this.#stopBy || this.links.every((link) => link.drained);
  }

  async #ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const { promise, resolve } = withWake((wake) => {
      this.#wake = wake;
    });
    for (const link of this.links) link.want(true);
    if (this.#stopBy !== undefined) timer = setTimeout(resolve, this.#stopBy - performance.now() + 1);
    await promise;
    this.#wake = undefined;
    clearTimeout(timer);
    if (!this.#closed) for (const link of this.links) link.want(false);
  }

  #tellDrops(): void {
    for (const link of this.links) {
      const { more, dropped } = link.drops();
      if (more === 0) continue;
      const message = `${link.name}: ${dropped} packets dropped by the kernel, the ring was full (a larger one: -B)`;
      this.#logger.log('warn', { event: 'drops', message });
      this.#options.onEvent?.({ event: 'drops', interface: link.name, dropped });
    }
  }
}

function withWake(keep: (wake: () => void) => void): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((yes) => {
    resolve = yes;
  });
  keep(resolve);
  return { promise, resolve };
}
