/**
 * The hosts of a command line and of a file of hosts: names, addresses and blocks of addresses. What can't be any of
 * them is refused before anything is looked up; names are looked up several at a time.
 */
import { createReadStream } from 'node:fs';
import { clip, ExitCode, SockctlError, toSockctlError, UsageError } from '../../src/errors.js';
import type { PingBlock, PingTarget } from '../../src/raw/ping/targets.js';
import { type IPFamily, tryParseIP } from '../../src/sockaddr/ip.js';
import { parsePrefix } from '../../src/sockaddr/prefix.js';
import { resolveHost } from '../../src/sockaddr/resolve.js';

/** A host as the user wrote it. */
export interface HostText {
  readonly text: string;
  /** File and line; undefined for the command line itself. */
  readonly where?: string | undefined;
}

/** The one family that is wanted, and the flag that says so. */
export interface OnlyFamily {
  readonly family: IPFamily;
  readonly flag: string;
}

/** Longer than any name (RFC 1035 section 2.3.4: 255), address or block, with room for a comment. */
const LINE_MAX = 1024;
const NAME_MAX = 255;
/** Hosts of a file at most; larger sets are blocks. */
const HOSTS_MAX = 1 << 20;
/** The name service answers so many at once: Node has as many threads to ask it with. */
const LOOKUPS = 4;

/**
 * The hosts of a file, one a line; `-` is stdin. Empty lines, and what follows a `#`, are left out.
 *
 * @throws UsageError for a line that is no host, with its number; SocketError where the file can't be read
 */
export async function readHostFile(path: string, signal: AbortSignal): Promise<HostText[]> {
  const name = path === '-' ? 'stdin' : path;
  const input: AsyncIterable<Buffer> = path === '-' ? process.stdin : createReadStream(path, { signal });
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
    for await (const chunk of abortable(input, signal)) {
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
async function* abortable(input: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => undefined);
  const chunks = input[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), aborted]);
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
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

export interface HostError {
  readonly target: string;
  readonly error: SockctlError;
}

export interface HostSet {
  /** In the order of the texts. */
  readonly entries: (PingTarget | PingBlock)[];
  /** Those whose names can't be resolved. */
  readonly unresolved: readonly HostError[];
}

/**
 * Finds out what the texts stand for: of a name its first address, as ping(8) has it.
 *
 * @throws UsageError for a text that is neither a name nor an address nor a block
 */
export async function resolveHosts(
  texts: readonly HostText[],
  only: OnlyFamily | undefined,
  signal: AbortSignal,
): Promise<HostSet> {
  const found = new Array<PingTarget | PingBlock | SockctlError | undefined>(texts.length);
  const names: number[] = [];
  for (const [i, host] of texts.entries()) {
    found[i] = readNumeric(host, only);
    if (found[i] === undefined) names.push(i);
  }
  let next = 0;
  const lookUp = async (): Promise<void> => {
    while (next < names.length) {
      const at = names[next++] as number;
      found[at] = await resolveName(texts[at] as HostText, only?.family, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LOOKUPS, names.length) }, lookUp));
  const entries: (PingTarget | PingBlock)[] = [];
  const unresolved: HostError[] = [];
  for (const [i, one] of found.entries()) {
    if (one instanceof SockctlError) unresolved.push({ target: (texts[i] as HostText).text, error: one });
    else if (one !== undefined) entries.push(one);
  }
  return { entries, unresolved };
}

/** An address or a block; undefined for a name. */
function readNumeric(host: HostText, only: OnlyFamily | undefined): PingTarget | PingBlock | SockctlError | undefined {
  const { text } = host;
  if (text === '') throw located(new UsageError("'' is no host", 'give a name, an address or a block'), host);
  if (text.length > NAME_MAX) {
    throw located(new UsageError(`'${clip(text)}' is too long for a host`, 'check it'), host);
  }
  if (text.includes('/')) {
    const prefix = readPrefix(host);
    return only === undefined || prefix.family === only.family ? { prefix } : otherFamily(text, only);
  }
  const address = tryParseIP(text);
  if (address === undefined) return undefined;
  return only === undefined || address.family === only.family ? { name: text, address } : otherFamily(text, only);
}

function readPrefix(host: HostText) {
  try {
    return parsePrefix(host.text);
  } catch (error) {
    throw located(error, host);
  }
}

async function resolveName(
  host: HostText,
  family: IPFamily | undefined,
  signal: AbortSignal,
): Promise<PingTarget | SockctlError | undefined> {
  try {
    const [address] = await resolveHost(host.text, { family, signal });
    return address === undefined ? undefined : { name: host.text, address };
  } catch (error) {
    // What is nearly an address is a mistake of whoever wrote it, not of the name service.
    if (error instanceof SockctlError && error.exitCode === ExitCode.unresolved) return error;
    throw located(error, host);
  }
}

function otherFamily(text: string, { family, flag }: OnlyFamily): SockctlError {
  return new SockctlError('EAI_NONAME', {
    what: `${clip(text)}: not ${family === 'ipv4' ? 'IPv4' : 'IPv6'}, which ${flag} asks for`,
    advice: `leave out ${flag}, or give an address of that family`,
  });
}

/** The error with the line of the file that it is about. */
function located(error: unknown, { where }: HostText): unknown {
  if (where === undefined || !(error instanceof SockctlError)) return error;
  return new UsageError(`${where}: ${error.message}`, error.advice);
}
