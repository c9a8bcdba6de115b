/** Both state machines of reliable delivery in simulated time: thousands of transfers over paths of every kind. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAck, encodeDone, PacketType, readPacket } from '../../../../src/datagram/reliable/packets.js';
import { seeded } from '../../../seeded.js';
import { CLEAN, type Path, type Scenario, simulate } from './simulation.js';

const SEEDS = 10_000;

/** A scenario of everything that a path may do, by its seed. */
function scenario(seed: number): Scenario {
  const random = seeded(seed * 7919);
  const sometimes = (share: number, most: number) => (random() < share ? random() * most : 0);
  const size = Math.floor(random() * random() * 60_000);
  const path: Path = {
    loss: sometimes(0.7, 0.45),
    duplicates: sometimes(0.5, 0.2),
    reordering: sometimes(0.5, 0.5),
    corruption: sometimes(0.3, 0.1),
    delayMs: random() * random() * 100,
    reorderMs: random() * 50,
    rate: 10 + random() * random() * 20_000,
    queue: 3000 + random() * 1e6,
    mtu: 1200 + Math.floor(sometimes(0.5, 16_000)),
  };
  const restarts = random() < 0.15 ? [random() * 2000, random() * 6000] : [];
  const window = 2 ** (13 + Math.floor(random() * 6));
  const there = random() < 0.2 ? new Uint8Array(Math.floor(random() * size * 1.2)).fill(random() * 2) : undefined;
  return { seed, size, path, restarts, window, ...(there === undefined ? {} : { there }) };
}

/** The data that {@link simulate} sends. */
const dataOf = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255);

describe('a transfer in simulated time', () => {
  it(`is complete and right over ${SEEDS} paths that lose, repeat, reorder, corrupt, cut and forget`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const one = scenario(seed);
      const { state, right, received, failure } = simulate(one);
      if (state !== 'done' || !right || received.length !== one.size) {
        expect.unreachable(`seed ${seed}: ${state}, ${JSON.stringify(failure)}`);
      }
      if (Buffer.compare(received, dataOf(one.size, seed)) !== 0) expect.unreachable(`seed ${seed}: wrong bytes`);
    }
  }, 120_000);

  it('takes nothing at all, one byte, and what ends with a packet', () => {
    for (const size of [0, 1, 1168, 2336]) {
      expect(simulate({ seed: 1, size, path: CLEAN })).toMatchObject({ state: 'done', right: true });
    }
  });

  it('goes on after what is there, and from the start where that is something else', () => {
    const size = 50_000;
    const mine = simulate({ seed: 5, size, path: CLEAN, there: dataOf(30_000, 5) });
    expect(mine).toMatchObject({ state: 'done', right: true, resumedFrom: 30_000 });
    const another = simulate({ seed: 5, size, path: CLEAN, there: dataOf(30_000, 6) });
    expect(another).toMatchObject({ state: 'done', right: true, resumedFrom: 0 });
    const longer = simulate({ seed: 5, size, path: CLEAN, there: dataOf(90_000, 5) });
    expect(longer).toMatchObject({ state: 'done', right: true });
    expect(longer.received).toHaveLength(size);
  });

  it('uses what the path takes, and finds its MTU without being told', () => {
    const size = 10_000_000;
    const clean = simulate({ seed: 1, size, path: CLEAN, window: 1 << 20 });
    // A link of 10,000 bytes a millisecond takes a second for it.
    expect(clean.timeMs).toBeLessThan(1300);
    expect(clean.packetSize).toBe(1472);
    expect(simulate({ seed: 1, size, path: { ...CLEAN, mtu: 9000 }, window: 1 << 20 }).packetSize).toBe(8952);
    expect(simulate({ seed: 1, size: 1e6, path: { ...CLEAN, mtu: 1200 } }).packetSize).toBe(1200);
  });

  it('is hardly slower where every twentieth datagram is lost, and does not flood a link with a short queue', () => {
    const size = 10_000_000;
    const lossy = simulate({ seed: 1, size, path: { ...CLEAN, loss: 0.05, reordering: 0.2 }, window: 1 << 20 });
    expect(lossy.timeMs).toBeLessThan(2000);
    const short = simulate({ seed: 1, size: 5e7, path: { ...CLEAN, queue: 20_000 }, window: 1 << 20 });
    expect(short.retransmitted / short.packets).toBeLessThan(0.15);
    expect(short.timeMs).toBeLessThan(7000);
  }, 60_000);

  it('ends at both ends where half of all packets are lost', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const path = { ...CLEAN, loss: 0.5, delayMs: seed % 100 };
      const { state, right, failure } = simulate({ seed, size: 3000, path });
      if (state !== 'done' || !right) expect.unreachable(`seed ${seed}: ${state}, ${JSON.stringify(failure)}`);
    }
  });

  it('gives up after the time that it is told, when nobody is there and when somebody falls silent', () => {
    const dead: Path = { ...CLEAN, loss: 1 };
    expect(simulate({ seed: 1, size: 1000, path: dead, timeoutMs: 5000 })).toMatchObject({
      state: 'failed',
      failure: { kind: 'timeout' },
      timeMs: 5000,
    });
  });
});

describe('packets of others', () => {
  it('that are forged without both ids change nothing', () => {
    const random = seeded(99);
    const forge = (packet: Uint8Array, inject: (packet: Uint8Array) => void) => {
      // Who does not see the packets has to guess the id, and the check.
      const forged = Uint8Array.from(packet);
      for (let i = 4; i < 16; i++) forged[i] = Math.floor(random() * 256);
      inject(forged);
      const known = Uint8Array.from(packet);
      known[known.length - 1] = (known[known.length - 1] as number) ^ 255;
      inject(known);
      inject(Uint8Array.from({ length: 100 }, () => Math.floor(random() * 256)));
    };
    const outcome = simulate({ seed: 3, size: 200_000, path: CLEAN, tamper: forge });
    expect(outcome).toMatchObject({ state: 'done', right: true });
  });

  it('of any bytes are read without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 12 }), (bytes, type) => {
        const packet = Uint8Array.from([0x53, 0x4b, 0x52, type, ...bytes]);
        const read = readPacket(packet);
        if (read !== undefined) expect(Object.values(PacketType)).toContain(read.type);
      }),
      { numRuns: 2000 },
    );
  });

  it('are as short as they are said to be', () => {
    const id = '0123456789abcdef';
    const ack = { largest: 5, delayMs: 1, inOrder: 100, windowEnd: 200, ranges: [{ length: 3, gap: 2 }] };
    expect(encodeAck(id, ack, 1)).toHaveLength(52);
    expect(readPacket(encodeDone(id, new Uint8Array(32), 1).subarray(0, 40))).toBeUndefined();
  });
});
