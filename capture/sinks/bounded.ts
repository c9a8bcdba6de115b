/**
 * A sink that never holds its source back: while the one behind it is busy, packets wait in a bounded queue, and those
 * that find no room are dropped and counted. A link does not wait for a terminal.
 */
import { copyFrames, type FrameBatch, framePackets, keptBytes, linkBytes } from '../frames.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../record.js';
import type { CaptureSink } from '../sink.js';
import type { CaptureStatistics } from '../source.js';
import { within } from './within.js';

/** Bytes of packets, with what is kept of each, that wait for a sink that is busy. */
const QUEUE_BYTES = 64 << 20;
/** Bytes that a packet takes up beside its own: in columns, and as an object. */
const OVERHEAD = { frames: 32, packets: 256, blocks: 256 } as const;
/** How long a sink may take for one batch, at the end, before what waits behind it is given up. */
const STALLED_MS = 2000;

/** Whatever has been given to it, in order. */
type Waiting =
  | { readonly kind: 'frames'; readonly batch: FrameBatch }
  | { readonly kind: 'packets'; readonly batch: readonly CapturedPacket[] }
  | { readonly kind: 'blocks'; readonly batch: readonly OtherBlock[] };

export interface BoundedOptions {
  /** Default 64 MiB. */
  readonly queueBytes?: number | undefined;
  /** Default 2,000. */
  readonly stalledMs?: number | undefined;
}

export class BoundedSink implements CaptureSink {
  readonly #sink: CaptureSink;
  readonly #limit: number;
  readonly #stalledMs: number;
  #interfaces: readonly CaptureInterface[] = [];
  #queue: ({ readonly item: Waiting; readonly size: number } | undefined)[] = [];
  /** What stands before it in the queue has gone on already. */
  #head = 0;
  #queued = 0;
  #busy: Promise<void> | undefined;
  #error: unknown;
  #failed = false;
  #dropped = 0;
  #droppedBytes = 0;

  constructor(sink: CaptureSink, options: BoundedOptions = {}) {
    this.#sink = sink;
    this.#limit = options.queueBytes ?? QUEUE_BYTES;
    this.#stalledMs = options.stalledMs ?? STALLED_MS;
  }

  get failed(): AbortSignal | undefined {
    return this.#sink.failed;
  }

  get done(): AbortSignal | undefined {
    return this.#sink.done;
  }

  get watches(): boolean | undefined {
    return this.#sink.watches;
  }

  get dropped(): number {
    return this.#dropped + (this.#sink.dropped ?? 0);
  }

  get droppedBytes(): number {
    return this.#droppedBytes + (this.#sink.droppedBytes ?? 0);
  }

  open(interfaces: readonly CaptureInterface[], statistics: () => CaptureStatistics): void | Promise<void> {
    this.#interfaces = interfaces;
    return this.#sink.open?.(interfaces, statistics);
  }

  /** @throws what the sink has failed with */
  writeFrames(batch: FrameBatch): void {
    if (this.#offer({ kind: 'frames', batch })) return;
    const size = keptBytes(batch) + batch.count * OVERHEAD.frames;
    if (!this.#fits(size)) this.#drop({ kind: 'frames', batch });
    else this.#enqueue(size, { kind: 'frames', batch: copyFrames(batch) });
  }

  /** @throws what the sink has failed with */
  write(batch: readonly CapturedPacket[]): void {
    if (this.#offer({ kind: 'packets', batch })) return;
    let size = batch.length * OVERHEAD.packets;
    for (const packet of batch) size += packet.bytes.length;
    if (!this.#fits(size)) {
      this.#drop({ kind: 'packets', batch });
      return;
    }
    const copies = batch.map((packet) => ({ ...packet, bytes: Uint8Array.from(packet.bytes) }));
    this.#enqueue(size, { kind: 'packets', batch: copies });
  }

  writeBlocks(blocks: readonly OtherBlock[]): void {
    if (!this.#offer({ kind: 'blocks', batch: blocks }))
      this.#enqueue(blocks.length * OVERHEAD.blocks, { kind: 'blocks', batch: blocks });
  }

  async close(statistics: CaptureStatistics, trailing?: readonly OtherBlock[]): Promise<void> {
    for (let before = this.#busy; before !== undefined; before = this.#busy) {
      const over = await within(before, this.#stalledMs);
      if (over) continue;
      this.#giveUp();
      break;
    }
    await this.#sink.close(statistics, trailing);
    if (this.#failed) throw this.#error;
  }

  /** Gives `item` to the sink, if it takes something now. @throws what it has failed with */
  #offer(item: Waiting): boolean {
    if (this.#failed) {
      this.#drop(item);
      throw this.#error;
    }
    if (this.#busy !== undefined) return false;
    this.#give(item);
    return true;
  }

  #fits(size: number): boolean {
    return this.#queued + size <= this.#limit;
  }

  #enqueue(size: number, item: Waiting): void {
    this.#queue.push({ item, size });
    this.#queued += size;
  }

  #drop(item: Waiting): void {
    if (item.kind === 'frames') {
      this.#dropped += item.batch.count;
      this.#droppedBytes += linkBytes(item.batch);
    } else if (item.kind === 'packets') {
      this.#dropped += item.batch.length;
      for (const { originalLength } of item.batch) this.#droppedBytes += originalLength;
    }
  }

  #give(item: Waiting): void {
    const pressure = this.#pass(item);
    if (pressure !== undefined) this.#follow(pressure);
  }

  #pass(item: Waiting): void | Promise<void> {
    if (item.kind === 'blocks') return this.#sink.writeBlocks?.(item.batch);
    if (item.kind === 'packets') return this.#sink.write(item.batch);
    if (this.#sink.writeFrames !== undefined) return this.#sink.writeFrames(item.batch);
    return this.#sink.write(framePackets(item.batch, this.#interfaces));
  }

  /** What waits goes on when `pressure` is over. */
  #follow(pressure: Promise<void>): void {
    this.#busy = pressure.then(
      () => this.#next(),
      (error: unknown) => this.#fail(error),
    );
  }

  #next(): void {
    this.#busy = undefined;
    while (this.#busy === undefined) {
      const next = this.#takeNext();
      if (next === undefined) return;
      try {
        this.#give(next);
      } catch (error) {
        this.#fail(error);
        return;
      }
    }
  }

  #takeNext(): Waiting | undefined {
    const next = this.#queue[this.#head];
    if (next === undefined) return undefined;
    this.#queued -= next.size;
    this.#queue[this.#head] = undefined;
    this.#head += 1;
    // Taking the first off a long array moves all others.
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return next.item;
  }

  #fail(error: unknown): void {
    this.#busy = undefined;
    this.#failed = true;
    this.#error = error;
    this.#giveUp();
  }

  /** What waits goes nowhere. */
  #giveUp(): void {
    for (const waiting of this.#queue) if (waiting !== undefined) this.#drop(waiting.item);
    this.#queue = [];
    this.#head = 0;
    this.#queued = 0;
  }
}
