/**
 * The handshake as a ping: connect(2) to a port, how long it took, and what came back instead. An open port and a
 * closed one both answer; silence is a filter or a missing host.
 */
import { SocketError, toSockctlError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { portableWallClock, roundMs, type Timestamp } from '../measure/clock.js';
import type { DistributionMs } from '../measure/histogram.js';
import { RoundTrips } from '../measure/round-trips.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend } from '../socket/port.js';

export interface HandshakeOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Own addresses to choose from; the one of the target's family is bound. */
  readonly source?: readonly Endpoint[] | undefined;
  /** Handshakes with each target; without it, until the signal. */
  readonly count?: number | undefined;
  /** Milliseconds from one round to the next, on an absolute schedule. */
  readonly intervalMs?: number;
  /** Milliseconds after which a handshake counts as unanswered. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the user called it, and where it is. */
export interface HandshakeTarget {
  readonly name: string;
  readonly endpoint: Endpoint;
}

interface HandshakeEvent {
  readonly time: Timestamp;
  readonly target: string;
  /** Address and port. */
  readonly address: string;
  /** From 1. */
  readonly sequence: number;
}

export interface HandshakeReply extends HandshakeEvent {
  readonly type: 'ping.reply';
  /** Refused: the host answers, and nothing listens there. */
  readonly state: 'open' | 'refused';
  readonly rttMs: number;
  /** Who measured: the kernel from SYN to SYN-ACK (TCP_INFO), or this process around connect(2). */
  readonly timestamp: 'kernel' | 'user';
}

export interface HandshakeTimeout extends HandshakeEvent {
  readonly type: 'ping.timeout';
}

/** Anything else: no route, an ICMP error, no port of one's own left. */
export interface HandshakeError extends HandshakeEvent {
  readonly type: 'ping.error';
  readonly message: string;
}

export interface HandshakeSummary {
  readonly type: 'ping.summary';
  readonly time: Timestamp;
  readonly target: string;
  readonly address: string;
  readonly socket: 'stream';
  readonly transmitted: number;
  /** Answers: open and refused. */
  readonly received: number;
  readonly open: number;
  readonly refused: number;
  /** Handshakes that were still going on at the end: neither received nor lost. */
  readonly inFlight: number;
  readonly errors: number;
  readonly lossPercent: number;
  readonly jitterMs: number | null;
  readonly rttMs: DistributionMs;
  readonly endReason: 'count' | 'interrupted';
}

export type HandshakeRecord = HandshakeReply | HandshakeTimeout | HandshakeError | HandshakeSummary;

const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_TIMEOUT_MS = 2000;

/**
 * Shakes hands with each target `count` times and yields what happens as it happens, at the end a summary for each.
 *
 * @throws UsageError for settings that a stream socket does not take
 */
export async function* pingPorts(
  targets: readonly HandshakeTarget[],
  options: HandshakeOptions,
): AsyncGenerator<HandshakeRecord> {
  const session = new HandshakeSession(targets, options);
  yield* session.run();
}

class Port {
  readonly target: HandshakeTarget;
  readonly address: string;
  readonly roundTrips = new RoundTrips();
  readonly counts = { transmitted: 0, open: 0, refused: 0, timeouts: 0, errors: 0 };

  constructor(target: HandshakeTarget) {
    this.target = target;
    this.address = formatEndpoint(target.endpoint);
  }

  summary(endReason: HandshakeSummary['endReason']): HandshakeSummary {
    const { transmitted, open, refused, timeouts, errors } = this.counts;
    const settled = open + refused + timeouts + errors;
    return {
      type: 'ping.summary',
      time: portableWallClock(),
      target: this.target.name,
      address: this.address,
      socket: 'stream',
      transmitted,
      received: open + refused,
      open,
      refused,
      inFlight: transmitted - settled,
      errors,
      lossPercent: settled === 0 ? 0 : Math.round((10_000 * (timeouts + errors)) / settled) / 100,
      jitterMs: this.roundTrips.jitterMs,
      rttMs: this.roundTrips.summary(),
      endReason,
    };
  }
}

class HandshakeSession {
  readonly #ports: Port[];
  readonly #options: HandshakeOptions;
  readonly #ready: HandshakeRecord[] = [];
  /** Ends the handshakes that are still going on. */
  readonly #stop = new AbortController();
  #wake: () => void = () => undefined;
  #failure: unknown;
  #running = 0;
  #rounds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(targets: readonly HandshakeTarget[], options: HandshakeOptions) {
    this.#ports = targets.map((target) => new Port(target));
    this.#options = options;
  }

  async *run(): AsyncGenerator<HandshakeRecord> {
    const { signal } = this.#options;
    const interrupt = () => {
      clearTimeout(this.#timer);
      this.#stop.abort();
      this.#wake();
    };
    if (signal?.aborted === true) interrupt();
    else signal?.addEventListener('abort', interrupt, { once: true });
    try {
      if (!this.#stop.signal.aborted) this.#round(performance.now());
      for (;;) {
        for (const record of this.#ready.splice(0)) yield record;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ready.length === 0 && (this.#stop.signal.aborted || this.#finished())) break;
        if (this.#ready.length > 0) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const endReason = this.#stop.signal.aborted ? 'interrupted' : 'count';
      for (const port of this.#ports) yield port.summary(endReason);
    } finally {
      clearTimeout(this.#timer);
      signal?.removeEventListener('abort', interrupt);
      this.#stop.abort();
    }
  }

  #finished(): boolean {
    return this.#rounds === (this.#options.count ?? Number.POSITIVE_INFINITY) && this.#running === 0;
  }

  /** One handshake with each target; the next round is due by the clock and not by this one's end. */
  #round(started: number): void {
    const sequence = ++this.#rounds;
    for (const port of this.#ports) void this.#shake(port, sequence);
    if (this.#rounds === this.#options.count) return;
    const due = started + this.#rounds * (this.#options.intervalMs ?? DEFAULT_INTERVAL_MS);
    this.#timer = setTimeout(() => this.#round(started), Math.max(0, due - performance.now()));
  }

  async #shake(port: Port, sequence: number): Promise<void> {
    const { backend, logger, settings = [], timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const { endpoint, name: target } = port.target;
    const source = this.#options.source?.find(({ family }) => family === endpoint.family);
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([timeout, this.#stop.signal]);
    port.counts.transmitted++;
    this.#running++;
    const started = performance.now();
    const event = () => ({ time: portableWallClock(), target, address: port.address, sequence });
    try {
      const connection = await backend.connect(endpoint, { settings, logger, source, signal });
      const elapsed = performance.now() - started;
      // The first round trip that the kernel has measured is that of the handshake (RFC 6298 section 2.2).
      const measured = connection.info()?.rttMs;
      connection.destroy();
      port.counts.open++;
      this.#reply(port, { ...event(), state: 'open', elapsed, measured });
    } catch (error) {
      const known = toSockctlError(error);
      if (this.#stop.signal.aborted) return;
      if (timeout.aborted) {
        port.counts.timeouts++;
        this.#ready.push({ type: 'ping.timeout', ...event() });
      } else if (known.code === 'ECONNREFUSED') {
        port.counts.refused++;
        this.#reply(port, { ...event(), state: 'refused', elapsed: performance.now() - started, measured: undefined });
      } else if (known instanceof SocketError) {
        port.counts.errors++;
        this.#ready.push({ type: 'ping.error', ...event(), message: known.message });
      } else this.#failure = error;
    } finally {
      this.#running--;
      this.#wake();
    }
  }

  #reply(
    port: Port,
    {
      elapsed,
      measured,
      ...event
    }: Omit<HandshakeReply, 'type' | 'rttMs' | 'timestamp'> & {
      readonly elapsed: number;
      readonly measured: number | undefined;
    },
  ): void {
    const rttMs = roundMs(measured ?? elapsed);
    port.roundTrips.add(rttMs);
    this.#ready.push({ type: 'ping.reply', ...event, rttMs, timestamp: measured === undefined ? 'user' : 'kernel' });
  }
}
