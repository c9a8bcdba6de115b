/**
 * Compression of a file that is still being written: each piece becomes a gzip member (RFC 1952 section 2.2) or a zstd
 * frame (RFC 8878 section 3.1) of its own. A file that ends anywhere between two of them is whole, so that what was
 * written before a crash or on a full disk can be read, and pieces can be compressed side by side. It is done by threads of
 * Node's own pool.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { UsageError } from '../../../src/errors.js';

export type FileCompression = 'gzip' | 'zstd' | 'none';

/** A piece of its own; the bytes may be used again when it is there. */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>;

/** A capture that can't keep up loses packets: speed comes before size. zstd needs no more for about the same. */
const GZIP_LEVEL = 3;
const ZSTD_LEVEL = 1;
/** Room for the output at a time: every further one costs a turn of the loop. */
const CHUNK = 256 * 1024;

/** What the name of a file asks for. */
export function compressionOf(path: string): FileCompression {
  if (/\.gz$/i.test(path)) return 'gzip';
  return /\.zst$/i.test(path) ? 'zstd' : 'none';
}

/** @throws UsageError for zstd where Node has none, which is before 22.15 */
export function createCompress(kind: FileCompression): Compress | undefined {
  if (kind === 'none') return undefined;
  if (kind === 'gzip') {
    const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Uint8Array>(zlib.gzip);
    return (bytes) => gzip(bytes, { level: GZIP_LEVEL, chunkSize: CHUNK });
  }
  const { zstdCompress, constants } = zlib as typeof zlib & {
    zstdCompress?: (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;
  };
  if (zstdCompress === undefined) {
    throw new UsageError(
      `Node ${process.versions.node} can't compress with zstd`,
      'run sockctl with Node 22.15 or later, or name the file .gz',
    );
  }
  const level = (constants as { ZSTD_c_compressionLevel?: number }).ZSTD_c_compressionLevel;
  const params = level === undefined ? {} : { [level]: ZSTD_LEVEL };
  const zstd = promisify(zstdCompress);
  return (bytes) => zstd(bytes, { params, chunkSize: CHUNK });
}
