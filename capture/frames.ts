/**
 * Packets of a live source in columns: what goes to a file at the rate of a link must not become an object each. Sinks
 * that need objects are given {@link framePackets}.
 */
import type { CapturedPacket, CaptureInterface, Direction } from './record.js';

/**
 * Packets as they lie in the memory of their source.
 *
 * Ownership: as of {@link CapturedPacket}: everything in here, the columns too, may be read until the consumer asks for
 * the next batch, and is not written to.
 */
export interface FrameBatch {
  /** Packets; the columns may have room for more. */
  readonly count: number;
  /** Packets of the source before these. */
  readonly before: number;
  readonly bytes: Uint8Array;
  /** The same memory by words of 32 bits. */
  readonly words: Int32Array;
  /** Where each packet begins in `bytes`; all are multiples of four, and what stands behind a packet up to the next can be read. */
  readonly starts: Uint32Array;
  /** Bytes captured of each. */
  readonly lengths: Uint32Array;
  /** Bytes on the link. */
  readonly originalLengths: Uint32Array;
  /** UTC. */
  readonly seconds: Uint32Array;
  readonly nanoseconds: Uint32Array;
  /** The low bits of pcapng's epb_flags: 1 in, 2 out; 4 unicast, 8 multicast, 12 broadcast, 16 promiscuous. */
  readonly flags: Uint8Array;
  /** Places in the `interfaces` of the source, which are their ids too. */
  readonly interfaces: Uint16Array;
}

const DIRECTIONS: readonly (Direction | null)[] = [null, 'in', 'out', null];

/** Bits of {@link FrameBatch.flags}, of epb_flags in draft-ietf-opsawg-pcapng section 4.3.1. */
export const FrameFlag = { in: 1, out: 2, unicast: 4, multicast: 8, broadcast: 12, promiscuous: 16 } as const;

/** The packets of `batch`, whose bytes are views of its memory. */
export function framePackets(batch: FrameBatch, interfaces: readonly CaptureInterface[]): CapturedPacket[] {
  const { bytes, starts, lengths } = batch;
  const packets: CapturedPacket[] = new Array(batch.count);
  for (let index = 0; index < batch.count; index++) {
    const start = starts[index] as number;
    const flags = batch.flags[index] as number;
    packets[index] = {
      number: batch.before + index + 1,
      timestamp: { seconds: batch.seconds[index] as number, nanoseconds: batch.nanoseconds[index] as number },
      interface: interfaces[batch.interfaces[index] as number] as CaptureInterface,
      direction: DIRECTIONS[flags & 3] as Direction | null,
      originalLength: batch.originalLengths[index] as number,
      bytes: bytes.subarray(start, start + (lengths[index] as number)),
      flags,
    };
  }
  return packets;
}

/** The first `count` packets of `batch`, in its own memory. */
export function firstFrames(batch: FrameBatch, count: number): FrameBatch {
  return count >= batch.count ? batch : { ...batch, count };
}

/** `batch` in memory of its own, for who keeps it. */
export function copyFrames(batch: FrameBatch): FrameBatch {
  const { count, lengths } = batch;
  let room = 0;
  for (let index = 0; index < count; index++) room += paddedLength(lengths[index] as number);
  const bytes = new Uint8Array(room);
  const starts = new Uint32Array(count);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const start = batch.starts[index] as number;
    const length = lengths[index] as number;
    bytes.set(batch.bytes.subarray(start, start + length), at);
    starts[index] = at;
    at += paddedLength(length);
  }
  return {
    count,
    before: batch.before,
    bytes,
    words: new Int32Array(bytes.buffer),
    starts,
    lengths: lengths.slice(0, count),
    originalLengths: batch.originalLengths.slice(0, count),
    seconds: batch.seconds.slice(0, count),
    nanoseconds: batch.nanoseconds.slice(0, count),
    flags: batch.flags.slice(0, count),
    interfaces: batch.interfaces.slice(0, count),
  };
}

function paddedLength(length: number): number {
  return (length + 3) & ~3;
}

/** The memory of a batch that {@link copyFrames} has made, to be handed to another thread. */
export function frameBuffers(batch: FrameBatch): ArrayBuffer[] {
  const { bytes, starts, lengths, originalLengths, seconds, nanoseconds, flags, interfaces } = batch;
  const columns = [bytes, starts, lengths, originalLengths, seconds, nanoseconds, flags, interfaces];
  return columns.map(({ buffer }) => buffer as ArrayBuffer);
}

/** Bytes that were captured, together. */
export function keptBytes({ count, lengths }: FrameBatch): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += lengths[index] as number;
  return sum;
}

/** Lengths on the link of the packets `from` to `to`, together. */
export function linkBytes({ count, originalLengths }: FrameBatch, from = 0, to = count): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += originalLengths[index] as number;
  return sum;
}
