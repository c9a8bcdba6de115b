/** What an address, a number or a name stands for, by the words before it. */
import { type IPAddress, IPv4Address, tryParseIP } from '../../../src/sockaddr/ip.js';
import { unaskedName } from '../error.js';
import {
  type HostTable,
  ipProtocol,
  isoProtocol,
  linkProtocol,
  namedHardwareAddress,
  namedNetwork,
  namedPort,
} from '../names.js';
import type { Protocol } from '../syntax/keywords.js';
import type { Id, Qualifiers } from '../syntax/tree.js';
import { and, type Condition, not, or } from './condition.js';
import { decnetHost, hardwareHost, ipv4Host, ipv6Host } from './hosts.js';
import type { LinkState } from './link-state.js';
import { IP } from './numbers.js';
import { type PortProtocol, ports } from './ports.js';
import { endsInProtocol, hasNumber } from './protocols.js';

/** @param hosts what names stand for; undefined where nobody looks names up */
export function address(state: LinkState, qualifiers: Qualifiers, id: Id, hosts: HostTable | undefined): Condition {
  switch (id.type) {
    case 'name':
      return named(state, qualifiers, id.name, hosts);
    case 'number':
      return numbered(state, qualifiers, id.value);
    case 'ipv4':
      return dotted(state, qualifiers, id);
    case 'ipv6':
      return ipv6(state, qualifiers, id);
    case 'mac':
      return hardware(state, qualifiers, id.bytes);
    case 'mac8':
      throw state.fail('addresses of one byte are those of ARCnet, which sockctl does not filter');
  }
}

function named(state: LinkState, qualifiers: Qualifiers, name: string, hosts: HostTable | undefined): Condition {
  const { protocol, direction, kind } = qualifiers;
  if (protocol === 'decnet') throw state.fail('nodes of decnet have no names here', 'write AREA.NODE: decnet host 1.2');
  switch (kind) {
    case undefined:
    case 'host':
      if (protocol !== 'link') return namedHost(state, qualifiers, name, hosts);
      return hardwareHost(state, direction, hardwareAddress(state, name), 'host');
    case 'net': {
      const text = namedNetwork(name);
      // 0.0.0.0 is nobody's.
      if (text === undefined || dottedNumber(state, text).value === 0)
        throw state.fail(`networks(5) has no network '${name}'`, 'write its address: net 10.0.0.0/8');
      const [value, mask] = classful(dottedNumber(state, text).value);
      return ipv4Host(state, protocol, direction, value, mask);
    }
    case 'port':
    case 'portrange':
      return namedPorts(state, qualifiers, name);
    case 'gateway':
      return gateway(state, qualifiers, name, hosts);
    case 'proto':
      return hasNumber(state, protocol, protocolNumber(state, qualifiers, name));
    case 'protochain':
      return endsInProtocol(state, protocol, protocolNumber(state, qualifiers, name));
  }
}

/** Whose names count behind which word; IS-IS has none. */
const protocolNumbers: Readonly<Partial<Record<Protocol, (name: string) => number | undefined>>> = {
  link: linkProtocol,
  iso: isoProtocol,
  ip: ipProtocol,
  ip6: ipProtocol,
};

function protocolNumber(state: LinkState, { protocol }: Qualifiers, name: string): number {
  const number = protocolNumbers[protocol ?? 'ip']?.(name);
  if (number === undefined) throw state.fail(`no protocol has the name '${name}' here`, 'write its number');
  return number;
}

function hardwareAddress(state: LinkState, name: string): Uint8Array {
  const found = namedHardwareAddress(name);
  if (found === undefined)
    throw state.fail(`ethers(5) has no host '${name}'`, 'write its address: ether host 00:11:22:33:44:55');
  return found;
}

/** @throws FilterError where names are not looked up, or this one is unknown */
function hostAddresses(state: LinkState, name: string, hosts: HostTable | undefined): readonly IPAddress[] {
  // `\10.0.0.1` is written as a name, and needs no looking up.
  const written = tryParseIP(name);
  if (written !== undefined) return [written];
  if (hosts === undefined) throw unaskedName(state.expression, state.span, name);
  const found = hosts.get(name);
  if (found === undefined || found.length === 0)
    throw state.fail(`no host has the name '${name}'`, 'check the spelling, or write the address');
  return found;
}

function namedHost(state: LinkState, qualifiers: Qualifiers, name: string, hosts: HostTable | undefined): Condition {
  const { protocol, direction } = qualifiers;
  const conditions: Condition[] = [];
  // Links without a type carry nothing but IP.
  const ipv4Protocol = protocol === undefined && state.type === undefined ? 'ip' : protocol;
  for (const found of hostAddresses(state, name, hosts)) {
    if (found instanceof IPv4Address) {
      if (protocol !== 'ip6') conditions.push(ipv4Host(state, ipv4Protocol, direction, found.value, 0xffff_ffff));
    } else if (protocol === undefined || protocol === 'ip6') {
      conditions.push(ipv6Host(state, protocol, direction, found.toBytes(), ALL_BITS));
    }
  }
  if (conditions.length === 0) throw state.fail(`'${name}' has no address of the family that '${protocol}' asks for`);
  return or(...conditions);
}

const ALL_BITS = new Uint8Array(16).fill(0xff);

/** Frames to or from a router whose packets are not its own: its hardware address, and not its address. */
function gateway(state: LinkState, qualifiers: Qualifiers, name: string, hosts: HostTable | undefined): Condition {
  const { protocol } = qualifiers;
  if (protocol !== undefined && protocol !== 'ip' && protocol !== 'arp' && protocol !== 'rarp') {
    throw state.fail(`'${protocol} gateway' means nothing`, 'write gateway NAME');
  }
  const addresses = hostAddresses(state, name, hosts).filter((found) => found instanceof IPv4Address);
  if (addresses.length === 0) throw state.fail(`'${name}' has no IPv4 address`);
  const ofRouter = hardwareHost(state, undefined, hardwareAddress(state, name), 'gateway');
  const own = addresses.map((found) => ipv4Host(state, protocol, undefined, found.value, 0xffff_ffff));
  return and(ofRouter, not(or(...own)));
}

/** The number that `protocol` has where it has ports. */
function portProtocol(state: LinkState, { protocol, kind }: Qualifiers): PortProtocol | undefined {
  switch (protocol) {
    case undefined:
      return undefined;
    case 'tcp':
      return IP.tcp;
    case 'udp':
      return IP.udp;
    case 'sctp':
      return IP.sctp;
    default:
      throw state.fail(`'${protocol}' has no ports`, `write tcp, udp or sctp before ${kind}, or nothing`);
  }
}

function namedPorts(state: LinkState, qualifiers: Qualifiers, name: string): Condition {
  const protocol = portProtocol(state, qualifiers);
  const [low, high] = qualifiers.kind === 'port' ? [portOf(state, name), undefined] : portRange(state, name);
  // A name that one protocol alone has asks for that one; of a range both ends must.
  const only = low.protocol === (high ?? low).protocol ? low.protocol : undefined;
  if (only !== undefined && protocol !== undefined && IP[only] !== protocol) {
    throw state.fail(`'${name}' is of ${only}`, `write ${only} before it, or the number`);
  }
  const asked = protocol ?? (only === undefined ? undefined : IP[only]);
  return ports(state, asked, qualifiers.direction, ...ordered(low.port, (high ?? low).port));
}

const ordered = (a: number, b: number): [number, number] => (a <= b ? [a, b] : [b, a]);

function portOf(state: LinkState, name: string): { port: number; protocol: 'tcp' | 'udp' | undefined } {
  if (/^[0-9]+$/.test(name)) {
    state.atMost('the port', Number(name), 0xffff);
    return { port: Number(name), protocol: undefined };
  }
  const found = namedPort(name);
  if (found === undefined) throw state.fail(`no service has the name '${name}' here`, 'write the port as a number');
  return found;
}

/** `low-high`, numbers or names. */
function portRange(state: LinkState, name: string) {
  const at = name.indexOf('-');
  if (at <= 0 || at === name.length - 1) throw state.fail('no range of ports', 'write it as 1024-2048');
  return [portOf(state, name.slice(0, at)), portOf(state, name.slice(at + 1))] as const;
}

function numbered(state: LinkState, qualifiers: Qualifiers, value: number): Condition {
  const { protocol, direction, kind } = qualifiers;
  switch (kind) {
    case undefined:
    case 'host':
    case 'net': {
      if (protocol === 'decnet') throw state.fail('no node of decnet', 'write AREA.NODE: decnet host 1.2');
      if (protocol === 'link') throw state.fail('no hardware address', 'write six bytes: ether host 00:11:22:33:44:55');
      const [address, mask] = kind === 'net' ? classful(value) : [value, 0xffff_ffff];
      return ipv4Host(state, protocol, direction, address, mask);
    }
    case 'port':
    case 'portrange': {
      const number = portProtocol(state, qualifiers);
      state.atMost('the port', value, 0xffff);
      return ports(state, number, direction, value, value);
    }
    case 'gateway':
      throw state.fail('gateway takes the name of a host', 'it must be known to ethers(5) and to the name service');
    case 'proto':
      return hasNumber(state, protocol, value);
    case 'protochain':
      return endsInProtocol(state, protocol, value);
  }
}

/** A network as the bytes that it has from the left: 10 is 10.0.0.0 with a mask of 255.0.0.0. */
function classful(value: number): [address: number, mask: number] {
  let [address, mask] = [value, 0xffff_ffff];
  while (address !== 0 && address < 0x0100_0000) {
    address = (address << 8) >>> 0;
    mask = (mask << 8) >>> 0;
  }
  return [address, mask];
}

function dotted(state: LinkState, qualifiers: Qualifiers, id: Id & { type: 'ipv4' }): Condition {
  const { protocol, direction, kind } = qualifiers;
  if (kind === 'port' || kind === 'portrange' || kind === 'proto' || kind === 'protochain' || kind === 'gateway') {
    throw state.fail(`'${kind}' does not take an address`, `write host or net before it`);
  }
  if (protocol === 'decnet') return decnet(state, qualifiers, id);
  if (protocol === 'link') throw state.fail('no hardware address', 'write six bytes: ether host 00:11:22:33:44:55');
  const { value, bits } = dottedNumber(state, id.text);
  if (id.prefix === undefined && id.mask === undefined) {
    return ipv4Host(state, protocol, direction, value, maskOf(bits));
  }
  if (id.prefix !== undefined && id.prefix > 32) throw state.fail('a prefix of IPv4 has at most 32 bits');
  const mask = id.mask === undefined ? maskOf(id.prefix ?? 32) : dottedNumber(state, id.mask).value;
  if ((value & ~mask) >>> 0 !== 0) {
    throw state.fail('the address has bits outside of its network', `write ${formatted(value & mask)} as the address`);
  }
  if (kind !== 'net') throw state.fail('only networks have masks', 'write net before it');
  return ipv4Host(state, protocol, direction, value, mask);
}

const formatted = (value: number): string => new IPv4Address(value).toString();

const maskOf = (bits: number): number => (bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0);

/** One to four decimal bytes, at the left of an address. */
function dottedNumber(state: LinkState, text: string): { value: number; bits: number } {
  const parts = text.split('.').map((part) => (/^[0-9]+$/.test(part) ? Number(part) : Number.NaN));
  if (parts.some((part) => !(part <= 255)))
    throw state.fail(`'${text}' is no IPv4 address`, 'write decimal parts from 0 to 255');
  const bits = 8 * parts.length;
  const value = parts.reduce((sum, part) => sum * 256 + part, 0) * 2 ** (32 - bits);
  return { value, bits };
}

function decnet(state: LinkState, { kind, direction }: Qualifiers, id: Id & { type: 'ipv4' }): Condition {
  const [area, node, more] = id.text.split('.').map(Number);
  const plain = id.prefix === undefined && id.mask === undefined && (kind === undefined || kind === 'host');
  if (!plain || area === undefined || node === undefined || more !== undefined || !(area <= 63 && node <= 1023)) {
    throw state.fail('no node of decnet', 'write AREA.NODE, areas up to 63 and nodes up to 1023: decnet host 1.2');
  }
  return decnetHost(state, direction, area, node);
}

function ipv6(state: LinkState, qualifiers: Qualifiers, id: Id & { type: 'ipv6' }): Condition {
  const { protocol, direction, kind } = qualifiers;
  if (kind !== undefined && kind !== 'host' && kind !== 'net') {
    throw state.fail(`'${kind}' does not take an address`, 'write host or net before it');
  }
  if (id.prefix > 128) throw state.fail('a prefix of IPv6 has at most 128 bits');
  if (kind !== 'net' && id.prefix !== 128) throw state.fail('only networks have prefixes', 'write net before it');
  const mask = Uint8Array.from({ length: 16 }, (_, i) => {
    const bits = Math.max(0, Math.min(8, id.prefix - 8 * i));
    return (0xff00 >> bits) & 0xff;
  });
  const bytes = id.address.toBytes();
  if (bytes.some((byte, i) => (byte & ~(mask[i] as number)) !== 0)) {
    throw state.fail('the address has bits outside of its network', 'write zeros behind the prefix');
  }
  return ipv6Host(state, protocol, direction, bytes, mask);
}

function hardware(state: LinkState, { protocol, direction, kind }: Qualifiers, bytes: Uint8Array): Condition {
  if (protocol !== 'link' || (kind !== undefined && kind !== 'host')) {
    throw state.fail('a hardware address here', 'write ether host before it');
  }
  return hardwareHost(state, direction, bytes, 'ether host');
}
