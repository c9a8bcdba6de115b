/** One ring of a link, read by this thread or by one of its own (ring-worker.ts). */
import { Worker } from 'node:worker_threads';
import { SockctlError } from '../../../src/errors.js';
import { BlockRing, type RingShape } from '../../../src/socket/native/block-ring.js';
import type { PacketRing } from '../../../src/socket/native/packet-ring.js';
import { DescriptorWatch } from '../../../src/socket/native/poller.js';
import type { FrameBatch } from '../../frames.js';
import { type BlockLayout, BlockReader } from './block.js';

export interface Lane {
  /** The next packets, valid until {@link release}; undefined where there are none yet. */
  take(before: number): FrameBatch | undefined;
  /** Gives back what was taken. */
  release(): void;
  /** Whether to be told when there is something to take. */
  want(readable: boolean): void;
  /** Idempotent. To be waited for before the ring is closed. */
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
    this.#watch = new DescriptorWatch(descriptor.libc, descriptor.fd, ({ readable }) => {
      // A link that goes down leaves ENETDOWN behind: what became of it is told by those who watch it.
      if (!readable) descriptor.takeError();
      onReady();
    });
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

/** Enough for the thread to go on while one is being looked at. */
const BATCHES = 8;

/** A ring that is read by a thread, which copies the packets: this one has only to look at them. */
export class ThreadLane implements Lane {
  readonly #worker: Worker;
  readonly #interfaceOf: (index: number) => number;
  readonly #waiting: WorkerBatch[] = [];
  #failure: SockctlError | undefined;

  constructor(ring: PacketRing, { shape, layout, interfaceOf, onReady }: LaneOptions) {
    const { address, memory, descriptor } = ring;
    const length = memory.byteLength;
    const workerData: WorkerTask = { fd: descriptor.fd, address, length, shape, layout, batches: BATCHES };
    this.#interfaceOf = interfaceOf;
    this.#worker = new Worker(new URL('./ring-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', (message: WorkerBatch) => {
      this.#waiting.push(message);
      onReady();
    });
    this.#worker.on('error', (cause: Error) => {
      this.#failure = new SockctlError('CAPTURE_DIED', { what: `a thread that captures: ${cause.message}`, cause });
      onReady();
    });
  }

  /** @throws SockctlError CAPTURE_DIED when the thread has ended by itself */
  take(before: number): FrameBatch | undefined {
    const next = this.#waiting[0];
    if (next === undefined && this.#failure !== undefined) throw this.#failure;
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
    await this.#worker.terminate();
  }
}
