/**
 * Waits to the microsecond: timerfd_create(2) in Node's event loop, whose own timers are a millisecond coarse. The
 * process sleeps meanwhile.
 */

import { SocketError } from '../../errors.js';
import type { Alarm } from '../../measure/pacer.js';
import { lastFailure } from './descriptor.js';
import { ITIMERSPEC_SIZE, Itimerspec } from './layout.js';
import { C, type Libc } from './libc.js';
import { DescriptorWatch } from './poller.js';

export class TimerAlarm implements Alarm {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #watch: DescriptorWatch;
  readonly #time = new Uint8Array(ITIMERSPEC_SIZE);
  readonly #view = new DataView(this.#time.buffer);
  #wake: (() => void) | undefined;
  #closed = false;

  /** @throws SocketError for want of descriptors */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = libc.timerfd_create(C.CLOCK_MONOTONIC, C.TFD_NONBLOCK | C.TFD_CLOEXEC);
    if (this.#fd < 0) throw new SocketError(lastFailure(libc, 'timerfd_create'));
    this.#watch = new DescriptorWatch(libc, this.#fd, () => this.#ring());
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#set(Math.max(1, Math.round(milliseconds * 1e6)));
      this.#watch.want(true, false);
    });
  }

  cancel(): void {
    this.#ring();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#libc.close(this.#fd);
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #ring(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
    // Who was waiting sets it again in the next microtask, as a rule: the watch can stay as it is until then.
    queueMicrotask(() => {
      // The number of a closed descriptor may be another one's by now.
      if (this.#wake !== undefined || this.#closed) return;
      this.#watch.want(false, false);
      this.#set(0);
    });
  }

  /** Arms it anew, which takes back the expiry that made it readable; 0 disarms it. */
  #set(nanoseconds: number): void {
    this.#view.setBigInt64(Itimerspec.valueSeconds, BigInt(Math.floor(nanoseconds / 1e9)), true);
    this.#view.setBigInt64(Itimerspec.valueNanoseconds, BigInt(nanoseconds % 1e9), true);
    this.#libc.timerfd_settime(this.#fd, 0, this.#time, null);
  }
}
