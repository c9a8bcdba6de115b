/**
 * Readiness of descriptors, from Node's own event loop: it sleeps in the loop's epoll_wait(2) when nothing happens,
 * with no thread and no timer of its own.
 *
 * Three traps of the layer below, mended here once:
 * - libuv stops a watch when the descriptor has an error pending (POLLERR, as an ICMP error makes it); it is started
 *   again after the owner has looked;
 * - koffi calls back outside of Node's callback scope, where promises would not go on: the owner is called from
 *   setImmediate, in the same turn of the loop;
 * - a watch that nobody refers to is collected and ends silently: the set below refers to all of them.
 */
import type { Libc, PollReady, PollWatch } from './libc.js';

const active = new Set<DescriptorWatch>();

export class DescriptorWatch {
  readonly #watch: PollWatch;
  readonly #onReady: (ready: PollReady) => void;
  #interest = { readable: false, writable: false };
  #pending: PollReady | undefined;
  #failed = false;
  #closed = false;

  /**
   * @param onReady called while the descriptor is ready for what {@link want} named; with both false when it has an
   *   error pending, which the owner must take off the descriptor (SO_ERROR or the error queue)
   */
  constructor(libc: Libc, fd: number, onReady: (ready: PollReady) => void) {
    this.#onReady = onReady;
    this.#watch = libc.poll(fd, { readable: false, writable: false }, this.#ready);
    this.#watch.stop();
    active.add(this);
  }

  /** Says what to watch for from now on; nothing at all lets the process end. */
  want(readable: boolean, writable: boolean): void {
    if (this.#closed || (this.#interest.readable === readable && this.#interest.writable === writable)) return;
    this.#interest = { readable, writable };
    this.#apply();
  }

  /** Whether a watch that wants something keeps the process running, which it does unless told otherwise. */
  hold(process: boolean): void {
    if (this.#closed) return;
    if (process) this.#watch.ref();
    else this.#watch.unref();
  }

  /** Ends the watch; to be called before the descriptor is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    active.delete(this);
  }

  #apply(): void {
    if (this.#interest.readable || this.#interest.writable) this.#watch.start(this.#interest, this.#ready);
    else this.#watch.stop();
  }

  readonly #ready = (status: number, ready: PollReady): void => {
    if (status < 0) this.#failed = true;
    if (this.#pending === undefined) setImmediate(this.#deliver);
    this.#pending = status < 0 ? { readable: false, writable: false } : ready;
  };

  readonly #deliver = (): void => {
    const ready = this.#pending;
    this.#pending = undefined;
    if (this.#closed || ready === undefined) return;
    try {
      this.#onReady(ready);
    } finally {
      if (this.#failed && !this.#closed) {
        this.#failed = false;
        this.#apply();
      }
    }
  };
}
