/** The port that packets come in by: a live link or a file. */
import type { PcapLayout } from './format/pcap-records.js';
import type { SectionDetails } from './format/port.js';
import type { FrameBatch } from './frames.js';
import type { CapturedPacket, CaptureInterface, OtherBlock } from './record.js';

/** What a source knows about what it did not deliver. Null means that nobody counted, never that nothing was lost. */
export interface CaptureStatistics {
  /** Packets that reached the capture, those dropped afterwards included. */
  readonly received: number | null;
  /** Dropped by the kernel because its buffer was full. */
  readonly droppedKernel: number | null;
  /** Dropped by the interface or its driver. */
  readonly droppedInterface: number | null;
  /** Dropped by sockctl because its own queue was full. */
  readonly droppedApplication: number | null;
  /** The same for single interfaces, where each was counted by itself. */
  readonly interfaces?: ReadonlyMap<CaptureInterface, CaptureStatistics> | undefined;
}

/** What happened to a source while it ran; the `capture.event` records of `--json`. */
export type CaptureEvent =
  | { readonly event: 'interface-down' | 'interface-up' | 'interface-gone'; readonly interface: string }
  /** There is an interface of that name again, in place of one that was gone. */
  | { readonly event: 'interface-created'; readonly interface: string }
  | { readonly event: 'interface-renamed'; readonly interface: string; readonly before: string }
  /** Packets dropped so far, by the kernel and by sockctl. */
  | { readonly event: 'drops'; readonly interface: string; readonly dropped: number }
  /** A file is complete, and another one is begun. */
  | { readonly event: 'rotated'; readonly file: string; readonly next: string; readonly packets: number }
  /** A file can't be written any more; the capture goes on without it. */
  | { readonly event: 'write-failed'; readonly file: string; readonly code: string };

/** Whole records of a file that nobody has looked into: for sinks that only count, or that leave it to other threads. */
export interface RecordBatch {
  readonly layout: PcapLayout;
  /** The records, at the beginning of their memory. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Lengths on the link, together. */
  readonly originalBytes: number;
  /** Packets of the file before these. */
  readonly before: number;
  /** Numbers of the packets in the file, where a filter has left some out. */
  readonly numbers?: Float64Array | undefined;
}

export interface CaptureSource extends AsyncDisposable {
  /** A file may describe further interfaces on its way: look again after each batch. */
  readonly interfaces: readonly CaptureInterface[];
  /** Who took the timestamps: the kernel, this process when the packet arrived, or whoever wrote the file. */
  readonly timestampSource: 'kernel' | 'user' | 'file';
  /**
   * The packets in batches, in the order of the source, once. A batch and its bytes are valid until the next one is
   * asked for. When `signal` is aborted, a live source stops capturing and delivers what it has already caught; the
   * iteration then ends without an error.
   *
   * @throws SockctlError after the last whole packet, when the source failed
   */
  packets(signal?: AbortSignal): AsyncIterable<readonly CapturedPacket[]>;
  /**
   * The same as records, in place of {@link packets}; undefined where there are none to be had. Their memory belongs to
   * the consumer, which may give it back for the next batch; it may also be taken from it.
   *
   * @throws SockctlError as {@link packets}
   */
  records?(signal?: AbortSignal): AsyncGenerator<RecordBatch, undefined, ArrayBuffer | undefined> | undefined;
  /** The same as columns, in place of {@link packets}, for live sources that have them. */
  frames?(signal?: AbortSignal): AsyncIterable<FrameBatch>;
  /** Why a live source has ended by itself. */
  readonly ended?: 'gone' | undefined;
  /** Final once the iteration has ended and the source is closed. */
  statistics(): CaptureStatistics;
  /** What a pcapng file says of its making, for whoever copies it. */
  readonly section?: SectionDetails | undefined;
  /** Blocks of a file behind its last packet, once the iteration has ended. */
  readonly trailing?: readonly OtherBlock[];
  /** Idempotent. Ends a running iteration. */
  close(): Promise<void>;
}

/** Nothing was counted. */
export const NO_STATISTICS: CaptureStatistics = {
  received: null,
  droppedKernel: null,
  droppedInterface: null,
  droppedApplication: null,
};

type Counter = Exclude<keyof CaptureStatistics, 'interfaces'>;

/** Sums of counters; a counter is known when at least one part knows it. */
export function addStatistics(parts: Iterable<CaptureStatistics>): CaptureStatistics {
  const sum = { ...NO_STATISTICS } as { -readonly [K in Counter]: CaptureStatistics[K] };
  for (const part of parts) {
    for (const key of Object.keys(sum) as Counter[]) {
      const value = part[key];
      if (value !== null) sum[key] = (sum[key] ?? 0) + value;
    }
  }
  return sum;
}
