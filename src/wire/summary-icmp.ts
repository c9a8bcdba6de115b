/** ICMP and ICMPv6 in a line, in the words of tcpdump(1). */
import type { IcmpMessage } from './icmp.js';
import type { Icmpv6Message } from './icmpv6.js';
import type { Layer } from './layer.js';
import { icmpName, icmpv6Name, ipProtocolName } from './names.js';

/** What an error quotes, as far as the line tells it. */
interface Quoted {
  readonly destination: string;
  readonly protocolName: string;
  readonly port: number | undefined;
}

function quotedAt(layers: readonly Layer[], at: number): Quoted | undefined {
  const ip = layers[at];
  if (ip?.protocol !== 'ipv4' && ip?.protocol !== 'ipv6') return undefined;
  let protocolNumber = ip.protocol === 'ipv4' ? ip.protocolNumber : ip.nextHeader;
  let next = at + 1;
  for (; next < layers.length; next++) {
    const layer = layers[next] as Layer;
    if (!layer.protocol.startsWith('ipv6-') || !('nextHeader' in layer)) break;
    protocolNumber = layer.nextHeader;
  }
  const upper = layers[next];
  const port = upper !== undefined && 'destinationPort' in upper ? upper.destinationPort : undefined;
  return { destination: ip.destination, protocolName: ipProtocolName(protocolNumber).toLowerCase(), port };
}

/** @param at index of what the message carries in `layers` */
export function icmpText(message: IcmpMessage, layers: readonly Layer[], at: number): string {
  const { icmpType, icmpCode } = message;
  const quoted = quotedAt(layers, at);
  if (icmpType === 3 && quoted !== undefined) return `ICMP ${unreachableText(icmpCode, quoted, message.nextHopMtu)}`;
  if (icmpType === 5 && quoted !== undefined) {
    return `ICMP redirect ${quoted.destination} to ${icmpCode === 0 ? 'net' : 'host'} ${message.gateway}`;
  }
  if (icmpType === 11) return `ICMP ${icmpCode === 1 ? 'ip reassembly time exceeded' : 'time exceeded in-transit'}`;
  if (icmpType === 12) return `ICMP parameter problem - octet ${message.pointer}`;
  return `ICMP ${icmpName(icmpType, icmpCode)}${echoText(message)}`;
}

function unreachableText(code: number, { destination, protocolName, port }: Quoted, mtu: number | undefined): string {
  switch (code) {
    case 0:
      return `net ${destination} unreachable`;
    case 1:
      return `host ${destination} unreachable`;
    case 2:
      return `${destination} protocol ${protocolName} unreachable`;
    case 3:
      return port === undefined
        ? `${destination} ${protocolName} port unreachable`
        : `${destination} ${protocolName} port ${port} unreachable`;
    case 4:
      return `${destination} unreachable - need to frag${mtu === undefined || mtu === 0 ? '' : ` (mtu ${mtu})`}`;
    default:
      return `${destination} unreachable - ${icmpName(3, code)}`;
  }
}

/** @param at index of what the message carries in `layers` */
export function icmpv6Text(message: Icmpv6Message, layers: readonly Layer[], at: number): string {
  const { icmpType, icmpCode } = message;
  const quoted = quotedAt(layers, at);
  if (icmpType === 1) {
    const reason = `ICMP6, destination unreachable, ${icmpv6Name(1, icmpCode)}`;
    if (quoted === undefined) return reason;
    if (icmpCode !== 4 || quoted.port === undefined) return `${reason}, ${quoted.destination}`;
    return `${reason}, ${quoted.destination} ${quoted.protocolName} port ${quoted.port}`;
  }
  if (icmpType === 2) return `ICMP6, packet too big, mtu ${message.mtu}`;
  if (icmpType === 3) {
    const reason = icmpCode === 1 ? 'ip reassembly time exceeded' : 'time exceeded in-transit';
    return `ICMP6, ${reason}${quoted === undefined ? '' : ` for ${quoted.destination}`}`;
  }
  if (icmpType === 4) {
    return `ICMP6, parameter problem, ${PROBLEMS[icmpCode] ?? `code ${icmpCode}`} - octet ${message.pointer}`;
  }
  const target = message.target === undefined ? '' : targetText(icmpType, message.target);
  return `ICMP6, ${icmpv6Name(icmpType, icmpCode)}${echoText(message)}${target}`;
}

/** RFC 4443 section 3.4, RFC 7112 section 6. */
const PROBLEMS = ['erroneous header field', 'next header', 'option', 'incomplete header chain'];

function targetText(icmpType: number, target: string): string {
  if (icmpType === 135) return `, who has ${target}`;
  return icmpType === 136 ? `, tgt is ${target}` : `, to ${target}`;
}

function echoText({ identifier, sequence }: { identifier?: number; sequence?: number }): string {
  return identifier === undefined ? '' : `, id ${identifier}, seq ${sequence}`;
}
