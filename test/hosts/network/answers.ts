/** What the nodes of a network say: ICMP errors, and answers to echo, timestamps, UDP and TCP. */
import { formatIPv4, formatIPv6 } from '../../../src/sockaddr/ip-text.js';
import { pseudoAddresses } from '../../../src/wire/checksum.js';
import { encodeIcmp, ICMP_HEADER, IcmpType } from '../../../src/wire/icmp.js';
import type { IcmpExtension } from '../../../src/wire/icmp-extension.js';
import { encodeIcmpv6, Icmpv6Type } from '../../../src/wire/icmpv6.js';
import { encodeIPv4 } from '../../../src/wire/ipv4.js';
import { encodeIPv6, IPV6_HEADER } from '../../../src/wire/ipv6.js';
import { IPProtocol } from '../../../src/wire/numbers.js';
import { encodeTcp, TCP_HEADER } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import type { HostDescription, Refusal, RouterDescription } from './description.js';
import { addressOf, type IPPacket, sealHeader, sealTransport, trafficClassOf } from './packet.js';

export type Speaker = RouterDescription | HostDescription;

/** Which error, by the numbers of both families. */
export interface ErrorKind {
  readonly ipv4: readonly [type: number, code: number];
  readonly ipv6: readonly [type: number, code: number];
  /** With 'too big': of the next link, in bytes. */
  readonly mtu?: number;
}

const v4 = IcmpType;
const v6 = Icmpv6Type;
const unreachable = (ipv4: number, ipv6: number): ErrorKind => ({
  ipv4: [v4.destinationUnreachable, ipv4],
  ipv6: [v6.destinationUnreachable, ipv6],
});

export const TIME_EXCEEDED: ErrorKind = { ipv4: [v4.timeExceeded, 0], ipv6: [v6.timeExceeded, 0] };
export const PORT_UNREACHABLE = unreachable(3, 4);

export function tooBig(mtu: number): ErrorKind {
  return { ipv4: [v4.destinationUnreachable, 4], ipv6: [v6.packetTooBig, 0], mtu };
}

/** RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3.1. */
export function refusal(because: Refusal): ErrorKind {
  if (because === 'net') return unreachable(0, 0);
  if (because === 'host') return unreachable(1, 3);
  return because === 'prohibited' ? unreachable(13, 1) : unreachable(because, because);
}

/** The size of an error is 576 or 1280 bytes at most (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4). */
const QUOTE = { ipv4: 548, ipv6: 1232 } as const;
/** Where extensions follow, what is quoted is at least so long (RFC 4884 section 4.6). */
const EXTENDED_QUOTE = 128;
/** RFC 1812 section 4.3.2.5: errors of IPv4 have the precedence of internetwork control. */
const CONTROL = 48;
const DEFAULT_TTL = 64;

/** A packet, as far as its writer says. */
interface Reply {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly ttl: number;
  readonly trafficClass: number;
  readonly identification: number;
  readonly protocol: number;
  readonly body: Uint8Array;
}

function inPacket({ from, to, ttl, trafficClass, identification, protocol, body }: Reply): Uint8Array {
  const six = from.length === 16;
  const length = (six ? IPV6_HEADER : 20) + body.length;
  const bytes = new Uint8Array(length);
  if (six) {
    const header = { source: formatIPv6(from, 0), destination: formatIPv6(to, 0), hopLimit: ttl, nextHeader: protocol };
    bytes.set(body, encodeIPv6({ ...header, trafficClass }, body.length, bytes));
  } else {
    const header = { source: formatIPv4(from, 0), destination: formatIPv4(to, 0), ttl, protocolNumber: protocol };
    const bits = { dscp: trafficClass >> 2, ecn: trafficClass & 3, identification };
    bytes.set(body, encodeIPv4({ ...header, ...bits }, body.length, bytes));
  }
  return bytes;
}

function pseudo(from: Uint8Array, to: Uint8Array): Uint8Array {
  const format = from.length === 16 ? formatIPv6 : formatIPv4;
  return pseudoAddresses(format(from, 0), format(to, 0));
}

/** An ICMP error about `packet`. */
export function errorAbout(
  packet: IPPacket,
  {
    speaker,
    from,
    kind,
    identification,
  }: { speaker: Speaker; from: Uint8Array; kind: ErrorKind; identification: number },
): Uint8Array {
  const { family, bytes } = packet;
  const extensions = extensionsOf(speaker, from);
  const most = extensions === undefined ? QUOTE[family] : EXTENDED_QUOTE;
  const limit = speaker.quote === undefined ? most : Math.min(QUOTE[family], packet.at + speaker.quote);
  const said = speaker.quoteLength !== 'unsaid';
  const quote = bytes.subarray(0, extensions !== undefined && !said ? Math.min(limit, EXTENDED_QUOTE) : limit);
  const unit = family === 'ipv4' ? 4 : 8;
  const quoteLength = Math.ceil(Math.max(quote.length, EXTENDED_QUOTE) / unit) * unit;
  const extended = extensions === undefined ? {} : { extensions, ...(said ? { quoteLength } : {}) };
  const to = addressOf(packet, 'source').slice();
  const [icmpType, icmpCode] = kind[family];
  const body =
    family === 'ipv4'
      ? encodeIcmp(
          { icmpType, icmpCode, ...(kind.mtu === undefined ? {} : { nextHopMtu: kind.mtu }), ...extended },
          quote,
        )
      : encodeIcmpv6(
          { icmpType, icmpCode, ...(kind.mtu === undefined ? {} : { mtu: kind.mtu }), ...extended },
          quote,
          pseudo(from, to),
        );
  return inPacket({
    from,
    to,
    ttl: speaker.ttl ?? DEFAULT_TTL,
    trafficClass: family === 'ipv4' ? CONTROL << 2 : 0,
    identification,
    protocol: family === 'ipv4' ? IPProtocol.icmp : IPProtocol.icmpv6,
    body,
  });
}

function extensionsOf({ mpls, interface: facts }: Speaker, from: Uint8Array): readonly IcmpExtension[] | undefined {
  const found: IcmpExtension[] = [];
  if (mpls !== undefined) {
    const labels = mpls.map(({ label, trafficClass = 0, ttl = 1 }, i) => ({
      label,
      trafficClass,
      bottomOfStack: i === mpls.length - 1,
      ttl,
    }));
    found.push({ kind: 'mpls', labels });
  }
  if (facts !== undefined) {
    const address = from.length === 16 ? formatIPv6(from, 0) : formatIPv4(from, 0);
    found.push({ kind: 'interface', role: 'incoming', address, ...facts });
  }
  return found.length === 0 ? undefined : found;
}

export function isEchoRequest({ protocol, at, bytes }: IPPacket): boolean {
  if (at + ICMP_HEADER > bytes.length) return false;
  const type = bytes[at];
  return protocol === IPProtocol.icmp
    ? type === v4.echoRequest
    : protocol === IPProtocol.icmpv6 && type === v6.echoRequest;
}

/** The reply to an echo request: the same packet on its way back, with its options (RFC 1122 section 3.2.2.6). */
export function echoReply(request: IPPacket, from: Uint8Array, ttl: number, changeAt?: number): Uint8Array {
  const { family, at } = request;
  const bytes = request.bytes.slice();
  const reply: IPPacket = { ...request, bytes, view: new DataView(bytes.buffer) };
  addressOf(reply, 'destination').set(addressOf(request, 'source'));
  addressOf(reply, 'source').set(from);
  bytes[family === 'ipv4' ? 8 : 7] = ttl;
  bytes[at] = family === 'ipv4' ? v4.echoReply : v6.echoReply;
  const changed = at + ICMP_HEADER + (changeAt ?? Number.POSITIVE_INFINITY);
  if (changed < bytes.length) bytes[changed] = (bytes[changed] as number) ^ 0xff;
  if (family === 'ipv4') reply.view.setUint16(6, 0);
  sealHeader(reply);
  sealTransport(reply);
  return bytes;
}

const DAY = 86_400_000;

/** RFC 792: milliseconds since midnight UTC. Undefined for what asks nothing of the kind. */
export function timestampReply(
  request: IPPacket,
  from: Uint8Array,
  ttl: number,
  wallMs: number,
): Uint8Array | undefined {
  const { protocol, at, bytes, view } = request;
  if (protocol !== IPProtocol.icmp || at + 20 > bytes.length || bytes[at] !== v4.timestampRequest) return undefined;
  const now = ((Math.floor(wallMs) % DAY) + DAY) % DAY;
  const body = encodeIcmp(
    {
      icmpType: v4.timestampReply,
      identifier: view.getUint16(at + 4),
      sequence: view.getUint16(at + 6),
      originate: view.getUint32(at + 8),
      receive: now,
      transmit: now,
    },
    new Uint8Array(0),
  );
  const to = addressOf(request, 'source').slice();
  return inPacket({ from, to, ttl, trafficClass: trafficClassOf(request), identification: 0, protocol, body });
}

/** RFC 9293 section 3.10.7: SYN-ACK from an open port, RST from a closed one; undefined for what gets no answer. */
export function segmentReply(
  segment: IPPacket,
  from: Uint8Array,
  ttl: number,
  { open = [], others = 'closed' }: NonNullable<HostDescription['tcp']>,
): Uint8Array | undefined {
  const { protocol, at, bytes, view } = segment;
  if (at + TCP_HEADER > bytes.length) return undefined;
  const flags = view.getUint8(at + 13);
  const [fin, syn, rst, ack] = [1, 2, 4, 16].map((bit) => (flags & bit) !== 0) as [boolean, boolean, boolean, boolean];
  const port = view.getUint16(at + 2);
  const isOpen = open.includes(port);
  if (rst || (!isOpen && others === 'silent')) return undefined;
  // With ACK, there is no connection that it could be of.
  if (isOpen && !ack && !syn) return undefined;
  const length = bytes.length - at - (view.getUint8(at + 12) >> 4) * 4 + (syn ? 1 : 0) + (fin ? 1 : 0);
  const sequence = view.getUint32(at + 4);
  const to = addressOf(segment, 'source').slice();
  const ports = { sourcePort: port, destinationPort: view.getUint16(at) };
  const acknowledgment = (sequence + length) >>> 0;
  const fields =
    isOpen && syn && !ack
      ? { ...ports, sequence: (sequence ^ 0x5bd1e995) >>> 0, acknowledgment, flags: ['SYN', 'ACK'] as const }
      : ack
        ? { ...ports, sequence: view.getUint32(at + 8), flags: ['RST'] as const, window: 0 }
        : { ...ports, acknowledgment, flags: ['RST', 'ACK'] as const, window: 0 };
  const body = encodeTcp(fields, new Uint8Array(0), pseudo(from, to));
  return inPacket({ from, to, ttl, trafficClass: 0, identification: 0, protocol, body });
}

/** What a service says that does not repeat what it was sent. */
const WORDS = new TextEncoder().encode('hello');

export function datagramReply(datagram: IPPacket, from: Uint8Array, ttl: number): Uint8Array {
  const { protocol, at, view } = datagram;
  const to = addressOf(datagram, 'source').slice();
  const ports = { sourcePort: view.getUint16(at + 2), destinationPort: view.getUint16(at) };
  const body = encodeUdp(ports, WORDS, pseudo(from, to));
  return inPacket({ from, to, ttl, trafficClass: 0, identification: 0, protocol, body });
}

export function ttlOfSpeaker({ ttl = DEFAULT_TTL }: Speaker): number {
  return ttl;
}
