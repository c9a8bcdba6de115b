/**
 * ICMP and ICMPv6 echo (RFC 792, RFC 4443 section 4): who answers, how fast, and what came back instead.
 *
 * Probes leave on an absolute schedule. A reply is taken for ours when its identifier, its sequence and its sender
 * are those of a probe; its round trip is the kernel's receive time minus the time of sending.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { SockctlError, toSockctlError } from '../../errors.js';
import { elapsedMs, roundMs, type Timestamp } from '../../measure/clock.js';
import { setting } from '../../options/settings.js';
import { inetEndpoint } from '../../sockaddr/endpoint.js';
import { type IPAddress, type IPFamily, IPv6Address } from '../../sockaddr/ip.js';
import type { MessageFailure, MessageSocket, ReceivedMessage } from '../../socket/port.js';
import { encodeIcmpEcho } from '../../wire/echo.js';
import { RecordQueue } from '../record-queue.js';
import { type EchoMessage, errorText, readEchoMessage, readSentEcho } from './echo.js';
import { openEchoSocket } from './echo-socket.js';
import { PingHost } from './host.js';
import { checkPingOptions, DEFAULT_SIZE, DEFAULT_TIMEOUT_MS, type PingOptions } from './options.js';
import type { PingRecord, PingSummary } from './records.js';
import { type PingTarget, TargetSet } from './targets.js';

/** Answered probes are remembered this much longer than the timeout, to tell duplicates and late replies. */
const MEMORY_FACTOR = 3;

/**
 * Pings each target `count` times and yields what happens as it happens, at the end a summary for each target.
 *
 * @throws SocketError EPERM or EACCES when neither a raw nor a ping socket may be opened
 */
export async function* ping(
  targets: readonly PingTarget[] | TargetSet,
  options: PingOptions,
): AsyncGenerator<PingRecord> {
  checkPingOptions(options);
  const set = targets instanceof TargetSet ? targets : new TargetSet(targets);
  const hosts = Array.from({ length: set.size }, (_, i) => set.at(i));
  const session = new PingSession(hosts, options);
  try {
    await session.open();
    options.onOpen?.();
    yield* session.records();
  } finally {
    await session.close();
  }
}

interface Probe {
  readonly host: PingHost;
  readonly sequence: number;
  sent: Timestamp;
  readonly expires: number;
  state: 'waiting' | 'answered' | 'timed-out' | 'failed';
}

class PingSession {
  readonly #hosts: PingHost[];
  readonly #options: PingOptions;
  readonly #queue = new RecordQueue<PingRecord>();
  readonly #sockets = new Map<IPFamily, { socket: MessageSocket; kind: 'raw' | 'dgram' }>();
  readonly #identifier = randomInt(0x1_0000);
  readonly #payload: Uint8Array;
  /** By family, host and the 16 bits of the sequence that the wire carries. */
  readonly #probes = new Map<string, Probe>();
  /** In the order of their expiry, since all wait equally long. */
  readonly #waiting: Probe[] = [];
  readonly #timeoutMs: number;
  /** Probes that wait for an answer. */
  #open = 0;
  #sequence = 0;
  #sendTimer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #started = 0;
  #finished = false;

  constructor(targets: readonly PingTarget[], options: PingOptions) {
    this.#hosts = targets.map((target) => new PingHost(target));
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#payload = payloadOf(options.size ?? DEFAULT_SIZE);
  }

  async open(): Promise<void> {
    const { backend, logger, settings = [], ttl } = this.#options;
    for (const family of new Set(this.#hosts.map((host) => host.address.family))) {
      const hops = ttl === undefined ? [] : [setting(family === 'ipv6' ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', ttl)];
      const opened = await openEchoSocket(backend, family, { logger, settings: [...hops, ...settings] });
      this.#sockets.set(family, opened);
      opened.socket.receive({
        messages: (batch) => {
          for (const message of batch) this.#onMessage(opened.kind, family, message);
        },
        failure: (failure) => this.#onFailure(family, failure),
      });
    }
  }

  async close(): Promise<void> {
    this.#finish();
    for (const { socket } of this.#sockets.values()) await socket.close();
  }

  async *records(): AsyncGenerator<PingRecord> {
    const { signal } = this.#options;
    const interrupt = () => this.#end('interrupted');
    if (signal?.aborted === true) interrupt();
    else signal?.addEventListener('abort', interrupt, { once: true });
    this.#started = performance.now();
    if (!this.#finished) void this.#round();
    yield* this.#queue;
    signal?.removeEventListener('abort', interrupt);
  }

  /** Sends one probe to each host, then waits for its turn on the schedule again. */
  async #round(): Promise<void> {
    const sequence = ++this.#sequence;
    try {
      for (const host of this.#hosts) {
        if (this.#finished) return;
        await this.#probe(host, sequence);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#finished) return;
    if (sequence === this.#options.count) {
      this.#endWhenAnswered();
      return;
    }
    const due = this.#started + sequence * (this.#options.intervalMs ?? 1000);
    this.#sendTimer = setTimeout(() => void this.#round(), Math.max(0, due - performance.now()));
  }

  async #probe(host: PingHost, sequence: number): Promise<void> {
    const { family } = host.address;
    const socket = this.#sockets.get(family)?.socket;
    if (socket === undefined) return;
    const bytes = encodeIcmpEcho({
      family,
      type: 'request',
      identifier: this.#identifier,
      sequence: sequence & 0xffff,
      payload: this.#payload,
    });
    const probe: Probe = {
      host,
      sequence,
      sent: socket.now(),
      expires: performance.now() + this.#timeoutMs,
      state: 'waiting',
    };
    this.#probes.set(this.#key(host.text, sequence), probe);
    host.counts.transmitted++;
    this.#open++;
    try {
      probe.sent = await socket.send([{ bytes, to: inetEndpoint(host.address, 0) }]);
    } catch (error) {
      // No route, no permission for this address: this probe has its answer, the others go on.
      if (!(error instanceof SockctlError)) throw error;
      this.#settle(probe, 'failed');
      this.#report(probe, host.text, null, null, error.message);
      return;
    }
    this.#waiting.push(probe);
    if (this.#expiryTimer === undefined) this.#scheduleExpiry();
  }

  #onMessage(kind: 'raw' | 'dgram', family: IPFamily, message: ReceivedMessage): void {
    const echo = readEchoMessage(family, kind === 'raw' && family === 'ipv4', message.bytes);
    if (echo === undefined || message.from === undefined || message.from.family === 'unix') return;
    // A ping socket has an identifier of its own, and gets its own replies only.
    if (kind === 'raw' && echo.identifier !== this.#identifier) return;
    const from = plain(message.from.address);
    if (echo.kind === 'error') {
      const probe = this.#find(echo.destination, echo.sequence);
      if (probe === undefined || probe.state !== 'waiting') return;
      this.#settle(probe, 'failed');
      this.#report(probe, from, echo.icmpType, echo.icmpCode, errorText(family, echo.icmpType, echo.icmpCode));
      return;
    }
    const probe = this.#find(from, echo.sequence);
    if (probe !== undefined) this.#onReply(probe, echo, from, message);
  }

  #onReply(probe: Probe, echo: Extract<EchoMessage, { kind: 'reply' }>, from: string, message: ReceivedMessage): void {
    const { host } = probe;
    const duplicate = probe.state === 'answered';
    const late = probe.state === 'timed-out';
    const corrupt = !sameBytes(echo.payload, this.#payload);
    const rttMs = roundMs(elapsedMs(probe.sent, message.timestamp));
    if (duplicate) host.counts.duplicates++;
    else if (late) host.counts.late++;
    else host.counts.received++;
    if (corrupt) host.counts.corrupt++;
    if (!duplicate) host.roundTrips.add(rttMs);
    this.#settle(probe, 'answered');
    this.#queue.push({
      type: 'ping.reply',
      time: message.timestamp,
      target: host.name,
      address: from,
      foreignAddress: false,
      sequence: probe.sequence,
      bytes: echo.payload.length + 8,
      ttl: message.hopLimit,
      rttMs,
      timestamp: message.timestampSource,
      duplicate,
      corrupt,
      late,
      ...this.#through(host),
    });
    this.#endWhenAnswered();
  }

  /** What the error queue of a ping socket tells, and errors of the socket itself. */
  #onFailure(family: IPFamily, failure: MessageFailure): void {
    const sent = failure.sent === undefined ? undefined : readSentEcho(failure.sent);
    const to = failure.to === undefined || failure.to.family === 'unix' ? undefined : plain(failure.to.address);
    const probe = sent === undefined || to === undefined ? undefined : this.#find(to, sent.sequence);
    if (probe === undefined) {
      if (failure.sent === undefined) this.#fail(failure.error);
      return;
    }
    if (probe.state !== 'waiting') return;
    this.#settle(probe, 'failed');
    const reporter = failure.reporter === undefined ? probe.host.text : plain(failure.reporter);
    const { icmpType = null, icmpCode = null } = failure;
    const text = icmpType === null || icmpCode === null ? failure.error.message : errorText(family, icmpType, icmpCode);
    this.#report(probe, reporter, icmpType, icmpCode, text);
  }

  #report(probe: Probe, address: string, icmpType: number | null, icmpCode: number | null, message: string): void {
    probe.host.counts.errors++;
    const { name: target } = probe.host;
    const { sequence } = probe;
    const told = { time: this.#now(), target, sequence, address, icmpType, icmpCode, message, rttMs: null };
    this.#queue.push({ type: 'ping.error', ...told, settles: true, ...this.#through(probe.host) });
    this.#endWhenAnswered();
  }

  #settle(probe: Probe, state: Probe['state']): void {
    if (probe.state === 'waiting') this.#open--;
    probe.state = state;
  }

  #scheduleExpiry(): void {
    this.#expiryTimer = undefined;
    while (this.#waiting.length > 0 && this.#waiting[0]?.state !== 'waiting') this.#waiting.shift();
    const next = this.#waiting[0];
    if (next === undefined || this.#finished) return;
    this.#expiryTimer = setTimeout(() => this.#expire(), Math.max(1, next.expires - performance.now()));
  }

  #expire(): void {
    const now = performance.now();
    while (this.#waiting.length > 0 && (this.#waiting[0]?.expires ?? 0) <= now) {
      const probe = this.#waiting.shift();
      if (probe?.state !== 'waiting') continue;
      this.#settle(probe, 'timed-out');
      const { name: target, text: address } = probe.host;
      const { sequence } = probe;
      this.#queue.push({
        type: 'ping.timeout',
        time: this.#now(),
        target,
        address,
        sequence,
        ...this.#through(probe.host),
      });
    }
    this.#forget(now);
    this.#scheduleExpiry();
    this.#endWhenAnswered();
  }

  /** Drops the memory of old probes; a Map gives them in the order in which they were sent. */
  #forget(now: number): void {
    for (const [key, probe] of this.#probes) {
      if (probe.expires + MEMORY_FACTOR * this.#timeoutMs > now) return;
      this.#probes.delete(key);
    }
  }

  /** After the last probe: ends as soon as none waits any more. */
  #endWhenAnswered(): void {
    if (this.#options.count === undefined || this.#sequence < this.#options.count) return;
    const sent = this.#hosts.every((host) => host.counts.transmitted === this.#options.count);
    if (sent && this.#open === 0) this.#end('count');
  }

  #fail(thrown: unknown): void {
    const error = toSockctlError(thrown);
    if (this.#finished) return;
    const last = this.#hosts.map((host) => this.#summarize(host, 'error'));
    this.#finish();
    this.#queue.fail(error, last);
  }

  #end(reason: PingSummary['endReason']): void {
    if (this.#finished) return;
    const last = this.#hosts.map((host) => this.#summarize(host, reason));
    this.#finish();
    this.#queue.end(last);
  }

  #finish(): void {
    this.#finished = true;
    clearTimeout(this.#sendTimer);
    clearTimeout(this.#expiryTimer);
  }

  #summarize(host: PingHost, endReason: PingSummary['endReason']): PingSummary {
    const inFlight = this.#waiting.filter((probe) => probe.host === host && probe.state === 'waiting').length;
    const durationMs = performance.now() - this.#started;
    return host.summary({ time: this.#now(), ...this.#through(host), inFlight, durationMs, endReason });
  }

  #through(host: PingHost): Pick<PingSummary, 'socket' | 'backend'> {
    const socket = this.#sockets.get(host.address.family)?.kind ?? 'raw';
    return { socket, backend: this.#options.backend.name };
  }

  #now(): Timestamp {
    const [first] = this.#sockets.values();
    return first === undefined ? { seconds: 0, nanoseconds: 0 } : first.socket.now();
  }

  #key(address: string, sequence: number): string {
    return `${address}#${sequence & 0xffff}`;
  }

  #find(address: string, sequence: number): Probe | undefined {
    return (
      this.#probes.get(this.#key(address, sequence)) ?? this.#probes.get(this.#key(this.#zoned(address), sequence))
    );
  }

  /** A quoted link-local address has lost its zone; the target that it was sent to has it. */
  #zoned(address: string): string {
    return this.#hosts.find((host) => host.text.startsWith(`${address}%`))?.text ?? address;
  }
}

/** The address without a zone: the kernel adds one for link-local senders, the user may have named it otherwise. */
function plain(address: IPAddress): string {
  return address instanceof IPv6Address ? address.withZone('').toString() : address.toString();
}

/** Eight random bytes, by which a reply to somebody else's probe shows, then the bytes 8, 9, 10, … */
function payloadOf(size: number): Uint8Array {
  const payload = Uint8Array.from({ length: size }, (_, i) => i & 255);
  payload.set(randomBytes(Math.min(8, size)));
  return payload;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
