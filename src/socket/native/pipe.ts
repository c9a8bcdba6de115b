/**
 * One end of a pipe(7) whose bytes go to or come from a connection without passing through this process: splice(2).
 *
 * splice(2) says EAGAIN both when the socket and when the pipe is not ready. The one that was ready when it was called
 * is not the reason; so the two are waited for in turn.
 */
import { constants, openSync } from 'node:fs';
import { C, type Libc } from './libc.js';
import { DescriptorWatch } from './poller.js';

/** pipe(7): what an unprivileged process may ask for. The default of 64 KiB holds one large read. */
const CAPACITY = 1 << 20;

/**
 * A descriptor of its own: an event loop takes each once, and others may watch the pipe as well. Opened anew where that
 * can be, so that the event loop's O_NONBLOCK is not set for the other processes that share the pipe.
 */
function openAgain(libc: Libc, fd: number, way: 'read' | 'write'): number {
  try {
    const access = way === 'read' ? constants.O_RDONLY : constants.O_WRONLY;
    return openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK);
  } catch {
    // No /proc, or another user's pipe.
    return libc.fcntl(fd, C.F_DUPFD_CLOEXEC, 0);
  }
}

export class PipeEnd {
  readonly #fd: number;
  readonly #libc: Libc;
  readonly #watch: DescriptorWatch;
  readonly #writing: boolean;
  #awaited = false;

  /**
   * @param onReady called when the pipe is, after {@link nothing}
   * @throws Error when there are no descriptors left
   */
  constructor(libc: Libc, fd: number, way: 'read' | 'write', onReady: () => void) {
    this.#libc = libc;
    this.#writing = way === 'write';
    this.#fd = openAgain(libc, fd, way);
    // What fails now will be said by the first transfer.
    libc.fcntl(this.#fd, C.F_SETPIPE_SZ, CAPACITY);
    this.#watch = new DescriptorWatch(libc, this.#fd, onReady);
  }

  /** Whether it is the pipe that is waited for, and not the socket. */
  get awaited(): boolean {
    return this.#awaited;
  }

  /** Moves up to `length` bytes between the pipe and the socket; the result is that of splice(2). */
  transfer(socket: number, length: number): number {
    const flags = C.SPLICE_F_MOVE | C.SPLICE_F_NONBLOCK;
    return this.#writing
      ? this.#libc.splice(socket, null, this.#fd, null, length, flags)
      : this.#libc.splice(this.#fd, null, socket, null, length, flags);
  }

  /** There was EAGAIN: `first` says that it came at once, after something had been reported ready. */
  nothing(first: boolean): void {
    this.#awaited = first ? !this.#awaited : false;
    this.#want();
  }

  /** There may be more, later: no need to wait for the pipe. */
  rest(): void {
    this.#awaited = false;
    this.#want();
  }

  close(): void {
    this.#watch.close();
    this.#libc.close(this.#fd);
  }

  #want(): void {
    this.#watch.want(this.#awaited && !this.#writing, this.#awaited && this.#writing);
  }
}
