/** A filter that is asked for packets, whatever links they are from. */
import { RECORD_HEADER_LENGTH } from '../format/pcap-records.js';
import type { CapturedPacket, CaptureInterface } from '../record.js';
import type { RecordBatch } from '../source.js';
import { compileFilter, type FilterOptions } from './compile.js';
import { type CompiledProgram, compileProgram } from './program/javascript.js';

export interface PacketFilter {
  /** Whether a packet passes. */
  matches(packet: CapturedPacket): boolean;
  /** The records that pass, moved to the front of their memory. */
  select(batch: RecordBatch): RecordBatch;
}

/**
 * A filter of packets that were captured: it sees their bytes, and their lengths on the link.
 *
 * @param interfaces those known now: what means nothing on one of them is said at once
 * @throws FilterError, from here or, for interfaces that a file describes later, from the filter's methods
 */
export function createPacketFilter(
  expression: string,
  interfaces: readonly CaptureInterface[],
  options: Pick<FilterOptions, 'hosts' | 'netmask'> = {},
): PacketFilter {
  const programs = new Map<CaptureInterface, CompiledProgram>();
  const several = interfaces.length > 1;
  const programFor = (from: CaptureInterface): CompiledProgram => {
    let program = programs.get(from);
    if (program === undefined) {
      const { linkType, byteOrder } = from;
      // A packet of one link may pass where none of another can.
      const allowNone = several || programs.size > 0;
      program = compileProgram(compileFilter(expression, { ...options, linkType, byteOrder, allowNone }));
      programs.set(from, program);
    }
    return program;
  };
  for (const from of interfaces) programFor(from);
  return {
    matches: ({ interface: from, bytes, originalLength }) =>
      programFor(from)(bytes, 0, bytes.length, originalLength) !== 0,
    select: (batch) => selectRecords(batch, programFor(batch.layout.interface)),
  };
}

function selectRecords(batch: RecordBatch, program: CompiledProgram): RecordBatch {
  const { bytes, layout, before, count } = batch;
  const { littleEndian } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const passed = new Float64Array(count);
  let kept = 0;
  let originalBytes = 0;
  let end = 0;
  /** Where the records in a row that pass begin, the last of which ends where the next record begins. */
  let run = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + RECORD_HEADER_LENGTH;
    const next = start + view.getUint32(at + 8, littleEndian);
    const length = view.getUint32(at + 12, littleEndian);
    if (program(bytes, start, next, length) === 0) {
      if (run < at) {
        if (run !== end) bytes.copyWithin(end, run, at);
        end += at - run;
      }
      run = next;
    } else {
      originalBytes += length;
      passed[kept++] = before + i + 1;
    }
    at = next;
  }
  if (run < at) {
    if (run !== end) bytes.copyWithin(end, run, at);
    end += at - run;
  }
  return {
    layout,
    before,
    bytes: bytes.subarray(0, end),
    count: kept,
    originalBytes,
    numbers: passed.subarray(0, kept),
  };
}
