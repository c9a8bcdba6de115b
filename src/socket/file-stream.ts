/** The bytes of whatever a path names, in a stream that can be ended at any time. */
import { constants, createReadStream, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { toSockctlError } from '../errors.js';

/** Few, large reads: the calls cost more than the bytes. */
const CHUNK = 256 * 1024;

/**
 * A pipe that nobody has opened to write yet is waited for; like everything else that ends with the stream's `destroy`.
 *
 * @throws SocketError when it can't be opened; what goes wrong later, the opening of a regular file included, is an error
 *   of the stream
 */
export async function openFileStream(path: string): Promise<Readable> {
  try {
    if (!(await stat(path)).isFIFO()) return createReadStream(path, { highWaterMark: CHUNK });
    // open(2) would wait for the writer (fifo(7)), and a read of a quiet pipe for its bytes: on a thread that nothing ends.
    const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    throw toSockctlError(error, path);
  }
}
