/** The packets of an expression: names looked up, what is left open filled in, made one by one as they are sent. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { SockctlError, toSockctlError, UsageError } from '../../src/errors.js';
import { setting } from '../../src/options/settings.js';
import type { BuiltPacket } from '../../src/raw/send/built-packet.js';
import { fragmentPacket, type PacketExpression, parsePacket } from '../../src/raw/send/expression.js';
import { MachineDefaults, type MachineLookups } from '../../src/raw/send/machine-defaults.js';
import type { OutgoingPacket, UnmadePacket } from '../../src/raw/send/send.js';
import { type IPAddress, type IPFamily, parseIP } from '../../src/sockaddr/ip.js';
import { HardwareAddress } from '../../src/sockaddr/link-layer.js';
import { resolveHost } from '../../src/sockaddr/resolve.js';
import type { FrameLink } from '../../src/socket/native/frame-link.js';
import type { Backend } from '../../src/socket/port.js';
import { sourceAddressFor } from '../../src/socket/source-address.js';
import type { CommandContext } from '../context.js';

/** The largest file that can be a packet's payload; what is beyond no packet holds. */
const FILE_MAX = 0xffff;
/** Packets that are made ahead at most. */
const BATCH = 64;
/** Of many packets that are the same again and again, so many are kept at most. */
const KEPT_MAX = 4096;
const MANY = 1000;

const EXAMPLES: Readonly<Record<IPFamily, IPAddress>> = { ipv4: parseIP('192.0.2.1'), ipv6: parseIP('2001:db8::1') };

/**
 * @param seed for what is random in it
 * @throws PacketExpressionError; SocketError for files; SockctlError for names that can't be resolved
 */
export async function readExpression(
  text: string,
  seed: number,
  { signal }: CommandContext,
): Promise<PacketExpression> {
  const names = new Map<string, IPAddress | undefined>();
  const keyOf = (name: string, family: IPFamily) => `${family} ${name}`;
  const files = new Map<string, Uint8Array>();
  const file = (path: string) => {
    const bytes = files.get(path) ?? readPayload(path);
    files.set(path, bytes);
    return bytes;
  };
  const wanted: { readonly name: string; readonly family: IPFamily }[] = [];
  const first = parsePacket(text, {
    file,
    seed,
    host: (name, family) => {
      wanted.push({ name, family });
      return EXAMPLES[family];
    },
  });
  if (wanted.length === 0) return first;
  for (const { name, family } of wanted) {
    const key = keyOf(name, family);
    if (!names.has(key)) names.set(key, (await resolveHost(name, { family, signal }))[0]);
  }
  return parsePacket(text, { file, seed, host: (name, family) => names.get(keyOf(name, family)) });
}

export function newSeed(): number {
  return randomBytes(4).readUInt32LE();
}

/** All of a file, of which a byte more than a packet can hold is read at most: devices have no end. */
function readPayload(path: string): Uint8Array {
  const bytes = new Uint8Array(FILE_MAX + 1);
  let length = 0;
  try {
    // A pipe that nobody writes to is not waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = readSync(fd, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw toSockctlError(error, path);
  }
  if (length > FILE_MAX) {
    throw new UsageError(`${path}: more than the ${FILE_MAX} bytes that a packet can hold`, 'cut it with head -c 1400');
  }
  return bytes.subarray(0, length);
}

export interface ExpressionOptions {
  /** How often all its packets are sent. */
  readonly count: number;
  readonly fragment?: number | undefined;
  readonly backend: Backend;
  /** Frames leave by it. */
  readonly link?: FrameLink | undefined;
  readonly interface?: string | undefined;
  /** Whether neighbours are looked for on the link where the kernel does not know them: for what is not sent they are not. */
  readonly search: boolean;
  /** Whether answers are waited for, which IPv4's identification tells apart. */
  readonly answers: boolean;
  readonly signal: AbortSignal;
}

/** How many packets there are in all. */
export function totalPackets({ count }: PacketExpression, times: number): number {
  return count > Number.MAX_SAFE_INTEGER / times ? Number.MAX_SAFE_INTEGER : count * times;
}

export async function* expressionPackets(
  expression: PacketExpression,
  options: ExpressionOptions,
): AsyncGenerator<readonly (OutgoingPacket | UnmadePacket)[]> {
  const { fragment, signal } = options;
  const defaults = new MachineDefaults(lookups(options), randomBytes(4).readUInt32LE());
  const total = totalPackets(expression, options.count);
  const kept: OutgoingPacket[] = [];
  const keep = repeats(expression, total, options);
  for (let index = 0; index < total && !signal.aborted; ) {
    const batch: (OutgoingPacket | UnmadePacket)[] = [];
    // The first one goes at once: whoever asks for one packet waits for no other.
    for (const end = Math.min(total, index === 0 ? 1 : index + BATCH); index < end; index++) {
      const at = index;
      const known = keep ? kept[at % expression.count] : undefined;
      if (known !== undefined) {
        batch.push({ packet: known.packet, number: at + 1 });
        continue;
      }
      let packet: BuiltPacket;
      try {
        packet = await defaults.make((known) => expression.at(at, known));
      } catch (error) {
        // One neighbour that is not there keeps nothing from the others; where it is the first, it may be a mistake.
        if (at === 0 || !defaults.lacksHop || !(error instanceof SockctlError)) throw error;
        batch.push({ number: at + 1, error });
        continue;
      }
      const fragments = fragment === undefined ? undefined : pieces(packet, fragment, at);
      const made = { packet, number: at + 1, fragments };
      batch.push(made);
      if (keep) kept.push(made);
    }
    yield batch;
  }
}

/** Whether later rounds send the very packets of the first one: where there are many, and nothing tells them apart. */
function repeats({ count, needs }: PacketExpression, total: number, { fragment, answers }: ExpressionOptions): boolean {
  return total > MANY && count <= KEPT_MAX && !needs.random && !answers && fragment === undefined;
}

function pieces(packet: BuiltPacket, size: number, index: number): readonly BuiltPacket[] | undefined {
  const found = fragmentPacket(packet, size, (randomBase + index) >>> 0);
  return found.length > 1 ? found : undefined;
}

/** Of IPv6 fragments: others of this machine begin elsewhere (RFC 7739). */
const randomBase = randomBytes(4).readUInt32LE();

function lookups({ backend, link, interface: name, search, signal }: ExpressionOptions): MachineLookups {
  // Node can't bind a socket to an interface; there the routing table's word has to do.
  const bound = name === undefined || backend.name === 'portable' ? [] : [setting('SO_BINDTODEVICE', name)];
  const loopback = link?.facts.flags.includes('LOOPBACK') === true;
  return {
    hardware: link?.facts.address ?? (loopback ? new HardwareAddress(new Uint8Array(6)) : undefined),
    source: async (destination) => {
      try {
        return withoutZone(await sourceAddressFor(backend, withZone(destination, name), bound));
      } catch (error) {
        // No way there, or none that this backend can tell: the expression asks for src=.
        if (error instanceof SockctlError) return error;
        throw error;
      }
    },
    nextHop: async (destination) => {
      const stop = () => link?.close();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const found = await link?.nextHop(destination, search);
        signal.throwIfAborted();
        return found;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** An address that is one of a link alone is that of the interface, where no other is written. */
function withZone(address: IPAddress, name: string | undefined): IPAddress {
  if (address.family === 'ipv4' || !address.isLinkLocal || address.zone !== '' || name === undefined) return address;
  return address.withZone(name);
}

function withoutZone(address: IPAddress): IPAddress {
  return address.family === 'ipv6' && address.zone !== '' ? address.withZone('') : address;
}
