/** Packets as `packet` records, one JSON object a line. */
import type { CaptureSink, WriteLines } from '../sink.js';
import { createRenderer } from './render.js';

/** @param write is given the lines of a batch at once */
export function createNdjsonSink(write: WriteLines): CaptureSink {
  const render = createRenderer({ kind: 'ndjson' });
  return { write: (batch) => write(render.packets(batch)), close: () => undefined };
}
