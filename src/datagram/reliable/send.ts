/** Sends data to `udp recv --reliable`: the state machine of sender.ts on a socket. */
import { randomBytes } from 'node:crypto';
import { ERROR_TABLE, type KnownCode, SockctlError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { type OptionSetting, setting } from '../../options/settings.js';
import { formatEndpoint, type InetEndpoint } from '../../sockaddr/endpoint.js';
import type { Backend, MessageFailure, MessageSocket, OutgoingMessage } from '../../socket/port.js';
import { describeFailure } from '../failure.js';
import { AbortReason } from './packets.js';
import { MAX_SIZE } from './path-mtu.js';
import { ReliableSender } from './sender.js';
import type { ReliableSource } from './source.js';

export interface SendReliableOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  readonly source?: InetEndpoint | undefined;
  /** Closed at the end. */
  readonly data: ReliableSource;
  /** What the receiver is to call it; up to 255 bytes. */
  readonly name: string;
  /** Milliseconds of silence after which it gives up. */
  readonly timeoutMs: number;
  readonly onOpen?: () => void;
  /** Milliseconds from one `onProgress` to the next. */
  readonly progressMs?: number | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransferProgress {
  readonly name: string;
  /** Bytes that are there in order. */
  readonly bytes: number;
  /** Of so many; null while that is not known. */
  readonly total: number | null;
  /** Since the start of the transfer, in milliseconds. */
  readonly elapsedMs: number;
  /** Of the last interval. */
  readonly bitsPerSecond: number;
}

export interface SendReliableSummary {
  readonly name: string;
  /** Bytes that the receiver has in order, those that it had before included. */
  readonly bytes: number;
  readonly resumedFrom: number;
  readonly durationMs: number;
  /** Datagrams with data, and those whose data had been sent before. */
  readonly sent: number;
  readonly retransmitted: number;
  readonly rttMs: number | null;
  /** Bytes of the largest datagram that the path is known to take. */
  readonly packetSize: number;
  /** Of all of the data, as both ends have it; null where it is not delivered. */
  readonly sha256: string | null;
  readonly endReason: 'eof' | 'interrupted' | 'error';
  readonly error: SockctlError | undefined;
}

/** Packets are laid out here before they go. */
const ARENA = 512 << 10;
/** Headers of UDP over IPv4 and IPv6. */
const HEADERS = { ipv4: 28, ipv6: 48 } as const;
/** Where the kernel does not tell the MTU, an Ethernet's. */
const USUAL_MTU = 1500;

/**
 * Delivers `options.data` to `target`.
 *
 * @returns also after a failure: how far it came, and the error
 * @throws SocketError when the socket can't be opened
 */
export async function sendReliable(target: InetEndpoint, options: SendReliableOptions): Promise<SendReliableSummary> {
  const { backend, logger, settings = [], source, data } = options;
  const discover = target.family === 'ipv6' ? 'IPV6_MTU_DISCOVER' : 'IP_MTU_DISCOVER';
  const chosen = settings.some(({ option }) => option.name === discover);
  try {
    const socket = await backend.datagram(target.family, {
      // Sizes are found out by trying (RFC 8899 section 3): no fragments, and no memory of the kernel's.
      settings: backend.name === 'native' && !chosen ? [parsedProbe(discover), ...settings] : settings,
      logger,
      local: source,
      remote: target,
      receiveBuffer: 1 << 20,
    });
    try {
      options.onOpen?.();
      return await new Transfer(socket, target, options).run();
    } finally {
      await socket.close();
    }
  } finally {
    data.close();
  }
}

function parsedProbe(name: string): OptionSetting {
  const { option } = setting(name, 0);
  return { option, value: option.type.parse('probe') ?? 0 };
}

class Transfer {
  readonly #socket: MessageSocket;
  readonly #options: SendReliableOptions;
  readonly #target: string;
  readonly #engine: ReliableSender;
  readonly #arena = new Uint8Array(ARENA);
  #established = false;
  #error: SockctlError | undefined;
  #wake: (() => void) | undefined;
  #woken = false;
  #sha256: string | undefined;
  /** The answer to `verify` or `digest` that is being worked on. */
  #working = false;

  constructor(socket: MessageSocket, target: InetEndpoint, options: SendReliableOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#target = formatEndpoint(target);
    this.#engine = new ReliableSender({
      data: options.data,
      name: options.name,
      anew: !options.data.resumable,
      largestPacket: Math.min(MAX_SIZE, (socket.pathMtu() ?? USUAL_MTU) - HEADERS[target.family]),
      timeoutMs: options.timeoutMs,
      randomId: () => randomBytes(8).toString('hex'),
      now: performance.now(),
    });
  }

  async run(): Promise<SendReliableSummary> {
    const { data, signal, name } = this.#options;
    const engine = this.#engine;
    this.#socket.receive({
      messages: (batch) => {
        const now = performance.now();
        for (const { bytes } of batch) engine.receive(bytes, now);
        this.#kick();
      },
      failure: (failure) => this.#onFailure(failure),
    });
    data.onChange = () => this.#kick();
    const interrupt = () => {
      engine.abort(AbortReason.interrupted, 'interrupted at the sender');
      this.#kick();
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    if (signal?.aborted === true) interrupt();
    const started = performance.now();
    const ticking = this.#startProgress(started);
    await this.#loop();
    clearInterval(ticking);
    signal?.removeEventListener('abort', interrupt);
    data.onChange = undefined;
    const done = engine.state === 'done';
    const interrupted = signal?.aborted === true && !done;
    return {
      name,
      bytes: engine.delivered,
      resumedFrom: engine.resumedFrom,
      durationMs: performance.now() - started,
      sent: engine.packets,
      retransmitted: engine.retransmitted,
      rttMs: engine.roundTripMs ?? null,
      packetSize: engine.packetSize,
      sha256: done ? (this.#sha256 ?? null) : null,
      endReason: done ? 'eof' : interrupted ? 'interrupted' : 'error',
      error: done || interrupted ? undefined : (this.#error ?? this.#failureError()),
    };
  }

  async #loop(): Promise<void> {
    const engine = this.#engine;
    for (;;) {
      this.#established ||= engine.state === 'data';
      const { error } = this.#options.data;
      if (error !== undefined) this.#giveUp(AbortReason.read, error);
      await this.#flush();
      this.#work();
      if (engine.state === 'done' || engine.state === 'failed') {
        await this.#flush();
        return;
      }
      await this.#sleep(engine.nextTime() - performance.now());
    }
  }

  /** Sends what there is to be sent by now. */
  async #flush(): Promise<void> {
    for (;;) {
      const messages: OutgoingMessage[] = [];
      let at = 0;
      /** The run that is being laid out: where it begins, and the size of its datagrams. */
      let start = 0;
      let size = 0;
      const endRun = () => {
        if (at > start) messages.push({ bytes: this.#arena.subarray(start, at), segmentSize: size });
        start = at;
        size = 0;
      };
      try {
        while (at + MAX_SIZE <= ARENA) {
          const length = this.#engine.transmit(performance.now(), this.#arena, at);
          if (length === 0) break;
          if (size === 0) size = length;
          else if (length > size) {
            endRun();
            size = length;
          }
          at += length;
          // A shorter one ends its run.
          if (length < size) endRun();
        }
      } catch (error) {
        if (!(error instanceof SockctlError)) throw error;
        this.#giveUp(AbortReason.read, error);
      }
      endRun();
      if (messages.length === 0) return;
      await this.#send(messages);
      // Acknowledgements and signals get in between.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async #send(messages: readonly OutgoingMessage[]): Promise<void> {
    try {
      await this.#socket.send(messages);
    } catch (error) {
      if (!(error instanceof SockctlError)) throw error;
      // A link may be down for a while: what was not sent counts as lost, and the silence is bounded.
      if (error.code === 'EMSGSIZE') this.#engine.tooLarge();
      else if (!this.#established) this.#giveUp(AbortReason.interrupted, error);
    }
  }

  /** What the state machine leaves to its owner. */
  #work(): void {
    const { state, ready } = this.#engine;
    if (this.#working || (state !== 'verify' && state !== 'digest')) return;
    this.#working = true;
    const answer =
      state === 'digest' || ready === undefined ? this.#digest() : this.#verify(ready.offset, ready.digest);
    answer
      .catch((error: unknown) => {
        if (!(error instanceof SockctlError)) throw error;
        this.#giveUp(AbortReason.read, error);
      })
      .finally(() => {
        this.#working = false;
        this.#kick();
      });
  }

  async #verify(offset: number, digest: Uint8Array): Promise<void> {
    const { data, logger } = this.#options;
    const own = await data.prefixDigest(offset);
    const same = own !== undefined && Buffer.compare(own, digest) === 0;
    if (same && offset > 0) {
      logger.log('info', { event: 'notice', message: `${this.#target}: goes on after ${offset} bytes that are there` });
    }
    if (same || data.resumable) this.#engine.begin(same ? offset : 0, performance.now());
    else this.#engine.cannotRewind();
  }

  async #digest(): Promise<void> {
    const digest = await this.#options.data.digest();
    this.#sha256 = Buffer.from(digest).toString('hex');
    this.#engine.finish(digest, performance.now());
  }

  #onFailure(failure: MessageFailure): void {
    const { error } = failure;
    this.#options.logger.log('debug', {
      event: 'error',
      message: describeFailure(this.#target, failure),
      failure: { syscall: error.syscall, code: error.code, errno: error.errno },
    });
    // Once they have spoken, a receiver that is gone may come back; before, there is none.
    if (!this.#established && error.code === 'ECONNREFUSED') this.#giveUp(AbortReason.interrupted, error);
    this.#kick();
  }

  #giveUp(reason: AbortReason, error: SockctlError): void {
    this.#error ??= error;
    this.#engine.abort(reason, error.code);
  }

  /** The failure of the state machine as an error. */
  #failureError(): SockctlError {
    const failure = this.#engine.failure;
    const { timeoutMs } = this.#options;
    if (failure?.kind === 'rewind') {
      return new SockctlError('DELIVERY', {
        what: `${this.#target}: the receiver has lost what this end no longer has`,
        advice: 'send a file instead of a pipe: that can be read again',
      });
    }
    if (failure?.kind === 'timeout') {
      const what = this.#established
        ? `${this.#target}: nothing was heard of the receiver for ${timeoutMs / 1000} s`
        : `${this.#target}: nothing answers there`;
      const advice = this.#established
        ? 'the same command goes on where it stopped'
        : 'does sockctl udp recv --reliable run there? is a firewall in between?';
      return new SockctlError(this.#established ? 'TIMEOUT' : 'NO_ANSWER', { what, advice });
    }
    return abortError(this.#target, failure?.reason, failure?.text ?? '');
  }

  #startProgress(started: number): NodeJS.Timeout | undefined {
    const { progressMs, onProgress, data, name } = this.#options;
    if (progressMs === undefined || onProgress === undefined) return undefined;
    let last = { at: started, bytes: this.#engine.delivered };
    return setInterval(() => {
      const now = { at: performance.now(), bytes: this.#engine.delivered };
      onProgress({
        name,
        bytes: now.bytes,
        total: data.end ?? null,
        elapsedMs: now.at - started,
        bitsPerSecond: ((now.bytes - last.bytes) * 8000) / (now.at - last.at),
      });
      last = now;
    }, progressMs);
  }

  #kick(): void {
    this.#woken = true;
    this.#wake?.();
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#woken = false;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, Math.min(milliseconds, 0x7fffffff)));
      this.#wake = done;
      if (this.#woken || milliseconds <= 0) done();
    });
  }
}

/** What an ABORT of the other end means. */
export function abortError(peer: string, reason: number | undefined, text: string): SockctlError {
  switch (reason) {
    case AbortReason.digest:
      return new SockctlError('DELIVERY', {
        what: `${peer}: what has arrived is not what was sent (SHA-256)`,
        advice: 'something on the path changes data; nothing was kept, try again',
      });
    case AbortReason.write: {
      const known = Object.hasOwn(ERROR_TABLE, text) ? `: ${ERROR_TABLE[text as KnownCode].message}` : '';
      return new SockctlError('DELIVERY', {
        what: `${peer}: the receiver can't write it${known} (${text})`,
        advice: 'mend that; the same command goes on where it stopped',
      });
    }
    case AbortReason.read:
      return new SockctlError('DELIVERY', {
        what: `${peer}: the sender can't read it (${text})`,
        advice: 'look at the log of the sender',
      });
    case AbortReason.busy:
      return new SockctlError('DELIVERY', {
        what: `${peer}: the receiver is busy with another transfer`,
        advice: 'try again later, or give the receiver a folder: it takes several at once then',
      });
    case AbortReason.name:
      return new SockctlError('DELIVERY', {
        what: `${peer}: the receiver does not take that name (${text})`,
        advice: 'choose another one with --name',
      });
    default:
      return new SockctlError('DELIVERY', {
        what: `${peer}: the other end has given up${text === '' ? '' : ` (${text})`}`,
        advice: 'the same command goes on where it stopped',
      });
  }
}
