/**
 * Whole frames out of an interface, many of them and fast: they are loaded once into memory that the kernel reads, and
 * then sent as often as wanted, with nothing to be done for each.
 *
 * Whose memory: all of it is the sender's. A frame is copied into it ({@link FrameSender.add}), or read into
 * {@link FrameSender.arena} by the caller and placed there.
 */
import type { SocketError } from '../errors.js';
import type { OpenOptions } from './port.js';

export interface FrameSenderOptions extends OpenOptions {
  /** The interface that frames leave by. */
  readonly interface: string;
  /** Frames that can be loaded at a time, 16,384 unless told otherwise. */
  readonly frames?: number | undefined;
  /** Bytes of them, 1 MiB unless told otherwise: what the caches do not hold is sent more slowly. */
  readonly bytes?: number | undefined;
}

/** What became of a run of frames. */
export interface FrameOutcome {
  /** How many of them the kernel has taken, from the first on. */
  readonly sent: number;
  /** Why it took no more: a frame beyond the MTU (EMSGSIZE), an interface that is down (ENETDOWN). Undefined at the end. */
  readonly refused?: SocketError | undefined;
}

export interface FrameSender {
  /** Room for frames, to be read into; what {@link add} copies stands in it too, behind what was loaded before. */
  readonly arena: Uint8Array;
  /** Frames that are loaded. */
  readonly loaded: number;
  /** Bytes of the arena in front of which nothing more is copied by {@link add}. */
  readonly used: number;
  /** Frames that the kernel has taken so far, and their bytes. What the link drops behind that is not known here. */
  readonly sent: number;
  readonly sentBytes: number;
  /** Forgets the frames that are loaded; not while they are being sent. */
  clear(): void;
  /** Loads a copy of `frame`, behind the others; false where there is no room for it. */
  add(frame: Uint8Array): boolean;
  /**
   * Loads the `length` bytes that stand in the arena from `at` on.
   *
   * @returns false where there is no room for a further frame
   * @throws RangeError for a place that is not in the arena
   */
  place(at: number, length: number): boolean;
  /**
   * Sends the loaded frames from number `from` up to, not including, `to`, waiting for room. One call at a time. It
   * lets the event loop have its turns.
   *
   * @param signal ends it between two calls into the kernel
   * @throws SocketError EBADF when the sender is closed meanwhile
   */
  send(from: number, to: number, signal?: AbortSignal): Promise<FrameOutcome>;
  close(): Promise<void>;
}
