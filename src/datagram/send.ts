/** A datagram sender: payloads on an absolute schedule, in batches where more than one is due. */
import { randomBytes } from 'node:crypto';
import { SockctlError, type SocketError } from '../errors.js';
import type { Logger } from '../log/events.js';
import { Pacer } from '../measure/pacer.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, MessageFailure, MessageSocket, OutgoingMessage, ReceivedMessage } from '../socket/port.js';
import { encodeProbeHeader, PROBE_HEADER_SIZE } from './probe-header.js';

export interface SendDatagramsOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  readonly source?: Endpoint | undefined;
  /** What to send, one datagram each; pulled as the schedule allows. */
  readonly payloads: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Datagrams a second; without it as fast as the socket takes them. */
  readonly perSecond?: number | undefined;
  /** Writes a probe header over the start of each payload, which must have room for it, and marks the end. */
  readonly probe?: boolean;
  /** Milliseconds to listen for replies after the last datagram. */
  readonly waitMs?: number | undefined;
  /** Called when the socket is open, before anything is sent. */
  readonly onOpen?: () => void;
  readonly onReply?: (message: ReceivedMessage) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface SendSummary {
  readonly sent: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly requestedPerSecond: number | null;
  readonly achievedPerSecond: number | null;
  /** ICMP errors that came back. */
  readonly errors: number;
  readonly replies: number;
  /** The probe's stream id. */
  readonly stream: string | undefined;
  readonly endReason: 'count' | 'interrupted' | 'error';
  readonly error: SockctlError | undefined;
}

/** Datagrams handed to the socket at once at most. */
const BATCH = 64;
/** How often the end of a probe stream is announced, since any one of them can be lost. */
const END_REPEATS = 5;

/**
 * Sends all payloads to `target` through a connected socket, so that errors come back.
 *
 * @returns also after a failure: what was sent until then, and the error
 * @throws SocketError when the socket can't be opened
 */
export async function sendDatagrams(target: Endpoint, options: SendDatagramsOptions): Promise<SendSummary> {
  const socket = await options.backend.datagram(target.family, {
    settings: options.settings ?? [],
    logger: options.logger,
    local: options.source,
    remote: target,
  });
  try {
    options.onOpen?.();
    return await new Sender(socket, target, options).run();
  } finally {
    await socket.close();
  }
}

class Sender {
  readonly #socket: MessageSocket;
  readonly #options: SendDatagramsOptions;
  readonly #target: string;
  readonly #stream = randomBytes(8).toString('hex');
  #sent = 0;
  #bytes = 0;
  #errors = 0;
  #lastError: SocketError | undefined;
  #replies = 0;
  /** Whether the end of the probes has been sent. */
  #announced = false;

  constructor(socket: MessageSocket, target: Endpoint, options: SendDatagramsOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#target = formatEndpoint(target);
  }

  async run(): Promise<SendSummary> {
    const { signal, onReply, perSecond, probe } = this.#options;
    this.#socket.receive({
      messages: (batch) => {
        this.#replies += batch.length;
        if (onReply !== undefined) for (const message of batch) onReply(message);
      },
      failure: (failure) => this.#onFailure(failure),
    });
    const started = performance.now();
    let error: SockctlError | undefined;
    try {
      await this.#sendPaced(new Pacer(perSecond ?? Number.POSITIVE_INFINITY));
    } catch (thrown) {
      if (!(thrown instanceof SockctlError)) throw thrown;
      error = thrown;
    }
    const durationMs = performance.now() - started;
    // An ICMP error from this machine is there already.
    this.#socket.takeFailures();
    if (probe === true && error === undefined) await this.#announceEnd();
    if (error === undefined && signal?.aborted !== true) await this.#listen();
    // A peer that says that nothing listens there, and nothing else, has not taken the datagrams.
    if (this.#replies === 0) error ??= this.#lastError;
    return {
      sent: this.#sent,
      bytes: this.#bytes,
      durationMs,
      requestedPerSecond: perSecond ?? null,
      // One datagram takes no time to speak of: a rate needs two.
      achievedPerSecond: this.#sent > 1 ? ((this.#sent - 1) / durationMs) * 1000 : null,
      errors: this.#errors,
      replies: this.#replies,
      stream: probe === true ? this.#stream : undefined,
      endReason: error !== undefined ? 'error' : signal?.aborted === true ? 'interrupted' : 'count',
      error,
    };
  }

  async #sendPaced(pacer: Pacer): Promise<void> {
    const { payloads, signal } = this.#options;
    const stopped = () => signal?.aborted === true;
    let batch: Uint8Array[] = [];
    for await (const payload of payloads) {
      if (stopped()) return;
      const index = this.#sent + batch.length;
      if (batch.length === BATCH || pacer.due() <= index) {
        await this.#flush(batch);
        batch = [];
        await pacer.until(index, signal);
        if (stopped()) return;
      }
      batch.push(payload);
    }
    await this.#flush(batch);
  }

  async #flush(batch: readonly Uint8Array[]): Promise<void> {
    if (batch.length === 0) return;
    const messages: OutgoingMessage[] = [];
    for (const [i, bytes] of batch.entries()) {
      if (this.#options.probe === true) this.#stamp(bytes, this.#sent + i, false);
      messages.push({ bytes });
    }
    await this.#socket.send(messages);
    this.#sent += batch.length;
    for (const bytes of batch) this.#bytes += bytes.length;
    // A loop of immediate sends would let neither replies nor signals in.
    if (this.#sent % (BATCH * 16) < batch.length) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #stamp(bytes: Uint8Array, sequence: number, end: boolean): void {
    const sent = this.#socket.now();
    encodeProbeHeader(bytes, { stream: this.#stream, sequence, end, sent, length: bytes.length });
  }

  async #announceEnd(): Promise<void> {
    // A receiver that waited for the first of these may be gone when the others come.
    this.#announced = true;
    const bytes = new Uint8Array(PROBE_HEADER_SIZE);
    for (let i = 0; i < END_REPEATS; i++) {
      this.#stamp(bytes, this.#sent, true);
      try {
        await this.#socket.send([{ bytes }]);
      } catch {
        // The receiver may be gone after the first of them: then it has what it needs.
        return;
      }
    }
  }

  async #listen(): Promise<void> {
    const { waitMs, signal } = this.#options;
    if (waitMs === undefined || waitMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, waitMs);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  #onFailure({ error, reporter }: MessageFailure): void {
    if (this.#announced) return;
    this.#errors++;
    this.#lastError = error;
    const who = reporter === undefined ? '' : `, reported by ${reporter.toString()}`;
    this.#options.logger.log(this.#errors === 1 ? 'warn' : 'debug', {
      event: 'error',
      message: `${this.#target}: ${error.code}${who}`,
      failure: { syscall: error.syscall, code: error.code, errno: error.errno },
    });
  }
}
