/** The records of a pcap file in few, large reads, with memory that goes round. */
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { toSockctlError } from '../../src/errors.js';
import { FILE_HEADER_LENGTH } from '../format/pcap.js';
import { CUT_RECORD, type PcapLayout, scanRecords } from '../format/pcap-records.js';
import { faultError } from '../format/port.js';
import type { RecordBatch } from '../source.js';

/** What a processor keeps at hand: with more of it the copying is slower. */
const SIZE = 1 << 19;
/**
 * A read in the background takes longer to be announced than to be done, where the file is in memory. After so many bytes
 * the event loop gets its turn, so that signals are heard.
 */
const TURN_BYTES = 16 << 20;

/**
 * All whole records of the file at `path`, whose header is `layout`; then, where it is cut or corrupt, one error.
 *
 * @throws SockctlError TRUNCATED_CAPTURE, BAD_CAPTURE; SocketError when reading fails
 */
export async function* fileRecords(
  path: string,
  layout: PcapLayout,
  signal?: AbortSignal,
): AsyncGenerator<RecordBatch, undefined, ArrayBuffer | undefined> {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    yield* batches(path, fd, layout, signal);
  } catch (error) {
    throw toSockctlError(error, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function* batches(
  path: string,
  fd: number,
  layout: PcapLayout,
  signal: AbortSignal | undefined,
): AsyncGenerator<RecordBatch, undefined, ArrayBuffer | undefined> {
  let memory = new Uint8Array(new ArrayBuffer(SIZE));
  /** Bytes at the front that are read already, of a record that was not all there. */
  let left = 0;
  /** Where the front stands in the file. */
  let offset = FILE_HEADER_LENGTH;
  let before = 0;
  let turned = 0;
  while (signal?.aborted !== true) {
    if (offset - turned >= TURN_BYTES) {
      turned = offset;
      await turn();
    }
    const bytesRead = readSync(fd, memory, left, memory.length - left, offset + left);
    const length = left + bytesRead;
    const { count, originalBytes, end, need, fault } = scanRecords(memory, length, layout);
    const rest = memory.slice(end, length);
    const full = memory;
    if (count > 0) {
      const spare = yield { layout, bytes: full.subarray(0, end), count, originalBytes, before };
      // What is given away is not there any more.
      memory = new Uint8Array(spare !== undefined && spare.byteLength >= SIZE ? spare : new ArrayBuffer(SIZE));
    }
    before += count;
    offset += end;
    left = rest.length;
    if (fault !== undefined) throw faultError(path, { ...fault, offset });
    if (bytesRead === 0) {
      if (left > 0) throw faultError(path, { code: 'TRUNCATED_CAPTURE', reason: CUT_RECORD, offset });
      return;
    }
    if (need > memory.length) memory = new Uint8Array(new ArrayBuffer(need));
    memory.set(rest);
  }
}
