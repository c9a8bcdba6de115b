/** Batches of packets as lines: what a sink writes, whichever thread works it out. */

import { CommonPacket } from '../../src/wire/common-packet.js';
import { LinkType } from '../../src/wire/link-types.js';
import type { CapturedPacket } from '../record.js';
import { AsciiBuffer } from './ascii-buffer.js';
import { writeCommonLine } from './common-line.js';
import { PacketLines } from './json-line.js';
import { createTextLine, createTimeText, type TextOptions } from './text-line.js';

/** What is made of packets; plain values, which a thread can be given. */
export type RenderSpec = { readonly kind: 'ndjson' } | { readonly kind: 'text'; readonly options: TextOptions };

/** The lines of a batch, which are the caller's. */
export type RenderBatch = (batch: readonly CapturedPacket[]) => string | Uint8Array;

/** Bytes of a record without its payload, about. */
const RECORD = 900;

export function createRenderer(spec: RenderSpec): RenderBatch {
  if (spec.kind === 'ndjson') return createRecordRenderer();
  if (isPlain(spec.options)) return createLineRenderer(spec.options);
  const line = createTextLine(spec.options);
  return (batch) => {
    let lines = '';
    for (const packet of batch) lines += line(packet);
    return lines;
  };
}

/** Nothing but a time and the line. */
function isPlain({ link, verbose, numbers, hex }: TextOptions): boolean {
  return link !== true && verbose !== true && numbers !== true && hex === undefined;
}

/** Bytes of a line with its time, about. */
const LINE = 180;

function createLineRenderer(options: TextOptions): RenderBatch {
  const time = createTimeText(options);
  const line = createTextLine(options, time);
  const common = new CommonPacket();
  return (batch) => {
    const out = new AsciiBuffer(batch.length * LINE);
    for (const packet of batch) {
      const { bytes, interface: from, originalLength } = packet;
      const whole = from.linkType === LinkType.ETHERNET && originalLength === bytes.length;
      if (whole && common.read(bytes)) {
        const stamp = time(packet.timestamp);
        out.reserve(stamp.length);
        out.text(stamp);
        writeCommonLine(out, bytes, common);
      } else {
        const text = line(packet);
        out.reserve(text.length);
        out.text(text);
      }
    }
    return out.take();
  };
}

function createRecordRenderer(): RenderBatch {
  const records = new PacketLines();
  return (batch) => {
    let length = 0;
    for (const { bytes } of batch) length += bytes.length;
    records.begin(batch.length * RECORD + Math.ceil(length / 3) * 4);
    for (const packet of batch) records.add(packet);
    return records.take();
  };
}

/** Whether the lines of a batch are the same whatever came before it: only then can batches be worked out in any order. */
export function isStateless(spec: RenderSpec): boolean {
  return spec.kind === 'ndjson' || (spec.options.time !== 'delta' && spec.options.time !== 'elapsed');
}
