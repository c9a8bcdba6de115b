/** Batches of packets as lines: what a sink writes, whichever thread works it out. */

import { PcapRecords } from '../format/pcap-records.js';
import type { CapturedPacket } from '../record.js';
import type { RecordBatch } from '../source.js';
import { PacketLines } from './json-line.js';
import { PlainLines } from './plain-lines.js';
import { createTextLine, isStateful, type TextOptions } from './text-line.js';

/** What is made of packets; plain values, which a thread can be given. */
export type RenderSpec = { readonly kind: 'ndjson' } | { readonly kind: 'text'; readonly options: TextOptions };

/** Makes lines, which are the caller's; `memory` of earlier ones that are done with is used again. */
export interface Renderer {
  packets(batch: readonly CapturedPacket[], memory?: ArrayBuffer): string | Uint8Array;
  records(batch: Omit<RecordBatch, 'originalBytes'>, memory?: ArrayBuffer): string | Uint8Array;
}

/** Writes lines straight into memory. */
interface LineWriter {
  /** @param expected bytes of the lines, about */
  begin(expected: number, memory?: ArrayBuffer): void;
  add(packet: CapturedPacket): void;
  addRecord(records: PcapRecords): void;
  /** The lines since {@link begin}, which are the caller's. */
  take(): Uint8Array;
}

/** Bytes of a record without its payload, of a payload in base64 to a byte, and of a line, about. */
const RECORD = 900;
const BASE64 = 4 / 3;
const LINE = 180;

export function createRenderer(spec: RenderSpec): Renderer {
  if (spec.kind === 'ndjson') return writing(new PacketLines(), RECORD, BASE64);
  if (isPlain(spec.options)) return writing(new PlainLines(spec.options), LINE, 0);
  const line = createTextLine(spec.options);
  return {
    packets: (batch) => {
      let lines = '';
      for (const packet of batch) lines += line(packet);
      return lines;
    },
    records: (batch) => {
      let lines = '';
      for (const records = new PcapRecords(batch); records.next(); ) lines += line(records.packet());
      return lines;
    },
  };
}

/** Nothing but a time and the line. */
function isPlain({ link, verbose, numbers, hex }: TextOptions): boolean {
  return link !== true && verbose !== true && numbers !== true && hex === undefined;
}

/** Lines of so many bytes each, and so many for each byte of a packet. */
function writing(writer: LineWriter, each: number, perByte: number): Renderer {
  return {
    packets: (batch, memory) => {
      let length = 0;
      for (const { bytes } of batch) length += bytes.length;
      writer.begin(batch.length * each + Math.ceil(length * perByte), memory);
      for (const packet of batch) writer.add(packet);
      return writer.take();
    },
    records: (batch, memory) => {
      writer.begin(batch.count * each + Math.ceil(batch.bytes.length * perByte), memory);
      for (const records = new PcapRecords(batch); records.next(); ) writer.addRecord(records);
      return writer.take();
    },
  };
}

/** Whether the lines of a batch are the same whatever came before it: only then can batches be worked out in any order. */
export function isStateless(spec: RenderSpec): boolean {
  return spec.kind === 'ndjson' || !isStateful(spec.options);
}
