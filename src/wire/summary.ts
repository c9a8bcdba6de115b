/**
 * A packet in one line, as readers of tcpdump(1) know it. Nothing from the wire gets into the line but numbers,
 * addresses, hex, and text that is escaped as in text.ts.
 */
import type { ArpMessage } from './arp.js';
import type { IgmpMessage } from './igmp.js';
import type { IPv4Message } from './ipv4.js';
import type { IPv6Message } from './ipv6.js';
import type { ExtensionMessage } from './ipv6-extension.js';
import type { Dissection, Fault, Layer } from './layer.js';
import type { LlcMessage } from './llc.js';
import { etherTypeName, ipProtocolName } from './names.js';
import { applicationText } from './summary-application.js';
import { icmpText, icmpv6Text } from './summary-icmp.js';
import { isLink, linkLength, linkText, originText } from './summary-link.js';
import { lldpText, ospfText, pppControlText, pppoeText, sctpText, stpText, vrrpText } from './summary-network.js';
import { tcpText } from './summary-tcp.js';
import type { UdpMessage } from './udp.js';

export interface SummaryOptions {
  /** The link header in front, as tcpdump -e. */
  readonly link?: boolean;
  /** The fields of the IP header and the state of checksums, as tcpdump -v; an IPv4 packet then takes two lines. */
  readonly verbose?: boolean;
  /** Of the interface that the packet was seen on, where that is known: cooked headers have a number alone. Printable ASCII. */
  readonly interfaceName?: string | undefined;
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
  const origin = originText(layers, options.interfaceName);
  let text = origin + link + networkText(layers, length, { named: link !== '', verbose: options.verbose === true });
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

interface Style {
  /** The link's text has told the protocol already, so that its name is left out as in tcpdump -e. */
  readonly named: boolean;
  readonly verbose: boolean;
}

/** Of what is within something else. */
const PLAIN: Style = { named: false, verbose: false };

function networkText(layers: readonly Layer[], length: number, style: Style): string {
  const from = layers.findIndex((layer) => !isLink(layer));
  return packetText(layers, from < 0 ? layers.length : from, Math.max(0, length - linkLength(layers)), style);
}

/**
 * The layers from `from` on, of which the first is none of a link's.
 *
 * @param space bytes from there to the end, for what gives no length itself
 */
function packetText(layers: readonly Layer[], from: number, space: number, style = PLAIN): string {
  const { named, verbose } = style;
  const first = layers[from];
  switch (first?.protocol) {
    case 'arp':
      return `${named ? '' : 'ARP, '}${arpText(first, space)}`;
    case 'ipv4':
    case 'ipv6': {
      const text = `${verbose ? ipHeaderText(first) : ''}${ipText(layers, from, first, space, verbose)}`;
      return named ? text : `${first.protocol === 'ipv4' ? 'IP' : 'IP6'} ${text}`;
    }
    case 'mpls':
      return mplsText(layers, from, space);
    case 'pppoe':
      return `${pppoeText(first)}${tail(layers, from + 1, space - 6)}`;
    case 'ppp':
      return layers[from + 1]?.protocol === 'payload' || layers[from + 1] === undefined
        ? `PPP protocol 0x${first.protocolId.toString(16).padStart(4, '0')}, length ${space}`
        : packetText(layers, from + 1, space - (first.framed ? 4 : 2));
    case 'lcp':
    case 'ipcp':
    case 'ipv6cp':
    case 'pap':
    case 'chap':
      return pppControlText(first);
    case 'llc':
      return llcText(layers, from, first, space);
    case 'lldp':
      return `${lldpText(first)}, length ${space}`;
    case 'sctp':
      return sctpText(first);
    default: {
      const last = layers[from - 1];
      if (last === undefined || !('etherType' in last)) return `unknown, length ${space}`;
      return `${last.etherType < 0x600 ? 'LLC' : etherTypeName(last.etherType)}, length ${space}`;
    }
  }
}

/** What a tunnel or a link within carries, behind a space; nothing where nothing is there. */
function tail(layers: readonly Layer[], from: number, space: number): string {
  const first = layers[from];
  if (first === undefined || first.protocol === 'payload') return `, length ${Math.max(0, space)}`;
  return `: ${packetText(layers, from, Math.max(0, space))}`;
}

/** A frame within a packet: its addresses are left out, its tags too. */
function innerText(layers: readonly Layer[], from: number, space: number): string {
  let at = from;
  let left = space;
  for (; at < layers.length && isLink(layers[at] as Layer); at++) left -= layers[at]?.protocol === 'ethernet' ? 14 : 4;
  return tail(layers, at, left);
}

function mplsText(layers: readonly Layer[], from: number, space: number): string {
  let at = from;
  let text = 'MPLS (';
  for (let layer = layers[at]; layer?.protocol === 'mpls'; layer = layers[++at]) {
    const { label, trafficClass, bottomOfStack, ttl } = layer;
    text += `${at === from ? '' : ' '}label ${label}, tc ${trafficClass}${bottomOfStack ? ', [S]' : ''}, ttl ${ttl}`;
  }
  return `${text})${tail(layers, at, space - 4 * (at - from))}`;
}

function llcText(layers: readonly Layer[], from: number, llc: LlcMessage, space: number): string {
  const next = layers[from + 1];
  if (next?.protocol === 'stp') return `${stpText(next)}, length ${space}`;
  if (next?.protocol === 'ipv4') return packetText(layers, from + 1, space - 3);
  if (next?.protocol === 'snap') {
    const { organization, protocolId } = next;
    const inner = layers[from + 2];
    if (inner !== undefined && inner.protocol !== 'payload') return packetText(layers, from + 2, space - 8);
    return `SNAP, oui 0x${hexDigits(organization, 6)}, pid 0x${hexDigits(protocolId, 4)}, length ${space}`;
  }
  const { destinationSap, sourceSap, control } = llc;
  return `LLC, dsap 0x${hexDigits(destinationSap, 2)}, ssap 0x${hexDigits(sourceSap, 2)}, ctrl 0x${hexDigits(control, 2)}, length ${space}`;
}

const hexDigits = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

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
function ipText(
  layers: readonly Layer[],
  from: number,
  ip: IPv4Message | IPv6Message,
  space: number,
  verbose = false,
): string {
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
  const sum = verbose && ip.protocol === 'ipv6' && upper?.protocol === 'udp' ? udpSumText(upper) : '';
  const rest = sum + upperText(layers, at, protocolNumber, Math.max(0, length), verbose);
  return `${source} > ${destination}: ${headers}${rest}`;
}

const hex0 = (number: number): string => `0x${number.toString(16)}`;

/** What tcpdump -v has in front of the addresses. */
function ipHeaderText(ip: IPv4Message | IPv6Message): string {
  if (ip.protocol === 'ipv6') {
    const { trafficClass, flowLabel, hopLimit, nextHeader, payloadLength } = ip;
    const traffic = trafficClass === 0 ? '' : `class ${hex0(trafficClass)}, `;
    const flow = flowLabel === 0 ? '' : `flowlabel 0x${hexDigits(flowLabel, 5)}, `;
    return `(${traffic}${flow}hlim ${hopLimit}, next-header ${ipProtocolName(nextHeader)} (${nextHeader}) payload length: ${payloadLength}) `;
  }
  const { dscp, ecn, ttl, identification, fragmentOffset, protocolNumber, totalLength } = ip;
  const flags = `${ip.moreFragments ? '+' : ''}${ip.dontFragment ? 'DF' : ''}`;
  const protocol = `${ipProtocolName(protocolNumber)} (${protocolNumber})`;
  const options = ip.options === undefined ? '' : `, options (${ip.options.map(({ kind }) => kind).join(',')})`;
  const sum = ip.checksumValid === false ? `, bad cksum ${ip.checksum.toString(16)}!` : '';
  return `(tos ${hex0((dscp << 2) | ecn)}, ttl ${ttl}, id ${identification}, offset ${fragmentOffset}, flags [${flags === '' ? 'none' : flags}], proto ${protocol}, length ${totalLength}${options}${sum})\n    `;
}

/** What tcpdump -v says of UDP over IPv6; a wrong sum is told behind, verbose or not. */
function udpSumText({ checksum, checksumValid }: UdpMessage): string {
  if (checksum === 0) return '[no cksum] ';
  return checksumValid === true ? '[udp sum ok] ' : '';
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

function upperText(
  layers: readonly Layer[],
  at: number,
  protocolNumber: number,
  length: number,
  verbose: boolean,
): string {
  const upper = layers[at];
  switch (upper?.protocol) {
    case 'icmp':
      return `${icmpText(upper, layers, at + 1)}${wrong(upper)}, length ${length}`;
    case 'icmpv6':
      return `${icmpv6Text(upper, layers, at + 1)}${wrong(upper)}, length ${length}`;
    case 'igmp':
      return `${igmpText(upper)}${wrong(upper)}, length ${length}`;
    case 'tcp': {
      const said = applicationText(layers[at + 1], upper.payloadLength);
      const text = tcpText(upper, verbose);
      return said === undefined ? text : `${text}: ${said}`;
    }
    case 'tcp-partial':
      return `TCP, seq ${upper.sequence}`;
    case 'udp':
      return udpText(layers, at, upper);
    case 'sctp':
      return `${sctpText(upper)}${wrong(upper)}`;
    case 'esp':
      return `ESP(spi=0x${hexDigits(upper.spi, 8)},seq=0x${upper.sequence.toString(16)}), length ${length}`;
    case 'gre': {
      const key = upper.key === undefined ? '' : `, key=0x${upper.key.toString(16)}`;
      return `GREv${upper.version}${key}, length ${length}${innerText(layers, at + 1, length - 4)}`;
    }
    case 'ospf':
      return ospfText(upper);
    case 'vrrp':
      return `${vrrpText(upper)}, length ${length}`;
    case 'mpls':
      return mplsText(layers, at, length);
    case 'ethernet':
      return `EtherIP${innerText(layers, at, length)}`;
    case 'ipv4':
    case 'ipv6':
      return `${upper.protocol === 'ipv4' ? 'IP' : 'IP6'} ${ipText(layers, at, upper, length)}`;
    default:
      return `${ipProtocolName(protocolNumber)}, length ${length}`;
  }
}

function udpText(layers: readonly Layer[], at: number, udp: UdpMessage): string {
  const next = layers[at + 1];
  const { payloadLength } = udp;
  if (next?.protocol === 'vxlan') {
    return `VXLAN, vni ${next.vni}${wrong(udp)}${innerText(layers, at + 2, payloadLength - 8)}`;
  }
  if (next?.protocol === 'geneve') {
    return `Geneve, vni 0x${next.vni.toString(16)}${wrong(udp)}${innerText(layers, at + 2, payloadLength - 8)}`;
  }
  const said = applicationText(next, payloadLength);
  return said === undefined ? `UDP${wrong(udp)}, length ${payloadLength}` : `${said}${wrong(udp)}`;
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
