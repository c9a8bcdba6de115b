/**
 * Frames through a packet socket by sendmmsg(2), from headers that are made when a frame is loaded. Beside it,
 * PACKET_TX_RING was slower (a copy into the ring, then one for the link) and PACKET_QDISC_BYPASS no faster where there is
 * no queue to go round, at the price of drops that nobody counts.
 *
 *     mmsghdr[frames] iovec[frames], and in a region of its own the arena
 */

import { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { setting } from '../../options/settings.js';
import { linkEndpoint } from '../../sockaddr/link-layer.js';
import type { FrameOutcome, FrameSender, FrameSenderOptions } from '../frame-sender.js';
import { Descriptor, lastFailure, type Opening } from './descriptor.js';
import { IOVEC_SIZE, MMSGHDR_SIZE, Msghdr } from './layout.js';
import { C, type Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';
import { DescriptorWatch } from './poller.js';
import { QueueWait } from './queue-wait.js';

const FRAMES = 16_384;
const BYTES = 1 << 20;
/** Frames that one call takes at most: some half a millisecond of them on a link without a queue. */
const BATCH = 256;
/** Calls in one turn of the event loop at most. */
const CALLS_PER_TURN = 16;
/** What waits in the socket for an interface that is slower than this process. */
const SEND_BUFFER = 4 << 20;

/** @throws SocketError EPERM without CAP_NET_RAW, ENODEV for an interface that is not there */
export function openFrameSender(opening: Opening, options: FrameSenderOptions): NativeFrameSender {
  const { libc, onOpen } = opening;
  const { settings, logger } = options;
  // Of protocol 0 it receives nothing.
  const args = { family: 'AF_PACKET', type: 'SOCK_RAW', protocol: 0, protocolName: '0', kind: 'packet' } as const;
  const descriptor = Descriptor.open(libc, args, logger);
  if (!settings.some(({ option }) => option.name.startsWith('SO_SNDBUF'))) {
    if (!descriptor.wish(setting('SO_SNDBUFFORCE', SEND_BUFFER))) descriptor.wish(setting('SO_SNDBUF', SEND_BUFFER));
  }
  descriptor.prepare(settings, undefined);
  descriptor.bind(linkEndpoint({ name: options.interface, protocol: 0 }));
  descriptor.show(onOpen);
  return new NativeFrameSender(descriptor, logger, options);
}

export class NativeFrameSender implements FrameSender {
  readonly arena: Uint8Array;
  loaded = 0;
  used = 0;
  sent = 0;
  sentBytes = 0;

  readonly #descriptor: Descriptor;
  readonly #libc: Libc;
  readonly #logger: Logger;
  readonly #interface: string;
  readonly #frames: number;
  readonly #headers: PinnedMemory;
  readonly #memory: PinnedMemory;
  /** The headers in words of 32 bits, and where the arena is. */
  readonly #words: Uint32Array;
  readonly #base: number;
  readonly #watch: DescriptorWatch;
  /** Headers that are made: their addresses stay what they are. */
  #made = 0;
  #wake: (() => void) | undefined;
  #closed = false;
  readonly #queueWait = new QueueWait();

  constructor(descriptor: Descriptor, logger: Logger, options: FrameSenderOptions) {
    const { frames = FRAMES, bytes = BYTES } = options;
    this.#descriptor = descriptor;
    this.#libc = descriptor.libc;
    this.#logger = logger;
    this.#interface = options.interface;
    this.#frames = frames;
    this.#headers = acquireMemory(this.#libc, frames * (MMSGHDR_SIZE + IOVEC_SIZE));
    try {
      this.#memory = acquireMemory(this.#libc, bytes);
    } catch (error) {
      this.#headers.release();
      throw error;
    }
    this.#words = new Uint32Array(this.#headers.bytes.buffer);
    this.#base = Number(this.#memory.address);
    this.arena = this.#memory.bytes.subarray(0, bytes);
    this.#watch = new DescriptorWatch(this.#libc, descriptor.fd, () => this.#onWritable());
  }

  clear(): void {
    this.loaded = 0;
    this.used = 0;
  }

  add(frame: Uint8Array): boolean {
    const at = this.used;
    if (at + frame.length > this.arena.length || this.loaded === this.#frames) return false;
    this.arena.set(frame, at);
    return this.place(at, frame.length);
  }

  place(at: number, length: number): boolean {
    if (!(Number.isInteger(at) && Number.isInteger(length) && at >= 0 && length >= 0)) throw new RangeError('no place');
    if (at + length > this.arena.length) throw new RangeError(`${at} + ${length} bytes: beyond the arena`);
    const i = this.loaded;
    if (i === this.#frames) return false;
    if (i === this.#made) this.#makeHeader(i);
    const iovec = this.#iovecAt(i) >> 2;
    // An address is below 2^53: two words, without a BigInt for each.
    const address = this.#base + at;
    this.#words[iovec] = address;
    this.#words[iovec + 1] = address / 0x1_0000_0000;
    this.#words[iovec + 2] = length;
    this.loaded = i + 1;
    // Frames begin at multiples of eight, which the kernel copies faster.
    this.used = Math.max(this.used, Math.min((at + length + 7) & ~7, this.arena.length));
    return true;
  }

  async send(from: number, to: number, signal?: AbortSignal): Promise<FrameOutcome> {
    const end = Math.min(to, this.loaded);
    let next = from;
    for (let call = 1; next < end && signal?.aborted !== true; call++) {
      if (this.#closed) throw new SocketError({ syscall: 'sendmmsg', code: 'EBADF', errno: 9 });
      const headers = this.#headers.address + BigInt(next * MMSGHDR_SIZE);
      const flags = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;
      const taken = this.#libc.sendmmsg(this.#descriptor.fd, headers, Math.min(BATCH, end - next), flags);
      if (taken > 0) {
        this.#count(next, taken);
        next += taken;
        this.#queueWait.moved();
        if (call % CALLS_PER_TURN === 0) await turn();
        continue;
      }
      const failure = lastFailure(this.#libc, 'sendmmsg');
      if (failure.code === 'EINTR') continue;
      if (failure.code === 'EAGAIN') await this.#untilWritable(signal);
      else if (failure.code !== 'ENOBUFS' || !(await this.#queueWait.again())) {
        return { sent: next - from, refused: new SocketError({ ...failure, address: this.#interface }) };
      }
    }
    return { sent: Math.max(0, next - from) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#descriptor.close();
    this.#onWritable();
    this.#headers.release();
    this.#memory.release();
  }

  #iovecAt(i: number): number {
    return this.#frames * MMSGHDR_SIZE + i * IOVEC_SIZE;
  }

  #makeHeader(i: number): void {
    const { bytes, view, address } = this.#headers;
    const header = i * MMSGHDR_SIZE;
    const iovec = this.#iovecAt(i);
    bytes.fill(0, header, header + MMSGHDR_SIZE);
    view.setUint32(iovec + 12, 0, true);
    view.setBigUint64(header + Msghdr.iov, address + BigInt(iovec), true);
    view.setUint32(header + Msghdr.iovLength, 1, true);
    this.#made = i + 1;
  }

  #count(first: number, taken: number): void {
    const words = this.#words;
    let bytes = 0;
    for (let i = first; i < first + taken; i++) bytes += words[(i * MMSGHDR_SIZE + Msghdr.length) >> 2] ?? 0;
    this.sent += taken;
    this.sentBytes += bytes;
    if (!this.#logger.enabled('trace')) return;
    this.#logger.log('trace', { event: 'sendmmsg', fd: this.#descriptor.fd, messages: taken, bytes });
  }

  async #untilWritable(signal: AbortSignal | undefined): Promise<void> {
    const interrupt = () => this.#onWritable();
    signal?.addEventListener('abort', interrupt, { once: true });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#watch.want(false, true);
    });
    signal?.removeEventListener('abort', interrupt);
  }

  #onWritable(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.#watch.want(false, false);
    wake?.();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
