/**
 * Which packets answer which: by what a reply repeats of the packet, each protocol in its own way, or by the beginning of
 * the packet that an error quotes.
 *
 * Both sides are texts: what answers of a packet would say ({@link expectedKeys}), and what a packet that has come says
 * ({@link answerKeys}). One answers the other where they have a text in common.
 *
 * - ICMP and ICMPv6 requests: identifier and sequence (RFC 792, RFC 950, RFC 4443, RFC 8335); neighbor solicitation: the
 *   target; router solicitation: any advertisement (RFC 4861)
 * - TCP: the ports, and what is acknowledged (RFC 9293 section 3.5.2 for resets)
 * - UDP and SCTP: the ports; of DNS the id as well (RFC 1035 section 4.1.1)
 * - ARP: the address that is asked for (RFC 826)
 * - errors of ICMP: addresses and the first eight bytes behind the header (RFC 792, RFC 4443 section 2.4)
 */
import { IcmpType } from '../../wire/icmp.js';
import { Icmpv6Type } from '../../wire/icmpv6.js';
import type { Layer } from '../../wire/layer.js';
import type { TcpMessage } from '../../wire/tcp.js';

/** A reply, or an error about the packet from whoever was on its way. */
export type AnswerKind = 'reply' | 'error';

export interface AnswerKey {
  readonly how: AnswerKind;
  readonly key: string;
}

type NetworkLayer = Extract<Layer, { protocol: 'ipv4' | 'ipv6' }>;
type TransportLayer = Extract<Layer, { protocol: 'icmp' | 'icmpv6' | 'tcp' | 'tcp-partial' | 'udp' | 'sctp' }>;

/** Any router answers a solicitation, with nothing of it. */
const ROUTER = 'router';
/** Stands for the address of whoever answers what was sent to many. */
const ANYONE = '*';

/** The types that answer others, each under the type that it answers. */
const ICMP_REPLIES: ReadonlyMap<number, number> = new Map([
  [IcmpType.echoRequest, IcmpType.echoReply],
  [IcmpType.timestampRequest, IcmpType.timestampReply],
  [IcmpType.informationRequest, IcmpType.informationReply],
  [IcmpType.addressMaskRequest, IcmpType.addressMaskReply],
  [IcmpType.extendedEchoRequest, IcmpType.extendedEchoReply],
]);
const ICMPV6_REPLIES: ReadonlyMap<number, number> = new Map([
  [Icmpv6Type.echoRequest, Icmpv6Type.echoReply],
  [Icmpv6Type.extendedEchoRequest, Icmpv6Type.extendedEchoReply],
]);
const ICMP_ERRORS: ReadonlySet<number> = new Set([
  IcmpType.destinationUnreachable,
  IcmpType.sourceQuench,
  IcmpType.redirect,
  IcmpType.timeExceeded,
  IcmpType.parameterProblem,
]);
/** RFC 4443 section 2.1: errors are below, whatever they are called. */
const ICMPV6_INFORMATION = 128;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;

/**
 * What answers to a packet would say, the surest first; nothing where no answer can be told from other packets.
 *
 * @param toMany it goes to a multicast or broadcast address, so that answers come from others
 */
export function expectedKeys(layers: readonly Layer[], toMany: boolean): string[] {
  const arp = layers.find((layer) => layer.protocol === 'arp');
  if (arp !== undefined) {
    return arp.operation === ARP_REQUEST ? [arpKey(arp.targetProtocol, arp.senderProtocol)] : [];
  }
  const at = layers.findIndex(isNetwork);
  const network = layers[at];
  if (network === undefined || !isNetwork(network)) return [];
  const transport = transportBehind(layers, at);
  const peers = `${toMany ? ANYONE : network.destination}>${network.source}`;
  return [...replyKeys(transport, layers, peers), ...quoteKeys(network, transport)];
}

/** What a packet says, if it is an answer: the surest first. */
export function answerKeys(layers: readonly Layer[]): AnswerKey[] {
  const arp = layers.find((layer) => layer.protocol === 'arp');
  if (arp !== undefined) {
    const key = arpKey(arp.senderProtocol, arp.targetProtocol);
    return arp.operation === ARP_REPLY ? [{ how: 'reply', key }] : [];
  }
  const at = layers.findIndex(isNetwork);
  const network = layers[at];
  if (network === undefined || !isNetwork(network)) return [];
  const transport = transportBehind(layers, at);
  if (transport === undefined) return [];
  if (isError(transport)) {
    const quotedAt = layers.findIndex((layer, i) => i > at && isNetwork(layer));
    const quoted = layers[quotedAt];
    if (quoted === undefined || !isNetwork(quoted)) return [];
    return quoteKeys(quoted, transportBehind(layers, quotedAt)).map((key) => ({ how: 'error', key }));
  }
  const from = [network.source, ANYONE].map((who) => `${who}>${network.destination}`);
  return from.flatMap((peers) => saidKeys(transport, layers, peers)).map((key) => ({ how: 'reply', key }));
}

/** What a reply would say, whose source and destination are `peers`. */
function replyKeys(transport: TransportLayer | undefined, layers: readonly Layer[], peers: string): string[] {
  switch (transport?.protocol) {
    case 'icmp': {
      const type = ICMP_REPLIES.get(transport.icmpType);
      return type === undefined ? [] : [icmpKey('icmp', peers, type, transport)];
    }
    case 'icmpv6': {
      if (transport.icmpType === Icmpv6Type.neighborSolicitation) return [neighborKey(transport.target)];
      if (transport.icmpType === Icmpv6Type.routerSolicitation) return [ROUTER];
      const type = ICMPV6_REPLIES.get(transport.icmpType);
      return type === undefined ? [] : [icmpKey('icmpv6', peers, type, transport)];
    }
    case 'tcp': {
      const { sourcePort, destinationPort } = transport;
      const ports = `tcp ${peers} ${destinationPort}>${sourcePort}`;
      const keys = [`${ports} ack ${sequenceAfter(transport)}`];
      if (transport.flags.includes('ACK')) keys.push(`${ports} rst ${transport.acknowledgment}`);
      return keys;
    }
    case 'udp': {
      const { sourcePort, destinationPort } = transport;
      const ports = `${peers} ${destinationPort}>${sourcePort}`;
      const dns = layers.find(isDns);
      return [dns === undefined || dns.response ? `udp ${ports}` : `dns ${ports} ${dns.id}`];
    }
    case 'sctp':
      return [`sctp ${peers} ${transport.destinationPort}>${transport.sourcePort}`];
    default:
      return [];
  }
}

/** What a packet says that may be a reply. */
function saidKeys(transport: TransportLayer, layers: readonly Layer[], peers: string): string[] {
  switch (transport.protocol) {
    case 'icmp':
      return [icmpKey('icmp', peers, transport.icmpType, transport)];
    case 'icmpv6':
      if (transport.icmpType === Icmpv6Type.neighborAdvertisement) return [neighborKey(transport.target)];
      if (transport.icmpType === Icmpv6Type.routerAdvertisement) return [ROUTER];
      return [icmpKey('icmpv6', peers, transport.icmpType, transport)];
    case 'tcp': {
      const { sourcePort, destinationPort, flags } = transport;
      const ports = `tcp ${peers} ${sourcePort}>${destinationPort}`;
      if (flags.includes('ACK')) return [`${ports} ack ${transport.acknowledgment}`];
      return flags.includes('RST') ? [`${ports} rst ${transport.sequence}`] : [];
    }
    case 'udp': {
      const ports = `${peers} ${transport.sourcePort}>${transport.destinationPort}`;
      const dns = layers.find(isDns);
      return dns?.response === true ? [`dns ${ports} ${dns.id}`, `udp ${ports}`] : [`udp ${ports}`];
    }
    case 'sctp':
      return [`sctp ${peers} ${transport.sourcePort}>${transport.destinationPort}`];
    default:
      return [];
  }
}

/**
 * What an error repeats of the packet that it is about. IPv4's identification tells apart what is otherwise the same, and
 * comes back unchanged, but for senders that leave it to others.
 */
function quoteKeys(network: NetworkLayer, transport: TransportLayer | undefined): string[] {
  const flow = `quote ${network.source}>${network.destination} ${transportText(network, transport)}`;
  return network.protocol === 'ipv4' ? [`${flow} id ${network.identification}`, flow] : [flow];
}

function transportText(network: NetworkLayer, transport: TransportLayer | undefined): string {
  switch (transport?.protocol) {
    case 'icmp':
    case 'icmpv6': {
      const { icmpType, icmpCode, identifier = '', sequence = '' } = transport;
      return `${transport.protocol} ${icmpType} ${icmpCode} ${identifier} ${sequence}`;
    }
    case 'tcp':
    case 'tcp-partial':
      return `tcp ${transport.sourcePort}>${transport.destinationPort} ${transport.sequence}`;
    case 'udp':
    case 'sctp':
      return `${transport.protocol} ${transport.sourcePort}>${transport.destinationPort}`;
    default:
      return network.protocol === 'ipv4' ? `protocol ${network.protocolNumber}` : 'unknown';
  }
}

function arpKey(answering: string, asking: string): string {
  return `arp ${answering}>${asking}`;
}

function neighborKey(target: string | undefined): string {
  return `neighbor ${target ?? ''}`;
}

function icmpKey(
  protocol: string,
  peers: string,
  type: number,
  { identifier = '', sequence = '' }: { readonly identifier?: number | string; readonly sequence?: number | string },
): string {
  return `${protocol} ${peers} ${type} ${identifier} ${sequence}`;
}

/** What acknowledges all of a segment: SYN and FIN count as a byte each (RFC 9293 section 3.4). */
function sequenceAfter({ sequence, flags, payloadLength }: TcpMessage): number {
  const controls = (flags.includes('SYN') ? 1 : 0) + (flags.includes('FIN') ? 1 : 0);
  return (sequence + payloadLength + controls) >>> 0;
}

function isDns(layer: Layer): layer is Extract<Layer, { readonly questions: unknown }> {
  return layer.protocol === 'dns';
}

function isNetwork(layer: Layer): layer is NetworkLayer {
  return layer.protocol === 'ipv4' || layer.protocol === 'ipv6';
}

const TRANSPORTS: ReadonlySet<string> = new Set(['icmp', 'icmpv6', 'tcp', 'tcp-partial', 'udp', 'sctp']);

/** What the IP header at `at` carries, behind extension headers; undefined within another IP header. */
function transportBehind(layers: readonly Layer[], at: number): TransportLayer | undefined {
  for (let i = at + 1; i < layers.length; i++) {
    const layer = layers[i] as Layer;
    if (isNetwork(layer)) return undefined;
    if (TRANSPORTS.has(layer.protocol)) return layer as TransportLayer;
  }
  return undefined;
}

function isError(transport: TransportLayer): boolean {
  if (transport.protocol === 'icmp') return ICMP_ERRORS.has(transport.icmpType);
  return transport.protocol === 'icmpv6' && transport.icmpType < ICMPV6_INFORMATION;
}
