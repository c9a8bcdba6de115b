import { describe, expect, it } from 'vitest';
import { RecordQueue } from '../../../src/raw/record-queue.js';

async function collect<Item>(queue: RecordQueue<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

describe('the record queue', () => {
  it('gives everything in order, and then the end', async () => {
    const queue = new RecordQueue<number>();
    const all = collect(queue);
    queue.push(1);
    setImmediate(() => {
      queue.push(2);
      queue.end([3]);
      queue.push(4);
    });
    expect(await all).toEqual([1, 2, 3]);
  });

  it('gives what came before an error, and then the error', async () => {
    const queue = new RecordQueue<number>();
    queue.push(1);
    queue.fail(new Error('broken'), [2]);
    const items: number[] = [];
    const reading = (async () => {
      for await (const item of queue) items.push(item);
    })();
    await expect(reading).rejects.toThrow('broken');
    expect(items).toEqual([1, 2]);
  });

  it('is bounded, counts what it drops, and keeps the last', async () => {
    const queue = new RecordQueue<number>();
    for (let i = 0; i < 70_000; i++) queue.push(i);
    queue.end([-1]);
    const items = await collect(queue);
    expect(items).toHaveLength(65_537);
    expect(items.at(-1)).toBe(-1);
    expect(queue.dropped).toBe(70_000 - 65_536);
  });
});
