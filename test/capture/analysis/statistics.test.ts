import { describe, expect, it } from 'vitest';
import { CaptureStatisticsCollector } from '../../../capture/analysis/statistics.js';
import { packet } from '../helpers.js';

/** Packets at these milliseconds. */
function collect(times: readonly number[], intervalMs?: number): CaptureStatisticsCollector {
  const collector = new CaptureStatisticsCollector({ intervalMs });
  times.forEach((ms, i) => {
    const timestamp = { seconds: 1000 + Math.floor(ms / 1000), nanoseconds: Math.floor((ms % 1000) * 1e6) };
    collector.add(packet(i + 1, { timestamp }));
  });
  return collector;
}

describe('the rate', () => {
  it.each([
    [20, 1],
    [100, 5],
    [1000, 50],
    [90_000, 5000],
    [10_400_000, 500_000],
    [1e12, 5e10],
  ])('of %i ms has intervals of %i', (length, interval) => {
    const { intervalMs, points } = collect([0, length / 3, length / 2, length]).rate();
    expect(intervalMs).toBe(interval);
    expect(points.reduce((sum, { packets }) => sum + packets, 0)).toBe(4);
    expect(points.length).toBeLessThanOrEqual(25);
  });

  it('has the intervals that were asked for', () => {
    const { intervalMs, points } = collect([0, 999, 1000, 60_000], 1000).rate();
    expect(intervalMs).toBe(1000);
    expect(points).toHaveLength(61);
    expect(points[0]).toMatchObject({ packets: 2 });
  });

  it('takes times that go back, and none', () => {
    const collector = collect([500, 0, 100]);
    collector.add(packet(4, { timestamp: null }));
    expect(collector.rate().points.reduce((sum, { packets }) => sum + packets, 0)).toBe(4);
    expect(collector.totals).toMatchObject({ packets: 4, durationMs: 0 });
    expect(new CaptureStatisticsCollector().rate().points).toEqual([]);
  });
});

describe('the tree', () => {
  it('has each node with its children behind it, the most packets first', () => {
    const collector = new CaptureStatisticsCollector();
    const arp = Uint8Array.from(Buffer.from(`ffffffffffff02000000000108060001080006040001${'00'.repeat(20)}`, 'hex'));
    const unknown = Uint8Array.from(Buffer.from(`ffffffffffff02000000000188b5${'00'.repeat(50)}`, 'hex'));
    for (const bytes of [arp, unknown, unknown]) collector.add(packet(1, { bytes }));
    expect(collector.protocols().map(({ path, packets }) => [path.join('/'), packets])).toEqual([
      ['ethernet', 3],
      ['ethernet/payload', 2],
      ['ethernet/arp', 1],
    ]);
    const counts = { packetsSent: 0, bytesSent: 0, packetsReceived: 3, bytesReceived: arp.length + 2 * unknown.length };
    expect(collector.endpoints()).toContainEqual({ address: 'ff:ff:ff:ff:ff:ff', ...counts });
  });
});
