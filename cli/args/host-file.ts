/** A file of hosts, one a line. */
import type { Readable } from 'node:stream';
import { clip, toSockctlError, UsageError } from '../../src/errors.js';
import { openFileStream } from '../../src/socket/file-stream.js';

/** A host as the user wrote it. */
export interface HostText {
  readonly text: string;
  /** File and line; undefined for the command line itself. */
  readonly where?: string | undefined;
}

/** Longer than any name (RFC 1035 section 2.3.4: 255), address or block, with room for a comment. */
const LINE_MAX = 1024;
/** Hosts of a file at most; larger sets are blocks. */
const HOSTS_MAX = 1 << 20;

/**
 * The hosts of a file, one a line; `-` is stdin. Empty lines, and what follows a `#`, are left out.
 *
 * @throws UsageError for a line that is no host, with its number; SocketError where the file can't be read
 */
export async function readHostFile(path: string, signal: AbortSignal): Promise<HostText[]> {
  const name = path === '-' ? 'stdin' : path;
  const hosts: HostText[] = [];
  let number = 0;
  const take = (bytes: Buffer): void => {
    number++;
    const where = `${clip(name)}:${number}`;
    if (bytes.length > LINE_MAX) throw tooLong(where);
    const text = lineText(bytes, where);
    if (text === '') return;
    if (hosts.length >= HOSTS_MAX) {
      throw new UsageError(
        `${where}: more than ${HOSTS_MAX.toLocaleString('en')} hosts`,
        'write them as blocks: 10.0.0.0/8',
      );
    }
    hosts.push({ text, where });
  };
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of abortable(path === '-' ? process.stdin : await openFileStream(path), signal)) {
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
        take(all.subarray(start, end));
        start = end + 1;
      }
      rest = all.subarray(start);
      if (rest.length > LINE_MAX) throw tooLong(`${clip(name)}:${number + 1}`);
    }
  } catch (error) {
    throw (error as Error).name === 'AbortError' ? error : toSockctlError(error, name);
  }
  if (rest.length > 0) take(rest);
  return hosts;
}

/** stdin may never end, and reading it can't be called off; what it would have said is not waited for. */
async function* abortable(input: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => undefined);
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), aborted]);
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Not waited for: a read that goes on may do so for ever.
    void chunks.return?.().catch(() => undefined);
    if (input !== process.stdin) input.destroy();
  }
}

function tooLong(where: string): UsageError {
  return new UsageError(`${where}: the line is longer than ${LINE_MAX} bytes`, 'write one host a line');
}

function lineText(bytes: Buffer, where: string): string {
  const line = bytes.toString('utf8');
  const comment = line.indexOf('#');
  const text = (comment < 0 ? line : line.slice(0, comment)).trim();
  if (/[\s\p{C}\ufffd]/u.test(text))
    throw new UsageError(`${where}: '${clip(text)}' is not one host`, 'write one host a line');
  return text;
}
