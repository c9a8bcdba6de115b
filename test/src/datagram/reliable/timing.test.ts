/** What decides when how much of which size is sent: round trips, path MTU, congestion. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Congestion } from '../../../../src/datagram/reliable/congestion.js';
import { BASE_SIZE, MAX_SIZE, PathMtu } from '../../../../src/datagram/reliable/path-mtu.js';
import { RoundTrip } from '../../../../src/datagram/reliable/round-trip.js';

describe('the retransmission timeout', () => {
  it('is that of RFC 6298, step by step', () => {
    const times = new RoundTrip();
    expect(times.timeout).toBe(1000);
    times.measured(100);
    // SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR
    expect(times.timeout).toBe(300);
    times.measured(140);
    // RTTVAR = 3/4 * 50 + 1/4 * 40 = 47.5, SRTT = 7/8 * 100 + 1/8 * 140 = 105
    expect([times.smoothed, times.timeout]).toEqual([105, 295]);
    times.backOff();
    expect(times.timeout).toBe(590);
    times.measured(105);
    expect(times.timeout).toBeLessThan(295);
  });

  it('stays between its bounds, whatever is measured', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true })), fc.nat(100), (measured, backOffs) => {
        const times = new RoundTrip();
        for (const rtt of measured) times.measured(rtt);
        for (let i = 0; i < backOffs; i++) times.backOff();
        expect(times.timeout).toBeGreaterThanOrEqual(25);
        expect(times.timeout).toBeLessThanOrEqual(2000);
      }),
    );
  });
});

/** Tries sizes until there are none left, over a path that takes `limit` bytes. */
function discover(mtu: PathMtu, limit: number, now: number): number {
  let probes = 0;
  for (let size = mtu.probe(now); size !== undefined; size = mtu.probe(now)) {
    mtu.sent();
    expect(mtu.probe(now)).toBeUndefined();
    if (size <= limit) mtu.acked(size);
    else mtu.missed();
    if (++probes > 100) expect.unreachable('it never ends');
  }
  return probes;
}

describe('the size of datagrams', () => {
  it.each([
    [65_507, MAX_SIZE],
    [8952, 8952],
    [1472, 1472],
    [1460, 1452],
    [1400, 1372],
    [1200, 1200],
  ])('of a path that takes %i bytes is %i', (limit, found) => {
    const mtu = new PathMtu(65_507);
    const probes = discover(mtu, limit, 0);
    expect(mtu.size).toBe(found);
    // Three tries for a size that does not pass, one for the one that does.
    expect(probes).toBeLessThanOrEqual(22);
  });

  it('is never above what the own link takes, nor what was acknowledged, nor below the base', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(70_000), (link, limit) => {
        const mtu = new PathMtu(link);
        discover(mtu, Math.max(BASE_SIZE, limit), 0);
        expect(mtu.size).toBeGreaterThanOrEqual(BASE_SIZE);
        expect(mtu.size).toBeLessThanOrEqual(Math.max(BASE_SIZE, Math.min(link, limit)));
      }),
    );
  });

  it('falls back where larger ones vanish, and tries again later, ever more seldom', () => {
    const mtu = new PathMtu(9000);
    discover(mtu, 9000, 0);
    let now = 1000;
    let pause = 5000;
    for (let i = 0; i < 3; i++) {
      expect(mtu.blackHole(now)).toBe(true);
      expect(mtu.size).toBe(BASE_SIZE);
      expect(mtu.blackHole(now)).toBe(false);
      expect(mtu.probe(now + pause - 1)).toBeUndefined();
      expect(mtu.probe(now + pause)).toBe(9000);
      now += pause;
      discover(mtu, 9000, now);
      expect(mtu.size).toBe(9000);
      pause *= 2;
    }
  });

  it('takes a refusal of this machine at its word', () => {
    const mtu = new PathMtu(9000);
    expect(mtu.probe(0)).toBe(9000);
    mtu.sent();
    mtu.missed(true);
    expect(mtu.probe(0)).toBe(8952);
  });
});

/** Rounds over a path of `rate` bytes a millisecond and `rtt`, with room for `queue` bytes, that loses a share itself. */
function rounds(
  congestion: Congestion,
  path: { rate: number; rtt: number; queue: number; loss?: number },
  count: number,
) {
  const { rate, rtt, queue, loss = 0 } = path;
  let now = 0;
  for (let round = 0; round < count; round++) {
    const window = congestion.window;
    const room = rate * rtt + queue;
    const arrived = Math.min(window, room) * (1 - loss);
    const took = Math.max(rtt, Math.min(window, room) / rate);
    now += took;
    congestion.measured(took, now);
    const lost = window - arrived;
    if (lost > 0) congestion.lost(lost);
    congestion.acked({ bytes: arrived, rate: arrived / took, limited: false, full: true, now });
    congestion.endRound(now);
  }
  return congestion.window;
}

describe('the congestion window', () => {
  const path = { rate: 1250, rtt: 40, queue: 50_000 };
  const product = path.rate * path.rtt;

  it('begins with ten packets and fills the path in a dozen round trips', () => {
    const congestion = new Congestion(1200, 0);
    expect(congestion.window).toBe(12_000);
    rounds(congestion, path, 12);
    expect(congestion.window).toBeGreaterThanOrEqual(product);
  });

  it('stays near what the path holds', () => {
    const window = rounds(new Congestion(1200, 0), path, 200);
    expect(window).toBeGreaterThanOrEqual(0.7 * product);
    expect(window).toBeLessThanOrEqual(2.5 * product);
  });

  it('backs off from losses of its own making', () => {
    const shallow = { ...path, queue: 5000 };
    const window = rounds(new Congestion(1200, 0), shallow, 400);
    expect(window).toBeLessThanOrEqual(1.35 * product);
    expect(window).toBeGreaterThanOrEqual(0.7 * product);
  });

  it.each([0.01, 0.05, 0.2])('does not shrink on a path that loses %f of everything', (loss) => {
    expect(rounds(new Congestion(1200, 0), { ...path, loss }, 300)).toBeGreaterThanOrEqual(0.7 * product);
  });

  it('follows a path that has become slower', () => {
    const congestion = new Congestion(1200, 0);
    rounds(congestion, path, 50);
    rounds(congestion, { rate: 125, rtt: 40, queue: 50_000 }, 50);
    expect(congestion.window).toBeLessThanOrEqual(0.6 * product);
  });

  it('falls to four packets when nothing comes back, and is never less', () => {
    const congestion = new Congestion(1200, 0);
    rounds(congestion, path, 50);
    congestion.collapse();
    expect(congestion.window).toBe(4800);
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rate, loss) => {
          const any = new Congestion(1200, 0);
          rounds(any, { rate, rtt: 10, queue: 1000, loss }, 60);
          expect(any.window).toBeGreaterThanOrEqual(4800);
          expect(Number.isFinite(any.window)).toBe(true);
        },
      ),
    );
  });
});
