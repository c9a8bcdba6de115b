/**
 * A packet in one line, as readers of tcpdump(1) know it. Nothing from the wire gets into the line but numbers,
 * addresses and hex.
 */
import type { ArpMessage } from './arp.js';
import type { IgmpMessage } from './igmp.js';
import type { IPv4Message } from './ipv4.js';
import type { IPv6Message } from './ipv6.js';
import type { ExtensionMessage } from './ipv6-extension.js';
import type { Dissection, Fault, Layer } from './layer.js';
import { etherTypeName, ipProtocolName } from './names.js';
import { icmpText, icmpv6Text } from './summary-icmp.js';
import { isLink, linkLength, linkText } from './summary-link.js';
import { tcpText } from './summary-tcp.js';

export interface SummaryOptions {
  /** The link header in front, as tcpdump -e. */
  readonly link?: boolean;
}

/**
 * The line, without a time. A packet that contradicts itself ends with `[malformed: …]`; a header that is cut ends with
 * `[|tcp]` and the like.
 *
 * @param length bytes of the packet on the wire, for what has no length of its own
 */
export function summarize(dissection: Dissection, length: number, options: SummaryOptions = {}): string {
  const { layers, malformed, cut } = dissection;
  const link = options.link === true ? linkText(layers, length) : '';
  let text = link + networkText(layers, length, link !== '');
  // Errors quote a beginning on purpose: that it ends is no news.
  if (cut !== undefined && !layers.some(quotes)) text += ` [|${cut.layer}]`;
  return malformed === undefined ? text : `${text} [malformed: ${faultText(malformed)}]`;
}

function quotes(layer: Layer, index: number, layers: readonly Layer[]): boolean {
  if (layer.protocol !== 'icmp' && layer.protocol !== 'icmpv6') return false;
  const next = layers[index + 1]?.protocol;
  return next === 'ipv4' || next === 'ipv6';
}

function faultText({ layer, offset, need, have, claimedBy }: Fault): string {
  if (claimedBy === 'version') return `${layer} at ${offset}: version ${have}`;
  return `${layer} at ${offset}: need ${need} bytes, have ${have}`;
}

/** @param named the link's text has told the protocol already, so that its name is left out as in tcpdump -e */
function networkText(layers: readonly Layer[], length: number, named: boolean): string {
  const from = layers.findIndex((layer) => !isLink(layer));
  const first = layers[from];
  const rest = Math.max(0, length - linkLength(layers));
  if (first?.protocol === 'arp') return `${named ? '' : 'ARP, '}${arpText(first, rest)}`;
  if (first?.protocol === 'ipv4' || first?.protocol === 'ipv6') {
    const text = ipText(layers, from, first, rest);
    return named ? text : `${first.protocol === 'ipv4' ? 'IP' : 'IP6'} ${text}`;
  }
  const last = layers[from < 0 ? layers.length - 1 : from - 1];
  if (last === undefined || !('etherType' in last)) return `unknown, length ${rest}`;
  return `${last.etherType < 0x600 ? 'LLC' : etherTypeName(last.etherType)}, length ${rest}`;
}

function arpText(arp: ArpMessage, length: number): string {
  const { operation, senderHardware, senderProtocol, targetHardware, targetProtocol } = arp;
  switch (operation) {
    case 1:
      return `Request who-has ${targetProtocol} tell ${senderProtocol}, length ${length}`;
    case 2:
      return `Reply ${senderProtocol} is-at ${senderHardware}, length ${length}`;
    case 3:
      return `Reverse Request who-is ${targetHardware} tell ${senderHardware}, length ${length}`;
    case 4:
      return `Reverse Reply ${targetHardware} at ${targetProtocol}, length ${length}`;
    default:
      return `operation ${operation}, length ${length}`;
  }
}

/**
 * The IP packet at `from`, with one that a tunnel carries behind it.
 *
 * @param space bytes from its header to the end, for headers that give no length
 */
function ipText(layers: readonly Layer[], from: number, ip: IPv4Message | IPv6Message, space: number): string {
  let headers = '';
  let protocolNumber: number;
  let length: number;
  let at = from + 1;
  if (ip.protocol === 'ipv4') {
    protocolNumber = ip.protocolNumber;
    length = Math.max(0, (ip.totalLength || space) - ip.headerLength);
    if (ip.fragmentOffset > 0 || ip.moreFragments) headers = fragmentText(ip);
  } else {
    protocolNumber = ip.nextHeader;
    length = ip.payloadLength || Math.max(0, space - 40);
  }
  for (; at < layers.length; at++) {
    const layer = layers[at] as Layer;
    if (!('nextHeader' in layer) || layer.protocol === 'ipv6') break;
    headers += extensionText(layer);
    protocolNumber = layer.nextHeader;
    length -= 'length' in layer ? layer.length : 8;
  }
  const upper = layers[at];
  const ports = upper !== undefined && 'sourcePort' in upper;
  const source = ports ? `${ip.source}.${upper.sourcePort}` : ip.source;
  const destination = ports ? `${ip.destination}.${upper.destinationPort}` : ip.destination;
  const rest = upperText(layers, at, protocolNumber, Math.max(0, length));
  return `${source} > ${destination}: ${headers}${rest}`;
}

function extensionText(layer: ExtensionMessage): string {
  switch (layer.protocol) {
    case 'ipv6-hop-by-hop':
      return 'HBH ';
    case 'ipv6-destination':
      return 'DSTOPT ';
    case 'ipv6-routing':
      return `RT6 (type=${layer.routingType}, segleft=${layer.segmentsLeft}) `;
    case 'ipv6-fragment':
      return fragmentText(layer);
    case 'ah':
      return `AH(spi=0x${layer.spi.toString(16).padStart(8, '0')},seq=0x${layer.sequence.toString(16)}): `;
  }
}

function fragmentText(part: { identification: number; fragmentOffset: number; moreFragments: boolean }): string {
  return `frag (id ${part.identification}, offset ${part.fragmentOffset}${part.moreFragments ? ', more' : ''}) `;
}

function upperText(layers: readonly Layer[], at: number, protocolNumber: number, length: number): string {
  const upper = layers[at];
  switch (upper?.protocol) {
    case 'icmp':
      return `${icmpText(upper, layers, at + 1)}${wrong(upper)}, length ${length}`;
    case 'icmpv6':
      return `${icmpv6Text(upper, layers, at + 1)}${wrong(upper)}, length ${length}`;
    case 'igmp':
      return `${igmpText(upper)}${wrong(upper)}, length ${length}`;
    case 'tcp':
      return tcpText(upper);
    case 'tcp-partial':
      return `TCP, seq ${upper.sequence}`;
    case 'udp':
      return `UDP${wrong(upper)}, length ${upper.payloadLength}`;
    case 'ipv4':
    case 'ipv6':
      return `${upper.protocol === 'ipv4' ? 'IP' : 'IP6'} ${ipText(layers, at, upper, length)}`;
    default:
      return `${ipProtocolName(protocolNumber)}, length ${length}`;
  }
}

const wrong = (layer: { checksumValid: boolean | null }): string =>
  layer.checksumValid === false ? ', wrong checksum' : '';

function igmpText({ version, igmpType, maxResponseTime, group, records }: IgmpMessage): string {
  switch (igmpType) {
    case 0x11: {
      // Ten seconds are the default (RFC 3376 section 8.3).
      const within = version === 1 || maxResponseTime === 100 ? '' : ` [max resp time ${maxResponseTime / 10}s]`;
      return `igmp query v${version}${within}${group === '0.0.0.0' ? '' : ` [gaddr ${group}]`}`;
    }
    case 0x12:
    case 0x16:
      return `igmp v${version} report ${group}`;
    case 0x17:
      return `igmp leave ${group}`;
    case 0x22:
      return `igmp v3 report, ${records?.length ?? 0} group record(s)`;
    default:
      return `igmp type 0x${igmpType.toString(16)}`;
  }
}
