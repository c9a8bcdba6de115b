/** Packets on an absolute schedule, each looked at before it leaves, and what comes back for them. */
import { SockctlError, toSockctlError, UsageError } from '../../errors.js';
import { roundMs, type Timestamp } from '../../measure/clock.js';
import { Histogram } from '../../measure/histogram.js';
import { type Alarm, waitUntil } from '../../measure/pacer.js';
import type { Awaiting } from './answer-table.js';
import { AnswerWait, turn } from './answer-wait.js';
import type { BuiltPacket, PacketLink } from './built-packet.js';
import { DestinationReader } from './destination.js';
import { rewrittenFields } from './kernel-header.js';
import { Schedule } from './pace.js';
import { type ArrivedPacket, PacketSockets } from './packet-sockets.js';
import type { OutgoingPacket, SendPacketsOptions, SendPacketsSummary } from './send-options.js';

export type * from './send-options.js';

/** Packets handed to the socket at once at most. */
const BATCH = 64;
/** A loop of immediate sends would let neither answers nor signals in: so long at most, in milliseconds. */
const TURN_MS = 5;
/** With these nothing more can leave. */
const FATAL: ReadonlySet<string> = new Set([
  'ENETDOWN',
  'ENODEV',
  'ENXIO',
  'EBADF',
  'USAGE',
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
  /** The first of its fragments, or whole; and the last, or whole. */
  readonly first: boolean;
  readonly last: boolean;
}

class SendRun {
  readonly #options: SendPacketsOptions;
  readonly #schedule: Schedule;
  readonly #lateness: Histogram | undefined;
  readonly #answers: AnswerWait | undefined;
  readonly #destinations = new DestinationReader();
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
  #group: Due[] = [];
  /** The packet whose fragments are leaving. */
  #awaiting: Awaiting | undefined;

  constructor(options: SendPacketsOptions) {
    this.#options = options;
    this.#schedule = new Schedule(options.pace);
    if (options.pace.kind !== 'topspeed') this.#lateness = new Histogram();
    if (options.answerMs !== undefined) this.#answers = new AnswerWait(options.answerMs, options);
  }

  async run(): Promise<SendPacketsSummary> {
    const { backend, links, answerProtocols: protocols = [], onOpen, signal } = this.#options;
    const answers = this.#answers;
    const listening =
      answers === undefined ? undefined : { protocols, arrived: (packet: ArrivedPacket) => answers.arrived(packet) };
    const sockets = await PacketSockets.open(links, this.#options, listening);
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
      // Of a packet that has ended within its fragments nobody has all.
      if (this.#awaiting !== undefined) answers?.withdraw();
      durationMs = Number.isNaN(this.#started) ? 0 : performance.now() - this.#started;
      await answers?.untilAnswered();
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
      answers: answers?.counts(),
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
      try {
        for (const outgoing of batch) {
          if (this.#stopped) return;
          if ('error' in outgoing) this.#tellFailed(++this.#sequence, outgoing.number, outgoing.error);
          else await this.#plan(outgoing);
        }
      } finally {
        // What comes by and by is not held back for the next batch; nor is what stands before one that may not leave.
        if (!this.#stopped) await this.#flush();
      }
    }
  }

  async #plan(outgoing: OutgoingPacket): Promise<void> {
    const { packet, fragments = [packet], number } = outgoing;
    const { admit } = this.#options;
    const sequence = ++this.#sequence;
    for (const [i, piece] of fragments.entries()) {
      const { bytes, link } = piece;
      const dueMs = this.#schedule.next(bytes.length, i === 0 ? (outgoing.time ?? null) : null);
      if (admit !== undefined) admit(this.#destinations.read(bytes, link), bytes.length, dueMs, number);
      this.#inspect(piece, number);
      await this.#makeRoom(link, dueMs);
      if (this.#stopped) return;
      this.#group.push({ packet: piece, outgoing, sequence, dueMs, first: i === 0, last: i === fragments.length - 1 });
    }
  }

  /** Sends what waits, unless another packet of this link that is due at `dueMs` may go with it; then waits until then. */
  async #makeRoom(link: PacketLink, dueMs: number): Promise<void> {
    // What is waited for goes one by one, so that each has a time of its own.
    const limit = this.#answers === undefined ? BATCH : 1;
    const at = this.#started + dueMs;
    if (this.#group.length >= limit || this.#group[0]?.packet.link !== link || at > performance.now()) {
      await this.#flush();
    }
    await this.#answers?.until(at, this.#alarm);
    if (at > performance.now()) await waitUntil(at, this.#alarm, this.#options.signal);
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
      this.#expectAnswers(part[0] as Due, sockets.now());
      const { sent, time, refused } = await sockets.send(part.map(({ packet }) => packet));
      this.#awaitAnswers(part[0] as Due, sent > 0, time);
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
    await this.#answers?.expire();
    this.#turnEnd = performance.now() + TURN_MS;
  }

  #expectAnswers({ first, outgoing, sequence }: Due, now: Timestamp): void {
    if (first) this.#awaiting = this.#answers?.expect(outgoing.packet, sequence, now);
  }

  /** Its time begins when the last fragment has left. One of which a fragment is refused is answered by nobody. */
  #awaitAnswers({ last }: Due, taken: boolean, time: Timestamp): void {
    const awaiting = this.#awaiting;
    if (awaiting === undefined) return;
    if (!taken) this.#answers?.withdraw();
    else if (last) this.#answers?.left(awaiting, time);
    else awaiting.sentAt = time;
    if (last || !taken) this.#awaiting = undefined;
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
    this.#tellFailed(sequence, outgoing.number, error);
  }

  #tellFailed(sequence: number, number: number, error: SockctlError): void {
    this.#failed++;
    this.#firstFailure ??= error;
    this.#options.onFailed?.({ sequence, number, error });
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
