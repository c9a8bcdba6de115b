/**
 * A connection's bytes without Node's streams in between: recv(2), send(2), sendfile(2) and splice(2) on the descriptor itself,
 * in calls that are large, into memory that is used again. One pump serves one connection; each direction has one
 * operation at a time.
 */
import { fstatSync } from 'node:fs';
import { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import type { Deliver, GenerateOptions, StreamPump } from '../port.js';
import { lastFailure } from './descriptor.js';
import { FileWindow } from './file-window.js';
import { C, type Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';
import { borrowPattern, PATTERN_CHUNK, returnPattern } from './pattern.js';
import { PipeEnd } from './pipe.js';
import { DescriptorWatch } from './poller.js';
import { ZeroCopySender } from './zero-copy.js';

/** Bytes that one call moves at most: beyond this the calls cost nothing any more, and the caches are left. */
const CHUNK = 256 * 1024;
/** Bytes that are dropped or handed from a file by one call: nothing is copied, so it may be more. */
const WHOLE_CHUNK = 4 << 20;
/** Bytes that an echo reads before it knows that the peer takes them: what a client that does not read can cost. */
const SMALL = 4096;
/** Calls for one connection in one turn of the event loop, so that the others get theirs. */
const CALLS_PER_TURN = 8;

/** What is left of an operation: resolves at its end. */
interface Operation {
  /** Does what can be done now; true when the operation is over. */
  step(): boolean;
  /** Whether it is the socket that it waits for. */
  waits(): boolean;
  finish(error?: unknown): void;
}

/** What a call comes back with: bytes moved, the end, or nothing for now. */
const AGAIN = -1;

export interface PumpOptions {
  readonly logger: Logger;
  /** TCP, and not a stream of unix(7). */
  readonly tcp: boolean;
  /** The peer, for errors. */
  readonly address: string;
}

export class NativePump implements StreamPump {
  bytesIn = 0;
  bytesOut = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #options: PumpOptions;
  readonly #watch: DescriptorWatch;
  readonly #trace: boolean;
  #reader: Operation | undefined;
  #writer: Operation | undefined;
  #closed = false;

  constructor(libc: Libc, fd: number, options: PumpOptions) {
    this.#libc = libc;
    this.#fd = fd;
    this.#options = options;
    this.#trace = options.logger.enabled('trace');
    this.#watch = new DescriptorWatch(libc, fd, ({ readable, writable }) => {
      // Both false: the descriptor has an error pending, which the next call finds.
      const failed = !readable && !writable;
      if (readable || failed) this.#step('read');
      if (writable || failed) this.#step('write');
    });
  }

  discard(): Promise<void> {
    // tcp(7): with MSG_TRUNC the bytes are dropped without being copied anywhere; unix(7) has no such thing.
    const { tcp } = this.#options;
    const [length, flags] = tcp ? [WHOLE_CHUNK, C.MSG_DONTWAIT | C.MSG_TRUNC] : [CHUNK, C.MSG_DONTWAIT];
    return this.#read(() =>
      this.#withMemory(({ address }) => {
        for (let i = 0; i < CALLS_PER_TURN; i++) {
          const count = this.#received(this.#libc.recv(this.#fd, tcp ? null : address, length, flags));
          if (count === 0) return true;
          if (count === AGAIN) return false;
        }
        return false;
      }),
    );
  }

  receive(deliver: Deliver): Promise<void> {
    let waiting = false;
    let broken: { error: unknown } | undefined;
    const step = ({ address, bytes }: PinnedMemory): boolean => {
      for (let i = 0; i < CALLS_PER_TURN; i++) {
        const count = this.#received(this.#libc.recv(this.#fd, address, CHUNK, C.MSG_DONTWAIT));
        if (count === 0) return true;
        if (count === AGAIN) return false;
        const taken = deliver(bytes.subarray(0, count));
        if (taken === undefined) continue;
        waiting = true;
        taken
          .catch((error: unknown) => {
            broken = { error };
          })
          .finally(() => {
            waiting = false;
            this.#step('read');
          });
        return false;
      }
      return false;
    };
    return this.#read(
      () => {
        if (broken !== undefined) throw broken.error;
        return !waiting && this.#withMemory(step);
      },
      () => !waiting,
    );
  }

  receiveInto(out: number): Promise<void> {
    return this.#throughPipe('read', out, (result) => this.#received(result, 'splice'));
  }

  /**
   * A client that sends and does not read must cost nothing: small messages are read and sent back, of large ones the
   * kernel keeps what it does not take again. They are looked at (MSG_PEEK), sent, and then taken off.
   */
  async echo(): Promise<void> {
    let large = false;
    let stalled = false;
    const step = ({ address, bytes }: PinnedMemory): boolean => {
      for (let i = 0; i < CALLS_PER_TURN; i++) {
        const count = large
          ? this.#outcome(this.#libc.recv(this.#fd, address, CHUNK, C.MSG_DONTWAIT | C.MSG_PEEK), 'recv')
          : this.#received(this.#libc.recv(this.#fd, address, SMALL, C.MSG_DONTWAIT));
        if (count === 0) return true;
        if (count === AGAIN) return false;
        const sent = Math.max(0, this.#sent(this.#send(address, count)));
        const looked = large;
        if (looked && sent > 0) this.#takeOff(address, sent);
        large = count >= SMALL;
        if (sent === count) continue;
        stalled = true;
        // The peer does not read: nothing is read from it until there is room for what it has coming.
        this.#whenWritable(looked ? undefined : bytes.slice(sent, count)).then(
          () => {
            stalled = false;
            this.#step('read');
          },
          (error: unknown) => this.#reader?.finish(error),
        );
        return false;
      }
      return false;
    };
    await this.#read(
      () => !stalled && this.#withMemory(step),
      () => !stalled,
    );
    this.shutdown();
  }

  send(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    let copied = false;
    return this.#write(() => {
      while (rest.length > 0) {
        const sent = this.#sent(this.#send(rest, rest.length));
        if (sent === AGAIN) {
          // The chunk is its owner's again when this returns.
          if (!copied) rest = rest.slice();
          copied = true;
          return false;
        }
        rest = rest.subarray(sent);
      }
      return true;
    });
  }

  async generate(pattern: Uint8Array, options: GenerateOptions = {}): Promise<void> {
    const { limit = Number.POSITIVE_INFINITY, chunk = PATTERN_CHUNK, zeroCopy } = options;
    const repeated = borrowPattern(this.#libc, pattern);
    const { address } = repeated.memory;
    const sender = zeroCopy === undefined ? undefined : new ZeroCopySender(this.#libc, this.#fd, zeroCopy);
    let total = 0;
    try {
      await this.#write(() => {
        sender?.takeNotices();
        for (let i = 0; i < CALLS_PER_TURN; i++) {
          // The kernel still reads from the pattern: the operation is over when it says that it does not.
          if (total >= limit) return sender === undefined || sender.pending === 0;
          const at = total % pattern.length;
          const from = address + BigInt(at);
          const length = Math.min(repeated.length - at, PATTERN_CHUNK, chunk, limit - total);
          const sent = this.#sent(sender?.send(from, length) ?? this.#send(from, length));
          if (sent === AGAIN) return false;
          total += sent;
        }
        return false;
      });
    } finally {
      // Memory that may still be read from is given up for good.
      if (sender === undefined || sender.pending === 0) returnPattern(pattern, repeated);
      sender?.close();
    }
  }

  async sendFile(file: number, from?: number): Promise<void> {
    const window = new FileWindow(this.#libc, file, fstatSync(file).size, from);
    try {
      await this.#write(() => {
        for (let i = 0; i < CALLS_PER_TURN; i++) {
          const part = window.next();
          if (part === undefined) return true;
          const result = this.#send(part.address, part.length);
          // The file has become shorter than it was: what is left of it is sent below.
          if (result < 0 && this.#libc.errnoName(this.#libc.errno()) === 'EFAULT') return true;
          const count = this.#sent(result);
          if (count === AGAIN) return false;
          window.advance(count);
        }
        return false;
      });
    } finally {
      window.close();
    }
    return this.#sendRest(file, from === undefined ? undefined : window.offset);
  }

  /** What a file has got since it was mapped, or all of one that can't be: sendfile(2) to its end. */
  #sendRest(file: number, from?: number): Promise<void> {
    // off_t, which sendfile(2) moves along instead of the file's own offset.
    const offset = from === undefined ? null : new BigInt64Array([BigInt(from)]);
    const memory = offset === null ? null : new Uint8Array(offset.buffer);
    return this.#write(() => {
      for (let i = 0; i < CALLS_PER_TURN; i++) {
        const count = this.#sent(this.#libc.sendfile(this.#fd, file, memory, WHOLE_CHUNK), 'sendfile');
        if (count === 0) return true;
        if (count === AGAIN) return false;
      }
      return false;
    });
  }

  sendPipe(pipe: number): Promise<void> {
    return this.#throughPipe('write', pipe, (result) => this.#sent(result, 'splice'));
  }

  /** Reads from the socket into a pipe, or writes what a pipe holds to it, to the end of what is read. */
  async #throughPipe(direction: 'read' | 'write', fd: number, counted: (result: number) => number): Promise<void> {
    const way = direction === 'read' ? 'write' : 'read';
    const pipe = new PipeEnd(this.#libc, fd, way, () => this.#step(direction));
    const step = () => {
      for (let i = 0; i < CALLS_PER_TURN; i++) {
        const count = counted(pipe.transfer(this.#fd, WHOLE_CHUNK));
        if (count === 0) return true;
        if (count === AGAIN) {
          pipe.nothing(i === 0);
          return false;
        }
      }
      pipe.rest();
      return false;
    };
    try {
      await this.#start(direction, step, () => !pipe.awaited);
    } finally {
      pipe.close();
    }
  }

  shutdown(): void {
    if (this.#closed) return;
    // ENOTCONN: the peer has reset it already, which the reading half tells.
    const result = this.#libc.shutdown(this.#fd, C.SHUT_WR);
    const failure = result < 0 ? { failure: lastFailure(this.#libc, 'shutdown') } : {};
    this.#options.logger.log('debug', { event: 'shutdown', fd: this.#fd, how: 'SHUT_WR', ...failure });
  }

  /** Ends what is still going on; to be called before the descriptor is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#reader?.finish();
    this.#writer?.finish();
  }

  #read(step: () => boolean, waits?: () => boolean): Promise<void> {
    return this.#start('read', step, waits);
  }

  #write(step: () => boolean): Promise<void> {
    return this.#start('write', step);
  }

  /** @param waits whether it is the socket that the operation waits for just now */
  #start(direction: 'read' | 'write', step: () => boolean, waits: () => boolean = () => true): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const operation: Operation = {
        step,
        waits,
        finish: (error) => {
          if (direction === 'read') this.#reader = undefined;
          else this.#writer = undefined;
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      if (direction === 'read') this.#reader = operation;
      else this.#writer = operation;
      this.#step(direction);
    });
  }

  #step(direction: 'read' | 'write'): void {
    const operation = direction === 'read' ? this.#reader : this.#writer;
    if (operation === undefined || this.#closed) return;
    try {
      if (operation.step()) operation.finish();
    } catch (error) {
      // The other direction goes on: what the peer had sent before it failed is still to be read.
      operation.finish(error);
    }
    if (!this.#closed) this.#watch.want(this.#reader?.waits() === true, this.#writer?.waits() === true);
  }

  /** Memory for as long as `use` takes: connections that wait hold none. */
  #withMemory(use: (memory: PinnedMemory) => boolean): boolean {
    const memory = acquireMemory(this.#libc, CHUNK);
    try {
      return use(memory);
    } finally {
      memory.release();
    }
  }

  /** Takes bytes off the socket that have been looked at before. */
  #takeOff(into: bigint, length: number): void {
    const { tcp } = this.#options;
    const flags = C.MSG_DONTWAIT | (tcp ? C.MSG_TRUNC : 0);
    this.#received(this.#libc.recv(this.#fd, tcp ? null : into, length, flags));
  }

  /** Waits until there is room to send, and sends `rest` first. */
  #whenWritable(rest: Uint8Array | undefined): Promise<void> {
    if (rest !== undefined) return this.send(rest);
    let asked = false;
    return this.#write(() => {
      if (asked) return true;
      asked = true;
      return false;
    });
  }

  #send(from: Uint8Array | bigint, length: number): number {
    return this.#libc.send(this.#fd, from, length, C.MSG_DONTWAIT | C.MSG_NOSIGNAL);
  }

  #received(result: number, syscall = 'recv'): number {
    const count = this.#outcome(result, syscall);
    if (count > 0) {
      this.bytesIn += count;
      if (this.#trace) this.#options.logger.log('trace', { event: 'read', fd: this.#fd, bytes: count });
    }
    return count;
  }

  #sent(result: number, syscall = 'send'): number {
    const count = this.#outcome(result, syscall);
    if (count > 0) {
      this.bytesOut += count;
      if (this.#trace) this.#options.logger.log('trace', { event: 'write', fd: this.#fd, bytes: count });
    }
    return count;
  }

  #outcome(result: number, syscall: string): number {
    if (result >= 0) return result;
    const failure = lastFailure(this.#libc, syscall);
    if (failure.code === 'EAGAIN' || failure.code === 'EINTR') return AGAIN;
    throw new SocketError({ ...failure, address: this.#options.address });
  }
}
