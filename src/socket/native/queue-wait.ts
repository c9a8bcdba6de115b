/**
 * Waiting for the queue of a device, which tells nobody when it has room again (ENOBUFS of send(2)). Full queues empty
 * themselves; a device that takes nothing, or not this message, says the same, and is not asked for ever.
 */

/** A queue that has given no room for so long gives none; of one that has given none to the last message, less is enough. */
const PATIENCE_MS = 500;
const LESS_PATIENCE_MS = 1;
/** Tries at once, each in a turn of the event loop: most queues have room within microseconds. */
const EAGER = 64;
const PAUSE_MAX_MS = 16;

export class QueueWait {
  #tries = 0;
  #since = 0;
  #patienceMs = PATIENCE_MS;

  /** Something was taken. */
  moved(): void {
    this.#tries = 0;
    this.#patienceMs = PATIENCE_MS;
  }

  /** Resolves when it is worth another try; to false when it has been tried for long enough. */
  async again(): Promise<boolean> {
    const now = performance.now();
    if (this.#tries === 0) this.#since = now;
    if (now - this.#since > this.#patienceMs) {
      this.#tries = 0;
      this.#patienceMs = LESS_PATIENCE_MS;
      return false;
    }
    const pause = Math.min(PAUSE_MAX_MS, 2 ** (this.#tries - EAGER));
    const eager = this.#tries++ < EAGER;
    await new Promise<void>((resolve) => {
      if (eager) setImmediate(resolve);
      else setTimeout(resolve, pause);
    });
    return true;
  }
}
