/** What all ports on sockets share: the clocks, and how answers and failures are handed on. */
import { SocketError } from '../../../errors.js';
import { monotonicMs, type Timestamp } from '../../../measure/clock.js';
import type { Alarm } from '../../../measure/pacer.js';
import type { MessageSocket } from '../../../socket/port.js';
import type { OutgoingProbe, ProbeAnswer, ProbeHandlers, ProbePort, SendOutcome } from '../../probes/port.js';
import { Waker } from '../../probes/waker.js';

/** Probes that are given to a port at once at most: they go out one by one, each with its time. */
const BATCH = 16;

export interface SocketPortOptions {
  readonly socket: 'raw' | 'dgram';
  readonly ownHeader: boolean;
  readonly alarm: Alarm | undefined;
  /** All that are to be closed; the clock is the first one's. */
  readonly sockets: readonly MessageSocket[];
  /** Sends one; the time just before the call that the system took it with. */
  readonly send: (probe: OutgoingProbe) => Promise<Timestamp>;
  /** Starts reception on all sockets. */
  readonly listen: (deliver: (answers: readonly ProbeAnswer[]) => void, failed: (error: SocketError) => void) => void;
}

export class SocketPort implements ProbePort {
  readonly socket: 'raw' | 'dgram';
  readonly batch = BATCH;
  readonly ownHeader: boolean;
  readonly #options: SocketPortOptions;
  #closed = false;
  readonly #waker: Waker;

  constructor(options: SocketPortOptions) {
    this.socket = options.socket;
    this.ownHeader = options.ownHeader;
    this.#options = options;
    this.#waker = new Waker(options.alarm);
  }

  now(): number {
    return monotonicMs();
  }

  wallClock(): Timestamp {
    return (this.#options.sockets[0] as MessageSocket).now();
  }

  async send(probes: readonly OutgoingProbe[]): Promise<SendOutcome> {
    const times: Timestamp[] = [];
    for (const probe of probes) {
      try {
        times.push(await this.#options.send(probe));
      } catch (error) {
        if (error instanceof SocketError) return { times, refused: error };
        throw error;
      }
    }
    return { times };
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  receive(handlers: ProbeHandlers): void {
    this.#options.listen(
      (answers) => {
        if (!this.#closed && answers.length > 0) handlers.answers(answers);
      },
      (error) => {
        if (!this.#closed) handlers.failed(error);
      },
    );
  }

  wakeAt(time: number, callback: () => void): void {
    this.#waker.at(time, callback);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waker.close();
    await Promise.all(this.#options.sockets.map((socket) => socket.close()));
  }
}
