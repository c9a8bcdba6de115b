/** The thread that works out the lines of batches; its parent is parallel.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CaptureInterface } from '../record.js';
import { type BatchMessage, unpackBatch } from './batch-message.js';
import { createRenderer, type RenderSpec } from './render.js';

const render = createRenderer(workerData as RenderSpec);
const interfaces: CaptureInterface[] = [];

parentPort?.on('message', (message: BatchMessage) => {
  const lines = render(unpackBatch(message, interfaces));
  const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
  // What lies in Node's shared pool can't be given away.
  const own = bytes.byteLength === bytes.buffer.byteLength || bytes.buffer.byteLength > 65_536 ? bytes : bytes.slice();
  parentPort?.postMessage({ id: message.id, bytes: own }, [own.buffer as ArrayBuffer]);
});
