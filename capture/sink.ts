/** The port that packets leave by: a file, text, records, a count. */
import type { FrameBatch } from './frames.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from './record.js';
import type { CaptureStatistics, RecordBatch } from './source.js';

export interface CaptureSink {
  /**
   * Called once, before the first batch.
   *
   * @param interfaces those that are known by now; a live source goes on adding to it
   * @param statistics the counters of the source, whenever they are wanted
   */
  open?(interfaces: readonly CaptureInterface[], statistics?: () => CaptureStatistics): void | Promise<void>;
  /**
   * Takes a batch; the bytes belong to the source again when this returns. A promise is back-pressure: the next batch
   * should not be written until it resolves.
   */
  write(batch: readonly CapturedPacket[]): void | Promise<void>;
  /** Takes the packets of a live source as columns, in place of {@link write}; otherwise as there. */
  writeFrames?(batch: FrameBatch): void | Promise<void>;
  /**
   * Takes records that nobody has looked into, in place of {@link write}; a sink that has no such method is given packets.
   * The memory is the sink's until it is given back.
   *
   * @returns memory of this or an earlier batch that is not needed any more
   */
  writeRecords?(batch: RecordBatch): ArrayBuffer | undefined | Promise<ArrayBuffer | undefined>;
  /** Takes blocks of a file whose next packet a filter has left out; sinks that copy no files have no such method. */
  writeBlocks?(blocks: readonly OtherBlock[]): void | Promise<void>;
  /**
   * Called once, also after errors; everything taken is out when it resolves.
   *
   * @param trailing blocks of a file behind its last packet
   */
  close(statistics: CaptureStatistics, trailing?: readonly OtherBlock[]): void | Promise<void>;
  /** Aborted, with the error as its reason, when the sink fails between two writes (a timed flush found no space). */
  readonly failed?: AbortSignal | undefined;
  /** Aborted when the sink has all that it was to have: the capture ends. */
  readonly done?: AbortSignal | undefined;
  /** Keeps no packets but tells how the capture stands: what the other sinks have dropped is in its counters. */
  readonly watches?: boolean | undefined;
  /** Packets that were given to it and went nowhere, so far; those of a sink without it all went somewhere. */
  readonly dropped?: number;
  /** Lengths on the link of those, together. */
  readonly droppedBytes?: number;
}

/**
 * Where text sinks write: one or more whole lines, each with its newline, as text or as the bytes of it. The caller owns
 * stdout; a promise is back-pressure, and when it resolves the bytes have been written: their memory is used again then.
 * Without a promise they are the writer's for good.
 */
export type WriteLines = (lines: string | Uint8Array) => void | Promise<void>;
