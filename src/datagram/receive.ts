/** A datagram receiver: many senders on one socket, each datagram kept whole. */
import { SockctlError, SocketError } from '../errors.js';
import type { Logger } from '../log/events.js';
import type { OptionSetting } from '../options/settings.js';
import { type Endpoint, formatEndpoint } from '../sockaddr/endpoint.js';
import type { Backend, MessageSocket, ReceivedMessage } from '../socket/port.js';
import { ProbeReceiver, type ProbeReport } from './probe.js';
import type { ProbeHeader } from './probe-header.js';

export interface ReceiveOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /** Stop after so many datagrams. */
  readonly count?: number | undefined;
  /** Stop when nothing has come for so many milliseconds, the time before the first included. */
  readonly idleTimeoutMs?: number | undefined;
  /** Send each datagram back to where it came from. */
  readonly echo?: boolean;
  /** Read probe headers and report on each sender. */
  readonly probe?: boolean;
  /** With `probe`: stop when a sender has said that it is done. */
  readonly once?: boolean;
  /**
   * Called for each datagram; its bytes are valid during the call only. A promise holds reception back, so that
   * what this program can't take waits, and is counted when it is dropped, in the kernel.
   */
  readonly onDatagram?: (message: ReceivedMessage, probe?: ReceivedProbe) => void | Promise<void>;
  /** Called when the socket is bound, with its address. */
  readonly onListening?: (local: Endpoint) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ReceivedProbe {
  readonly header: ProbeHeader;
  readonly transitMs: number;
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

/** Datagrams waiting to be echoed at most; beyond that they are left out and counted as not sent. */
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
    receiveBuffer: RECEIVE_BUFFER,
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
  readonly #probes = new ProbeReceiver();
  #received = 0;
  #bytes = 0;
  #first = 0;
  #last = 0;
  /** Echoes on their way out; the socket is closed after the last of them. */
  readonly #echoes = new Set<Promise<unknown>>();
  #end: ((reason: ReceiveSummary['endReason'], error?: unknown) => void) | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Datagrams that wait for `onDatagram`'s promise: the rest of a batch, copied. */
  #backlog: Promise<void> | undefined;

  constructor(socket: MessageSocket, options: ReceiveOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  async run(): Promise<ReceiveSummary> {
    const { signal, onListening, logger, idleTimeoutMs } = this.#options;
    const local = this.#socket.local;
    if (local !== undefined) {
      logger.log('info', { event: 'listening', message: `receiving on ${formatEndpoint(local)}` });
      onListening?.(local);
    }
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
        failure: ({ error }) => this.#onFailure(error),
      });
      return undefined;
    });
    await this.#backlog;
    await Promise.all(this.#echoes);
    return {
      received: this.#received,
      bytes: this.#bytes,
      durationMs: this.#last - this.#first,
      droppedSocket: this.#socket.dropped,
      probes: this.#options.probe === true ? this.#probes.reports() : [],
      foreign: this.#probes.foreign,
      endReason: ended.reason,
      error: ended.error,
    };
  }

  #onBatch(batch: readonly ReceivedMessage[]): void {
    if (this.#end === undefined) return;
    this.#idleTimer?.refresh();
    this.#last = performance.now();
    if (this.#received === 0) this.#first = this.#last;
    for (const [i, message] of batch.entries()) {
      const wait = this.#take(message);
      if (wait !== undefined) {
        this.#hold(wait, batch.slice(i + 1));
        return;
      }
      if (this.#end === undefined) return;
    }
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
    };
    this.#backlog = goOn().then(
      () => {
        if (this.#end !== undefined) this.#socket.resume();
      },
      (error: unknown) => this.#end?.('error', error),
    );
  }

  #take(message: ReceivedMessage): Promise<void> | undefined {
    const { probe, echo, onDatagram, count, once } = this.#options;
    const found = probe === true ? this.#probes.add(message) : undefined;
    if (echo === true && message.from !== undefined) this.#echo(message);
    if (found?.header.end === true) {
      if (once === true) this.#end?.('eof');
      return undefined;
    }
    this.#received++;
    this.#bytes += message.length;
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

  #echo(message: ReceivedMessage): void {
    if (this.#echoes.size >= ECHO_QUEUE) return;
    const sent: Promise<unknown> = this.#socket
      .send([{ bytes: Uint8Array.from(message.bytes), to: message.from }])
      .catch((error: unknown) => this.#onFailure(error))
      .finally(() => this.#echoes.delete(sent));
    this.#echoes.add(sent);
  }

  /** An ICMP error for an echo says something of one peer only; a broken socket ends the work. */
  #onFailure(thrown: unknown): void {
    if (!(thrown instanceof SockctlError)) throw thrown;
    const fatal = ['EBADF', 'ENETDOWN', 'EIO', 'ENOTSOCK'].includes(thrown.code);
    const syscall = thrown instanceof SocketError ? thrown.syscall : 'recvmmsg';
    const errno = thrown instanceof SocketError ? thrown.errno : 0;
    this.#options.logger.log('warn', {
      event: 'error',
      message: thrown.message,
      failure: { syscall, code: thrown.code, errno },
    });
    if (fatal) this.#end?.('error', thrown);
  }
}
