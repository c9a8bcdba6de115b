/**
 * The thread that reads a ring and hands its packets over in memory of their own; its parent is lane.ts.
 *
 * It ends by itself when it is told to: a thread that is terminated while koffi calls back takes the process with it.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { BlockRing } from '../../../src/socket/native/block-ring.js';
import { loadLibc } from '../../../src/socket/native/libc.js';
import { copyFrames, frameBuffers } from '../../frames.js';
import { BlockReader } from './block.js';
import { END, READY, type WorkerBatch, type WorkerTask } from './lane.js';
import { watchRing } from './watch.js';

const { fd, address, length, shape, layout, batches } = workerData as WorkerTask;

let ending = false;
/** Batches that the parent has. */
let underway = 0;
let wake: (() => void) | undefined;
parentPort?.on('message', (message: typeof END | undefined) => {
  if (message === END) ending = true;
  else underway -= 1;
  wake?.();
});

const libc = await loadLibc();
const watch = watchRing(libc, fd, () => wake?.());
parentPort?.postMessage(READY);

const blocks = new BlockRing(libc.view(address, length), shape);
/** The numbers of the interfaces of a batch, by their places in it. */
let places = new Map<number, number>();
const reader = new BlockReader(blocks, layout, (index) => {
  const known = places.get(index) ?? places.size;
  places.set(index, known);
  return known;
});

/** Resolves when a block may be there, or the parent has something to say. */
async function change(): Promise<void> {
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  watch.want(underway < batches, false);
  await woken;
  wake = undefined;
  watch.want(false, false);
}

while (!ending) {
  const block = underway < batches ? blocks.take() : undefined;
  if (block === undefined) {
    await change();
    continue;
  }
  places = new Map();
  const batch = copyFrames(reader.read(block, 0));
  blocks.release();
  underway += 1;
  const message: WorkerBatch = { batch, indexes: [...places.keys()] };
  parentPort?.postMessage(message, frameBuffers(batch));
  await turn();
}
watch.close();
parentPort?.close();
