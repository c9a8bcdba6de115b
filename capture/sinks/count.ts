/** Counts packets and nothing else. */
import { linkBytes } from '../frames.js';
import type { CaptureSink } from '../sink.js';

export interface CountSink extends CaptureSink {
  readonly packets: number;
  /** Lengths on the link, together. */
  readonly bytes: number;
}

export function createCountSink(): CountSink {
  let packets = 0;
  let bytes = 0;
  return {
    get packets() {
      return packets;
    },
    get bytes() {
      return bytes;
    },
    write: (batch) => {
      packets += batch.length;
      for (const packet of batch) bytes += packet.originalLength;
    },
    writeFrames: (batch) => {
      packets += batch.count;
      bytes += linkBytes(batch);
    },
    writeRecords: (batch) => {
      packets += batch.count;
      bytes += batch.originalBytes;
      return batch.bytes.buffer as ArrayBuffer;
    },
    close: () => undefined,
  };
}
