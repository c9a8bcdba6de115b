/** The thread that reads a ring and hands its packets over in memory of their own; its parent is lane.ts. */
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { BlockRing } from '../../../src/socket/native/block-ring.js';
import { loadLibc } from '../../../src/socket/native/libc.js';
import { DescriptorWatch } from '../../../src/socket/native/poller.js';
import { copyFrames } from '../../frames.js';
import { BlockReader } from './block.js';
import type { WorkerBatch, WorkerTask } from './lane.js';

const { fd, address, length, shape, layout, batches } = workerData as WorkerTask;

const libc = await loadLibc();
const blocks = new BlockRing(libc.view(address, length), shape);
/** Interfaces by their places in batches. */
const indexes: number[] = [];
const reader = new BlockReader(blocks, layout, (index) => {
  const known = indexes.indexOf(index);
  return known < 0 ? indexes.push(index) - 1 : known;
});

let underway = 0;
let wake: (() => void) | undefined;
const watch = new DescriptorWatch(libc, fd, () => wake?.());
parentPort?.on('message', () => {
  underway -= 1;
  wake?.();
});

/** Resolves when a block may be there, or the parent has done with a batch. */
async function change(readable: boolean): Promise<void> {
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  watch.want(readable, false);
  await woken;
  wake = undefined;
}

for (;;) {
  const block = underway < batches ? blocks.take() : undefined;
  if (block === undefined) {
    await change(underway < batches);
    continue;
  }
  const batch = copyFrames(reader.read(block, 0));
  blocks.release();
  underway += 1;
  const message: WorkerBatch = { batch, indexes };
  const { bytes, starts, lengths, originalLengths, seconds, nanoseconds, flags, interfaces } = batch;
  const columns = [bytes, starts, lengths, originalLengths, seconds, nanoseconds, flags, interfaces];
  parentPort?.postMessage(
    message,
    columns.map(({ buffer }) => buffer as ArrayBuffer),
  );
  await turn();
}
