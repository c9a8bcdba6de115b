/**
 * Live capture on Linux through rings that the kernel fills (packet-ring.ts): every packet has the kernel's time, its
 * length on the link, its direction and its interface, and every packet that was dropped is counted.
 *
 * Packets are handed on where they lie. While the consumer looks at a block, the kernel fills the others.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { toSockctlError, UsageError } from '../../src/errors.js';
import { silentLogger } from '../../src/log/events.js';
import { noSuchInterface } from '../../src/sockaddr/interfaces.js';
import { type Libc, loadLibc } from '../../src/socket/native/libc.js';
import { type LinkMonitor, openLinkMonitor } from '../../src/socket/native/link-monitor.js';
import { type FrameBatch, framePackets } from '../frames.js';
import { ANY_INTERFACE, type CapturedPacket, type CaptureInterface } from '../record.js';
import { addStatistics, type CaptureSource, type CaptureStatistics } from '../source.js';
import { LinkFollower } from './ring/follow.js';
import { InterfaceTable, KnownLinks } from './ring/interfaces.js';
import { type LinkContext, RingLink } from './ring/link.js';
import { type RingSourceOptions, ringShape } from './ring/options.js';

const MAX_WORKERS = 64;
/** How often the counters are read: drops are told then, and the kernel's 32 bits don't wrap unseen. */
const COUNTERS_MS = 1000;
/** How long is waited at the end for packets that the kernel has counted and not handed over, beyond its own timeout. */
const DRAIN_MS = 500;

export interface RingSource extends CaptureSource {
  /** Whether the kernel runs the filter: what it can't run is left to the consumer. */
  readonly filters: boolean;
}

/**
 * Opens a ring for each interface and begins to capture.
 *
 * @throws SocketError ENODEV, EPERM without CAP_NET_RAW, ENOMEM for rings that are too large, EOPNOTSUPP for timestamps
 *   that the adapter can't take; FilterError; SockctlError BACKEND_MISSING where system calls can't be had
 */
export async function openRingSource(options: RingSourceOptions): Promise<RingSource> {
  const { devices, workers = 1 } = options;
  if (devices.length === 0) throw new UsageError('no interface to capture on', 'name one with -i');
  const twice = devices.find((device, index) => devices.indexOf(device) !== index);
  if (twice !== undefined) throw new UsageError(`-i ${twice}: given twice`, 'name each interface once');
  if (devices.length > 1 && devices.includes(ANY_INTERFACE)) {
    throw new UsageError(`-i ${ANY_INTERFACE}: it has the packets of the others too`, 'leave out the other -i');
  }
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new UsageError(`${workers} workers: not a whole number from 1 to ${MAX_WORKERS}`);
  }
  const source = new Source(await loadLibc(), options);
  try {
    await source.open(devices);
  } catch (error) {
    await source.close();
    throw error;
  }
  return source;
}

class Source implements RingSource {
  readonly timestampSource = 'kernel';
  /** Set when the capture has ended by itself, for an interface that is gone. */
  ended: 'gone' | undefined;
  readonly #libc: Libc;
  readonly #options: LinkContext['options'];
  readonly #shape: LinkContext['shape'];
  readonly #links: RingLink[] = [];
  readonly #table = new InterfaceTable();
  readonly #counting: NodeJS.Timeout;
  #monitor: LinkMonitor | undefined;
  #delivered = 0;
  /** When waiting for what is in the rings ends; undefined while the capture goes on. */
  #stopBy: number | undefined;
  /** Whether nothing comes in any more after the stop. */
  #quiet = true;
  #closing: Promise<unknown> | undefined;
  #wake: (() => void) | undefined;

  constructor(libc: Libc, options: RingSourceOptions) {
    this.#libc = libc;
    this.#options = { ...options, logger: options.logger ?? silentLogger };
    this.#shape = ringShape(options.bufferSize, options.prompt);
    this.#counting = setInterval(() => this.#tellDrops(), COUNTERS_MS);
    // What is waited for are packets.
    this.#counting.unref();
  }

  /** The interfaces are followed from before the rings are opened: what becomes of them meanwhile is told afterwards. */
  async open(devices: readonly string[]): Promise<void> {
    const { logger } = this.#options;
    const onEvent: NonNullable<RingSourceOptions['onEvent']> = (event) => this.#options.onEvent?.(event);
    const waits = this.#options.exitWhenGone !== true;
    const follower = new LinkFollower(this.#links, { logger, onEvent, waits, onGone: () => this.#gone() });
    const monitor = await openLinkMonitor(this.#libc, {
      logger,
      onChange: (change) => {
        known.change(change);
        follower.change(change);
      },
      onFailure: (error) => {
        const message = `changes of interfaces are not told any more: ${toSockctlError(error).message}`;
        logger.log('warn', { event: 'interface', message });
      },
    });
    this.#monitor = monitor;
    const known = new KnownLinks(monitor.links);
    const context: LinkContext = {
      libc: this.#libc,
      options: this.#options,
      shape: this.#shape,
      known,
      table: this.#table,
      onReady: () => this.#wake?.(),
    };
    for (const device of devices) {
      const link = known.find(device) ?? known.get(/^\d+$/.test(device) ? Number(device) : 0);
      if (link === undefined && device !== ANY_INTERFACE) throw noSuchInterface(device, undefined, known.names());
      this.#links.push(new RingLink(context, device, device === ANY_INTERFACE ? undefined : link));
    }
    follower.begin(monitor.links);
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#table.all;
  }

  get filters(): boolean {
    return this.#links.every((link) => link.filters);
  }

  async *packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[], undefined> {
    for await (const batch of this.frames(signal)) yield framePackets(batch, this.interfaces);
  }

  async *frames(signal?: AbortSignal): AsyncGenerator<FrameBatch, undefined> {
    const stop = (): void => this.#stop();
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      while (this.#closing === undefined) {
        let idle = true;
        for (const link of this.#links) {
          const batch = link.take(this.#delivered);
          if (batch === undefined) continue;
          idle = false;
          this.#delivered += batch.count;
          yield batch;
          if (this.#closing !== undefined) return;
          link.release();
        }
        if (this.#finished(idle)) return;
        // Under load too, timers, signals and files must have their turn.
        if (idle) await this.#ready();
        else await turn();
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      // Those since the counters were last read: a capture that ends early has lost no less.
      this.#tellDrops();
    }
  }

  statistics(): CaptureStatistics {
    const all = this.#links.map((link) => ({ link, statistics: link.statistics() }));
    const single = all.filter(({ link }) => link.single);
    return {
      ...addStatistics(all.map(({ statistics }) => statistics)),
      interfaces: new Map(single.map(({ link, statistics }) => [link.interface, statistics])),
    };
  }

  async close(): Promise<void> {
    if (this.#closing === undefined) {
      clearInterval(this.#counting);
      this.#monitor?.close();
      this.#closing = Promise.all(this.#links.map((link) => link.close()));
      this.#wake?.();
    }
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #gone(): void {
    this.ended = 'gone';
    this.#stop();
  }

  /** Nothing more comes in; what has come is still handed over. */
  #stop(): void {
    if (this.#stopBy !== undefined || this.#closing !== undefined) return;
    this.#stopBy = this.#deadline();
    this.#quiet = this.#links.map((link) => link.quiesce()).every((quiet) => quiet);
    this.#wake?.();
  }

  #deadline(): number {
    return performance.now() + 2 * this.#shape.timeoutMs + DRAIN_MS;
  }

  /** Whether all that came in before the stop has been handed over, or what comes has no end. */
  #finished(idle: boolean): boolean {
    if (this.#stopBy === undefined) return false;
    if (idle && this.#links.every((link) => link.drained)) return true;
    // A process that was stopped meanwhile has more to take than there was time for.
    if (!idle && this.#quiet) this.#stopBy = this.#deadline();
    if (performance.now() < this.#stopBy) return false;
    for (const link of this.#links) link.abandon();
    return true;
  }

  /** Resolves when there may be something to take, or an end. */
  async #ready(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    for (const link of this.#links) link.want(true);
    const timer =
      this.#stopBy === undefined ? undefined : setTimeout(() => this.#wake?.(), this.#stopBy - performance.now() + 1);
    await woken;
    this.#wake = undefined;
    clearTimeout(timer);
    if (this.#closing === undefined) for (const link of this.#links) link.want(false);
  }

  #tellDrops(): void {
    for (const link of this.#links) {
      const { more, dropped } = link.drops();
      if (more === 0) continue;
      const message = `${link.name}: ${dropped} packets dropped by the kernel, the ring was full (a larger one: -B)`;
      this.#options.logger.log('warn', { event: 'drops', message });
      this.#options.onEvent?.({ event: 'drops', interface: link.name, dropped });
    }
  }
}
