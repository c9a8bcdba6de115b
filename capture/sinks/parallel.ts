/**
 * Lines of packets from several threads, in the order of the packets. Short captures are done with
 * before another thread has started: only from a few megabytes on one is asked for, and until it is there this one goes
 * on alone.
 *
 * Bounded: each thread has at most two batches, and lines that wait for those before them are few; then the source waits.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { SockctlError } from '../../src/errors.js';
import type { CapturedPacket } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';
import type { RecordBatch } from '../source.js';
import { BatchPacker, READY, type RecordsMessage, type WorkResult } from './batch-message.js';
import { createRenderer, isStateless, type Renderer, type RenderSpec } from './render.js';

/** Bytes of packets that are worked out here before threads are started. */
const INLINE_BYTES = 2 << 20;
/**
 * Two fill the machines that this is measured on. The compilers of V8 from Node 22 on keep some 80 MB more for a thread,
 * beyond what a command may have; there this thread works beside one other, which takes a tenth longer for records.
 */
const MAX_THREADS = Number.parseInt(process.versions.node, 10) < 22 ? 2 : 1;
/** Whether this thread works too when the others are busy. */
const WORKS_TOO = MAX_THREADS === 1;
const BATCHES_EACH = 2;
/** Lines of batches that wait for others. */
const MAX_DONE = 4;
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
  const program = options.program ?? new URL('./render-worker.js', import.meta.url);
  let seen = 0;
  let crew: Crew | undefined;
  /** Undefined as long as there is too little for a second thread. */
  const helped = (bytes: number): Crew | undefined => {
    seen += bytes;
    if (seen > limit) crew ??= new Crew(spec, render, write, program);
    return crew;
  };
  return {
    write: (batch) => {
      const help = helped(batch.reduce((sum, { bytes }) => sum + bytes.length, 0));
      return help === undefined ? write(render.packets(batch)) : help.packets(batch);
    },
    writeRecords: async (batch) => {
      const help = helped(batch.bytes.length);
      if (help !== undefined) return help.records(batch);
      await write(render.records(batch));
      return batch.bytes.buffer as ArrayBuffer;
    },
    close: () => crew?.close(),
  };
}

interface Thread {
  readonly worker: Worker;
  readonly packer: BatchPacker;
  ready: boolean;
  busy: number;
}

class Crew {
  readonly #render: Renderer;
  readonly #threads: Thread[];
  readonly #write: WriteLines;
  /** Lines that wait for those before them. */
  readonly #done = new Map<number, string | Uint8Array>();
  /** Memory of records that threads are done with, and of lines that are written. */
  readonly #spare: ArrayBuffer[] = [];
  readonly #outputs: ArrayBuffer[] = [];
  #given = 0;
  #written = 0;
  #failure: SockctlError | undefined;
  /** Wakes whoever waits for a place, or for the end. */
  #wake: (() => void) | undefined;
  /** What the writer has asked to wait for. */
  #pressure: Promise<void> | undefined;

  constructor(spec: RenderSpec, render: Renderer, write: WriteLines, program: URL) {
    this.#render = render;
    this.#write = write;
    const length = Math.min(availableParallelism(), MAX_THREADS);
    this.#threads = Array.from({ length }, () => this.#start(spec, program));
  }

  #start(spec: RenderSpec, program: URL): Thread {
    const worker = new Worker(program, { workerData: spec, resourceLimits: MEMORY });
    const thread: Thread = { worker, packer: new BatchPacker(), ready: false, busy: 0 };
    worker.on('message', (message: WorkResult | typeof READY) => {
      if (message === READY) {
        thread.ready = true;
        return;
      }
      thread.busy--;
      if (message.memory !== undefined) this.#spare.push(message.memory);
      this.#finish(message.id, message.bytes);
    });
    worker.on('error', (error) => this.#fail(error));
    return thread;
  }

  /** @throws SockctlError when a thread has failed */
  async packets(batch: readonly CapturedPacket[]): Promise<void> {
    const free = await this.#free();
    const id = this.#given++;
    const output = this.#outputs.pop();
    if (free === undefined) return this.#here(id, this.#render.packets(batch, output));
    const message = { ...free.packer.pack(id, batch), output };
    const given = [message.bytes.buffer as ArrayBuffer, message.columns.buffer as ArrayBuffer];
    free.worker.postMessage(message, output === undefined ? given : [...given, output]);
  }

  /**
   * @returns memory that is done with
   * @throws SockctlError when a thread has failed
   */
  async records({ layout, before, bytes, count, numbers }: RecordBatch): Promise<ArrayBuffer | undefined> {
    const free = await this.#free();
    const id = this.#given++;
    const output = this.#outputs.pop();
    if (free === undefined) {
      await this.#here(id, this.#render.records({ layout, before, bytes, count, numbers }, output));
      return bytes.buffer as ArrayBuffer;
    }
    const message: RecordsMessage = { id, layout, before, bytes, count, numbers, output };
    const given = [bytes.buffer as ArrayBuffer];
    free.worker.postMessage(message, output === undefined ? given : [...given, output]);
    return this.#spare.pop();
  }

  /** Lines that were worked out in this thread; the others are then listened to. */
  async #here(id: number, lines: string | Uint8Array): Promise<void> {
    this.#finish(id, lines);
    await turn();
  }

  /** Keeps lines, and writes those that nothing before them is missing of. */
  #finish(id: number, lines: string | Uint8Array): void {
    this.#done.set(id, lines);
    this.#writeReady();
  }

  /** A thread with a place, which is taken; undefined where this one is to do the work. */
  async #free(): Promise<Thread | undefined> {
    while (this.#failure === undefined) {
      if (this.#pressure !== undefined) await this.#pressure;
      const there = this.#threads.filter(({ ready }) => ready);
      if (there.length === 0) return undefined;
      const free = there.reduce((a, b) => (b.busy < a.busy ? b : a));
      if (this.#done.size < MAX_DONE) {
        if (free.busy < BATCHES_EACH) {
          free.busy++;
          return free;
        }
        if (WORKS_TOO) return undefined;
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
        const written = lines;
        const pressure = waiting.finally(() => {
          if (this.#pressure === pressure) this.#pressure = undefined;
          if (typeof written !== 'string') this.#outputs.push(written.buffer as ArrayBuffer);
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
