/** Packets as `packet` records, one JSON object a line. */
import { dissect } from '../../src/wire/dissect.js';
import { type CapturedPacket, packetRecord } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';

/** @param write is given the lines of a batch at once */
export function createNdjsonSink(write: WriteLines): CaptureSink {
  return {
    write: (batch) => {
      let lines = '';
      for (const packet of batch) lines += `${JSON.stringify(describe(packet))}\n`;
      return write(lines);
    },
    close: () => undefined,
  };
}

function describe(packet: CapturedPacket): object {
  const { bytes, interface: from, originalLength } = packet;
  return packetRecord(packet, dissect(bytes, from.linkType, { originalLength }));
}
