/**
 * One probe to each of very many hosts as fast as they go: what the state machine of ping would do with such a plan, in
 * columns. Probes are written where the kernel reads them, replies are read where it has put them, and nothing is made for
 * a host of which nothing is told.
 *
 * Sending is nearly all of the work, and nearly all of that is the kernel's: threads send tables of probes beside this one,
 * which reads replies whenever a table has gone. The time of a probe is that of its table, as that of
 * any probe is the time of its call: round trips are what they are at most.
 */

import type { SocketError } from '../../errors.js';
import { interfaceIndex } from '../../sockaddr/interfaces.js';
import { type IPAddress, IPv4Address } from '../../sockaddr/ip.js';
import { withoutZone } from '../../sockaddr/zone.js';
import type { MessageColumns, MessageTable } from '../../socket/columns.js';
import type { MessageSocket, ReceivedMessage } from '../../socket/port.js';
import { ICMP_HEADER, IcmpType } from '../../wire/icmp.js';
import { ICMPV6_PROTOCOL, Icmpv6Type } from '../../wire/icmpv6.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import type { RecordQueue } from '../record-queue.js';
import { errorText, ICMP_PROTOCOL, isSound, readError, readShort, settles } from './answer.js';
import type { PingRoute, ReplyFacts } from './ledger.js';
import { DEFAULT_SIZE, type PingPlan } from './options.js';
import type { PingOrder } from './order.js';
import { refusalFacts } from './probe-error.js';
import { ProbeWriter } from './probe-writer.js';
import type { PingEndReason, PingRecord, PingStanding } from './records.js';
import { type PingSocket, type SweepSender, socketDrops } from './sockets.js';
import { SweepLedger } from './sweep-ledger.js';
import { TOKEN_LENGTH } from './token.js';

export interface SweepOptions {
  readonly plan: PingPlan;
  readonly order: PingOrder;
  /** Hosts of the set. */
  readonly hosts: bigint;
  readonly socket: PingSocket;
  /** Where probes go out, with an IP header of their own; through {@link socket} where left out. */
  readonly sender: SweepSender | undefined;
  readonly route: PingRoute;
  readonly identifier: number;
  /** 8 random bytes. */
  readonly key: Uint8Array;
  /** Threads that send beside this one. */
  readonly threads: number;
}

/** Fewer hosts are not worth the memory, and more are too many for it. */
const HOSTS_MIN = 1024;
const HOSTS_MAX = 2 ** 20;
/** Probes of a table: more at once are hardly faster, and the round trips are less true. */
const TABLE = 64;

/** Whether what is asked for is a sweep, of a set of so many hosts without groups. */
export function isSweep(plan: PingPlan, hosts: bigint): boolean {
  const { count, retries, ratePerSecond = Number.POSITIVE_INFINITY, intervalMs, size = DEFAULT_SIZE } = plan;
  if (hosts < HOSTS_MIN || hosts > HOSTS_MAX) return false;
  const once = count === 1 || retries === 0;
  const unpaced = ratePerSecond === Number.POSITIVE_INFINITY && (intervalMs === 0 || plan.ratePerSecond !== undefined);
  const plain = (plan.kind ?? 'echo') === 'echo' && size >= TOKEN_LENGTH;
  const { flood, adaptive, broadcast, pmtuSearch, recordRoute, userLatency } = plan;
  const more = [flood, adaptive, broadcast, pmtuSearch, recordRoute, userLatency].includes(true);
  return once && unpaced && plain && !more;
}

export class Sweep {
  readonly #options: SweepOptions;
  readonly #socket: MessageSocket;
  readonly #ipv6: boolean;
  /** What each probe has in front. */
  readonly #header: Uint8Array;
  readonly #writer: ProbeWriter;
  readonly #ledger: SweepLedger;
  /** By step, where it was sent: four words of each for IPv6. */
  readonly #addresses: Uint32Array;
  readonly #queue: RecordQueue<PingRecord>;
  readonly #tables: MessageTable[] = [];
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;
  #next = 0;
  #sending = true;
  /** Why it is to end, as soon as it is known what has left. */
  #stopping: PingEndReason | undefined;
  readonly #stopped: Promise<void>;
  #wake: () => void = () => undefined;
  #over = false;
  /** Nothing is read until the records that wait have been taken. */
  #held = false;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: SweepOptions, queue: RecordQueue<PingRecord>) {
    const { plan, order, hosts, socket, route, identifier, key } = options;
    this.#options = options;
    this.#queue = queue;
    this.#socket = socket.socket;
    this.#ipv6 = socket.family === 'ipv6';
    this.#header = options.sender?.header ?? new Uint8Array(0);
    const { pattern, size = DEFAULT_SIZE } = plan;
    this.#writer = new ProbeWriter({ kind: 'echo', size, pattern, identifier, key });
    const startedAt = performance.now();
    const drops = () => socketDrops([socket]);
    this.#ledger = new SweepLedger({ plan, order, hosts, route, drops, startedAt }, this.#socket.now());
    this.#addresses = new Uint32Array(order.size * (this.#ipv6 ? 4 : 1));
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#stopped = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Opens what it sends from; privileges are not needed any more after it. */
  open(): void {
    const { threads, sender, socket } = this.#options;
    const header = this.#header;
    const size = header.length + this.#writer.length;
    for (let i = 0; i <= threads; i++) {
      const table = (sender ?? socket).socket.table?.({ capacity: TABLE, size, thread: i < threads });
      if (table === undefined) return;
      this.#tables.push(table);
      for (let at = 0; at < table.bytes.length; at += table.stride) {
        table.bytes.set(header, at);
        this.#writer.write(socket.family, 0, 1, 0, table.bytes, at + header.length);
      }
    }
  }

  /** Sends and receives until everything has its outcome. */
  start(): void {
    const { plan } = this.#options;
    this.#socket.receive({
      messages: (batch) => {
        for (const message of batch) this.#onMessage(message);
        this.#advance();
      },
      columns: (columns) => this.#onColumns(columns),
      failure: ({ error, to }) => {
        if (to === undefined) this.#fail(error);
      },
    });
    if (plan.deadlineMs !== undefined) this.#deadline = setTimeout(() => this.stop('deadline'), plan.deadlineMs);
    // Replies are looked for when a table has gone; waking up for each of them would cost more than they do.
    this.#socket.pause();
    void this.#send();
  }

  async #send(): Promise<void> {
    try {
      await Promise.all(this.#tables.map((table) => this.#sendTables(table)));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#sending = false;
    if (this.#stopping !== undefined) this.#end(this.#stopping);
    if (this.#over) return;
    this.#socket.resume();
    this.#elapse();
  }

  /** Fills and sends one table again and again, until all hosts are sent to. */
  async #sendTables(table: MessageTable): Promise<void> {
    const { order } = this.#options;
    while (!this.#stops && this.#next < order.size) {
      const first = this.#next;
      const count = Math.min(table.capacity, order.size - first);
      this.#next = first + count;
      for (let i = 0; i < count; i++) this.#write(table, i, first + i);
      for (let from = 0; from < count && !this.#stops; ) {
        const { seconds, nanoseconds } = this.#socket.now();
        this.#ledger.claim(first + from, count - from, this.#ledger.wall(seconds, nanoseconds), performance.now());
        const { sent, refused } = await table.send(from, count);
        if (this.#over) return;
        this.#ledger.sent(first + from, sent, performance.now());
        from += sent;
        if (refused !== undefined) this.#refused(first + from++, refused);
      }
      this.#elapse();
      // Records are not dropped: who is too slow for them slows down the probes.
      if (this.#queue.full && !this.#stops) await Promise.race([this.#queue.drained(), this.#stopped]);
      // A thread has let the event loop have its turn.
      if (!table.threaded) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  get #stops(): boolean {
    return this.#over || this.#stopping !== undefined;
  }

  #write(table: MessageTable, i: number, step: number): void {
    const address = this.#options.order.addressAt(step);
    const header = i * table.stride;
    const at = header + this.#header.length;
    this.#writer.renumber(!this.#ipv6, step, 1, table.bytes, at);
    if (address instanceof IPv4Address) {
      const { value } = address;
      this.#addresses[step] = value;
      table.toIPv4(i, value);
      if (at > header) writeHeader(table.bytes, header, step, value);
      return;
    }
    const bytes = address.toBytes();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let word = 0; word < 4; word++) this.#addresses[4 * step + word] = view.getUint32(4 * word);
    table.toIPv6(i, bytes, address.zone === '' ? 0 : interfaceIndex(address.zone));
  }

  #refused(step: number, error: SocketError): void {
    const { address } = this.#options.order.at(step);
    this.#ledger.error(step, refusalFacts(error, address, this.#socket.now()), performance.now());
  }

  #onColumns(columns: MessageColumns): void {
    if (this.#over) return;
    const { bytes, starts, kept, seconds, nanoseconds, senders, count } = columns;
    const ledger = this.#ledger;
    const reply = this.#ipv6 ? Icmpv6Type.echoReply : IcmpType.echoReply;
    const now = performance.now();
    for (let i = 0; i < count; i++) {
      let start = starts[i] as number;
      const end = start + (kept[i] as number);
      if (!this.#ipv6) start += ((bytes[start] as number) & 15) * 4;
      if (start + ICMP_HEADER > end || bytes[start] !== reply) {
        this.#onMessage(columns.message(i));
        continue;
      }
      const step = this.#isOurs(bytes, start) ? this.#writer.readNumber(bytes, start + ICMP_HEADER, end) : -1;
      const foreign = step >= 0 && ledger.has(step) ? !this.#isFrom(senders, i, step) : undefined;
      if (foreign === undefined) {
        this.#onMessage(columns.message(i));
        continue;
      }
      const asSent = this.#writer.isAsSent(!this.#ipv6, step, 1, bytes, start, end);
      const corruptAt = asSent ? -1 : this.#writer.compareBehindToken(bytes, start + ICMP_HEADER, end);
      const corrupt = corruptAt >= 0 || !(asSent || isSound(this.#options.socket.family, bytes, start, end));
      if (foreign || corrupt) this.#odd(step, foreign, corrupt);
      const wall = ledger.wall(seconds[i] as number, nanoseconds[i] as number);
      const told = ledger.tellsReplies
        ? this.#factsOf(columns.message(i), end - start, foreign, corrupt, corruptAt)
        : undefined;
      ledger.reply(step, wall, now, told);
    }
    if (!this.#sending) this.#advance();
  }

  #isOurs(bytes: Uint8Array, start: number): boolean {
    const { identifier } = this.#options;
    return readShort(bytes, start + 4) === identifier && readShort(bytes, start + 6) === 1;
  }

  #isFrom(senders: Uint32Array, i: number, step: number): boolean {
    const addresses = this.#addresses;
    if (!this.#ipv6) return senders[4 * i] === addresses[step];
    for (let word = 0; word < 4; word++) if (senders[4 * i + word] !== addresses[4 * step + word]) return false;
    return true;
  }

  /** @param there bytes of it behind its IP header; what was not kept of it is too much, and differs */
  #factsOf(
    message: ReceivedMessage,
    there: number,
    foreignAddress: boolean,
    corrupt: boolean,
    corruptAt: number,
  ): ReplyFacts {
    const { from, hopLimit, timestamp, timestampSource } = message;
    const cut = message.length - message.bytes.length;
    const address = from === undefined || from.family === 'unix' ? '' : withoutZone(from.address).toString();
    const times = { time: timestamp, timestamp: timestampSource, userTime: timestamp };
    const damage = { corrupt, corruptAt, corruptBytes: this.#writer.differing + cut };
    return { address, foreignAddress, bytes: there + cut, ttl: hopLimit, ...times, ...damage };
  }

  #odd(step: number, foreign: boolean, corrupt: boolean): void {
    for (const tally of [this.#ledger.total, this.#ledger.oddities(step)]) {
      if (foreign) tally.foreignAddress++;
      if (corrupt) tally.corrupt++;
    }
  }

  /** Everything but a reply that names its probe and proves it. */
  #onMessage(message: ReceivedMessage): void {
    const { from, timestamp } = message;
    if (this.#over || from === undefined || from.family === 'unix') return;
    let { bytes } = message;
    if (!this.#ipv6) {
      const skip = ((bytes[0] ?? 0) & 15) * 4;
      if (skip < IPV4_HEADER || skip > bytes.length) return;
      bytes = bytes.subarray(skip);
    }
    const protocol = this.#ipv6 ? ICMPV6_PROTOCOL : ICMP_PROTOCOL;
    const reply = this.#ipv6 ? Icmpv6Type.echoReply : IcmpType.echoReply;
    if (bytes[0] === reply && bytes.length >= ICMP_HEADER) {
      this.#onNamelessReply(message, bytes);
      return;
    }
    const error = readError(protocol, bytes);
    if (error === undefined) return;
    const { identifier, sequence, destination, payload, icmpType, icmpCode, mtu, gateway } = error;
    const ours = identifier === this.#options.identifier && sequence === 1;
    const step = ours ? this.#stepOf(destination, payload, 0) : -1;
    if (step < 0) {
      this.#ledger.foreign++;
      return;
    }
    const { family } = this.#options.socket;
    const facts = { address: withoutZone(from.address).toString(), icmpType, icmpCode, mtu, gateway, time: timestamp };
    const message_ = errorText(family, icmpType, icmpCode);
    this.#ledger.error(step, { ...facts, message: message_, settles: settles(family, icmpType) }, performance.now());
  }

  /** A reply whose token is changed or cut is known by where it comes from, and by what there is of the token. */
  #onNamelessReply(message: ReceivedMessage, bytes: Uint8Array): void {
    const { from, timestamp } = message;
    const known = this.#isOurs(bytes, 0) && from !== undefined && from.family !== 'unix';
    const step = known ? this.#stepOf(from.address, bytes, ICMP_HEADER) : -1;
    if (step < 0) {
      this.#ledger.foreign++;
      return;
    }
    const corruptAt = this.#writer.compare(bytes, ICMP_HEADER, bytes.length, step);
    const corrupt = corruptAt >= 0 || !isSound(this.#options.socket.family, bytes);
    if (corrupt) this.#odd(step, false, corrupt);
    const wall = this.#ledger.wall(timestamp.seconds, timestamp.nanoseconds);
    const facts = this.#factsOf(message, bytes.length, false, corrupt, corruptAt);
    this.#ledger.reply(step, wall, performance.now(), facts);
  }

  /** The step of the host with this address, where what there is of a token is right; -1 for none. */
  #stepOf(address: IPAddress, bytes: Uint8Array, start: number): number {
    const named = this.#writer.readNumber(bytes, start, bytes.length);
    if (named >= 0) return this.#ledger.has(named) ? named : -1;
    const step = this.#options.order.stepOf(address);
    if (step === undefined || !this.#ledger.has(step)) return -1;
    return this.#writer.resembles(bytes, start, bytes.length, step) ? step : -1;
  }

  /** Time has passed: what has arrived by now is not given up because nobody has read it yet. */
  #elapse(): void {
    if (this.#over || this.#held) return;
    const now = performance.now();
    const time = this.#socket.now();
    this.#socket.takeMessages?.();
    if (this.#over) return;
    const next = this.#ledger.elapse(now, time);
    this.#advance();
    if (this.#sending || this.#over) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#elapse(), Math.max(1, Math.ceil(next - now)));
  }

  /** Something has come in, or been given up. */
  #advance(): void {
    if (this.#over) return;
    this.#tell();
    if (!this.#sending && this.#ledger.open === 0) this.stop('count');
  }

  #tell(): void {
    for (const record of this.#ledger.take()) this.#queue.add(record);
    // While it sends, that waits for who takes them, and nothing is read in between.
    if (this.#queue.full && !this.#sending && !this.#held) void this.#hold();
  }

  /** As with any other ping: the kernel's buffer bounds what comes in, and counts what it had no room for. */
  async #hold(): Promise<void> {
    this.#held = true;
    this.#socket.pause();
    await this.#queue.drained();
    this.#held = false;
    if (this.#over) return;
    this.#socket.resume();
    this.#elapse();
  }

  standing(): PingStanding {
    const {
      type: _,
      endReason: __,
      ...standing
    } = this.#ledger.totalAt('interrupted', this.#socket.now(), performance.now());
    return standing;
  }

  /** Ends it, once it is known what has left: what is in flight then stays so. */
  stop(reason: PingEndReason): void {
    if (this.#stops) return;
    if (!this.#sending) {
      this.#end(reason);
      return;
    }
    this.#stopping = reason;
    this.#wake();
    for (const table of this.#tables) table.interrupt();
  }

  /** Nobody wants to hear any more of it. */
  close(): void {
    this.stop('interrupted');
    if (!this.#over) this.#finishWith('interrupted');
  }

  #end(reason: PingEndReason): void {
    if (this.#over) return;
    this.#finishWith(reason);
    this.#queue.end(this.#ledger.take());
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#finishWith('error');
    this.#queue.fail(error, this.#ledger.take());
  }

  #finishWith(reason: PingEndReason): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#ledger.end(reason, this.#socket.now(), performance.now());
    this.#finish();
  }
}

/** RFC 791: identification, which the kernel would look for in place of 0, and destination; it fills in the rest. */
function writeHeader(bytes: Uint8Array, at: number, step: number, destination: number): void {
  bytes[at + 4] = (step >>> 8) & 255;
  bytes[at + 5] = (step & 255) | 1;
  bytes[at + 16] = destination >>> 24;
  bytes[at + 17] = (destination >>> 16) & 255;
  bytes[at + 18] = (destination >>> 8) & 255;
  bytes[at + 19] = destination & 255;
}
