/** A datagram sender: payloads on an absolute schedule, in runs where more than one is due. */
import { randomBytes } from 'node:crypto';
import { SockctlError, type SocketError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { type DistributionMs, Histogram } from '../measure/histogram.js';
import { Pacer } from '../measure/pacer.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, MessageFailure, MessageSocket, OutgoingMessage, ReceivedMessage } from '../socket/port.js';
import { describeFailure } from './failure.js';
import { PROBE_BUFFER } from './probe.js';
import type { ProbeReport } from './probe-report.js';
import { ProbeSender, type TwoWayCounts } from './probe-sender.js';

/** Datagrams that are known in advance: `bytes` holds `count` of them, of `size` bytes each; the last may be shorter. */
export interface PayloadRun {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly count: number;
}

/** One datagram, or a run of them; it is taken from when the one before has gone, and may then be used again. */
export type Payload = Uint8Array | PayloadRun;

export interface SendDatagramsOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  readonly source?: Endpoint | undefined;
  /** What to send; pulled as the schedule allows. */
  readonly payloads: AsyncIterable<Payload> | Iterable<Payload>;
  /** Datagrams a second; without it as fast as the socket takes them. */
  readonly perSecond?: number | undefined;
  /** With `perSecond`: so many at once, and a pause after them. */
  readonly burst?: number | undefined;
  /** Milliseconds after which sending ends, whatever is left. */
  readonly timeMs?: number | undefined;
  /**
   * Whether to connect(2), so that ICMP errors come back and only the target is heard; left out, unless the target is a
   * multicast address or SO_BROADCAST is set.
   */
  readonly connect?: boolean;
  /**
   * Writes a probe header over the start of each payload, which must have room for it, and asks for the receiver's
   * report at the end.
   */
  readonly probe?: boolean;
  /** With `probe`: has each one sent back, and measures the round trips. */
  readonly twoWay?: boolean;
  /** Milliseconds to listen for replies after the last datagram; with `probe`, for the report, 3,000 unless given. */
  readonly waitMs?: number | undefined;
  /** Milliseconds from one `onInterval` to the next. */
  readonly intervalMs?: number | undefined;
  readonly onInterval?: ((interval: SendInterval) => void) | undefined;
  /** Called when the socket is open, before anything is sent. */
  readonly onOpen?: () => void;
  /** A promise holds further replies back, in the kernel. */
  readonly onReply?: (message: ReceivedMessage) => void | Promise<void>;
  /** Called for errors that come back, by ICMP as a rule. */
  readonly onFailure?: (failure: MessageFailure) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What was sent since the last one. */
export interface SendInterval {
  /** Since the start, in milliseconds. */
  readonly fromMs: number;
  readonly durationMs: number;
  readonly sent: number;
  readonly bytes: number;
}

export interface SendSummary {
  readonly sent: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly requestedPerSecond: number | null;
  readonly achievedPerSecond: number | null;
  /** How late each datagram was given to the kernel, by the schedule; undefined without a rate. */
  readonly schedulingErrorMs: DistributionMs | undefined;
  /** ICMP errors that came back. */
  readonly errors: number;
  readonly replies: number;
  /** The path's MTU as the kernel knows it at the end; null where it doesn't. */
  readonly pathMtu: number | null;
  /** The probe's stream id. */
  readonly stream: string | undefined;
  /** What the receiver says of the probes; undefined where no report came back. */
  readonly report: ProbeReport | undefined;
  readonly twoWay: TwoWayCounts | undefined;
  readonly endReason: 'count' | 'deadline' | 'interrupted' | 'error';
  readonly error: SockctlError | undefined;
}

/** Single datagrams handed to the socket at once at most. */
const BATCH = 64;
/** Datagrams and bytes of a run handed to the socket at once at most. */
const RUN_MAX = 4096;
const RUN_BYTES = 1 << 19;
/** A loop of immediate sends would let neither replies nor signals in: so long at most, in milliseconds. */
const TURN_MS = 5;
/** Of the errors of a batch's datagrams so many are looked at. */
const ERROR_SAMPLES = 16;
const REPORT_WAIT_MS = 3000;

/**
 * Sends all payloads to `target`.
 *
 * @returns also after a failure: what was sent until then, and the error
 * @throws SocketError when the socket can't be opened
 */
export async function sendDatagrams(target: Endpoint, options: SendDatagramsOptions): Promise<SendSummary> {
  const { backend, logger, settings = [], source } = options;
  const connected = options.connect ?? !isForMany(target, settings);
  const socket = await backend.datagram(target.family, {
    settings,
    logger,
    local: source,
    receiveBuffer: options.twoWay === true ? PROBE_BUFFER : undefined,
    ...(connected ? { remote: target } : backend.name === 'native' ? { errorQueue: true } : {}),
  });
  const alarm = options.perSecond === undefined ? undefined : backend.alarm();
  try {
    options.onOpen?.();
    const pacer = new Pacer(options.perSecond ?? Number.POSITIVE_INFINITY, { burst: options.burst, alarm });
    return await new Sender(socket, target, connected, pacer, options).run();
  } finally {
    alarm?.close();
    await socket.close();
  }
}

/** Whether answers come from other addresses than the target: a connected socket would not hear them. */
function isForMany(target: Endpoint, settings: readonly OptionSetting[]): boolean {
  if (target.family === 'unix') return false;
  return (
    target.address.isMulticast || settings.some(({ option, value }) => option.name === 'SO_BROADCAST' && value !== 0)
  );
}

class Sender {
  readonly #socket: MessageSocket;
  readonly #options: SendDatagramsOptions;
  readonly #target: string;
  /** Given with each message where the socket is not connected. */
  readonly #to: Endpoint | undefined;
  readonly #pacer: Pacer;
  readonly #probe: ProbeSender | undefined;
  readonly #lateness: Histogram | undefined;
  /** What ends sending: the caller's signal, and the deadline. */
  readonly #ends: readonly AbortSignal[];
  /** Fires when one of them does; it holds them weakly, and a timeout that nobody holds is collected unfired. */
  readonly #stop: AbortSignal;
  #bytes = 0;
  #errors = 0;
  #lastError: SocketError | undefined;
  #replies = 0;
  #turnEnd = 0;
  /** Whether all is sent: errors that come back later are about the end's announcements. */
  #over = false;

  constructor(
    socket: MessageSocket,
    target: Endpoint,
    connected: boolean,
    pacer: Pacer,
    options: SendDatagramsOptions,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#target = formatEndpoint(target);
    this.#to = connected ? undefined : target;
    this.#pacer = pacer;
    const { probe, twoWay, perSecond, signal, timeMs } = options;
    if (probe === true) this.#probe = new ProbeSender(socket, this.#to, randomBytes(8), twoWay === true);
    if (perSecond !== undefined) this.#lateness = new Histogram();
    const ends = [signal, timeMs === undefined ? undefined : AbortSignal.timeout(timeMs)];
    this.#ends = ends.filter((end) => end !== undefined);
    this.#stop = AbortSignal.any([...this.#ends]);
  }

  async run(): Promise<SendSummary> {
    const { signal, perSecond, burst = 1 } = this.#options;
    this.#socket.receive({
      messages: (batch) => this.#onMessages(batch),
      failure: (failure) => this.#onFailure(failure),
    });
    const started = performance.now();
    const ticking = this.#startIntervals(started);
    let error: SockctlError | undefined;
    try {
      await this.#sendAll();
    } catch (thrown) {
      if (!(thrown instanceof SockctlError)) throw thrown;
      error = this.#explain(thrown);
    }
    const durationMs = performance.now() - started;
    const sent = this.#socket.sent;
    ticking.stop();
    // An ICMP error from this machine is there already.
    this.#socket.takeFailures();
    const refused = this.#lastError !== undefined && this.#replies === 0;
    if (error === undefined && !refused) await this.#listen(sent);
    // A peer that says that nothing listens there, and nothing else, has not taken the datagrams.
    if (this.#replies === 0) error ??= this.#lastError;
    return {
      sent,
      bytes: this.#bytes,
      durationMs,
      requestedPerSecond: perSecond ?? null,
      // What leaves at once takes no time to speak of: a rate needs one more.
      achievedPerSecond: sent > burst ? ((sent - burst) / durationMs) * 1000 : null,
      schedulingErrorMs: this.#lateness?.summary(),
      errors: this.#errors,
      replies: this.#replies,
      pathMtu: this.#socket.pathMtu(),
      stream: this.#probe?.stream,
      report: this.#probe?.report,
      twoWay: this.#probe?.twoWay(sent),
      endReason:
        error !== undefined ? 'error' : signal?.aborted === true ? 'interrupted' : this.#stopped ? 'deadline' : 'count',
      error,
    };
  }

  get #stopped(): boolean {
    return this.#stop.aborted;
  }

  async #sendAll(): Promise<void> {
    const { payloads } = this.#options;
    /** Single datagrams that are due together. */
    let batch: Uint8Array[] = [];
    for await (const payload of asTheyCome(payloads, this.#stop)) {
      if (this.#stopped) return;
      if (payload instanceof Uint8Array) {
        const index = this.#socket.sent + batch.length;
        if (batch.length === BATCH || this.#pacer.due() <= index) {
          await this.#sendBatch(batch);
          batch = [];
          await this.#pacer.until(index, this.#stop);
          if (this.#stopped) return;
        }
        batch.push(payload);
      } else {
        await this.#sendBatch(batch);
        batch = [];
        if (payload !== PAUSE) await this.#sendRun(payload);
      }
    }
    if (!this.#stopped) await this.#sendBatch(batch);
  }

  async #sendBatch(batch: readonly Uint8Array[]): Promise<void> {
    if (batch.length === 0) return;
    const first = this.#socket.sent;
    if (this.#probe !== undefined) {
      for (const [i, bytes] of batch.entries()) this.#probe.fill(bytes, bytes.length, first + i);
    }
    try {
      await this.#send(
        batch.map((bytes) => ({ bytes, to: this.#to })),
        first,
        batch.length,
      );
    } finally {
      const sent = this.#socket.sent - first;
      for (let i = 0; i < sent; i++) this.#bytes += batch[i]?.length ?? 0;
    }
  }

  async #sendRun({ bytes, size, count }: PayloadRun): Promise<void> {
    const most = Math.max(1, Math.min(RUN_MAX, Math.floor(RUN_BYTES / size)));
    let done = 0;
    while (done < count) {
      const first = this.#socket.sent;
      const due = this.#pacer.due() - first;
      if (due < 1) await this.#pacer.until(first, this.#stop);
      if (this.#stopped) return;
      if (due < 1) continue;
      const datagrams = Math.min(due, count - done, most);
      const part = bytes.subarray(done * size, (done + datagrams) * size);
      this.#probe?.fill(part, size, first);
      try {
        await this.#send(
          [{ bytes: part, to: this.#to, segmentSize: datagrams > 1 ? size : undefined }],
          first,
          datagrams,
        );
      } finally {
        this.#bytes += Math.min(part.length, (this.#socket.sent - first) * size);
      }
      done += datagrams;
    }
  }

  async #send(messages: readonly OutgoingMessage[], first: number, count: number): Promise<void> {
    if (this.#lateness !== undefined) {
      const step = Math.ceil(count / ERROR_SAMPLES);
      for (let i = 0; i < count; i += step) {
        this.#lateness.add(this.#pacer.behind(first + i), Math.min(step, count - i));
      }
    }
    await this.#socket.send(messages);
    const now = performance.now();
    if (now < this.#turnEnd) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#turnEnd = performance.now() + TURN_MS;
  }

  /** Waits for what comes back: replies, or the report on the probes. */
  async #listen(sent: number): Promise<void> {
    const { waitMs, signal } = this.#options;
    this.#over = true;
    if (signal?.aborted === true && this.#probe === undefined) return;
    const most = waitMs ?? (this.#probe === undefined ? 0 : REPORT_WAIT_MS);
    if (most <= 0) return;
    // By a timer of its own: of AbortSignal.any's sources a timeout may be collected, unfired.
    const end = new AbortController();
    const stop = () => end.abort();
    const timer = setTimeout(stop, most);
    // With a probe the report is waited for also after a signal, which has ended the sending.
    if (signal?.aborted === false) signal.addEventListener('abort', stop, { once: true });
    try {
      if (this.#probe !== undefined) await this.#probe.askForReport(sent, end.signal);
      else await new Promise<void>((resolve) => aborted(end.signal, resolve));
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  #onMessages(batch: readonly ReceivedMessage[]): void {
    const { onReply } = this.#options;
    let wait: Promise<void> | undefined;
    for (const message of batch) {
      if (this.#probe?.take(message) === true) continue;
      this.#replies++;
      const behind = onReply?.(message);
      if (behind !== undefined) wait = behind;
    }
    if (wait === undefined) return;
    this.#socket.pause();
    void wait.finally(() => this.#socket.resume());
  }

  #onFailure(failure: MessageFailure): void {
    if (this.#over) {
      this.#probe?.refused();
      return;
    }
    const { error } = failure;
    this.#errors++;
    this.#lastError = error;
    this.#options.onFailure?.(failure);
    this.#options.logger.log(this.#errors === 1 ? 'warn' : 'debug', {
      event: 'error',
      message: describeFailure(this.#target, failure),
      failure: { syscall: error.syscall, code: error.code, errno: error.errno },
    });
  }

  /** A datagram beyond the path's MTU: how much would fit. */
  #explain(error: SockctlError): SockctlError {
    const mtu = error.code === 'EMSGSIZE' ? this.#socket.pathMtu() : null;
    if (mtu === null || mtu > 65_535) return error;
    return new SockctlError('EMSGSIZE', {
      what: `${this.#target}: the datagram does not fit the path, whose MTU is ${mtu}`,
      advice: `send at most ${mtu - headerSize(this.#target)} bytes in one, or allow fragments with --pmtu dont`,
      cause: error,
    });
  }

  #startIntervals(started: number): { stop(): void } {
    const { intervalMs, onInterval } = this.#options;
    if (intervalMs === undefined || onInterval === undefined) return { stop: () => undefined };
    let last = { at: started, sent: 0, bytes: 0 };
    const tick = () => {
      const now = { at: performance.now(), sent: this.#socket.sent, bytes: this.#bytes };
      if (now.sent === last.sent && now.at - last.at < intervalMs / 2) return;
      onInterval({
        fromMs: last.at - started,
        durationMs: now.at - last.at,
        sent: now.sent - last.sent,
        bytes: now.bytes - last.bytes,
      });
      last = now;
    };
    const timer = setInterval(tick, intervalMs);
    return {
      stop: () => {
        clearInterval(timer);
        tick();
      },
    };
  }
}

/** IP and UDP headers without options (RFC 791, RFC 8200, RFC 768), for the endpoint of this text. */
function headerSize(target: string): number {
  return (target.startsWith('[') ? 40 : 20) + 8;
}

/** Calls back when the signal fires, at once when it has already. */
function aborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
}

/** Stands among the payloads where the next one is not there yet: what was gathered must not wait for it. */
const PAUSE: PayloadRun = { bytes: new Uint8Array(0), size: 0, count: 0 };

/** What `payloads` gives, with {@link PAUSE} where it pauses, until the signal fires, even during a pause. */
async function* asTheyCome(
  payloads: AsyncIterable<Payload> | Iterable<Payload>,
  signal: AbortSignal,
): AsyncIterable<Payload> {
  if (!(Symbol.asyncIterator in payloads)) {
    yield* payloads;
    return;
  }
  const iterator = payloads[Symbol.asyncIterator]();
  // One callback instead of a race against the signal's promise, which would keep a reaction for every payload.
  let wake: (why: 'pause' | 'stop') => void = () => undefined;
  aborted(signal, () => wake('stop'));
  let turning = false;
  while (!signal.aborted) {
    const pending = iterator.next();
    const wait = () =>
      new Promise<IteratorResult<Payload> | 'pause' | 'stop'>((resolve, reject) => {
        wake = resolve;
        pending.then(resolve, reject);
      });
    if (!turning) {
      turning = true;
      setImmediate(() => {
        turning = false;
        wake('pause');
      });
    }
    let next = await wait();
    if (next === 'pause') {
      yield PAUSE;
      if (signal.aborted) return;
      next = await wait();
    }
    if (next === 'stop' || next === 'pause' || next.done === true) return;
    yield next.value;
  }
}
