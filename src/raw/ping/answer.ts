/**
 * What a message that came in says of a probe. Replies, which come by the million, are read at their fixed places;
 * errors, which quote a packet, by the dissector. Nothing here throws, whatever the bytes are.
 */
import { type IPAddress, type IPFamily, tryParseIP } from '../../sockaddr/ip.js';
import { checksum } from '../../wire/checksum.js';
import { dissectProtocol } from '../../wire/dissect.js';
import { ICMP_HEADER, IcmpType } from '../../wire/icmp.js';
import { ICMPV6_PROTOCOL, Icmpv6Type } from '../../wire/icmpv6.js';
import type { Layer } from '../../wire/layer.js';
import { icmpName, icmpv6Name } from '../../wire/names.js';
import { TIMESTAMP_LENGTH } from './probe-writer.js';

export const ICMP_PROTOCOL = 1;

/** The types that ping has a use for: the reply and the errors. */
export function answerTypes(family: IPFamily, kind: 'echo' | 'timestamp'): readonly number[] {
  if (family === 'ipv6') {
    const { destinationUnreachable, packetTooBig, timeExceeded, parameterProblem, echoReply } = Icmpv6Type;
    return [destinationUnreachable, packetTooBig, timeExceeded, parameterProblem, echoReply];
  }
  const { destinationUnreachable, sourceQuench, redirect, timeExceeded, parameterProblem } = IcmpType;
  const reply = kind === 'echo' ? IcmpType.echoReply : IcmpType.timestampReply;
  return [reply, destinationUnreachable, sourceQuench, redirect, timeExceeded, parameterProblem];
}

/** What an ICMP error says. */
export interface ErrorAnswer {
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly mtu?: number | undefined;
  readonly gateway?: string | undefined;
  /** Of the probe that is quoted. */
  readonly identifier: number;
  readonly sequence: number;
  readonly destination: IPAddress;
  /** Its payload, as far as it is quoted. */
  readonly payload: Uint8Array;
}

/** Whether the message is the reply that the kind of probe has, with all of its header. */
export function isReply(kind: 'echo' | 'timestamp', protocol: number, bytes: Uint8Array): boolean {
  if (protocol === ICMPV6_PROTOCOL) return bytes[0] === Icmpv6Type.echoReply && bytes.length >= ICMP_HEADER;
  if (protocol !== ICMP_PROTOCOL) return false;
  if (kind === 'echo') return bytes[0] === IcmpType.echoReply && bytes.length >= ICMP_HEADER;
  return bytes[0] === IcmpType.timestampReply && bytes.length >= TIMESTAMP_LENGTH;
}

/** The 16 bits at `at`, which must be there. */
export function readShort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/**
 * Whether the checksum of a message is right, or nobody here has to look: raw sockets of IPv4 are given what is wrong
 * (raw(7)), those of IPv6 and ping sockets are not.
 */
export function isSound(family: IPFamily, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  return family === 'ipv6' || checksum(bytes, start, end) === 0;
}

/** What an error may quote: the requests that are sent. */
const REQUESTS: Readonly<Record<AnyIcmp['protocol'], ReadonlySet<number>>> = {
  icmp: new Set([IcmpType.echoRequest, IcmpType.timestampRequest]),
  icmpv6: new Set([Icmpv6Type.echoRequest]),
};

type AnyIcmp = Extract<Layer, { protocol: 'icmp' | 'icmpv6' }>;

/** What an error says of the echo or timestamp request that it quotes; undefined for anything else. */
export function readError(protocol: number, bytes: Uint8Array): ErrorAnswer | undefined {
  if (protocol !== ICMP_PROTOCOL && protocol !== ICMPV6_PROTOCOL) return undefined;
  const { layers } = dissectProtocol(bytes, protocol);
  const [message] = layers;
  if (message === undefined || !isIcmp(message) || message.checksumValid === false) return undefined;
  const ipAt = layers.findIndex((layer) => layer.protocol === 'ipv4' || layer.protocol === 'ipv6');
  const probeAt = layers.findIndex((layer, i) => i > ipAt && isIcmp(layer));
  const ip = layers[ipAt];
  const probe = layers[probeAt];
  if (ip === undefined || probe === undefined || !isIcmp(probe) || !('destination' in ip)) return undefined;
  if (!REQUESTS[probe.protocol].has(probe.icmpType)) return undefined;
  const { identifier, sequence } = probe;
  const destination = typeof ip.destination === 'string' ? tryParseIP(ip.destination) : undefined;
  if (identifier === undefined || sequence === undefined || destination === undefined) return undefined;
  const body = layers[probeAt + 1];
  const payload = body?.protocol === 'payload' ? body.data : new Uint8Array(0);
  const mtu = message.protocol === 'icmp' ? message.nextHopMtu : message.mtu;
  const gateway = message.protocol === 'icmp' ? message.gateway : undefined;
  const { icmpType, icmpCode } = message;
  return { icmpType, icmpCode, mtu, gateway, identifier, sequence, destination, payload };
}

function isIcmp(layer: Layer): layer is AnyIcmp {
  return layer.protocol === 'icmp' || layer.protocol === 'icmpv6';
}

/** Whether an error is the probe's outcome: a redirect and a source quench go along with a probe that goes on. */
export function settles(family: IPFamily, icmpType: number): boolean {
  return family === 'ipv6' || (icmpType !== IcmpType.redirect && icmpType !== IcmpType.sourceQuench);
}

/** Whether an error says that the packet was too large for a link on its way. */
export function isTooBig(family: IPFamily, icmpType: number, icmpCode: number): boolean {
  if (family === 'ipv6') return icmpType === Icmpv6Type.packetTooBig;
  return icmpType === IcmpType.destinationUnreachable && icmpCode === 4;
}

/** The words for an ICMP error, with the numbers. */
export function errorText(family: IPFamily, icmpType: number, icmpCode: number): string {
  return family === 'ipv4' ? icmpName(icmpType, icmpCode) : icmpv6Name(icmpType, icmpCode);
}
