/** Message sockets, one for each family, as the world of a probing loop. */
import { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { Alarm } from '../../measure/pacer.js';
import { type Endpoint, inetEndpoint } from '../../sockaddr/endpoint.js';
import type { IPAddress, IPFamily } from '../../sockaddr/ip.js';
import type { MessageSocket, OutgoingMessage } from '../../socket/port.js';
import { ICMPV6_PROTOCOL } from '../../wire/icmpv6.js';
import { receivePackets } from '../probes/answers.js';
import type { OutgoingProbe, ProbeHandlers, ProbePort, SendOutcome } from '../probes/port.js';
import { Waker } from '../probes/waker.js';
import { ICMP_PROTOCOL } from './answer.js';
import type { PingSocket } from './sockets.js';

/** Probes that go in one call, which have one send time; the portable backend makes a call for each. */
const BATCH = { native: 64, portable: 1 } as const;

export class PingPort implements ProbePort {
  readonly socket: 'raw' | 'dgram';
  readonly batch: number;
  readonly ownHeader = false;
  readonly #sockets: readonly PingSocket[];
  readonly #clock: MessageSocket;
  readonly #waker: Waker;
  #lastTo: IPAddress | undefined;
  #lastEndpoint: Endpoint | undefined;

  /** @param sockets at least one, not more than one of a family; the port closes them, and the alarm */
  constructor(sockets: readonly PingSocket[], alarm: Alarm | undefined) {
    const [first] = sockets;
    if (first === undefined) throw new RangeError('a port of no sockets');
    this.#sockets = sockets;
    this.#clock = first.socket;
    this.socket = first.kind;
    this.batch = BATCH[first.socket.backend];
    this.#waker = new Waker(alarm);
  }

  now(): number {
    return performance.now();
  }

  wallClock(): Timestamp {
    return this.#clock.now();
  }

  async send(probes: readonly OutgoingProbe[]): Promise<SendOutcome> {
    const times: Timestamp[] = [];
    for (let at = 0; at < probes.length; ) {
      const { family } = (probes[at] as OutgoingProbe).to;
      const messages: OutgoingMessage[] = [];
      for (; at < probes.length && probes[at]?.to.family === family; at++) {
        messages.push(this.#message(probes[at] as OutgoingProbe));
      }
      const refused = await this.#sendTo(family, messages, times);
      if (refused !== undefined) return { times, refused };
    }
    return { times };
  }

  #message({ to, bytes, hopLimit, trafficClass }: OutgoingProbe): OutgoingMessage {
    if (to !== this.#lastTo) {
      this.#lastTo = to;
      this.#lastEndpoint = inetEndpoint(to, 0);
    }
    return { bytes, to: this.#lastEndpoint, hopLimit, trafficClass };
  }

  async #sendTo(
    family: IPFamily,
    messages: readonly OutgoingMessage[],
    times: Timestamp[],
  ): Promise<SocketError | undefined> {
    const socket = this.#sockets.find((one) => one.family === family)?.socket;
    if (socket === undefined) return new SocketError({ syscall: 'sendmmsg', code: 'EAFNOSUPPORT', errno: 97 });
    const before = socket.sent;
    const begun = socket.now();
    try {
      const last = await socket.send(messages);
      // What is told is the time of the last call, which may not have taken all of them.
      const time = messages.length === 1 ? last : begun;
      for (let i = 0; i < messages.length; i++) times.push(time);
      return undefined;
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      for (let i = before; i < socket.sent; i++) times.push(begun);
      return error;
    }
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  receive(handlers: ProbeHandlers): void {
    for (const { family, kind, socket } of this.#sockets) {
      const protocol = family === 'ipv4' ? ICMP_PROTOCOL : ICMPV6_PROTOCOL;
      const withHeader = kind === 'raw' && family === 'ipv4';
      receivePackets(
        socket,
        protocol,
        withHeader,
        (answers) => handlers.answers(answers),
        (error) => handlers.failed(error),
      );
    }
  }

  takeAnswers(): void {
    for (const { kind, socket } of this.#sockets) {
      // An error that waits is in the way of the messages.
      if (kind === 'dgram') socket.takeFailures();
      socket.takeMessages?.();
    }
  }

  pause(): void {
    for (const { socket } of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const { socket } of this.#sockets) socket.resume();
  }

  wakeAt(time: number, callback: () => void): void {
    this.#waker.at(time, callback);
  }

  async close(): Promise<void> {
    this.#waker.close();
    for (const { socket } of this.#sockets) await socket.close();
  }
}
