/** The thread that works out the lines of batches; its parent is parallel.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CaptureInterface } from '../record.js';
import { type BatchMessage, READY, type RecordsMessage, unpackBatch, type WorkResult } from './batch-message.js';
import { createRenderer, type RenderSpec } from './render.js';

const render = createRenderer(workerData as RenderSpec);
const interfaces: CaptureInterface[] = [];

parentPort?.on('message', (message: BatchMessage | RecordsMessage) => {
  const records = 'layout' in message;
  const { output } = message;
  const lines = records ? render.records(message, output) : render.packets(unpackBatch(message, interfaces), output);
  const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
  // What lies in Node's shared pool can't be given away.
  const own = bytes.buffer.byteLength > Buffer.poolSize ? bytes : bytes.slice();
  const result: WorkResult = {
    id: message.id,
    bytes: own,
    ...(records ? { memory: message.bytes.buffer as ArrayBuffer } : {}),
  };
  const given = [own.buffer as ArrayBuffer];
  if (result.memory !== undefined) given.push(result.memory);
  parentPort?.postMessage(result, given);
});
parentPort?.postMessage(READY);
