/**
 * The sending end of a reliable transfer: a state machine over packets and a clock, which does no input or output
 * itself. Its owner gives it what arrives and the time, and asks it for what to send. README.md has the protocol.
 */
import { Congestion } from './congestion.js';
import {
  AbortReason,
  type Ack,
  type ConnectionId,
  DATA_HEADER,
  encodeAbort,
  encodeClose,
  encodeFin,
  encodeHello,
  encodeStart,
  finishData,
  isIntact,
  PacketType,
  type Ready,
  readAbort,
  readAck,
  readDone,
  readPacket,
  readReady,
  readWelcome,
  seedOf,
} from './packets.js';
import { PathMtu } from './path-mtu.js';
import { RangeSet } from './ranges.js';
import { RoundTrip } from './round-trip.js';
import { PacketState, SentPackets } from './sent-packets.js';

/** What is to be delivered, as the state machine sees it. */
export interface OutgoingData {
  /** Bytes of all; undefined while that is not known. */
  readonly end: number | undefined;
  /** Bytes from the start that are there to be sent. */
  readonly available: number;
  /** Copies `[offset, offset + length)` to `target` at `at`. */
  copy(offset: number, length: number, target: Uint8Array, at: number): void;
  /** All before `offset` has arrived. */
  release(offset: number): void;
}

export interface SenderOptions {
  readonly data: OutgoingData;
  readonly name: string;
  /** Whether what the receiver may have of it is of no use. */
  readonly anew?: boolean;
  /** The largest UDP payload that the own link takes. */
  readonly largestPacket: number;
  /** Milliseconds of silence after which it gives up. */
  readonly timeoutMs: number;
  /** 64 fresh random bits as hex. */
  readonly randomId: () => ConnectionId;
  readonly now: number;
}

/**
 * What its owner has to do next:
 *
 * - `verify`: compare `ready.digest` with the own data before `ready.offset`, then call {@link ReliableSender.begin}
 * - `digest`: give the SHA-256 of all of the data to {@link ReliableSender.finish}
 */
export type SenderState = 'hello' | 'start' | 'verify' | 'data' | 'digest' | 'fin' | 'closing' | 'done' | 'failed';

export interface TransferFailure {
  readonly kind: 'timeout' | 'aborted' | 'rewind';
  /** Of an ABORT, see packets.ts. */
  readonly reason?: number;
  readonly text?: string;
}

/** A packet is lost when one that was sent so many later has arrived (the fast retransmit of RFC 5681 and RFC 6675). */
const REORDER_MIN = 3;
/** Where packets turn out to have been late, so many at most. */
const REORDER_MAX = 300;
/** Or when it was sent so much longer than a round trip ago (RFC 8985, RFC 9002 section 6.1.2). */
const LOSS_DELAY = 9 / 8;
const LOSS_DELAY_MAX = 4;
/** A packet that says nothing but that the sender is there, after so many milliseconds of silence. */
const KEEP_ALIVE_MS = 1000;
/** So long nothing is heard before a new connection is tried beside the old one, in milliseconds. */
const RECONNECT_MS = 3000;
/** After FIN longer than the receiver lingers: whoever is there to hear of a new connection might have the file. */
const RECONNECT_AFTER_FIN_MS = 6000;
/** What is repeated until it is answered goes so often at least, in milliseconds. */
const REPEAT_MS = 250;
/** CLOSE goes so often; where all are lost, the receiver waits a moment for nothing. */
const CLOSES = 3;

export class ReliableSender {
  readonly #options: SenderOptions;
  readonly #data: OutgoingData;
  #state: SenderState = 'hello';
  failure: TransferFailure | undefined;
  ready: Ready | undefined;
  /** Datagrams with data in them, and those of them whose data had been sent before. */
  packets = 0;
  retransmitted = 0;
  /** Bytes that the receiver had already. */
  resumedFrom = 0;

  #senderId: ConnectionId;
  #receiverId: ConnectionId | undefined;
  #seed = 0;
  #anew = false;
  /** A connection that is tried beside the one that has fallen silent. */
  #reconnecting: ConnectionId | undefined;

  readonly #rtt = new RoundTrip();
  readonly #mtu: PathMtu;
  readonly #congestion: Congestion;
  readonly #sent = new SentPackets();
  /** Numbers that have been acknowledged, of those that are remembered. */
  readonly #acknowledged = new RangeSet();
  /** Data to be sent again. */
  readonly #lost = new RangeSet();
  readonly #arrived = new RangeSet();
  #nextOffset = 0;
  #windowEnd = 0;
  #inOrder = 0;
  #largestAcked = -1;
  #firstInFlight = 0;
  #reorder = REORDER_MIN;
  #lossDelay = LOSS_DELAY;
  #probeNumber = -1;
  #roundEnd = 0;
  #delivered = 0;
  #deliveredAt: number;
  /** Until so much is delivered, rates say what there was to send and not what the path takes. */
  #limitedUntil = 0;
  #timeouts = 0;
  /** Packets that may go whatever the window is: what a timeout sends again. */
  #forced = 0;
  #digest: Uint8Array | undefined;
  #closes = 0;
  #abort: { readonly reason: AbortReason; readonly text: string } | undefined;

  // Times, in milliseconds of the owner's clock.
  #lastHeard: number;
  #lastSent = 0;
  /** Of handshakes, FIN and whatever else is repeated until it is answered. */
  #repeatAt: number;
  /** When HELLO was sent, where it was sent once: its answer measures the first round trip (Karn's algorithm). */
  #helloAt: number | undefined;
  #startAt = 0;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #lossAt = Number.POSITIVE_INFINITY;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#data = options.data;
    this.#anew = options.anew === true;
    this.#senderId = options.randomId();
    this.#mtu = new PathMtu(options.largestPacket);
    this.#congestion = new Congestion(this.#mtu.size, options.now);
    this.#lastHeard = options.now;
    this.#deliveredAt = options.now;
    this.#repeatAt = options.now;
  }

  get state(): SenderState {
    return this.#state;
  }

  /** Bytes that have arrived, those that the receiver had before included. */
  get delivered(): number {
    return this.#inOrder;
  }

  get packetSize(): number {
    return this.#mtu.size;
  }

  /** The smoothed round trip, in milliseconds. */
  get roundTripMs(): number | undefined {
    return this.#rtt.smoothed;
  }

  /** The owner has compared: go on after `offset`, or with 0 from the start, whatever the receiver has. */
  begin(offset: number, now: number): void {
    if (this.#state !== 'verify') return;
    if (offset === 0 && (this.ready?.offset ?? 0) > 0) {
      // What it has is something else.
      this.#anew = true;
      this.#state = 'start';
      this.#startAt = now;
      this.#repeatAt = now;
      return;
    }
    this.#anew = false;
    this.#state = 'data';
    this.resumedFrom = Math.max(this.resumedFrom, this.#delivered === 0 ? offset : 0);
    this.#sent.clear();
    this.#acknowledged.clear();
    this.#firstInFlight = this.#sent.next;
    this.#largestAcked = this.#sent.next - 1;
    this.#lost.clear();
    this.#arrived.clear();
    this.#arrived.add(0, offset);
    this.#nextOffset = offset;
    this.#inOrder = offset;
    this.#windowEnd = this.ready?.windowEnd ?? offset;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#lossAt = Number.POSITIVE_INFINITY;
    this.#roundEnd = this.#sent.next;
    this.#data.release(offset);
  }

  /** The owner can't go back to what the receiver lacks. */
  cannotRewind(): void {
    this.#fail({ kind: 'rewind' });
  }

  /** The owner has the SHA-256 of all of the data. */
  finish(digest: Uint8Array, now: number): void {
    if (this.#state !== 'digest') return;
    this.#digest = digest;
    this.#state = 'fin';
    this.#repeatAt = now;
  }

  /** Tells the receiver that it is over, at the next {@link transmit}. */
  abort(reason: AbortReason, text: string): void {
    if (this.#receiverId !== undefined) this.#abort = { reason, text };
    this.#fail({ kind: 'aborted', reason, text });
  }

  /** This machine has refused to send a datagram of that size. */
  tooLarge(): void {
    this.#mtu.missed(true);
  }

  /** Takes in a datagram. */
  receive(bytes: Uint8Array, now: number): void {
    const packet = readPacket(bytes);
    if (packet === undefined) return;
    if (packet.type === PacketType.welcome) {
      const mine = packet.id === this.#reconnecting || (packet.id === this.#senderId && this.#state === 'hello');
      if (!mine || !isIntact(packet, 0)) return;
      this.#heard(now);
      if (this.#helloAt !== undefined && this.#helloAt >= 0) this.#rtt.measured(now - this.#helloAt);
      this.#senderId = packet.id;
      this.#receiverId = readWelcome(packet);
      this.#seed = seedOf(this.#senderId, this.#receiverId);
      // What was delivered so far is of use.
      if (this.#state !== 'hello') this.#anew = false;
      this.#reconnecting = undefined;
      this.#state = 'start';
      this.#startAt = now;
      this.#repeatAt = now;
      return;
    }
    if (packet.id !== this.#senderId || this.#receiverId === undefined || !isIntact(packet, this.#seed)) return;
    this.#heard(now);
    if (packet.type === PacketType.ack) {
      const ack = readAck(packet);
      if (ack !== undefined && this.#state === 'data') this.#onAck(ack, now);
    } else if (packet.type === PacketType.ready && this.#state === 'start') {
      const ready = readReady(packet);
      if (ready === undefined || (this.#anew && ready.offset > 0)) return;
      this.ready = ready;
      this.#state = 'verify';
      this.#repeatAt = now + KEEP_ALIVE_MS;
    } else if (packet.type === PacketType.done && this.#state === 'fin') {
      this.#state = Buffer.compare(readDone(packet), this.#digest ?? new Uint8Array(0)) === 0 ? 'closing' : 'fin';
      if (this.#state !== 'closing') this.abort(AbortReason.digest, 'the SHA-256 of both ends differ');
    } else if (packet.type === PacketType.abort) {
      this.#fail({ kind: 'aborted', ...readAbort(packet) });
    }
  }

  /**
   * Writes the next packet to be sent by now into `target` at `at`, where there must be room for the largest.
   *
   * @returns its length; 0 when there is nothing to be sent before {@link nextTime}
   */
  transmit(now: number, target: Uint8Array, at: number): number {
    this.#checkTimers(now);
    const packet = this.#control(now);
    if (packet !== undefined) {
      target.set(packet, at);
      this.#lastSent = now;
      return packet.length;
    }
    return this.#state === 'data' ? this.#transmitData(now, target, at) : 0;
  }

  /** When {@link transmit} is to be called again, if nothing arrives before; Infinity for never. */
  nextTime(): number {
    switch (this.#state) {
      case 'done':
      case 'failed':
        return this.#abort === undefined ? Number.POSITIVE_INFINITY : 0;
      case 'closing':
        return 0;
      case 'data': {
        const idle = this.#sent.count === 0;
        const quiet = idle ? Math.max(this.#lastSent, this.#lastHeard) + KEEP_ALIVE_MS : Number.POSITIVE_INFINITY;
        const again = this.#reconnecting === undefined ? this.#reconnectAt() : this.#repeatAt;
        return Math.min(this.#timeoutAt, this.#lossAt, quiet, again, this.#lastHeard + this.#options.timeoutMs);
      }
      case 'digest':
      case 'verify':
        return this.#repeatAt;
      default:
        return Math.min(this.#repeatAt, this.#lastHeard + this.#options.timeoutMs);
    }
  }

  #heard(now: number): void {
    this.#lastHeard = now;
    if (this.#state !== 'hello') this.#reconnecting = undefined;
  }

  #fail(failure: TransferFailure): void {
    if (this.#state === 'done' || this.#state === 'failed') return;
    this.failure = failure;
    this.#state = 'failed';
  }

  #checkTimers(now: number): void {
    const { timeoutMs } = this.#options;
    const waits = this.#state !== 'verify' && this.#state !== 'digest';
    if (waits && now >= this.#lastHeard + timeoutMs) this.#fail({ kind: 'timeout' });
    if (this.#state === 'start' && now >= this.#startAt + 2 * RECONNECT_MS) {
      // Whoever said welcome is gone.
      this.#senderId = this.#options.randomId();
      this.#helloAt = undefined;
      this.#state = 'hello';
    }
    if (this.#state !== 'data') return;
    if (now >= this.#lossAt) this.#detectLosses(now);
    if (now >= this.#timeoutAt) this.#onTimeout(now);
  }

  /** The packet that the state asks for, apart from data. */
  #control(now: number): Uint8Array | undefined {
    const receiver = this.#receiverId ?? '';
    switch (this.#state) {
      case 'hello':
        if (now < this.#repeatAt) return undefined;
        this.#helloAt = this.#helloAt === undefined ? now : Number.NaN;
        this.#repeat(now);
        return encodeHello(this.#senderId);
      case 'start':
      case 'verify': {
        if (now < this.#repeatAt) return undefined;
        if (this.#state === 'verify') this.#repeatAt = now + KEEP_ALIVE_MS;
        else this.#repeat(now);
        const { name } = this.#options;
        const start = { senderId: this.#senderId, size: this.#data.end, anew: this.#anew, name };
        return encodeStart(receiver, start, this.#seed);
      }
      case 'data':
      case 'fin':
        if (now >= this.#reconnectAt() && (this.#reconnecting === undefined || now >= this.#repeatAt)) {
          this.#reconnecting ??= this.#options.randomId();
          this.#repeatAt = now + KEEP_ALIVE_MS;
          return encodeHello(this.#reconnecting);
        }
        if (this.#state === 'data' || now < this.#repeatAt || this.#digest === undefined) return undefined;
        this.#repeat(now);
        return encodeFin(receiver, this.#data.end ?? 0, this.#digest, this.#seed);
      case 'digest':
        if (now < this.#repeatAt) return undefined;
        this.#repeatAt = now + KEEP_ALIVE_MS;
        return this.#keepAlive(now);
      case 'closing':
        if (++this.#closes >= CLOSES) this.#state = 'done';
        return encodeClose(receiver, this.#seed);
      case 'failed': {
        const abort = this.#abort;
        this.#abort = undefined;
        return abort === undefined ? undefined : encodeAbort(receiver, abort.reason, abort.text, this.#seed);
      }
      default:
        return undefined;
    }
  }

  #reconnectAt(): number {
    return this.#lastHeard + (this.#state === 'fin' ? RECONNECT_AFTER_FIN_MS : RECONNECT_MS);
  }

  #repeat(now: number): void {
    this.#repeatAt = now + this.#backedOff();
  }

  #backedOff(): number {
    const first = this.#rtt.smoothed === undefined;
    const wait = Math.min(REPEAT_MS, this.#rtt.timeout);
    if (!first) this.#rtt.backOff();
    return wait;
  }

  #keepAlive(now: number): Uint8Array {
    const packet = new Uint8Array(DATA_HEADER);
    this.#finishData(packet, this.#nextOffset, 0, now);
    return packet;
  }

  #transmitData(now: number, target: Uint8Array, at: number): number {
    const { end } = this.#data;
    if (end !== undefined && this.#inOrder >= end) {
      this.#state = 'digest';
      this.#repeatAt = now + KEEP_ALIVE_MS;
      return 0;
    }
    const size = this.#packetSize(now);
    if (this.#sent.full || (this.#forced === 0 && size <= this.#mtu.size && !this.#fits(size))) return 0;
    const most = size - DATA_HEADER;
    const again = this.#lost.takeLowest(most);
    const offset = again?.start ?? this.#nextOffset;
    const length = again === undefined ? this.#newLength(most) : again.end - again.start;
    if (length === 0) {
      this.#limitedUntil = this.#delivered + this.#sent.inFlight;
      const quiet = now >= Math.max(this.#lastSent, this.#lastHeard) + KEEP_ALIVE_MS && this.#sent.count === 0;
      if (!quiet) return 0;
      const packet = this.#keepAlive(now);
      target.set(packet, at);
      return packet.length;
    }
    this.#data.copy(offset, length, target, at + DATA_HEADER);
    const packet = target.subarray(at, at + DATA_HEADER + length);
    if (packet.length > this.#mtu.size) {
      this.#probeNumber = this.#sent.next;
      this.#mtu.sent();
    }
    this.#finishData(packet, offset, length, now);
    this.packets++;
    if (again === undefined) this.#nextOffset = offset + length;
    else this.retransmitted++;
    if (this.#forced > 0) this.#forced--;
    return packet.length;
  }

  /** What is known to pass, or now and then more, to see whether that does. */
  #packetSize(now: number): number {
    const probe = this.#mtu.probe(now);
    if (probe === undefined || this.#lost.count > 0 || this.#forced > 0) return this.#mtu.size;
    // Among others, whose arrival shows at once that this one is lost; it may be larger than the window's rest.
    const among = this.#sent.count > 0 && this.#largestAcked >= 0 && this.#sent.inFlight < this.#congestion.window;
    return among && this.#newLength(probe - DATA_HEADER) === probe - DATA_HEADER ? probe : this.#mtu.size;
  }

  /** Whether the window has room for a datagram; there is room for one whatever it is. */
  #fits(size: number): boolean {
    return this.#sent.count === 0 || this.#sent.inFlight + size <= this.#congestion.window;
  }

  /** Bytes of new data that can go into a packet that holds `most`. */
  #newLength(most: number): number {
    const { available, end } = this.#data;
    const length = Math.max(0, Math.min(most, available - this.#nextOffset, this.#windowEnd - this.#nextOffset));
    // More may be there in a moment; as long as something is on its way, there is no hurry (RFC 896).
    const waits = length < most && end === undefined && this.#sent.count > 0;
    return waits ? 0 : length;
  }

  #finishData(packet: Uint8Array, offset: number, length: number, now: number): void {
    finishData(packet, this.#receiverId ?? '', this.#sent.next, offset, this.#seed);
    if (this.#sent.count === 0) {
      this.#timeoutAt = now + this.#rtt.timeout;
      // After a pause the time until the next report is no time of delivering.
      this.#deliveredAt = now;
    }
    this.#sent.add(offset, length, packet.length, now, this.#delivered, this.#deliveredAt);
    this.#lastSent = now;
  }

  #onAck(ack: Ack, now: number): void {
    const { largest, inOrder, windowEnd, ranges } = ack;
    // Nobody acknowledges what was not sent, but for who makes it up.
    if (largest >= this.#sent.next || inOrder > this.#nextOffset) return;
    const onTheirWay = this.#sent.inFlight;
    const known = this.#acknowledged;
    let newest = -1;
    let bytes = 0;
    let end = largest + 1;
    for (const { length, gap } of ranges) {
      const start = Math.max(end - length, this.#sent.first);
      for (let number = start; number < end; ) {
        // Each number is looked at once, however often it is acknowledged.
        const told = known.endFrom(number);
        if (told > number) {
          number = told;
          continue;
        }
        const until = Math.min(end, known.nextStart(number));
        known.add(number, until);
        for (; number < until; number++) {
          bytes += this.#sent.size(number);
          if (number > newest) newest = number;
          this.#onArrived(number, largest);
        }
      }
      end -= length + gap;
      if (end <= this.#sent.first) break;
    }
    if (inOrder > this.#inOrder) {
      this.#arrived.add(0, inOrder);
      this.#lost.remove(0, inOrder);
    }
    this.#inOrder = Math.max(inOrder, this.#arrived.endFrom(0));
    this.#data.release(this.#inOrder);
    this.#windowEnd = Math.max(this.#windowEnd, windowEnd);
    if (newest >= 0) {
      this.#delivered += bytes;
      this.#deliveredAt = now;
      if (newest > this.#largestAcked) {
        this.#largestAcked = newest;
        const rtt = now - this.#sent.sentAt(newest);
        this.#rtt.measured(Math.max(0.001, rtt - (ack.delayMs < rtt / 2 ? ack.delayMs : 0)));
        this.#congestion.measured(rtt, now);
      }
      const limited = this.#sent.delivered(newest) < this.#limitedUntil;
      const full = onTheirWay >= this.#congestion.window / 2;
      this.#congestion.acked({ bytes, rate: this.#rateSince(newest, now), limited, full, now });
      this.#timeouts = 0;
      this.#timeoutAt = this.#sent.count > 0 ? now + this.#rtt.timeout : Number.POSITIVE_INFINITY;
    }
    this.#detectLosses(now);
    if (this.#largestAcked >= this.#roundEnd) {
      this.#congestion.endRound(now);
      this.#roundEnd = this.#sent.next;
    }
    this.#sent.forget(this.#largestAcked);
    known.remove(0, this.#sent.first);
  }

  /** One packet has arrived, on its way or already given up. */
  #onArrived(number: number, largest: number): void {
    const offset = this.#sent.offset(number);
    const length = this.#sent.length(number);
    if (this.#sent.state(number) === PacketState.lost) {
      // It was late and not lost: such lateness is to be expected from now on.
      this.#reorder = Math.min(REORDER_MAX, Math.max(this.#reorder, largest - number + 1));
      this.#lossDelay = Math.min(LOSS_DELAY_MAX, this.#lossDelay + 1 / 8);
    }
    this.#sent.settle(number, PacketState.acknowledged);
    // A probe, even one that was given up already.
    if (this.#sent.size(number) > this.#mtu.size) {
      this.#mtu.acked(this.#sent.size(number));
      this.#congestion.packet = this.#mtu.size;
      this.#probeNumber = -1;
    }
    this.#arrived.add(offset, offset + length);
    this.#lost.remove(offset, offset + length);
  }

  /** Bytes a millisecond that the path has delivered since `number` was sent (draft-ietf-ccwg-bbr, section 4.1.1). */
  #rateSince(number: number, now: number): number {
    const since = now - this.#sent.deliveredAt(number);
    return since > 0 ? (this.#delivered - this.#sent.delivered(number)) / since : 0;
  }

  /** Gives up packets that later ones have overtaken by far. */
  #detectLosses(now: number): void {
    this.#lossAt = Number.POSITIVE_INFINITY;
    const rtt = Math.max(this.#rtt.smoothed ?? 0, this.#rtt.latest);
    const patience = Math.max(1, rtt * this.#lossDelay);
    const sent = this.#sent;
    let number = Math.max(this.#firstInFlight, sent.first);
    while (number < sent.next && sent.state(number) !== PacketState.inFlight) number++;
    this.#firstInFlight = number;
    for (; number < this.#largestAcked; number++) {
      if (sent.state(number) !== PacketState.inFlight) continue;
      const due = sent.sentAt(number) + patience;
      if (this.#largestAcked - number < this.#reorder && now < due) {
        // Those after it were sent later.
        this.#lossAt = due;
        return;
      }
      this.#giveUp(number);
    }
  }

  #giveUp(number: number): void {
    const sent = this.#sent;
    sent.settle(number, PacketState.lost);
    const offset = sent.offset(number);
    this.#requeue(offset, offset + sent.length(number));
    if (number === this.#probeNumber) {
      // It was too large, as a rule: that is no sign of congestion (RFC 8899 section 3).
      this.#probeNumber = -1;
      this.#mtu.missed();
    } else this.#congestion.lost(sent.size(number));
  }

  /** Puts what of `[start, end)` has not arrived by another packet among what is to be sent again. */
  #requeue(start: number, end: number): void {
    let at = Math.max(start, this.#inOrder);
    while (at < end) {
      const there = this.#arrived.endFrom(at);
      if (there > at) {
        at = there;
        continue;
      }
      const gap = Math.min(end, this.#arrived.nextStart(at));
      this.#lost.add(at, gap);
      at = gap;
    }
  }

  /** RFC 6298 section 5.4 to 5.6: the earliest ones go again, and the timer is backed off. */
  #onTimeout(now: number): void {
    this.#rtt.backOff();
    this.#timeoutAt = now + this.#rtt.timeout;
    if (this.#sent.count === 0) {
      this.#timeoutAt = Number.POSITIVE_INFINITY;
      return;
    }
    this.#timeouts++;
    const all = this.#timeouts >= 2;
    let again = all ? Number.POSITIVE_INFINITY : 2;
    for (let number = this.#sent.first; number < this.#sent.next && again > 0; number++) {
      if (this.#sent.state(number) !== PacketState.inFlight) continue;
      this.#giveUp(number);
      again--;
    }
    this.#forced = 2;
    if (!all) return;
    this.#congestion.collapse();
    if (this.#timeouts >= 3 && this.#mtu.blackHole(now)) this.#congestion.packet = this.#mtu.size;
  }
}
