/** A line a packet, as tcpdump(8) prints them. */
import type { CaptureSink, WriteLines } from '../sink.js';
import { createRenderer } from './render.js';
import type { TextOptions } from './text-line.js';

/** @param write is given the lines of a batch at once */
export function createTextSink(write: WriteLines, options: TextOptions = {}): CaptureSink {
  const render = createRenderer({ kind: 'text', options });
  return { write: (batch) => write(render.packets(batch)), close: () => undefined };
}
