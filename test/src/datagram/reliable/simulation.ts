/**
 * Both ends of a reliable transfer in simulated time, with a path between them that loses, repeats, reorders, corrupts
 * and cuts by a seed. An hour of it takes milliseconds.
 */
import { createHash } from 'node:crypto';
import { encodeWelcome, PacketType, readPacket, readStart, seedOf } from '../../../../src/datagram/reliable/packets.js';
import { ReliableReceiver } from '../../../../src/datagram/reliable/receiver.js';
import { ReliableSender } from '../../../../src/datagram/reliable/sender.js';
import { seeded } from '../../../seeded.js';

export interface Path {
  /** Probabilities from 0 to 1, of each direction. */
  readonly loss: number;
  readonly duplicates: number;
  readonly reordering: number;
  readonly corruption: number;
  /** One way, in milliseconds, and what a reordered packet takes more at most. */
  readonly delayMs: number;
  readonly reorderMs: number;
  /** Bytes a millisecond; what does not fit the queue is dropped. */
  readonly rate: number;
  readonly queue: number;
  /** Larger datagrams vanish. */
  readonly mtu: number;
}

export const CLEAN: Path = {
  loss: 0,
  duplicates: 0,
  reordering: 0,
  corruption: 0,
  delayMs: 5,
  reorderMs: 20,
  rate: 10_000,
  queue: 1_000_000,
  mtu: 1472,
};

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

export interface Scenario {
  readonly size: number;
  readonly path: Path;
  readonly seed: number;
  /** Bytes of the data that the receiver has when it begins, which may be wrong. */
  readonly there?: Uint8Array;
  /** The receiver loses its memory at these times, in milliseconds, but keeps what is in order. */
  readonly restarts?: readonly number[];
  readonly timeoutMs?: number;
  /** Called with each packet on its way to the receiver, which may be changed or forged. */
  readonly tamper?: (packet: Uint8Array, inject: (packet: Uint8Array) => void) => void;
  readonly window?: number;
}

export interface Outcome {
  readonly state: string;
  readonly failure: unknown;
  /** What the receiver has kept, called right only when `right` is true. */
  readonly received: Uint8Array;
  readonly right: boolean;
  readonly timeMs: number;
  readonly packets: number;
  readonly retransmitted: number;
  readonly packetSize: number;
  readonly resumedFrom: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap by time, then by order. */
class Agenda {
  readonly #heap: Event[] = [];
  #order = 0;

  add(at: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at, order: this.#order++, run };
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent] as Event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
  }

  next(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!before(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

export function simulate(scenario: Scenario): Outcome {
  const { size, path, seed, there = new Uint8Array(0), restarts = [], timeoutMs = 60_000, tamper } = scenario;
  const random = seeded(seed);
  const randomId = () => Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256))).toString('hex');
  const agenda = new Agenda();
  let now = 0;
  const data = new Uint8Array(size);
  for (let i = 0; i < size; i++) data[i] = (i * 31 + (i >> 8) * 7 + seed) & 255;

  const sender = new ReliableSender({
    data: {
      end: size,
      available: size,
      copy: (offset, length, target, at) => target.set(data.subarray(offset, offset + length), at),
      release: () => undefined,
    },
    name: 'simulated',
    largestPacket: 16_416,
    timeoutMs,
    randomId,
    now,
  });

  // The far end: what is in order is on its disk.
  const disk = new Uint8Array(Math.max(size, there.length));
  disk.set(there);
  let kept = there.length;
  let right = false;
  let receiver: ReliableReceiver | undefined;
  let receiverId = randomId();
  /** It has ended for good: nobody answers any more. */
  let gone = false;

  /** One direction of the path: when it has sent what is in its queue. */
  const link = () => {
    let busyUntil = 0;
    return (packet: Uint8Array, deliver: (packet: Uint8Array) => void) => {
      if (packet.length > path.mtu || random() < path.loss) return;
      if ((busyUntil - now) * path.rate > path.queue) return;
      busyUntil = Math.max(now, busyUntil) + packet.length / path.rate;
      const copies = random() < path.duplicates ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        const bytes = Uint8Array.from(packet);
        if (random() < path.corruption) {
          const at = Math.floor(random() * bytes.length);
          bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
        }
        const late = random() < path.reordering ? random() * path.reorderMs : 0;
        agenda.add(busyUntil + path.delayMs + late, () => deliver(bytes));
      }
    };
  };
  const there1 = link();
  const back = link();
  const buffer = new Uint8Array(20_000);

  const pump = () => {
    for (let turns = 0; turns < 100_000; turns++) {
      if (sender.state === 'verify') {
        const ready = sender.ready;
        if (ready === undefined) throw new Error('to be verified, but not ready');
        const same = Buffer.compare(sha256(data.subarray(0, ready.offset)), ready.digest) === 0;
        sender.begin(same && ready.offset <= size ? ready.offset : 0, now);
      }
      if (sender.state === 'digest') sender.finish(sha256(data), now);
      const length = sender.transmit(now, buffer, 0);
      if (length === 0) return;
      const packet = buffer.slice(0, length);
      if (tamper !== undefined) tamper(packet, (forged) => agenda.add(now + path.delayMs, () => arrive(forged)));
      there1(packet, arrive);
    }
    throw new Error('the sender never stops sending');
  };

  const answer = () => {
    while (receiver !== undefined) {
      const packet = receiver.transmit(now);
      if (packet === undefined) return;
      back(packet, toSender);
    }
  };

  const take = () => {
    if (receiver === undefined) return;
    for (let piece = receiver.readable(); piece.length > 0; piece = receiver.readable()) {
      disk.set(piece, kept);
      kept += piece.length;
      receiver.taken(piece.length);
    }
    if (receiver.state !== 'check') return;
    const digest = sha256(disk.subarray(0, kept));
    if (receiver.expected !== undefined && Buffer.compare(digest, receiver.expected.digest) === 0) {
      right = true;
      receiver.finish(now);
    } else receiver.abort(1, 'the SHA-256 of both ends differ');
  };

  function arrive(bytes: Uint8Array): void {
    if (gone) return;
    const packet = readPacket(bytes);
    if (packet === undefined) return;
    if (packet.type === PacketType.hello) {
      back(encodeWelcome(packet.id, receiverId), toSender);
      return;
    }
    if (packet.id !== receiverId) return;
    if (packet.type === PacketType.start) {
      const start = readStart(packet);
      if (start === undefined) return;
      const known = receiver?.start.senderId === start.senderId && receiver.start.anew === start.anew;
      if (!known) {
        const candidate = new ReliableReceiver({
          start,
          seed: seedOf(start.senderId, receiverId),
          window: scenario.window ?? 1 << 18,
          now,
        });
        candidate.receive(packet, now);
        if (candidate.transmit(now) === undefined) return;
        receiver = candidate;
        if (start.anew) kept = 0;
        receiver.begin(kept, sha256(disk.subarray(0, kept)));
      }
    }
    receiver?.receive(packet, now);
    if (receiver?.urgent === true) answer();
    take();
    answer();
  }

  function toSender(bytes: Uint8Array): void {
    sender.receive(bytes, now);
    pump();
  }

  for (const at of restarts) {
    agenda.add(at, () => {
      receiver = undefined;
      receiverId = randomId();
    });
  }

  let wakeAt = Number.POSITIVE_INFINITY;
  const wake = () => {
    if (receiver?.state === 'closed') gone = true;
    const at = Math.max(
      now,
      Math.min(sender.nextTime(), gone ? Number.POSITIVE_INFINITY : (receiver?.nextTime() ?? Number.POSITIVE_INFINITY)),
    );
    if (at >= wakeAt || !Number.isFinite(at)) return;
    wakeAt = at;
    agenda.add(at, () => {
      wakeAt = Number.POSITIVE_INFINITY;
      pump();
      answer();
      wake();
    });
  };
  pump();
  wake();
  while (sender.state !== 'done' && sender.state !== 'failed') {
    const event = agenda.next();
    if (event === undefined) throw new Error(`nothing happens any more: ${sender.state}`);
    now = event.at;
    if (now > 3_600_000) throw new Error(`it is not over after an hour: ${sender.state}, ${sender.delivered}`);
    event.run();
    wake();
  }
  return {
    state: sender.state,
    failure: sender.failure,
    received: disk.subarray(0, kept),
    right,
    timeMs: now,
    packets: sender.packets,
    retransmitted: sender.retransmitted,
    packetSize: sender.packetSize,
    resumedFrom: sender.resumedFrom,
  };
}
