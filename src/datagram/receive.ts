/** A datagram receiver: many senders on one socket, each datagram kept whole. */
import { SocketError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { LossCounts } from '../measure/loss.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, MessageFailure, MessageSocket, OutgoingMessage, ReceivedMessage } from '../socket/port.js';
import { describeFailure } from './failure.js';
import { PROBE_BUFFER, ProbeReceiver, type ReceivedProbe } from './probe.js';
import { FLAGS_AT, ProbeFlag } from './probe-header.js';
import type { ProbeReport } from './probe-report.js';
import { ProbeReporter } from './probe-reporter.js';

export interface ReceiveOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Stop after so many datagrams. */
  readonly count?: number | undefined;
  /** Stop when nothing has come for so many milliseconds, the time before the first included. */
  readonly idleTimeoutMs?: number | undefined;
  /** Bytes of each datagram that are kept; the rest is cut off. 65,536 unless given. */
  readonly keep?: number | undefined;
  /** Send each datagram back to where it came from. */
  readonly echo?: boolean;
  /** Read probe headers, report on each sender, and tell it at the end. */
  readonly probe?: boolean;
  /** With `probe`: numbers behind the highest that are told apart (see src/measure/loss.ts). */
  readonly window?: number | undefined;
  /** With `probe`: stop when a sender has said that it is done, and has its report. */
  readonly once?: boolean;
  /**
   * Called for each datagram; its bytes are valid during the call only. A promise holds reception back, so that
   * what this program can't take waits, and is counted when it is dropped, in the kernel.
   */
  readonly onDatagram?: ((message: ReceivedMessage, probe?: ReceivedProbe) => void | Promise<void>) | undefined;
  /** Milliseconds from one `onInterval` to the next. */
  readonly intervalMs?: number | undefined;
  readonly onInterval?: ((interval: ReceiveInterval) => void) | undefined;
  /** Called when the socket is bound, with its address. */
  readonly onListening?: (local: Endpoint) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What came since the last one. */
export interface ReceiveInterval {
  /** Since the first datagram, in milliseconds. */
  readonly fromMs: number;
  readonly durationMs: number;
  readonly received: number;
  readonly bytes: number;
  /** With `probe`: what changed; `lost` shrinks when a missing one comes after all. */
  readonly probes: LossCounts | undefined;
  readonly droppedSocket: number | null;
}

export interface ReceiveSummary {
  readonly received: number;
  readonly bytes: number;
  /** From the first datagram to the last. */
  readonly durationMs: number;
  /** The kernel's count of datagrams dropped for want of buffer; null where unknown. */
  readonly droppedSocket: number | null;
  readonly probes: readonly ProbeReport[];
  /** With `probe`: datagrams that were none. */
  readonly foreign: number;
  readonly endReason: 'count' | 'idle' | 'eof' | 'interrupted' | 'error';
  readonly error: unknown;
}

/** A burst of small datagrams that comes while this program starts up or prints should find room: 8 MiB. */
const RECEIVE_BUFFER = 8 << 20;

/** Datagrams on their way back at most; beyond that reception waits, and the kernel counts what it drops. */
const ECHO_QUEUE = 4096;

/**
 * Receives on `local` until the count, the idle time, the end of a probe or the signal.
 *
 * @returns also after a failure: what was received until then, and the error
 * @throws SocketError when it can't bind
 */
export async function receiveDatagrams(local: Endpoint, options: ReceiveOptions): Promise<ReceiveSummary> {
  const socket = await options.backend.datagram(local.family, {
    settings: options.settings ?? [],
    logger: options.logger,
    local,
    messageSize: options.keep,
    receiveBuffer: options.probe === true ? PROBE_BUFFER : RECEIVE_BUFFER,
    // Nobody looks at single datagrams: runs can be counted as they come.
    coalesce: options.probe === true && options.onDatagram === undefined && options.count === undefined,
  });
  try {
    return await new Receiver(socket, options).run();
  } finally {
    await socket.close();
  }
}

class Receiver {
  readonly #socket: MessageSocket;
  readonly #options: ReceiveOptions;
  readonly #probes: ProbeReceiver | undefined;
  readonly #reporter: ProbeReporter;
  #received = 0;
  #bytes = 0;
  /** When the batch at hand came, the first with a datagram, and the last. */
  #now = 0;
  #first = 0;
  #last = 0;
  /** Datagrams to be sent back, those of the batch at hand, and how many are on their way. */
  #echoes: OutgoingMessage[] = [];
  #echoing = 0;
  /** Settles when all are gone. */
  #echoed: Promise<void> = Promise.resolve();
  #end: ((reason: ReceiveSummary['endReason'], error?: unknown) => void) | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Datagrams that wait for `onDatagram`'s promise: the rest of a batch, copied. */
  #backlog: Promise<void> | undefined;

  constructor(socket: MessageSocket, options: ReceiveOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reporter = new ProbeReporter(socket, () => {
      if (options.once === true) this.#end?.('eof');
    });
    if (options.probe !== true) return;
    this.#probes = new ProbeReceiver(
      {
        onEnd: (stream, message, total, confirmed) => {
          const end = () => this.#reporter.end(stream, message, total, confirmed);
          // Who has the report listens no longer: what is to go back goes before it.
          this.#sendEchoes();
          if (this.#echoing === 0) end();
          else void this.#echoed.then(end);
        },
        onTwoWay: (message, from, to) => this.#reply(message, from, to),
      },
      options.window,
    );
  }

  async run(): Promise<ReceiveSummary> {
    const { signal, onListening, logger, idleTimeoutMs } = this.#options;
    const local = this.#socket.local;
    if (local !== undefined) {
      logger.log('info', { event: 'listening', message: `receiving on ${formatEndpoint(local)}` });
      onListening?.(local);
    }
    const ticking = this.#startIntervals();
    const ended = await new Promise<{ reason: ReceiveSummary['endReason']; error: unknown }>((resolve) => {
      this.#end = (reason, error) => {
        this.#end = undefined;
        this.#socket.pause();
        clearTimeout(this.#idleTimer);
        resolve({ reason, error });
      };
      const interrupt = () => this.#end?.('interrupted');
      if (signal?.aborted === true) return interrupt();
      signal?.addEventListener('abort', interrupt, { once: true });
      if (idleTimeoutMs !== undefined) this.#idleTimer = setTimeout(() => this.#end?.('idle'), idleTimeoutMs);
      this.#socket.receive({
        messages: (batch) => this.#onBatch(batch),
        failure: (failure) => this.#onFailure(failure),
      });
      return undefined;
    });
    ticking.stop();
    await this.#backlog;
    this.#sendEchoes();
    await this.#echoed;
    await this.#reporter.close();
    return {
      received: this.#received,
      bytes: this.#bytes,
      durationMs: this.#last - this.#first,
      droppedSocket: this.#socket.dropped,
      probes: this.#probes?.reports() ?? [],
      foreign: this.#probes?.foreign ?? 0,
      endReason: ended.reason,
      error: ended.error,
    };
  }

  #onBatch(batch: readonly ReceivedMessage[]): void {
    if (this.#end === undefined) return;
    this.#idleTimer?.refresh();
    this.#now = performance.now();
    for (const [i, message] of batch.entries()) {
      const wait = this.#take(message);
      if (wait !== undefined) {
        this.#hold(wait, batch.slice(i + 1));
        return;
      }
      if (this.#end === undefined) return;
    }
    this.#sendEchoes();
    if (this.#echoing > ECHO_QUEUE) this.#hold(this.#echoed, []);
  }

  /** Waits for the consumer with delivery stopped, then goes on with the rest of the batch. */
  #hold(wait: Promise<void>, rest: readonly ReceivedMessage[]): void {
    const copies = rest.map((message) => ({ ...message, bytes: Uint8Array.from(message.bytes) }));
    this.#socket.pause();
    const goOn = async () => {
      await wait;
      for (const message of copies) {
        if (this.#end === undefined) return;
        await this.#take(message);
      }
      this.#sendEchoes();
    };
    this.#backlog = goOn().then(
      () => {
        if (this.#end !== undefined) this.#socket.resume();
      },
      (error: unknown) => this.#end?.('error', error),
    );
  }

  #take(message: ReceivedMessage): Promise<void> | undefined {
    const { echo, onDatagram, count } = this.#options;
    const probe = this.#probes;
    if (echo === true) this.#sendBack(Uint8Array.from(message.bytes), message);
    let found: ReceivedProbe | undefined;
    if (probe === undefined) {
      this.#count(this.#received + 1, this.#bytes + message.length);
    } else {
      const before = probe.received + probe.foreign;
      found = probe.add(message);
      // What says only that a sender is done is no datagram of its stream.
      if (probe.received + probe.foreign === before) return undefined;
      this.#count(probe.received + probe.foreign, probe.bytes);
      if (onDatagram === undefined && count === undefined) return undefined;
    }
    let wait: void | Promise<void>;
    try {
      wait = onDatagram?.(message, found);
    } catch (error) {
      this.#end?.('error', error);
      return undefined;
    }
    if (count !== undefined && this.#received >= count) this.#end?.('count');
    if (wait === undefined) return undefined;
    return wait.catch((error: unknown) => this.#end?.('error', error));
  }

  #count(received: number, bytes: number): void {
    if (this.#received === 0) this.#first = this.#now;
    this.#last = this.#now;
    this.#received = received;
    this.#bytes = bytes;
  }

  /** A two-way probe goes back as it came, but for the flag. */
  #reply(message: ReceivedMessage, from: number, to: number): void {
    const bytes = message.bytes.slice(from, to);
    bytes[FLAGS_AT] = ProbeFlag.reply;
    this.#sendBack(bytes, message);
  }

  #sendBack(bytes: Uint8Array, { from }: ReceivedMessage): void {
    if (from !== undefined) this.#echoes.push({ bytes, to: from });
  }

  /** Those of a batch go together. */
  #sendEchoes(): void {
    const echoes = this.#echoes;
    if (echoes.length === 0) return;
    this.#echoes = [];
    this.#echoing += echoes.length;
    this.#echoed = this.#echoed.then(async () => {
      await this.#echo(echoes);
      this.#echoing -= echoes.length;
    });
  }

  /** A failure of one is no reason to leave out those after it. */
  async #echo(echoes: readonly OutgoingMessage[]): Promise<void> {
    for (let at = 0; at < echoes.length; at++) {
      const before = this.#socket.sent;
      try {
        await this.#socket.send(echoes.slice(at));
        return;
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
        at += this.#socket.sent - before;
        this.#onFailure({ error, to: echoes[at]?.to });
      }
    }
  }

  /** An ICMP error for an echo says something of one peer only; a broken socket ends the work. */
  #onFailure(failure: MessageFailure): void {
    const { syscall, code, errno } = failure.error;
    const to = failure.to ?? this.#socket.local;
    this.#options.logger.log('warn', {
      event: 'error',
      message: describeFailure(to === undefined ? 'socket' : formatEndpoint(to), failure),
      failure: { syscall, code, errno },
    });
    if (['EBADF', 'ENETDOWN', 'EIO', 'ENOTSOCK'].includes(code)) this.#end?.('error', failure.error);
  }

  #startIntervals(): { stop(): void } {
    const { intervalMs, onInterval } = this.#options;
    if (intervalMs === undefined || onInterval === undefined) return { stop: () => undefined };
    const look = () => ({
      at: performance.now(),
      received: this.#received,
      bytes: this.#bytes,
      probes: this.#probes?.totals(),
    });
    let last = look();
    const tick = () => {
      const now = look();
      if (this.#received > 0) {
        onInterval({
          fromMs: Math.max(0, last.at - this.#first),
          durationMs: now.at - last.at,
          received: now.received - last.received,
          bytes: now.bytes - last.bytes,
          probes: now.probes === undefined ? undefined : difference(now.probes, last.probes),
          droppedSocket: this.#socket.dropped,
        });
      }
      last = now;
    };
    const timer = setInterval(tick, intervalMs);
    return {
      stop: () => {
        clearInterval(timer);
        if (this.#received > last.received) tick();
      },
    };
  }
}

function difference(now: LossCounts, before: LossCounts | undefined): LossCounts {
  if (before === undefined) return now;
  return {
    received: now.received - before.received,
    lost: now.lost - before.lost,
    late: now.late - before.late,
    reordered: now.reordered - before.reordered,
    duplicated: now.duplicated - before.duplicated,
  };
}
