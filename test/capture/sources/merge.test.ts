import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CapturedPacket } from '../../../capture/record.js';
import { mergeSources } from '../../../capture/sources/merge.js';
import { collect, ETHERNET, memorySource, packet } from '../helpers.js';

const at = (seconds: number, tag: number): CapturedPacket =>
  packet(1, { timestamp: { seconds, nanoseconds: 0 }, bytes: Uint8Array.of(tag) });
const tags = (packets: readonly CapturedPacket[]): (number | undefined)[] => packets.map((one) => one.bytes[0]);

describe('merging', () => {
  test('orders by time, equal times by source, and numbers anew', async () => {
    const first = memorySource([[at(1, 1), at(5, 2)], [], [at(5, 3), at(9, 4)]]);
    const second = memorySource([[at(5, 11)], [at(6, 12)]]);
    const { packets } = await collect(mergeSources([first, second]));
    expect(tags(packets)).toEqual([1, 2, 3, 11, 12, 4]);
    expect(packets.map((one) => one.number)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('interfaces of different sources stay apart', async () => {
    const other = { ...ETHERNET, name: 'eth1' };
    const merged = mergeSources([memorySource([[at(2, 1)]]), memorySource([[{ ...at(1, 2), interface: other }]])]);
    expect(merged.interfaces.map((one) => [one.id, one.name])).toEqual([
      [0, 'eth0'],
      [1, 'eth1'],
    ]);
    const { packets } = await collect(merged);
    expect(packets.map((one) => one.interface)).toEqual([merged.interfaces[1], merged.interfaces[0]]);
  });

  test('a source that fails does not end the others', async () => {
    const failure = new Error('cut');
    const merged = mergeSources([memorySource([[at(1, 1)]], { failure }), memorySource([[at(2, 2)], [at(3, 3)]])]);
    const { packets, error } = await collect(merged);
    expect(tags(packets)).toEqual([1, 2, 3]);
    expect(error).toBe(failure);
  });

  test('packets without a time come as soon as their source reaches them', async () => {
    const timeless = packet(1, { timestamp: null, bytes: Uint8Array.of(9) });
    const { packets } = await collect(mergeSources([memorySource([[at(1, 1)]]), memorySource([[timeless, at(2, 2)]])]));
    expect(tags(packets)).toEqual([9, 1, 2]);
  });

  test('closes all', async () => {
    const sources = [memorySource([]), memorySource([])];
    await mergeSources(sources).close();
    expect(sources.map((one) => one.closed)).toEqual([true, true]);
  });

  test('any sorted sources, in any batches, give what sorting gives', async () => {
    const times = fc.array(fc.array(fc.nat(20), { maxLength: 6 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(times, { maxLength: 5 }), async (sources) => {
        const sorted = sources.map((batches) => {
          const all = batches.flat().sort((a, b) => a - b);
          return batches.map((batch) => all.splice(0, batch.length));
        });
        const made = sorted.map((batches) => memorySource(batches.map((batch) => batch.map((time) => at(time, 0)))));
        const { packets } = await collect(mergeSources(made));
        expect(packets.map((one) => one.timestamp?.seconds)).toEqual(sources.flat(2).sort((a, b) => a - b));
      }),
    );
  });
});
