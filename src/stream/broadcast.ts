/**
 * One input for several connections, each of which gets all of it from the moment it joins.
 *
 * The input is read only while somebody is there to take it, so that nothing is lost before the first connection,
 * and as fast as the slowest of them takes it, so that nothing piles up.
 */
import type { Readable } from 'node:stream';
import type { StreamConnection } from '../socket/port.js';
import { endHalf, sendChunk } from './transfer.js';

export interface BroadcastOptions {
  /** Close a connection that has taken nothing for {@link SLOW_MS}, so that it does not hold the others back. */
  readonly dropSlow?: boolean;
  /** Told once for each time that one does. */
  readonly onSlow?: (number: number) => void;
}

/** How long a connection may take nothing of what waits for it. */
const SLOW_MS = 2000;

const PUMPED = { pump: true } as const;

interface Member {
  readonly connection: StreamConnection;
  readonly number: number;
  readonly onSent: ((chunk: Uint8Array) => void) | undefined;
  readonly leave: (error?: unknown) => void;
  /** Runs while it has not taken the last chunk. */
  timer: NodeJS.Timeout | undefined;
}

export class Broadcast {
  readonly #input: Readable;
  readonly #options: BroadcastOptions;
  readonly #members = new Set<Member>();
  #started = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(input: Readable, options: BroadcastOptions = {}) {
    this.#input = input;
    this.#options = options;
  }

  /**
   * Joins `connection`, called `number`; at the end of the input its writing half is shut down.
   *
   * @param onSent called with each chunk as it is handed to the connection
   * @returns settles when the input has ended and all of it is taken, or when the connection closes
   * @throws what the input failed with; SocketError when the peer takes no more
   */
  async add(connection: StreamConnection, number: number, onSent?: (chunk: Uint8Array) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#ended) {
      await new Promise<void>((resolve, reject) => {
        const leave = (error?: unknown) => {
          clearTimeout(member.timer);
          member.timer = undefined;
          if (!this.#members.delete(member)) return;
          if (error === undefined) resolve();
          else reject(error);
          this.#regulate();
        };
        const member: Member = { connection, number, onSent, leave, timer: undefined };
        void connection.closed.then(() => leave());
        this.#members.add(member);
        this.#start();
        this.#regulate();
      });
    }
    endHalf(connection, PUMPED);
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#input.on('data', (chunk: Uint8Array) => {
      for (const member of this.#members) this.#send(member, chunk);
      this.#regulate();
    });
    this.#input.once('end', () => {
      this.#ended = true;
      this.#leaveAll();
    });
    this.#input.once('error', (error: Error) => {
      this.#failure = error;
      this.#leaveAll(error);
    });
  }

  #leaveAll(error?: Error): void {
    for (const member of [...this.#members]) member.leave(error);
  }

  #send(member: Member, chunk: Uint8Array): void {
    member.onSent?.(chunk);
    this.#watch(member);
    sendChunk(member.connection, chunk, PUMPED).then(() => {
      clearTimeout(member.timer);
      member.timer = undefined;
      this.#regulate();
    }, member.leave);
  }

  /** Looks later whether `member` has taken anything. */
  #watch(member: Member): void {
    const { connection, number } = member;
    const before = connection.bytesOut;
    member.timer = setTimeout(() => {
      if (connection.bytesOut > before) return this.#watch(member);
      this.#options.onSlow?.(number);
      if (this.#options.dropSlow === true) connection.destroy();
      return undefined;
    }, SLOW_MS);
  }

  #regulate(): void {
    if (!this.#started || this.#ended) return;
    const members = [...this.#members];
    if (members.length > 0 && members.every(({ timer }) => timer === undefined)) this.#input.resume();
    else this.#input.pause();
  }
}
