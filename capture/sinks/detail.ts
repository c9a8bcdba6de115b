/** Packets as trees of their fields, one after the other with an empty line between them. */
import { formatTimestamp } from '../../src/measure/clock.js';
import { detailLines } from '../../src/wire/detail.js';
import { dissect } from '../../src/wire/dissect.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import { escapeControls } from '../../src/wire/text.js';
import type { CapturedPacket } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';

/** @param write is given the lines of a batch at once */
export function createDetailSink(write: WriteLines): CaptureSink {
  return {
    write: (batch) => {
      let lines = '';
      for (const packet of batch) lines += describe(packet);
      return write(lines);
    },
    close: () => undefined,
  };
}

function describe(packet: CapturedPacket): string {
  const { bytes, interface: from, originalLength, timestamp, comments = [], direction } = packet;
  const time = timestamp === null ? 'no time' : formatTimestamp(timestamp);
  const on = from.name === null ? '' : ` on ${escapeControls(from.name)}`;
  const captured = bytes.length < originalLength ? `, ${bytes.length} captured` : '';
  const way = direction === null ? '' : `, ${direction}`;
  const head = `packet ${packet.number}: ${time}${on}, ${linkTypeName(from.linkType)}, ${originalLength} bytes${captured}${way}`;
  const told = comments.map((comment) => `  comment: ${escapeControls(comment)}`);
  const lines = detailLines(dissect(bytes, from.linkType, { originalLength }), '  ');
  return `${[head, ...told, ...lines].join('\n')}\n\n`;
}
