/**
 * Packets in capture files or on standard output: few, large writes, one file after the other.
 *
 * Everything is encoded when a method returns; what is encoded is carried away in pieces, in the order in which they
 * became full, and the promises are there to hold back those who can wait.
 */
import { SockctlError, SocketError, toSockctlError } from '../../../src/errors.js';
import { ByteWriter } from '../../format/bytes.js';
import { openWriter } from '../../format/open.js';
import type { CaptureWriter } from '../../format/port.js';
import { type FrameBatch, linkBytes } from '../../frames.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../../record.js';
import type { CaptureSink } from '../../sink.js';
import { type CaptureStatistics, NO_STATISTICS } from '../../source.js';
import { within } from '../within.js';
import { RotationClock } from './clock.js';
import type { Compress } from './compression.js';
import type { FileFolder } from './folder.js';
import type { FileNames } from './names.js';
import { type FileSinkOptions, thisMachine } from './options.js';
import { FileOutput } from './output.js';
import { StepQueue } from './queue.js';
import { Tally } from './tally.js';

const FLUSH_BYTES = 512 * 1024;
const FLUSH_MS = 100;
const COMPRESSED_FLUSH_MS = 1000;
/** Pieces on their way before the source has to wait: what a block of a ring makes, and some. */
const PIECES = 8;

/** How long the reader of a pipe may take nothing, at the end. */
const STALLED_MS = 2000;

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

export class FileSink implements CaptureSink {
  readonly #options: FileSinkOptions;
  readonly #flush: 'packet' | 'block' | number;
  readonly #sizeLimit: number;
  readonly #compress: Compress | undefined;
  readonly #folder: FileFolder | undefined;
  readonly #names: FileNames | undefined;
  readonly #begun: Date;
  #clock: RotationClock | undefined;
  readonly #failed = new AbortController();
  readonly #done = new AbortController();
  readonly #queue = new StepQueue();

  #output: FileOutput;
  #writer: CaptureWriter;
  #filling = new ByteWriter(2 * FLUSH_BYTES);
  /** The packets in it. */
  readonly #filled = new Tally();
  readonly #spare: ByteWriter[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  /** What compression makes of a byte; of none is known at first. */
  #ratio: number;
  /** Files that became complete by time. */
  #periods = 0;

  #interfaces: readonly CaptureInterface[] = [];
  /** How many of them every file begins with; the others are described with their first packets. */
  #atStart = 0;
  #statistics: () => CaptureStatistics = () => NO_STATISTICS;
  #failure: SockctlError | undefined;
  /** Whether the failure is no end: what comes is counted. */
  #counting = false;
  /** Those on their way to the file, and those that went nowhere. */
  readonly #underway = new Tally();
  readonly #dropped = new Tally();

  constructor(
    options: FileSinkOptions,
    compress: Compress | undefined,
    output: FileOutput,
    folder?: FileFolder,
    names?: FileNames,
    begun = new Date(),
  ) {
    this.#options = options;
    this.#compress = compress;
    // A guess, until the first packets are written.
    this.#ratio = compress === undefined ? 1 : 0.5;
    this.#flush = options.flush ?? (compress === undefined ? FLUSH_MS : COMPRESSED_FLUSH_MS);
    this.#sizeLimit = options.rotation?.size ?? Number.POSITIVE_INFINITY;
    this.#output = output;
    this.#folder = folder;
    this.#names = names;
    this.#writer = this.#newWriter();
    this.#begun = begun;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  get done(): AbortSignal {
    return this.#done.signal;
  }

  get dropped(): number {
    return this.#dropped.packets;
  }

  get droppedBytes(): number {
    return this.#dropped.bytes;
  }

  /** The head goes out at once: a reader at the other end of a pipe waits for it. */
  open(interfaces: readonly CaptureInterface[], statistics?: () => CaptureStatistics): Promise<void> {
    this.#interfaces = interfaces;
    this.#atStart = interfaces.length;
    if (statistics !== undefined) this.#statistics = statistics;
    const intervalMs = this.#options.rotation?.intervalMs;
    if (intervalMs !== undefined) this.#clock = new RotationClock(intervalMs, this.#begun, () => this.#changeWhenDue());
    if (this.#options.fsync === true) this.#queue.append(() => this.#attempt(this.#output, () => this.#folder?.sync()));
    this.#writer.open(this.#filling, interfaces);
    return this.#outcome(this.#handOff());
  }

  /** @throws SocketError ENOSPC, EPIPE, …; UsageError for what the format can't hold */
  write(batch: readonly CapturedPacket[]): void | Promise<void> {
    if (this.#failure !== undefined) return this.#refuse(batch.length, packetBytes(batch));
    this.#changeWhenDue();
    let index = 0;
    try {
      for (; index < batch.length; index++) {
        const packet = batch[index] as CapturedPacket;
        if (this.#isFull()) this.#changeBySize();
        this.#writer.packet(this.#filling, packet);
        this.#filled.add(1, packet.originalLength);
        this.#output.packets += 1;
        if (this.#filling.length >= FLUSH_BYTES) this.#handOff();
      }
    } catch (error) {
      // What the format can't hold goes nowhere, with what stands behind it.
      this.#dropped.add(batch.length - index, packetBytes(batch.slice(index)));
      throw error;
    }
    return this.#written();
  }

  /** As {@link write}. */
  writeFrames(batch: FrameBatch): void | Promise<void> {
    if (this.#failure !== undefined) return this.#refuse(batch.count, linkBytes(batch));
    this.#changeWhenDue();
    let at = 0;
    try {
      while (at < batch.count) {
        if (this.#isFull()) this.#changeBySize();
        const out = this.#filling;
        // One packet goes into a file however small it is to be.
        const room = this.#compress === undefined ? this.#sizeLimit - this.#output.given : Number.POSITIVE_INFINITY;
        const limit = Math.max(Math.min(room, FLUSH_BYTES - 1), out.length);
        const next = this.#writer.frames(out, batch, this.#interfaces, at, limit);
        this.#filled.add(next - at, linkBytes(batch, at, next));
        this.#output.packets += next - at;
        at = next;
        if (out.length >= FLUSH_BYTES) this.#handOff();
      }
    } catch (error) {
      this.#dropped.add(batch.count - at, linkBytes(batch, at));
      throw error;
    }
    return this.#written();
  }

  writeBlocks(blocks: readonly OtherBlock[]): void | Promise<void> {
    if (this.#failure !== undefined) return this.#refuse(0, 0);
    this.#writer.blocks?.(this.#filling, blocks);
    if (this.#filling.length >= FLUSH_BYTES) this.#handOff();
    return this.#written();
  }

  async close(statistics: CaptureStatistics, trailing: readonly OtherBlock[] = []): Promise<void> {
    this.#clock?.stop();
    try {
      if (this.#failure === undefined) {
        this.#writer.close(this.#filling, statistics, trailing);
        this.#handOff();
      }
    } finally {
      const waits = !this.#output.isFile;
      this.#finish(this.#output);
      await (waits ? this.#settle() : this.#queue.idle());
      clearTimeout(this.#flushTimer);
      this.#folder?.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Everything is written, or the reader of a pipe takes nothing: then what is left goes nowhere. */
  async #settle(): Promise<void> {
    for (let left = this.#queue.length; left > 0; left = this.#queue.length) {
      if ((await within(this.#queue.idle(), STALLED_MS)) || this.#queue.length < left) continue;
      const { packets, bytes } = this.#underway;
      this.#dropped.add(packets, bytes);
      const what = `${this.#output.name}: its reader takes nothing, ${packets} packets were not written`;
      this.#failure ??= new SockctlError('FAILED', { what, advice: 'start the reader again' });
      return;
    }
  }

  #newWriter(): CaptureWriter {
    const { format = 'pcapng', section = thisMachine(), interfaces } = this.#options;
    return openWriter(format, section, interfaces);
  }

  /** After a failure packets go nowhere. @throws the failure, where that is an end */
  #refuse(packets: number, bytes: number): void {
    this.#dropped.add(packets, bytes);
    if (!this.#counting) throw this.#failure;
  }

  /** What is to happen to what was encoded. */
  #written(): Promise<void> | undefined {
    if (this.#flush === 'packet') return this.#outcome(this.#handOff());
    const waiting = this.#filling.length > 0 || this.#options.fsync === true;
    if (this.#flush !== 'block' && waiting && this.#flushTimer === undefined) {
      this.#flushTimer = setTimeout(() => this.#flushNow(), this.#flush);
    }
    const room = this.#queue.room(PIECES);
    return room === undefined ? undefined : this.#outcome(room);
  }

  #flushNow(): void {
    this.#flushTimer = undefined;
    this.#handOff();
    const output = this.#output;
    if (this.#options.fsync === true) this.#queue.append(() => this.#attempt(output, () => output.sync()));
  }

  /** Tells whoever waits for `step` how it went; who does not wait is not troubled. */
  #outcome(step: Promise<void>): Promise<void> {
    const outcome = step.then(() => {
      if (this.#failure !== undefined && !this.#counting) throw this.#failure;
    });
    outcome.catch(() => undefined);
    return outcome;
  }

  /** Sends everything encoded so far on its way to its file; resolves when it is there, or has failed. */
  #handOff(): Promise<void> {
    const full = this.#filling;
    const output = this.#output;
    if (full.length === 0) return this.#queue.idle();
    const timed = typeof this.#flush === 'number';
    const sync = this.#options.fsync === true && !timed;
    // With fsync the timer stands for the time since the last one.
    if (timed && this.#options.fsync !== true) {
      clearTimeout(this.#flushTimer);
      this.#flushTimer = undefined;
    }
    this.#filling = this.#spare.pop() ?? new ByteWriter(2 * FLUSH_BYTES);
    const { packets, bytes } = this.#filled.take();
    this.#underway.add(packets, bytes);
    output.given += full.length;
    // Several are compressed at once, and written in turn.
    const piece = this.#compress?.(full.written());
    piece?.catch(() => undefined);
    return this.#queue.append(async () => {
      const written = await this.#attempt(output, async () => {
        const out = (await piece) ?? full.written();
        await output.write(out);
        output.written += full.length;
        // The head and the end of a file are not what packets are like.
        if (packets > 0) this.#ratio = out.length / full.length;
        if (sync) await output.sync();
      });
      this.#underway.add(-packets, -bytes);
      if (!written) this.#dropped.add(packets, bytes);
      await piece?.catch(() => undefined);
      full.clear();
      if (this.#spare.length < PIECES && full.capacity <= 4 * FLUSH_BYTES) this.#spare.push(full);
    });
  }

  /** Does a step of the queue unless one has failed. */
  async #attempt(output: FileOutput, step: () => unknown): Promise<boolean> {
    if (this.#failure !== undefined) return false;
    try {
      await step();
      return true;
    } catch (error) {
      this.#fail(error, output.name);
      return false;
    }
  }

  #fail(error: unknown, address: string): void {
    const { code = 'EIO', errno = 0, syscall = 'write' } = error as NodeJS.ErrnoException;
    this.#failure =
      typeof (error as NodeJS.ErrnoException).syscall === 'string'
        ? new SocketError({ syscall, code, errno: Math.abs(errno), address, cause: error })
        : toSockctlError(error, address);
    this.#counting = this.#options.onFull === 'count' && FULL.has(code);
    // What is encoded goes nowhere.
    const { packets, bytes } = this.#filled.take();
    this.#dropped.add(packets, bytes);
    this.#filling.clear();
    this.#clock?.stop();
    if (this.#counting) this.#options.onEvent?.({ event: 'write-failed', file: address, code });
    else this.#failed.abort(this.#failure);
  }

  /** By what is on the disk, and what is going to be there when all is: with compression, as much as of the last piece. */
  #isFull(): boolean {
    const { size, given, written, packets } = this.#output;
    return size + (given - written + this.#filling.length) * this.#ratio > this.#sizeLimit && packets > 0;
  }

  #changeBySize(): void {
    if (this.#names !== undefined) this.#change(this.#names.nextBySize());
  }

  #changeWhenDue(): void {
    const due = this.#clock?.next();
    if (due === undefined || this.#names === undefined) return;
    const { files, size } = this.#options.rotation ?? {};
    this.#periods += 1;
    if (size === undefined && this.#periods === files) {
      // The last file takes what still comes.
      this.#clock?.stop();
      this.#done.abort();
    } else {
      this.#change(this.#names.nextByTime(due));
    }
  }

  /** Ends the file, and begins the one called `name`. */
  #change(name: string): void {
    const before = this.#output;
    this.#writer.close(this.#filling, this.#statistics(), []);
    this.#handOff();
    this.#finish(before);
    const output = new FileOutput(name);
    this.#output = output;
    this.#writer = this.#newWriter();
    this.#queue.append(async () => {
      const opened = await this.#attempt(output, async () => {
        if (this.#folder !== undefined) output.opened(await this.#folder.create(name));
        if (this.#options.fsync === true) await this.#folder?.sync();
      });
      if (opened) this.#options.onEvent?.({ event: 'rotated', file: before.name, next: name, packets: before.packets });
    });
    this.#writer.open(this.#filling, this.#interfaces.slice(0, this.#atStart));
    this.#handOff();
  }

  /** Closes a file behind what is still on its way to it. */
  #finish(output: FileOutput): void {
    this.#queue.append(async () => {
      if (this.#options.fsync === true) await this.#attempt(output, () => output.sync());
      try {
        await output.close();
      } catch (error) {
        await this.#attempt(output, () => Promise.reject(error));
      }
    });
  }
}

function packetBytes(batch: readonly CapturedPacket[]): number {
  return batch.reduce((sum, { originalLength }) => sum + originalLength, 0);
}
