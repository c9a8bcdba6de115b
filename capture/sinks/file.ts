/** Packets into capture files, or onto standard output. */
import { toSockctlError, UsageError } from '../../src/errors.js';
import type { CaptureSink } from '../sink.js';
import { compressionOf, createCompress } from './file/compression.js';
import { FileFolder } from './file/folder.js';
import { FileNames } from './file/names.js';
import type { FileSinkOptions } from './file/options.js';
import { FileOutput } from './file/output.js';
import { FileSink } from './file/sink.js';

/**
 * Opens the file, which is emptied; `-` is standard output.
 *
 * @throws SocketError when it can't be opened; SockctlError when later files could not be; UsageError for what contradicts
 *   itself, and for zstd where Node has none
 */
export async function openFileSink(path: string, options: FileSinkOptions = {}): Promise<CaptureSink> {
  const { compress = compressionOf(path), rotation } = options;
  const compressor = createCompress(compress);
  if (path === '-') {
    if (rotation !== undefined) throw new UsageError('stdout is one file: it is not followed by others', 'name a file');
    return new FileSink(options, compressor, new FileOutput('stdout', 1));
  }
  const begun = new Date();
  const names = rotation === undefined ? undefined : new FileNames(path, rotation, begun);
  const name = names?.current ?? path;
  const folder = new FileFolder(name, options.owner);
  try {
    if (names !== undefined) folder.check();
    const output = new FileOutput(name, await folder.create(name, options.signal));
    return new FileSink(options, compressor, output, folder, names, begun);
  } catch (error) {
    folder.close();
    if (options.signal?.aborted === true) throw error;
    throw toSockctlError(error, name);
  }
}
