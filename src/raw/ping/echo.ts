/** Echo messages as ping needs them: the request, and what an answer says of the probe that it is about. */
import type { IPFamily } from '../../sockaddr/ip.js';
import { dissect, dissectProtocol } from '../../wire/dissect.js';
import { ICMP_HEADER, IcmpType } from '../../wire/icmp.js';
import { ICMPV6_PROTOCOL, Icmpv6Type } from '../../wire/icmpv6.js';
import type { Layer } from '../../wire/layer.js';
import { LinkType } from '../../wire/link-types.js';
import { icmpName, icmpv6Name } from '../../wire/names.js';

/** The types that answer an echo request: the reply and the errors. */
export const ECHO_TYPES: Readonly<Record<IPFamily, readonly number[]>> = {
  ipv4: [
    IcmpType.echoReply,
    IcmpType.destinationUnreachable,
    IcmpType.sourceQuench,
    IcmpType.redirect,
    IcmpType.timeExceeded,
    IcmpType.parameterProblem,
  ],
  ipv6: [
    Icmpv6Type.destinationUnreachable,
    Icmpv6Type.packetTooBig,
    Icmpv6Type.timeExceeded,
    Icmpv6Type.parameterProblem,
    Icmpv6Type.echoReply,
  ],
};

export type EchoMessage =
  | { readonly kind: 'reply'; readonly identifier: number; readonly sequence: number; readonly payload: Uint8Array }
  | {
      readonly kind: 'error';
      readonly icmpType: number;
      readonly icmpCode: number;
      /** Of the probe that is quoted. */
      readonly identifier: number;
      readonly sequence: number;
      readonly destination: string;
    };

/**
 * What a received message says, or undefined where it is no answer to an echo request.
 *
 * @param withHeader whether the IP header is in front, as on raw IPv4 sockets
 */
export function readEchoMessage(family: IPFamily, withHeader: boolean, bytes: Uint8Array): EchoMessage | undefined {
  const { layers } = withHeader
    ? dissect(bytes, LinkType.RAW)
    : dissectProtocol(bytes, family === 'ipv4' ? 1 : ICMPV6_PROTOCOL);
  const at = layers.findIndex(isIcmp);
  const message = layers[at];
  if (message === undefined || !isIcmp(message)) return undefined;
  const reply = family === 'ipv4' ? IcmpType.echoReply : Icmpv6Type.echoReply;
  if (message.icmpType === reply && message.identifier !== undefined && message.sequence !== undefined) {
    const body = layers[at + 1];
    const payload = body?.protocol === 'payload' ? body.data : new Uint8Array(0);
    return { kind: 'reply', identifier: message.identifier, sequence: message.sequence, payload };
  }
  return readQuoted(layers.slice(at + 1), message.icmpType, message.icmpCode);
}

function readQuoted(quoted: readonly Layer[], icmpType: number, icmpCode: number): EchoMessage | undefined {
  const ip = quoted.find((layer) => layer.protocol === 'ipv4' || layer.protocol === 'ipv6');
  const probe = quoted.find(isIcmp);
  if (ip === undefined || probe?.identifier === undefined || probe.sequence === undefined) return undefined;
  const { identifier, sequence } = probe;
  return { kind: 'error', icmpType, icmpCode, identifier, sequence, destination: ip.destination };
}

type AnyIcmp = Extract<Layer, { protocol: 'icmp' | 'icmpv6' }>;

function isIcmp(layer: Layer): layer is AnyIcmp {
  return layer.protocol === 'icmp' || layer.protocol === 'icmpv6';
}

/** The sequence in what an error queue gives back of a sent probe: its ICMP header and payload. */
export function readSentEcho(bytes: Uint8Array): { readonly sequence: number } | undefined {
  if (bytes.length < ICMP_HEADER) return undefined;
  return { sequence: ((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0) };
}

/** The words for an ICMP error, with the numbers. */
export function errorText(family: IPFamily, icmpType: number, icmpCode: number): string {
  return family === 'ipv4' ? icmpName(icmpType, icmpCode) : icmpv6Name(icmpType, icmpCode);
}
