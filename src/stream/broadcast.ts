/**
 * One input for several outputs, each of which gets all of it from the moment it joins.
 *
 * The input is read only while somebody is there to take it, so that nothing is lost before the first connection,
 * and as fast as the slowest of them takes it, so that nothing piles up.
 */
import type { Readable, Writable } from 'node:stream';

export interface BroadcastOptions {
  /** Close an output that has taken nothing for {@link SLOW_MS}, so that it does not hold the others back. */
  readonly dropSlow?: boolean;
  /** Told once for each output that does. */
  readonly onSlow?: (number: number) => void;
}

/** How long an output may take nothing of what waits for it. */
export const SLOW_MS = 2000;

interface Member {
  readonly output: Writable;
  slowTimer: NodeJS.Timeout | undefined;
  readonly number: number;
  readonly onSent: (chunk: Uint8Array) => void;
  readonly leave: (error?: Error) => void;
  full: boolean;
}

export class Broadcast {
  readonly #input: Readable;
  readonly #members = new Set<Member>();
  #started = false;
  #ended = false;
  #failure: Error | undefined;
  readonly #options: BroadcastOptions;

  constructor(input: Readable, options: BroadcastOptions = {}) {
    this.#input = input;
    this.#options = options;
  }

  /**
   * Joins `output`, called `number`; at the end of the input its writing half is shut down.
   *
   * @returns settles when the input has ended and all of it is written, or when `output` closes
   * @throws what the input failed with
   */
  add(output: Writable, number: number, onSent: (chunk: Uint8Array) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (this.#ended) return output.end(() => resolve());
      const member: Member = { output, number, onSent, full: false, leave, slowTimer: undefined };
      const onDrain = () => {
        member.full = false;
        clearTimeout(member.slowTimer);
        this.#regulate();
      };
      const members = this.#members;
      const regulate = () => this.#regulate();
      function leave(error?: Error): void {
        members.delete(member);
        clearTimeout(member.slowTimer);
        output.off('drain', onDrain).off('close', onClose);
        regulate();
        if (error !== undefined) reject(error);
        else if (output.destroyed) resolve();
        else output.end(() => resolve());
      }
      const onClose = () => leave();
      output.on('drain', onDrain).once('close', onClose);
      members.add(member);
      this.#start();
      this.#regulate();
      return undefined;
    });
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#input.on('data', (chunk: Uint8Array) => {
      for (const member of this.#members) {
        member.onSent(chunk);
        if (!member.output.write(chunk)) this.#fill(member);
      }
      this.#regulate();
    });
    this.#input.once('end', () => {
      this.#ended = true;
      for (const member of [...this.#members]) member.leave();
    });
    this.#input.once('error', (error: Error) => {
      this.#failure = error;
      for (const member of [...this.#members]) member.leave(error);
    });
  }

  #fill(member: Member): void {
    member.full = true;
    clearTimeout(member.slowTimer);
    member.slowTimer = setTimeout(() => {
      this.#options.onSlow?.(member.number);
      if (this.#options.dropSlow === true) member.output.destroy();
    }, SLOW_MS);
  }

  #regulate(): void {
    if (!this.#started || this.#ended) return;
    const open = this.#members.size > 0 && [...this.#members].every((member) => !member.full);
    if (open) this.#input.resume();
    else this.#input.pause();
  }
}
