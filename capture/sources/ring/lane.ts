/** One ring of a link, read by this thread or by one of its own (ring-worker.ts). */
import { Worker } from 'node:worker_threads';
import { SockctlError } from '../../../src/errors.js';
import { BlockRing, type RingShape } from '../../../src/socket/native/block-ring.js';
import type { PacketRing } from '../../../src/socket/native/packet-ring.js';
import type { DescriptorWatch } from '../../../src/socket/native/poller.js';
import type { FrameBatch } from '../../frames.js';
import { type BlockLayout, BlockReader } from './block.js';
import { watchRing } from './watch.js';

export interface Lane {
  /** The next packets, valid until {@link release}; undefined where there are none yet. */
  take(before: number): FrameBatch | undefined;
  /** Gives back what was taken. */
  release(): void;
  /** Whether to be told when there is something to take. */
  want(readable: boolean): void;
  /** Why there will be no more packets than have been handed over, where that is so. */
  readonly failure?: SockctlError | undefined;
  /** Idempotent. Nobody reads the ring any more when it resolves. */
  close(): Promise<void>;
}

/** What lanes need to know of their ring. */
export interface LaneOptions {
  readonly shape: RingShape;
  readonly layout: BlockLayout;
  /** The place of the interface with this number among those of the source. */
  readonly interfaceOf: (index: number) => number;
  /** Called when there is something to take. */
  readonly onReady: () => void;
}

/** A ring that is read where its packets lie. */
export class LocalLane implements Lane {
  readonly #blocks: BlockRing;
  readonly #reader: BlockReader;
  readonly #watch: DescriptorWatch;

  constructor({ descriptor, memory }: PacketRing, { shape, layout, interfaceOf, onReady }: LaneOptions) {
    this.#blocks = new BlockRing(memory, shape);
    this.#reader = new BlockReader(this.#blocks, layout, interfaceOf);
    this.#watch = watchRing(descriptor.libc, descriptor.fd, onReady);
  }

  take(before: number): FrameBatch | undefined {
    const block = this.#blocks.take();
    return block === undefined ? undefined : this.#reader.read(block, before);
  }

  release(): void {
    this.#blocks.release();
  }

  want(readable: boolean): void {
    this.#watch.want(readable, false);
  }

  async close(): Promise<void> {
    this.#watch.close();
  }
}

/** What a thread is given: a ring that was opened before, for threads have no sockets of their own to open. */
export interface WorkerTask {
  readonly fd: number;
  readonly address: bigint;
  readonly length: number;
  readonly shape: RingShape;
  readonly layout: BlockLayout;
  /** Batches that may be on their way; the thread waits then, and the ring fills. */
  readonly batches: number;
}

/** What a thread sends: packets in memory that is handed over, and the numbers of the interfaces of their places. */
export interface WorkerBatch {
  readonly batch: FrameBatch;
  readonly indexes: readonly number[];
}

/** What a thread sends when it has begun. */
export const READY = 'ready';
/** What a thread is sent to end; anything else says that a batch is done with. */
export const END = 'end';

/** Enough for the thread to go on while one is being looked at. */
const BATCHES = 8;

/** A ring that is read by a thread, which copies the packets: this one has only to look at them. */
export class ThreadLane implements Lane {
  readonly #worker: Worker;
  readonly #interfaceOf: (index: number) => number;
  readonly #waiting: WorkerBatch[] = [];
  /** The thread has begun, or will never do. */
  readonly #begun: Promise<void>;
  readonly #exited: Promise<void>;
  #failure: SockctlError | undefined;

  constructor(ring: PacketRing, { shape, layout, interfaceOf, onReady }: LaneOptions) {
    const { address, memory, descriptor } = ring;
    const length = memory.byteLength;
    const workerData: WorkerTask = { fd: descriptor.fd, address, length, shape, layout, batches: BATCHES };
    this.#interfaceOf = interfaceOf;
    const worker = new Worker(new URL('./ring-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.#begun = new Promise((resolve) => {
      worker.once('exit', () => resolve());
      worker.on('message', (message: WorkerBatch | typeof READY) => {
        if (message === READY) resolve();
        else this.#waiting.push(message);
        onReady();
      });
    });
    worker.on('error', (cause: Error) => {
      this.#failure = new SockctlError('CAPTURE_DIED', { what: `a thread that captures: ${cause.message}`, cause });
      onReady();
    });
  }

  get failure(): SockctlError | undefined {
    return this.#failure;
  }

  take(before: number): FrameBatch | undefined {
    const next = this.#waiting[0];
    if (next === undefined) return undefined;
    const places = next.indexes.map(this.#interfaceOf);
    const { batch } = next;
    const interfaces = batch.interfaces.map((place) => places[place] as number);
    return { ...batch, before, interfaces };
  }

  release(): void {
    this.#waiting.shift();
    this.#worker.postMessage(undefined);
  }

  want(): void {
    // Messages come by themselves.
  }

  async close(): Promise<void> {
    await this.#begun;
    this.#worker.postMessage(END);
    await this.#exited;
  }
}
