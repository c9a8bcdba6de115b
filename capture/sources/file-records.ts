/** The records of a pcap file in few, large reads, with memory that goes round. */
import { type FileHandle, open } from 'node:fs/promises';
import { toSockctlError } from '../../src/errors.js';
import { CUT_RECORD, FILE_HEADER_LENGTH, type PcapLayout, scanRecords } from '../format/pcap.js';
import { faultError } from '../format/port.js';
import type { RecordBatch } from '../source.js';

const SIZE = 1 << 19;

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
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    yield* batches(path, file, layout, signal);
  } catch (error) {
    throw toSockctlError(error, path);
  } finally {
    await file?.close();
  }
}

async function* batches(
  path: string,
  file: FileHandle,
  layout: PcapLayout,
  signal: AbortSignal | undefined,
): AsyncGenerator<RecordBatch, undefined, ArrayBuffer | undefined> {
  let memory = new Uint8Array(new ArrayBuffer(SIZE));
  /** Bytes at the front that are read already, of a record that was not all there. */
  let left = 0;
  /** Where the front stands in the file. */
  let offset = FILE_HEADER_LENGTH;
  let before = 0;
  while (signal?.aborted !== true) {
    const { bytesRead } = await file.read(memory, left, memory.length - left, offset + left);
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
