/** Packets on an absolute schedule, each looked at before it leaves, and what comes back for them. */
import { SockctlError, toSockctlError, UsageError } from '../../errors.js';
import { elapsedMs, roundMs, type Timestamp } from '../../measure/clock.js';
import { type DistributionMs, Histogram } from '../../measure/histogram.js';
import { type Alarm, waitUntil } from '../../measure/pacer.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import { dissect } from '../../wire/dissect.js';
import type { Dissection } from '../../wire/layer.js';
import { type AnswerKind, answerKeys, expectedKeys } from './answer.js';
import { AnswerTable, type Awaiting } from './answer-table.js';
import type { BuiltPacket, PacketLink } from './built-packet.js';
import { rewrittenFields } from './kernel-header.js';
import { type Pace, Schedule } from './pace.js';
import { type AnswerProtocol, type ArrivedPacket, type PacketSocketOptions, PacketSockets } from './packet-sockets.js';

/** A packet that is to leave. */
export interface OutgoingPacket {
  readonly packet: BuiltPacket;
  /** In where it comes from, from 1. */
  readonly number: number;
  /** When it was captured; null or left out where nobody says. */
  readonly time?: Timestamp | null | undefined;
  /** What leaves in its place. */
  readonly fragments?: readonly BuiltPacket[] | undefined;
}

/** What is told of each packet that has left. */
export interface SentPacket {
  /** The how manieth of all packets it is, from 1; fragments have that of their packet. */
  readonly sequence: number;
  readonly number: number;
  readonly packet: BuiltPacket;
  /** The wall clock just before the call that took it. */
  readonly time: Timestamp;
}

export interface PacketAnswer {
  readonly sequence: number;
  readonly how: AnswerKind;
  /** From the wall clock just before the packet left to the time of reception. */
  readonly rttMs: number;
  /** 1 for the first answer of the packet. */
  readonly answer: number;
  readonly timestamp: Timestamp;
  readonly timestampSource: 'kernel' | 'user';
  readonly linkType: number;
  /** A copy. */
  readonly bytes: Uint8Array;
  readonly dissection: Dissection;
}

export interface FailedPacket {
  readonly sequence: number;
  readonly number: number;
  readonly error: SockctlError;
}

export interface SendPacketsOptions extends PacketSocketOptions {
  readonly packets: AsyncIterable<readonly OutgoingPacket[]> | Iterable<readonly OutgoingPacket[]>;
  /** The links of the packets, as far as they are known beforehand: their sockets are opened at once. */
  readonly links: readonly PacketLink[];
  readonly pace: Pace;
  /** Milliseconds to wait for the answers of each packet; left out, nobody listens. */
  readonly answerMs?: number | undefined;
  /** With `answerMs`: the protocols of IP, beside ICMP, whose packets may be answers. */
  readonly answerProtocols?: readonly AnswerProtocol[] | undefined;
  /** With `answerMs`: whether packets to an address may be answered by several. */
  readonly isForMany?: ((destination: IPAddress) => boolean) | undefined;
  /** IPv4 headers that the kernel would change are an error instead of a number in the summary. */
  readonly exact?: boolean | undefined;
  /** Asked about each packet before it leaves, `dueMs` after the first one; what it throws ends the sending. */
  readonly admit?: ((destination: IPAddress | undefined, dueMs: number, number: number) => void) | undefined;
  readonly onOpen?: (() => void) | undefined;
  /** A promise holds the next ones back. */
  readonly onSent?: ((sent: SentPacket) => void | Promise<void>) | undefined;
  readonly onFailed?: ((failed: FailedPacket) => void) | undefined;
  readonly onAnswer?: ((answer: PacketAnswer) => void) | undefined;
  /** Nobody has answered the packet in time. */
  readonly onSilence?: ((sequence: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What of sending is counted, whatever the packets are. */
export interface SendCounts {
  /** Packets that the kernel has taken, fragments one by one, and their bytes. */
  readonly sent: number;
  readonly bytes: number;
  /** Packets that it has refused. */
  readonly failed: number;
  readonly firstFailure: SockctlError | undefined;
  readonly durationMs: number;
  /** How late packets were given to the kernel, by the schedule; undefined at top speed. */
  readonly schedulingErrorMs: DistributionMs | undefined;
  /** Pauses of the capture that were cut down, and by how much in all. */
  readonly gapsCut: number;
  readonly cutMs: number;
  readonly endReason: 'count' | 'interrupted' | 'error';
  readonly error: SockctlError | undefined;
}

export interface SendPacketsSummary extends SendCounts {
  /** IPv4 packets whose header the kernel has written anew, see {@link rewrittenFields}. */
  readonly rewritten: number;
  /** Undefined where nobody has listened. */
  readonly answers: AnswerCounts | undefined;
}

export interface AnswerCounts {
  /** Packets that have been answered, those that have not been in time, and those that are still waited for. */
  readonly answered: number;
  readonly unanswered: number;
  readonly inFlight: number;
  /** All answers, further ones of the same packet included. */
  readonly received: number;
  readonly errors: number;
  /** Of the first answers. */
  readonly rttMs: DistributionMs;
}

/** Packets handed to the socket at once at most. */
const BATCH = 64;
/** A loop of immediate sends would let neither answers nor signals in: so long at most, in milliseconds. */
const TURN_MS = 5;
/** Packets that wait for their answers at most; then sending waits for the first of them. */
const AWAITING_MAX = 1 << 18;
/** With these nothing more can leave. */
const FATAL: ReadonlySet<string> = new Set([
  'ENETDOWN',
  'ENODEV',
  'ENXIO',
  'EBADF',
  'BACKEND_LIMIT',
  'BACKEND_MISSING',
]);

/**
 * Sends all packets.
 *
 * @returns also after an error: what was sent until then, and the error. A packet that the kernel refuses is counted, and
 *   the next one is sent
 * @throws SocketError, UsageError where the sockets can't be opened
 */
export async function sendPackets(options: SendPacketsOptions): Promise<SendPacketsSummary> {
  const run = new SendRun(options);
  return run.run();
}

interface Due {
  readonly packet: BuiltPacket;
  readonly outgoing: OutgoingPacket;
  readonly sequence: number;
  readonly dueMs: number;
  /** The first of its fragments, or whole. */
  readonly first: boolean;
}

class SendRun {
  readonly #options: SendPacketsOptions;
  readonly #schedule: Schedule;
  readonly #lateness: Histogram | undefined;
  readonly #rtt = new Histogram();
  readonly #awaiting: AnswerTable | undefined;
  #sockets: PacketSockets | undefined;
  #alarm: Alarm | undefined;
  /** When the first packet was there, and could leave. */
  #started = Number.NaN;
  #turnEnd = 0;
  #sequence = 0;
  #sent = 0;
  #bytes = 0;
  #failed = 0;
  #firstFailure: SockctlError | undefined;
  #rewritten = 0;
  #answered = 0;
  #unanswered = 0;
  #received = 0;
  #errors = 0;
  #group: Due[] = [];
  /** Ends the wait for answers when one has come. */
  #wake: (() => void) | undefined;

  constructor(options: SendPacketsOptions) {
    this.#options = options;
    this.#schedule = new Schedule(options.pace);
    if (options.pace.kind !== 'topspeed') this.#lateness = new Histogram();
    if (options.answerMs !== undefined) this.#awaiting = new AnswerTable();
  }

  async run(): Promise<SendPacketsSummary> {
    const { backend, links, answerProtocols: protocols = [], onOpen, signal } = this.#options;
    const answers = { protocols, arrived: (packet: ArrivedPacket) => this.#arrived(packet) };
    const sockets = await PacketSockets.open(links, this.#options, this.#awaiting === undefined ? undefined : answers);
    this.#sockets = sockets;
    this.#alarm = this.#lateness === undefined ? undefined : backend.alarm();
    let error: SockctlError | undefined;
    let durationMs: number;
    try {
      onOpen?.();
      await sockets.prepare();
      try {
        await this.#sendAll();
      } catch (thrown) {
        if (signal?.aborted !== true || (thrown as Error).name !== 'AbortError') error = toSockctlError(thrown);
      }
      durationMs = Number.isNaN(this.#started) ? 0 : performance.now() - this.#started;
      await this.#listenOn();
    } finally {
      this.#alarm?.close();
      await sockets.close();
    }
    const interrupted = signal?.aborted === true;
    return {
      sent: this.#sent,
      bytes: this.#bytes,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
      rewritten: this.#rewritten,
      durationMs: roundMs(durationMs),
      schedulingErrorMs: this.#lateness?.summary(),
      gapsCut: this.#schedule.gapsCut,
      cutMs: this.#schedule.cutMs,
      answers: this.#awaiting === undefined ? undefined : this.#answerCounts(this.#awaiting),
      endReason: error !== undefined ? 'error' : interrupted ? 'interrupted' : 'count',
      error,
    };
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #sendAll(): Promise<void> {
    for await (const batch of this.#options.packets) {
      if (Number.isNaN(this.#started)) this.#started = performance.now();
      for (const outgoing of batch) {
        if (this.#stopped) return;
        await this.#plan(outgoing);
      }
      // What comes by and by is not held back for the next batch.
      await this.#flush();
    }
  }

  async #plan(outgoing: OutgoingPacket): Promise<void> {
    const { packet, fragments = [packet], number } = outgoing;
    const sequence = ++this.#sequence;
    for (const [i, piece] of fragments.entries()) {
      const dueMs = this.#schedule.next(piece.bytes.length, i === 0 ? (outgoing.time ?? null) : null);
      this.#options.admit?.(piece.destination, dueMs, number);
      this.#inspect(piece, number);
      await this.#makeRoom(piece.link, dueMs);
      if (this.#stopped) return;
      this.#group.push({ packet: piece, outgoing, sequence, dueMs, first: i === 0 });
    }
  }

  /** Sends what waits, unless another packet of this link that is due at `dueMs` may go with it; then waits until then. */
  async #makeRoom(link: PacketLink, dueMs: number): Promise<void> {
    const limit = this.#awaiting === undefined ? BATCH : 1;
    const at = this.#started + dueMs;
    if (this.#group.length >= limit || this.#group[0]?.packet.link !== link || at > performance.now()) {
      await this.#flush();
    }
    const table = this.#awaiting;
    if (table === undefined) {
      if (at > performance.now()) await waitUntil(at, this.#alarm, this.#options.signal);
      return;
    }
    while (!this.#stopped && (table.nextDeadline ?? at) < at) {
      await waitUntil(table.nextDeadline ?? at, this.#alarm, this.#options.signal);
      await this.#expire(table);
    }
    await waitUntil(at, this.#alarm, this.#options.signal);
    while (!this.#stopped && table.size >= AWAITING_MAX && table.nextDeadline !== undefined) {
      await waitUntil(table.nextDeadline, this.#alarm, this.#options.signal);
      await this.#expire(table);
    }
  }

  #inspect({ link, bytes }: BuiltPacket, number: number): void {
    if (link !== 'ipv4') return;
    const [field] = rewrittenFields(bytes);
    if (field === undefined) return;
    if (this.#options.exact === true) {
      throw new UsageError(
        `packet ${number}: the kernel fills in the ${field} of IPv4 packets itself (raw(7))`,
        `send it as a frame, which nobody changes: --interface NAME 'eth()/…'`,
      );
    }
    this.#rewritten++;
  }

  async #flush(): Promise<void> {
    const group = this.#group;
    const sockets = this.#sockets;
    if (group.length === 0 || sockets === undefined) return;
    this.#group = [];
    for (let from = 0; from < group.length; ) {
      const part = from === 0 ? group : group.slice(from);
      this.#noteLateness(part);
      const expected = this.#expect(part, sockets.now());
      const { sent, time, refused } = await sockets.send(part.map(({ packet }) => packet));
      if (expected !== undefined) {
        expected.sentAt = time;
        if (sent === 0) this.#awaiting?.withdraw();
      }
      for (const one of part.slice(0, sent)) {
        this.#sent++;
        this.#bytes += one.packet.bytes.length;
        await this.#tellSent(one, time);
      }
      from += sent;
      const next = part[sent];
      if (next === undefined) break;
      from++;
      this.#fail(next, refused);
    }
    if (performance.now() < this.#turnEnd) return;
    await turn();
    if (this.#awaiting !== undefined) await this.#expire(this.#awaiting);
    this.#turnEnd = performance.now() + TURN_MS;
  }

  #noteLateness(part: readonly Due[]): void {
    if (this.#lateness === undefined) return;
    const now = performance.now() - this.#started;
    for (const { dueMs } of part) this.#lateness.add(Math.max(0, now - dueMs));
  }

  async #tellSent({ outgoing, packet, sequence }: Due, time: Timestamp): Promise<void> {
    const wait = this.#options.onSent?.({ sequence, number: outgoing.number, packet, time });
    if (wait !== undefined) await wait;
  }

  #fail({ sequence, outgoing, packet }: Due, refused: SockctlError | undefined): void {
    if (refused === undefined) return;
    if (FATAL.has(refused.code)) throw refused;
    const error = refused.code === 'EMSGSIZE' ? tooLarge(packet.bytes.length, refused) : refused;
    this.#failed++;
    this.#firstFailure ??= error;
    this.#options.onFailed?.({ sequence, number: outgoing.number, error });
  }

  /** Before it leaves: an answer may be there as soon as it has. With answers there is one packet at a time. */
  #expect([due]: readonly Due[], sentAt: Timestamp): Awaiting | undefined {
    const { answerMs = 0, isForMany } = this.#options;
    const table = this.#awaiting;
    if (table === undefined || due?.first !== true) return undefined;
    const { layers, destination } = due.outgoing.packet;
    const toMany = destination !== undefined && (destination.isMulticast || isForMany?.(destination) === true);
    const keys = expectedKeys(layers, toMany);
    const awaiting = { sequence: due.sequence, sentAt, keys, toMany, deadline: performance.now() + answerMs };
    table.add(awaiting);
    return awaiting;
  }

  #arrived({ bytes, linkType, timestamp, timestampSource }: ArrivedPacket): void {
    const table = this.#awaiting;
    if (table === undefined || table.size === 0) return;
    const dissection = dissect(bytes, linkType);
    const found = table.match(answerKeys(dissection.layers));
    if (found === undefined) return;
    const rttMs = roundMs(elapsedMs(found.packet.sentAt, timestamp));
    this.#received++;
    if (found.how === 'error') this.#errors++;
    if (found.number === 1) {
      this.#answered++;
      this.#rtt.add(Math.max(0, rttMs));
    }
    const copy = Uint8Array.from(bytes);
    this.#options.onAnswer?.({
      sequence: found.packet.sequence,
      how: found.how,
      rttMs,
      answer: found.number,
      timestamp,
      timestampSource,
      linkType,
      bytes: copy,
      dissection: dissect(copy, linkType),
    });
    this.#wake?.();
  }

  /** Waits until all packets are answered, or their time is over. */
  async #listenOn(): Promise<void> {
    const table = this.#awaiting;
    const { signal } = this.#options;
    if (table === undefined) return;
    while (table.open > 0 && !this.#stopped) {
      const wait = Math.max(1, (table.nextDeadline ?? 0) - performance.now());
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, wait);
        signal?.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
      await this.#expire(table);
    }
  }

  /** What has come by now is looked at first. */
  async #expire(table: AnswerTable): Promise<void> {
    const now = performance.now();
    if ((table.nextDeadline ?? Number.POSITIVE_INFINITY) > now) return;
    await turn();
    for (const { sequence } of table.expire(now)) {
      this.#unanswered++;
      this.#options.onSilence?.(sequence);
    }
  }

  #answerCounts(table: AnswerTable): AnswerCounts {
    return {
      answered: this.#answered,
      unanswered: this.#unanswered,
      inFlight: table.silent,
      received: this.#received,
      errors: this.#errors,
      rttMs: this.#rtt.summary(),
    };
  }
}

/** The kernel cuts nothing that comes with its own header. */
export function tooLarge(length: number, cause: SockctlError): SockctlError {
  return new SockctlError('EMSGSIZE', {
    what: `${length} bytes are more than the interface takes in one packet (EMSGSIZE)`,
    advice: 'cut packets of IP into fragments with --fragment 1280, or see its MTU with: sockctl interfaces',
    cause,
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
