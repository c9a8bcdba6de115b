/** The one place that joins a source, a filter and the sinks. */
import { type SockctlError, toSockctlError } from '../src/errors.js';
import { monotonicMs } from '../src/measure/clock.js';
import type { PacketFilter } from './filter/packet-filter.js';
import { firstFrames, framePackets, linkBytes } from './frames.js';
import type { CapturedPacket, OtherBlock } from './record.js';
import type { CaptureSink } from './sink.js';
import { BoundedSink } from './sinks/bounded.js';
import type { CaptureSource, CaptureStatistics } from './source.js';

export interface PipelineOptions {
  readonly source: CaptureSource;
  readonly sinks: readonly CaptureSink[];
  /** Which packets go on; default all. */
  readonly filter?: PacketFilter | undefined;
  /** Ends after this many packets that passed the filter, from 1 up. */
  readonly count?: number | undefined;
  /** Ends after this time. */
  readonly durationMs?: number | undefined;
  /** Ends at the next batch; what a live source has caught by then is still delivered. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether the source can't wait, as a link can't: sinks that are behind have a queue each, and packets that find no room
   * in it are dropped, and counted, in place of holding the source back.
   */
  readonly live?: boolean | undefined;
  /** Called for each packet that passed, before the sinks; must not keep its bytes. */
  readonly onPacket?: ((packet: CapturedPacket) => void) | undefined;
}

/** `files`: a sink has all that it was to have; `gone`: an interface, which is not waited for. */
export type CaptureEndReason = 'count' | 'duration' | 'eof' | 'files' | 'gone' | 'interrupted' | 'error';

export interface CaptureSummary extends CaptureStatistics {
  /** Packets that passed the filter and that every sink took. */
  readonly captured: number;
  /** Their lengths on the link, as capinfos(1) counts its data size. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly endReason: CaptureEndReason;
  /** With endReason `error`: the first thing that went wrong. */
  readonly error?: SockctlError;
}

/**
 * Moves packets from the source to every sink until one of the ends is reached, then closes all of them. Never rejects:
 * a failure of the source or of a sink is in the summary, because what was captured before it still counts.
 */
export async function runPipeline(options: PipelineOptions): Promise<CaptureSummary> {
  const started = monotonicMs();
  const sinks = options.live === true ? options.sinks.map((sink) => new BoundedSink(sink)) : options.sinks;
  const run = new Run({ ...options, sinks });
  const errors: SockctlError[] = [];
  const attempt = async (step: () => unknown): Promise<void> => {
    try {
      await step();
    } catch (error) {
      errors.push(toSockctlError(error));
    }
  };
  await attempt(() => run.start());
  if (errors.length === 0) await attempt(() => run.move());
  run.end();
  await attempt(() => options.source.close());
  const counted = options.source.statistics();
  for (const sink of sinks) {
    const left = sink.watches === true ? mostDropped(sinks) : sink.dropped;
    await attempt(() => sink.close(withDrops(counted, left), options.source.trailing));
  }
  // Of the sink that got the fewest: then what was captured and what was dropped are together what came.
  const dropped = mostDropped(sinks);
  const droppedBytes = sinks.find((sink) => (sink.dropped ?? 0) === dropped)?.droppedBytes ?? 0;
  const statistics = withDrops(counted, dropped);

  const [error] = errors;
  return {
    captured: run.captured - dropped,
    ...statistics,
    bytes: run.bytes - droppedBytes,
    durationMs: monotonicMs() - started,
    endReason:
      error !== undefined ? 'error' : run.endReason === 'eof' ? (options.source.ended ?? 'eof') : run.endReason,
    ...(error === undefined ? {} : { error }),
  };
}

/** By the sink that has dropped the most. */
function mostDropped(sinks: readonly CaptureSink[]): number {
  return Math.max(0, ...sinks.map((sink) => sink.dropped ?? 0));
}

/** `statistics` with `dropped` packets more that sockctl itself has dropped. */
function withDrops(statistics: CaptureStatistics, dropped: number | undefined): CaptureStatistics {
  if (!dropped) return statistics;
  return { ...statistics, droppedApplication: (statistics.droppedApplication ?? 0) + dropped };
}

class Run {
  captured = 0;
  bytes = 0;
  endReason: CaptureEndReason = 'eof';
  readonly #options: PipelineOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { signal, durationMs, sinks, source } = this.#options;
    if (signal?.aborted === true) this.#interrupt();
    signal?.addEventListener('abort', this.#interrupt, { once: true });
    if (durationMs !== undefined) this.#startTimer(durationMs);
    for (const sink of sinks) {
      sink.failed?.addEventListener('abort', () => this.#stop.abort(), { once: true });
      sink.done?.addEventListener('abort', () => this.#finish('files'), { once: true });
      const dropped = () => (sink.watches === true ? mostDropped(sinks) : sink.dropped);
      await sink.open?.(source.interfaces, () => withDrops(source.statistics(), dropped()));
    }
  }

  async move(): Promise<void> {
    const moved = (await this.#moveRecords()) || (await this.#moveFrames());
    if (!moved) await this.#movePackets();
    if (this.endReason === 'count') return;
    for (const { failed } of this.#options.sinks) failed?.throwIfAborted();
  }

  async #movePackets(): Promise<void> {
    const { source, sinks, count } = this.#options;
    for await (const batch of source.packets(this.#stop.signal)) {
      const left: OtherBlock[] = [];
      const selected = this.#select(batch, left);
      if (selected.length > 0) {
        for (const sink of sinks) {
          const written = sink.write(selected);
          if (written !== undefined) await written;
        }
      }
      if (count !== undefined && this.captured >= count) {
        this.endReason = 'count';
        return;
      }
      if (left.length > 0) for (const sink of sinks) await sink.writeBlocks?.(left);
    }
  }

  /** Columns, where the source has them: false where it doesn't. */
  async #moveFrames(): Promise<boolean> {
    const { source, sinks, count, filter, onPacket } = this.#options;
    const frames = filter === undefined ? source.frames?.(this.#stop.signal) : undefined;
    if (frames === undefined) return false;
    for await (const batch of frames) {
      const taken = count === undefined ? batch : firstFrames(batch, count - this.captured);
      this.captured += taken.count;
      this.bytes += linkBytes(taken);
      const packets = once(() => framePackets(taken, source.interfaces));
      if (onPacket !== undefined) for (const packet of packets()) onPacket(packet);
      for (const sink of sinks) {
        const written = sink.writeFrames === undefined ? sink.write(packets()) : sink.writeFrames(taken);
        if (written !== undefined) await written;
      }
      if (count !== undefined && this.captured >= count) {
        this.endReason = 'count';
        return true;
      }
    }
    return true;
  }

  /** Records as they are, where nobody asks for packets: false where somebody does. */
  async #moveRecords(): Promise<boolean> {
    const { source, sinks, filter, count, onPacket } = this.#options;
    const [sink] = sinks;
    if (count !== undefined || onPacket !== undefined) return false;
    if (sinks.length !== 1 || sink?.writeRecords === undefined) return false;
    const records = source.records?.(this.#stop.signal);
    if (records === undefined) return false;
    let spare: ArrayBuffer | undefined;
    try {
      for (let next = await records.next(); next.done !== true; next = await records.next(spare)) {
        const batch = filter === undefined ? next.value : filter.select(next.value);
        this.captured += batch.count;
        this.bytes += batch.originalBytes;
        spare = batch.count === 0 ? (batch.bytes.buffer as ArrayBuffer) : await sink.writeRecords(batch);
      }
    } finally {
      await records.return(undefined);
    }
    return true;
  }

  /**
   * The packets of a batch that go on; they are counted here.
   *
   * @param left is given the blocks of packets that don't, behind the last that does
   */
  #select(batch: readonly CapturedPacket[], left: OtherBlock[]): readonly CapturedPacket[] {
    const { filter, count, onPacket } = this.#options;
    let selected = filter === undefined ? batch : passing(batch, filter, left);
    const room = (count ?? Number.POSITIVE_INFINITY) - this.captured;
    if (selected.length > room) selected = selected.slice(0, room);
    for (const packet of selected) {
      this.bytes += packet.originalLength;
      onPacket?.(packet);
    }
    this.captured += selected.length;
    return selected;
  }

  readonly #interrupt = (): void => this.#finish('interrupted');

  /** Timers hold 31 bits of milliseconds; longer times take several. */
  #startTimer(remainingMs: number): void {
    const step = Math.min(remainingMs, 0x7fff_ffff);
    this.#timer = setTimeout(() => {
      if (remainingMs > step) this.#startTimer(remainingMs - step);
      else this.#finish('duration');
    }, step);
  }

  /** Asks the source to stop; the first reason stands. */
  #finish(reason: CaptureEndReason): void {
    if (!this.#stop.signal.aborted) this.endReason = reason;
    this.#stop.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#interrupt);
  }
}

/** The packets that pass; blocks that stood before others now stand before the next of them. */
function passing(batch: readonly CapturedPacket[], filter: PacketFilter, left: OtherBlock[]): CapturedPacket[] {
  const selected: CapturedPacket[] = [];
  for (const packet of batch) {
    const { before } = packet;
    if (!filter.matches(packet)) {
      if (before !== undefined) left.push(...before);
    } else if (left.length === 0) selected.push(packet);
    else selected.push({ ...packet, before: [...left.splice(0), ...(before ?? [])] });
  }
  return selected;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
