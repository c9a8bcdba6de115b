/**
 * What hosts stand for that a command line or a file names: names, addresses and blocks of addresses. What can't be any of
 * them is refused before anything is looked up; names are looked up several at a time.
 */
import { clip, ExitCode, SockctlError, toSockctlError, UsageError } from '../../src/errors.js';
import type { PingBlock, PingTarget } from '../../src/raw/ping/targets.js';
import { interfaceIndex } from '../../src/sockaddr/interfaces.js';
import { type IPAddress, type IPFamily, tryParseIP } from '../../src/sockaddr/ip.js';
import { parsePrefix } from '../../src/sockaddr/prefix.js';
import { resolveHost } from '../../src/sockaddr/resolve.js';
import type { HostText } from './host-file.js';

/** The one family that is wanted, and the flag that says so. */
export interface OnlyFamily {
  readonly family: IPFamily;
  readonly flag: string;
}

const NAME_MAX = 255;
/** The name service answers so many at once: Node has as many threads to ask it with. */
const LOOKUPS = 4;

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
  const address = tryParseIP(text)?.unmap();
  if (address === undefined) return undefined;
  const nowhere = zoneError(address);
  if (nowhere !== undefined) return located(nowhere, host);
  return only === undefined || address.family === only.family ? { name: text, address } : otherFamily(text, only);
}

/** What is wrong with the zone of an address: there may be no such interface. */
function zoneError(address: IPAddress): SockctlError | undefined {
  if (address.family === 'ipv4' || address.zone === '') return undefined;
  try {
    interfaceIndex(address.zone);
    return undefined;
  } catch (error) {
    return toSockctlError(error);
  }
}

function readPrefix(host: HostText) {
  try {
    return parsePrefix(host.text);
  } catch (error) {
    throw located(toSockctlError(error), host);
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
    const known = located(toSockctlError(error), host);
    if (known.exitCode === ExitCode.unresolved) return known;
    throw signal.aborted ? error : known;
  }
}

function otherFamily(text: string, { family, flag }: OnlyFamily): SockctlError {
  return new SockctlError('EAI_NONAME', {
    what: `${clip(text)}: not ${family === 'ipv4' ? 'IPv4' : 'IPv6'}, which ${flag} asks for`,
    advice: `leave out ${flag}, or give an address of that family`,
  });
}

/** The error with the line of the file that it is about. */
function located(error: SockctlError, { where }: HostText): SockctlError {
  if (where === undefined) return error;
  return new SockctlError(error.code, { what: `${where}: ${error.message}`, advice: error.advice, cause: error });
}
