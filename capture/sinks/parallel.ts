/**
 * Lines of packets from several threads, in the order of the packets. Short captures are done with before a thread has
 * started: those begin with the first megabytes.
 *
 * Bounded: each thread has at most two batches; the source waits for a place.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { SockctlError } from '../../src/errors.js';
import type { CapturedPacket } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';
import type { RecordBatch } from '../source.js';
import { BatchPacker } from './batch-message.js';
import { createRenderer, isStateless, type RenderSpec } from './render.js';

/** Bytes of packets that are worked out here before threads are started. */
const INLINE_BYTES = 2 << 20;
/** Two fill the machines that this is measured on, and their memory stays what a command may have. */
const MAX_THREADS = 2;
const BATCHES_EACH = 2;
/** A batch leaves nothing behind: what a thread does not collect is only waste. */
const MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

export interface ParallelOptions {
  /** Default {@link INLINE_BYTES}. */
  readonly inlineBytes?: number;
  /** The compiled render-worker; default the one beside this file. */
  readonly program?: URL;
}

/** @param write is given lines, in order */
export function createParallelSink(spec: RenderSpec, write: WriteLines, options: ParallelOptions = {}): CaptureSink {
  const render = createRenderer(spec);
  const limit = isStateless(spec) && availableParallelism() > 1 ? (options.inlineBytes ?? INLINE_BYTES) : Infinity;
  let seen = 0;
  let crew: Crew | undefined;
  const program = options.program ?? new URL('./render-worker.js', import.meta.url);
  return {
    write: (batch) => {
      if (crew === undefined) {
        for (const { bytes } of batch) seen += bytes.length;
        if (seen <= limit) return write(render.packets(batch));
        crew = new Crew(spec, write, program);
      }
      return crew.work(batch);
    },
    writeRecords: async (batch) => {
      if (crew === undefined) {
        seen += batch.bytes.length;
        if (seen <= limit) {
          await write(render.records(batch));
          return batch.bytes.buffer as ArrayBuffer;
        }
        crew = new Crew(spec, write, program);
      }
      return crew.workRecords(batch);
    },
    close: () => crew?.close(),
  };
}

/** Records for a thread. */
export interface RecordsMessage extends Pick<RecordBatch, 'layout' | 'before' | 'bytes'> {
  readonly id: number;
}

/** Lines from a thread, with the memory that the records were in. */
export interface WorkResult {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly memory?: ArrayBuffer;
}

interface Thread {
  readonly worker: Worker;
  readonly packer: BatchPacker;
  busy: number;
}

class Crew {
  readonly #threads: Thread[];
  readonly #write: WriteLines;
  /** Lines that wait for those before them. */
  readonly #done = new Map<number, Uint8Array>();
  /** Memory of records that threads are done with. */
  readonly #spare: ArrayBuffer[] = [];
  #given = 0;
  #written = 0;
  #failure: SockctlError | undefined;
  /** Wakes whoever waits for a place, or for the end. */
  #wake: (() => void) | undefined;
  /** What the writer has asked to wait for. */
  #pressure: Promise<void> | undefined;

  constructor(spec: RenderSpec, write: WriteLines, program: URL) {
    this.#write = write;
    const count = Math.min(availableParallelism(), MAX_THREADS);
    this.#threads = Array.from({ length: count }, () => this.#start(spec, program));
  }

  #start(spec: RenderSpec, program: URL): Thread {
    const worker = new Worker(program, { workerData: spec, resourceLimits: MEMORY });
    const thread: Thread = { worker, packer: new BatchPacker(), busy: 0 };
    worker.on('message', ({ id, bytes, memory }: WorkResult) => {
      thread.busy--;
      if (memory !== undefined) this.#spare.push(memory);
      this.#done.set(id, bytes);
      this.#writeReady();
    });
    worker.on('error', (error) => this.#fail(error));
    return thread;
  }

  /** @throws SockctlError when a thread has failed */
  async work(batch: readonly CapturedPacket[]): Promise<void> {
    const { worker, packer } = await this.#free();
    const message = packer.pack(this.#given++, batch);
    worker.postMessage(message, [message.bytes.buffer as ArrayBuffer, message.columns.buffer as ArrayBuffer]);
  }

  /**
   * @returns memory that is done with
   * @throws SockctlError when a thread has failed
   */
  async workRecords({ layout, before, bytes }: RecordBatch): Promise<ArrayBuffer | undefined> {
    const { worker } = await this.#free();
    const message: RecordsMessage = { id: this.#given++, layout, before, bytes };
    worker.postMessage(message, [bytes.buffer as ArrayBuffer]);
    return this.#spare.pop();
  }

  /** A thread with a place, which is taken. */
  async #free(): Promise<Thread> {
    while (this.#failure === undefined) {
      if (this.#pressure !== undefined) await this.#pressure;
      const free = this.#threads.reduce((a, b) => (b.busy < a.busy ? b : a));
      if (free.busy < BATCHES_EACH && this.#done.size < BATCHES_EACH * this.#threads.length) {
        free.busy++;
        return free;
      }
      await this.#change();
    }
    throw this.#failure;
  }

  async close(): Promise<void> {
    while (this.#written < this.#given && this.#failure === undefined) await this.#change();
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    if (this.#failure !== undefined) throw this.#failure;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #writeReady(): void {
    for (let lines = this.#done.get(this.#written); lines !== undefined; lines = this.#done.get(this.#written)) {
      this.#done.delete(this.#written++);
      const waiting = this.#write(lines);
      if (waiting !== undefined) {
        const pressure = waiting.finally(() => {
          if (this.#pressure === pressure) this.#pressure = undefined;
        });
        this.#pressure = pressure;
      }
    }
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= new SockctlError('CAPTURE_DIED', {
      what: `a thread that decodes: ${error.message}`,
      cause: error,
    });
    this.#wake?.();
  }
}
