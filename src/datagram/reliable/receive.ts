/** Takes what `udp send --reliable` sends: the state machines of receiver.ts on one socket, several at once. */
import { createHmac, randomBytes } from 'node:crypto';
import { SockctlError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import type { OptionSetting } from '../../options/settings.js';
import { type Endpoint, formatEndpoint } from '../../sockaddr/endpoint.js';
import type { Backend, MessageFailure, MessageSocket, OutgoingMessage, ReceivedMessage } from '../../socket/port.js';
import { describeFailure } from '../failure.js';
import {
  AbortReason,
  type ConnectionId,
  encodeWelcome,
  isIntact,
  PacketType,
  type ReceivedPacket,
  readPacket,
  readStart,
  type Start,
  seedOf,
} from './packets.js';
import { ReliableReceiver } from './receiver.js';
import { abortError, type TransferProgress } from './send.js';
import type { ReliableSink } from './sink.js';

export interface ReceiveReliableOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings?: readonly OptionSetting[];
  /**
   * Where a transfer goes.
   *
   * @param taken keys of the sinks that others write to
   * @returns undefined where there is no other place than one that is taken
   * @throws SockctlError for a name that is not taken, or a place that can't be written to
   */
  readonly open: (name: string, taken: ReadonlySet<string>) => ReliableSink | undefined;
  /** Stop after so many transfers, whatever became of them. */
  readonly count?: number | undefined;
  /** Stop when there has been no transfer for so many milliseconds. */
  readonly idleTimeoutMs?: number | undefined;
  /** Milliseconds of silence after which a transfer is given up. */
  readonly timeoutMs: number;
  readonly onListening?: (local: Endpoint) => void;
  readonly onTransfer?: (transfer: ReceivedTransfer) => void;
  readonly progressMs?: number | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One transfer that is over. */
export interface ReceivedTransfer {
  readonly name: string;
  readonly remote: Endpoint;
  readonly bytes: number;
  readonly resumedFrom: number;
  readonly durationMs: number;
  /** Datagrams with data, and those of them that brought nothing new. */
  readonly received: number;
  readonly duplicates: number;
  /** Null where it is not complete. */
  readonly sha256: string | null;
  readonly error: SockctlError | undefined;
}

export interface ReceiveReliableSummary {
  /** Transfers that are complete and right. */
  readonly completed: number;
  readonly failed: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly endReason: 'count' | 'idle' | 'interrupted' | 'error';
  /** Of the last transfer that failed, or of the socket. */
  readonly error: SockctlError | undefined;
}

/** Bytes that are held of a transfer at most, until they are in order and written. */
const WINDOW = 8 << 20;
const LEAST_WINDOW = 1 << 20;
/** Transfers at once at most: their windows are memory. */
const TRANSFERS = 32;
/** The receive buffer that is asked for. */
const RECEIVE_BUFFER = 16 << 20;
/** So long a transfer that goes on holds its place against another one to the same, in milliseconds. */
const HOLDS_MS = 2000;
/** And so long the other one is left to ask again. */
const WAITS_MS = 3000;
/** After a failure its sender is told of it for so long, whenever it is heard, in milliseconds. */
const REFUSES_MS = 2000;
const TICK_MS = 250;
/** Pieces are written in at most so many bytes: between two of them others get their turn. */
const PIECE = 1 << 19;

/**
 * Receives on `local` until the count, the idle time or the signal.
 *
 * @returns also after a failure of the socket, with the error
 * @throws SocketError when it can't bind
 */
export async function receiveReliable(
  local: Endpoint,
  options: ReceiveReliableOptions,
): Promise<ReceiveReliableSummary> {
  const socket = await options.backend.datagram(local.family, {
    settings: options.settings ?? [],
    logger: options.logger,
    local,
    receiveBuffer: RECEIVE_BUFFER,
    coalesce: true,
  });
  try {
    return await new Hall(socket, options).run();
  } finally {
    await socket.close();
  }
}

/** All transfers of one socket. */
class Hall {
  readonly #socket: MessageSocket;
  readonly #options: ReceiveReliableOptions;
  /** Makes the ids of connections of what the sender says: nothing is kept of who has not answered. */
  readonly #secret = randomBytes(32);
  readonly #sessions = new Map<ConnectionId, Session>();
  /** Senders that wait for a place, and since when. */
  readonly #waiting = new Map<ConnectionId, number>();
  readonly #window: number;
  /** Sessions that have handed their place on, until they have let go of it. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Packets on their way out. */
  #outgoing: OutgoingMessage[] = [];
  #sending: Promise<unknown> = Promise.resolve();
  #completed = 0;
  #failed = 0;
  #bytes = 0;
  #error: SockctlError | undefined;
  #began = performance.now();
  #idleSince = performance.now();
  #end: ((reason: ReceiveReliableSummary['endReason']) => void) | undefined;

  constructor(socket: MessageSocket, options: ReceiveReliableOptions) {
    this.#socket = socket;
    this.#options = options;
    // The kernel counts its own overhead as well; what it can't hold would be lost for nothing.
    let window = LEAST_WINDOW;
    while (window * 2 <= Math.min(WINDOW, socket.receiveBuffer / 2)) window *= 2;
    this.#window = window;
  }

  async run(): Promise<ReceiveReliableSummary> {
    const { signal, logger, onListening } = this.#options;
    const { local } = this.#socket;
    if (local !== undefined) {
      logger.log('info', { event: 'listening', message: `receiving on ${formatEndpoint(local)}` });
      onListening?.(local);
    }
    const reason = await new Promise<ReceiveReliableSummary['endReason']>((resolve) => {
      this.#end = resolve;
      const interrupt = () => resolve('interrupted');
      if (signal?.aborted === true) return interrupt();
      signal?.addEventListener('abort', interrupt, { once: true });
      this.#socket.receive({
        messages: (batch) => this.#onBatch(batch),
        failure: (failure) => this.#onFailure(failure),
      });
      this.#idleSince = performance.now();
      return undefined;
    }).finally(this.#startTicking());
    this.#end = undefined;
    for (const session of this.#sessions.values()) {
      session.giveUp(AbortReason.interrupted, 'interrupted at the receiver', undefined);
      this.#answer(session);
    }
    this.#flush();
    await this.#sending;
    this.#socket.pause();
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    return {
      completed: this.#completed,
      failed: this.#failed,
      bytes: this.#bytes,
      durationMs: performance.now() - this.#began,
      endReason: reason,
      error: this.#error,
    };
  }

  #onBatch(batch: readonly ReceivedMessage[]): void {
    const touched = new Set<Session>();
    for (const message of batch) {
      const { bytes, segmentSize, from } = message;
      if (from === undefined) continue;
      for (let at = 0; at < bytes.length; at += segmentSize) {
        const whole = at === 0 && segmentSize >= bytes.length;
        const packet = readPacket(whole ? bytes : bytes.subarray(at, at + segmentSize));
        if (packet === undefined) continue;
        const session = this.#take(packet, from);
        if (session === undefined) continue;
        touched.add(session);
        // The sender goes on while the rest of the batch is taken in.
        if (session.engine.urgent) {
          this.#answer(session);
          this.#flush();
        }
      }
    }
    for (const session of touched) {
      this.#answer(session);
      session.work();
      if (session.engine.state === 'closed') this.#sweep();
    }
    this.#flush();
  }

  /** The session that a packet belongs to, after it has taken it in. */
  #take(packet: ReceivedPacket, from: Endpoint): Session | undefined {
    if (packet.type === PacketType.hello) {
      if (isIntact(packet, 0)) this.#send(encodeWelcome(packet.id, this.#idFor(packet.id, from)), from);
      return undefined;
    }
    let session = this.#sessions.get(packet.id);
    if (packet.type === PacketType.start) session = this.#start(packet, from) ?? session;
    if (session === undefined || formatEndpoint(session.remote) !== formatEndpoint(from)) return undefined;
    session.engine.receive(packet, performance.now());
    return session;
  }

  /** 64 bits that only this process can tell of a sender at an address. */
  #idFor(senderId: ConnectionId, from: Endpoint): ConnectionId {
    const hmac = createHmac('sha256', this.#secret).update(`${senderId} ${formatEndpoint(from)}`);
    return hmac.digest('hex').slice(0, 16);
  }

  /** A session for a START, where there is a place for it. */
  #start(packet: ReceivedPacket, from: Endpoint): Session | undefined {
    const start = readStart(packet);
    if (start === undefined || packet.id !== this.#idFor(start.senderId, from)) return undefined;
    const seed = seedOf(start.senderId, packet.id);
    if (!isIntact(packet, seed)) return undefined;
    const known = this.#sessions.get(packet.id);
    if (known !== undefined && known.engine.start.anew === start.anew) return known;
    const now = performance.now();
    const engine = new ReliableReceiver({ start, seed, window: this.#window, now });
    const session = new Session(engine, from, this.#events());
    if (known !== undefined) {
      // What was there is not of this file: from the start, in the same place.
      this.#sessions.set(packet.id, session);
      session.takeOver(known);
      return session;
    }
    try {
      const sink = this.#place(start, from, now);
      if (sink === undefined) return undefined;
      this.#sessions.set(packet.id, session);
      this.#waiting.delete(start.senderId);
      session.prepare(sink, this.#leaving);
    } catch (error) {
      if (!(error instanceof SockctlError)) throw error;
      const reason =
        error.code === 'DELIVERY' ? AbortReason.busy : error.code === 'USAGE' ? AbortReason.name : AbortReason.write;
      session.giveUp(reason, error.code, error);
    }
    return session;
  }

  /**
   * Where it may go; undefined while somebody else is there who may be gone.
   *
   * @throws SockctlError DELIVERY when that one is not
   */
  #place({ name, senderId }: Start, from: Endpoint, now: number): ReliableSink | undefined {
    const { open } = this.#options;
    const taken = new Set<string>();
    for (const session of this.#sessions.values()) {
      if (!session.active) continue;
      // Its sender is here again, or silent: what it has is handed on.
      const again = formatEndpoint(session.remote) === formatEndpoint(from);
      const silent = now - session.engine.lastHeard > HOLDS_MS;
      if (session.engine.start.name === name && (again || silent)) {
        this.#leaving = Promise.all([this.#leaving, session.hand()]);
      } else if (session.sink !== undefined) taken.add(session.sink.key);
    }
    const waitingSince = this.#waiting.get(senderId) ?? now;
    const patient = now - waitingSince < WAITS_MS;
    const sink = taken.size < TRANSFERS && !(patient && this.#holds(name)) ? open(name, taken) : undefined;
    if (sink !== undefined) return sink;
    if (!patient) throw new SockctlError('DELIVERY', { what: `${formatEndpoint(from)}: no place for ${name}` });
    if (this.#waiting.size > TRANSFERS) this.#waiting.clear();
    this.#waiting.set(senderId, waitingSince);
    return undefined;
  }

  /** Whether a transfer of that name goes on. */
  #holds(name: string): boolean {
    return [...this.#sessions.values()].some(({ active, engine }) => active && engine.start.name === name);
  }

  #events(): SessionEvents {
    return {
      answer: (session) => {
        this.#answer(session);
        this.#flush();
      },
      over: (session, transfer) => this.#onOver(session, transfer),
    };
  }

  #onOver(session: Session, transfer: ReceivedTransfer): void {
    const { error, bytes } = transfer;
    if (error === undefined) this.#completed++;
    else {
      this.#failed++;
      this.#error = error;
    }
    this.#bytes += bytes;
    this.#idleSince = performance.now();
    this.#options.onTransfer?.(transfer);
    this.#answer(session);
    this.#flush();
  }

  #answer(session: Session): void {
    const now = performance.now();
    for (let packet = session.engine.transmit(now); packet !== undefined; packet = session.engine.transmit(now)) {
      this.#send(packet, session.remote);
    }
  }

  #send(bytes: Uint8Array, to: Endpoint): void {
    this.#outgoing.push({ bytes, to });
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const messages = this.#outgoing;
    this.#outgoing = [];
    const sent = this.#socket.send(messages).catch((error: unknown) => {
      if (!(error instanceof SockctlError)) throw error;
      this.#options.logger.log('debug', { event: 'notice', message: error.message });
    });
    this.#sending = Promise.all([this.#sending, sent]);
  }

  /** Forgets sessions that are over, as far as their senders have heard of it, and looks whether that was all. */
  #sweep(): void {
    const { idleTimeoutMs, count } = this.#options;
    const now = performance.now();
    for (const [id, { active, overSince, engine }] of this.#sessions) {
      if (active) this.#idleSince = now;
      else if (engine.state === 'closed') this.#sessions.delete(id);
      else if (engine.state !== 'finished' && now - (overSince ?? now) > REFUSES_MS) this.#sessions.delete(id);
    }
    if (this.#sessions.size > 0) return;
    if (count !== undefined && this.#completed + this.#failed >= count) this.#end?.('count');
    else if (idleTimeoutMs !== undefined && now - this.#idleSince >= idleTimeoutMs) this.#end?.('idle');
  }

  /** @returns ends the ticking */
  #startTicking(): () => void {
    const { timeoutMs, progressMs, onProgress } = this.#options;
    const tick = () => {
      const now = performance.now();
      for (const session of this.#sessions.values()) {
        if (now >= session.engine.nextTime()) this.#answer(session);
        if (!session.active || now - session.engine.lastHeard <= timeoutMs) continue;
        session.giveUp(AbortReason.interrupted, 'nothing was heard', silence(session, timeoutMs));
      }
      this.#flush();
      this.#sweep();
    };
    const ticking = setInterval(tick, TICK_MS);
    const telling =
      progressMs === undefined || onProgress === undefined
        ? undefined
        : setInterval(() => {
            for (const session of this.#sessions.values()) if (session.active) onProgress(session.progress());
          }, progressMs);
    return () => {
      clearInterval(ticking);
      clearInterval(telling);
    };
  }

  #onFailure(failure: MessageFailure): void {
    const { syscall, code, errno } = failure.error;
    const about = failure.to ?? this.#socket.local;
    this.#options.logger.log('debug', {
      event: 'error',
      message: describeFailure(about === undefined ? 'socket' : formatEndpoint(about), failure),
      failure: { syscall, code, errno },
    });
    if (!['EBADF', 'ENETDOWN', 'EIO', 'ENOTSOCK'].includes(code)) return;
    this.#error = failure.error;
    this.#end?.('error');
  }
}

function silence(session: Session, timeoutMs: number): SockctlError {
  return new SockctlError('TIMEOUT', {
    what: `${formatEndpoint(session.remote)}: nothing was heard of the sender for ${timeoutMs / 1000} s`,
    advice: 'what has come is kept: the next transfer of it goes on there',
  });
}

interface SessionEvents {
  /** There is something to be sent. */
  answer(session: Session): void;
  over(session: Session, transfer: ReceivedTransfer): void;
}

/** One transfer: what comes is written while more comes. */
class Session {
  readonly engine: ReliableReceiver;
  readonly remote: Endpoint;
  readonly #events: SessionEvents;
  readonly #began = performance.now();
  #sink: ReliableSink | undefined;
  #resumedFrom = 0;
  #told = { at: performance.now(), bytes: 0 };
  /** The work that goes on: one piece after the other. */
  #working: Promise<void> | undefined;
  #handed = false;
  overSince: number | undefined;

  constructor(engine: ReliableReceiver, remote: Endpoint, events: SessionEvents) {
    this.engine = engine;
    this.remote = remote;
    this.#events = events;
  }

  get sink(): ReliableSink | undefined {
    return this.#sink;
  }

  /** Whether it goes on. */
  get active(): boolean {
    return this.overSince === undefined && !this.#handed;
  }

  progress(): TransferProgress {
    const now = { at: performance.now(), bytes: this.engine.inOrder };
    const bitsPerSecond = ((now.bytes - this.#told.bytes) * 8000) / Math.max(1, now.at - this.#told.at);
    this.#told = now;
    const { name, size } = this.engine.start;
    return {
      name: this.#sink?.name ?? name,
      bytes: now.bytes,
      total: size ?? null,
      elapsedMs: now.at - this.#began,
      bitsPerSecond,
    };
  }

  /** Looks at what is there, which the sender then compares, when the place is `free`. */
  prepare(sink: ReliableSink, free: Promise<unknown>): void {
    this.#sink = sink;
    this.#run(async () => {
      await free;
      const length = await sink.prepare(this.engine.start.anew);
      this.#resumedFrom = length;
      this.#told = { at: performance.now(), bytes: length };
      this.engine.begin(length, sink.digest());
    });
  }

  /** Goes on in the place of another one of the same sender. */
  takeOver(other: Session): void {
    const sink = other.#sink;
    const before = other.#working;
    other.#handed = true;
    if (sink === undefined) return;
    this.#sink = sink;
    this.#run(async () => {
      await before;
      this.engine.begin(await sink.prepare(this.engine.start.anew), sink.digest());
    });
  }

  /** Leaves its place to another one, with what there is. */
  async hand(): Promise<void> {
    this.#handed = true;
    this.overSince = performance.now();
    const sink = this.#sink;
    await this.#working;
    sink?.close();
    this.#sink = undefined;
  }

  /** Writes what is there in order, and looks whether it was all. */
  work(): void {
    if (this.#working !== undefined || !this.active) return;
    const { aborted, state } = this.engine;
    if (aborted !== undefined) {
      this.#over(abortError(formatEndpoint(this.remote), aborted.reason, aborted.text));
      return;
    }
    if (state === 'check' || this.engine.readable().length > 0) this.#run(() => this.#write());
  }

  giveUp(reason: AbortReason, text: string, error: SockctlError | undefined): void {
    this.engine.abort(reason, text);
    if (error !== undefined) this.#over(error);
  }

  async close(): Promise<void> {
    await this.#working;
    this.#sink?.close();
  }

  async #write(): Promise<void> {
    const { engine } = this;
    const sink = this.#sink;
    if (sink === undefined) return;
    for (let piece = engine.readable(); piece.length > 0 && this.active; piece = engine.readable()) {
      const part = piece.length > PIECE ? piece.subarray(0, PIECE) : piece;
      await sink.write(part);
      engine.taken(part.length);
      this.#events.answer(this);
    }
    if (engine.state !== 'check' || engine.expected === undefined || !this.active) return;
    if (Buffer.compare(sink.digest(), engine.expected.digest) !== 0) {
      this.giveUp(
        AbortReason.digest,
        'the SHA-256 of both ends differ',
        abortError(formatEndpoint(this.remote), AbortReason.digest, ''),
      );
      return;
    }
    await sink.commit();
    engine.finish(performance.now());
    this.#over(undefined);
  }

  #run(work: () => Promise<void>): void {
    this.#working = work()
      .catch((error: unknown) => {
        if (!(error instanceof SockctlError)) throw error;
        this.giveUp(error.code === 'DELIVERY' ? AbortReason.name : AbortReason.write, error.code, error);
      })
      .then(() => {
        this.#working = undefined;
        this.#events.answer(this);
        this.work();
      });
  }

  #over(error: SockctlError | undefined): void {
    if (this.overSince !== undefined) return;
    this.overSince = performance.now();
    const { engine } = this;
    const wrong =
      error !== undefined && engine.expected !== undefined && engine.state === 'aborted' && error.code === 'DELIVERY';
    if (error !== undefined) this.#sink?.close(wrong);
    this.#events.over(this, {
      name: this.#sink?.name ?? engine.start.name,
      remote: this.remote,
      bytes: engine.inOrder,
      resumedFrom: this.#resumedFrom,
      durationMs: this.overSince - this.#began,
      received: engine.packets,
      duplicates: engine.duplicates,
      sha256: error === undefined ? Buffer.from(engine.expected?.digest ?? []).toString('hex') : null,
      error,
    });
  }
}
