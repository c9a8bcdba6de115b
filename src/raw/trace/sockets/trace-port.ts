/** What all ports on sockets share: the clocks, and how answers and failures are handed on. */
import { SocketError } from '../../../errors.js';
import { monotonicMs, type Timestamp } from '../../../measure/clock.js';
import type { Alarm } from '../../../measure/pacer.js';
import type { MessageSocket } from '../../../socket/port.js';
import { IPV4_HEADER } from '../../../wire/ipv4.js';
import { IPV6_HEADER } from '../../../wire/ipv6.js';
import type { OutgoingProbe, ProbeAnswer, ProbeHandlers, ProbePort, SendOutcome } from '../../probes/port.js';
import { Waker } from '../../probes/waker.js';

/** Probes that are given to a port at once at most: they go out one by one, each with its time. */
const BATCH = 16;

/** send(2), ip-route(8): there are two things that a system forbids in this way. */
const FORBIDDEN_ADVICE =
  'a broadcast address has no one way to it: give the address of a host; what else forbids it: ip route get ADDRESS';

export interface TracePortOptions {
  readonly socket: 'raw' | 'dgram';
  readonly ownHeader: boolean;
  readonly alarm: Alarm | undefined;
  /** All that are to be closed; the clock is the first one's. */
  readonly sockets: readonly MessageSocket[];
  /** Sends one; the time just before the call that the system took it with. */
  readonly send: (probe: OutgoingProbe) => Promise<Timestamp>;
  /** What the first link, or the path as far as it is known, takes in one packet; null where that is not known. */
  readonly pathMtu: () => number | null;
  /** Starts reception on all sockets. */
  readonly listen: (deliver: (answers: readonly ProbeAnswer[]) => void, failed: (error: SocketError) => void) => void;
}

export class TracePort implements ProbePort {
  readonly socket: 'raw' | 'dgram';
  readonly batch = BATCH;
  readonly ownHeader: boolean;
  readonly #options: TracePortOptions;
  #closed = false;
  readonly #waker: Waker;

  constructor(options: TracePortOptions) {
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
        if (error instanceof SocketError) return { times, refused: this.#told(error, probe) };
        throw error;
      }
    }
    return { times };
  }

  /** Of a probe that is too large: how large it was, and how large it may be. Of one that may not go there: what to try. */
  #told(error: SocketError, { to, bytes }: OutgoingProbe): SocketError {
    if (error.code === 'EACCES') {
      const { syscall, code, errno, address } = error;
      return new SocketError({ syscall, code, errno, address, advice: FORBIDDEN_ADVICE });
    }
    const mtu = error.code === 'EMSGSIZE' ? this.#options.pathMtu() : null;
    if (mtu === null) return error;
    const header = to.family === 'ipv4' ? IPV4_HEADER : IPV6_HEADER;
    const address = `${to} (${header + bytes.length} bytes, the way there takes ${mtu})`;
    const { syscall, code, errno } = error;
    return new SocketError({ syscall, code, errno, address, advice: `send ${mtu} bytes at most` });
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

  pause(): void {
    for (const socket of this.#options.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#options.sockets) socket.resume();
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
