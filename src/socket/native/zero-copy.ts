/**
 * send(2) with MSG_ZEROCOPY: the kernel reads from the sender's own pages until it says, on the error queue, that it is
 * done with them (Documentation/networking/msg_zerocopy.rst). Where it had to copy after all, as it always has to on
 * loopback, the notice says that too.
 */
import type { ZeroCopyCounts } from '../port.js';
import { CMSGHDR_SIZE, ErrorOrigin, ExtendedError, Msghdr, ZEROCOPY_COPIED } from './layout.js';
import { C, type Libc } from './libc.js';
import { acquireMemory, type PinnedMemory } from './memory.js';

/** Room for a msghdr, and behind it for one control message: an extended error and an address. */
const CONTROL = 64;
const CONTROL_ROOM = 192;

export class ZeroCopySender {
  /** Calls whose pages the kernel still holds. */
  pending = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #memory: PinnedMemory;
  readonly #counts: ZeroCopyCounts;

  /**
   * @param fd a socket with SO_ZEROCOPY on
   * @param counts is kept up to date
   */
  constructor(libc: Libc, fd: number, counts: ZeroCopyCounts) {
    this.#counts = counts;
    this.#libc = libc;
    this.#fd = fd;
    this.#memory = acquireMemory(libc, CONTROL + CONTROL_ROOM);
    this.#memory.bytes.fill(0);
    this.#memory.view.setBigUint64(Msghdr.control, this.#memory.address + BigInt(CONTROL), true);
  }

  /** The result of send(2); without room for one more notice the kernel copies (ENOBUFS). */
  send(from: bigint, length: number): number {
    const flags = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;
    const result = this.#libc.send(this.#fd, from, length, flags | C.MSG_ZEROCOPY);
    if (result >= 0) {
      this.pending++;
      this.#counts.calls++;
    } else if (this.#libc.errnoName(this.#libc.errno()) === 'ENOBUFS') {
      return this.#libc.send(this.#fd, from, length, flags);
    }
    return result;
  }

  /** Takes the notices that are there off the error queue; one may be about a run of calls. */
  takeNotices(): void {
    const { address, view } = this.#memory;
    const told = CONTROL + CMSGHDR_SIZE;
    for (;;) {
      view.setBigUint64(Msghdr.controlLength, BigInt(CONTROL_ROOM), true);
      if (this.#libc.recvmsg(this.#fd, address, C.MSG_ERRQUEUE | C.MSG_DONTWAIT) < 0) return;
      if (Number(view.getBigUint64(Msghdr.controlLength, true)) < CMSGHDR_SIZE + ExtendedError.size) continue;
      if (view.getUint8(told + ExtendedError.origin) !== ErrorOrigin.zeroCopy) continue;
      const first = view.getUint32(told + ExtendedError.info, true);
      const last = view.getUint32(told + ExtendedError.data, true);
      // The kernel counts the calls in 32 bits.
      const calls = ((last - first) >>> 0) + 1;
      this.pending -= calls;
      if ((view.getUint8(told + ExtendedError.code) & ZEROCOPY_COPIED) !== 0) this.#counts.copied += calls;
    }
  }

  close(): void {
    this.#memory.release();
  }
}
