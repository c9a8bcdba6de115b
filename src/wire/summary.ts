/**
 * A packet in one line, as readers of tcpdump(1) know it. Nothing from the wire gets into the line but numbers and
 * addresses.
 */
import type { Dissection, Layer } from './layer.js';
import { etherTypeName, icmpName, icmpv6Name, ipProtocolName } from './names.js';
import type { TcpMessage } from './tcp.js';
import type { TcpOption } from './tcp-options.js';

export interface SummaryOptions {
  /** The link header in front, as tcpdump -e. */
  readonly link?: boolean;
}

/** @param length bytes of the packet on the wire, for what has no length of its own */
export function summarize(dissection: Dissection, length: number, options: SummaryOptions = {}): string {
  const { layers, malformed } = dissection;
  const link = options.link === true ? linkText(layers, length) : '';
  const fault =
    malformed === undefined
      ? ''
      : ` [malformed: ${malformed.layer} at ${malformed.offset}: need ${malformed.need} bytes, have ${malformed.have}]`;
  return `${link}${networkText(layers, length)}${fault}`;
}

function linkText(layers: readonly Layer[], length: number): string {
  const parts: string[] = [];
  for (const layer of layers) {
    if (layer.protocol === 'ethernet') {
      const type = layer.etherType < 0x600 ? '802.3' : etherTypeName(layer.etherType);
      parts.push(`${layer.source} > ${layer.destination}, ${type}, length ${length}: `);
    } else if (layer.protocol === 'sll') {
      const words = ['In', 'B', 'M', 'P', 'Out'];
      parts.push(
        `${words[layer.packetType] ?? '?'} ${layer.source} ${etherTypeName(layer.etherType)}, length ${length}: `,
      );
    } else if (layer.protocol === 'vlan') {
      parts.push(`vlan ${layer.id}, p ${layer.priority}${layer.dropEligible ? ', DEI' : ''}: `);
    } else if (layer.protocol !== 'loopback') {
      break;
    }
  }
  return parts.join('');
}

const LINK = ['ethernet', 'sll', 'vlan', 'loopback'];

function networkText(layers: readonly Layer[], length: number): string {
  const from = layers.findIndex((layer) => !LINK.includes(layer.protocol));
  const first = from < 0 ? undefined : layers[from];
  if (first === undefined) return `(nothing to read), length ${length}`;
  switch (first.protocol) {
    case 'arp':
      return arpText(first, length);
    case 'ipv4':
    case 'ipv6':
      return ipText(layers, from);
    default: {
      const last = layers[from - 1];
      const type = last !== undefined && 'etherType' in last ? etherTypeName(last.etherType) : 'unknown';
      return `${type}, length ${length}`;
    }
  }
}

function arpText(arp: Extract<Layer, { protocol: 'arp' }>, length: number): string {
  const { operation, senderHardware, senderProtocol, targetProtocol } = arp;
  if (operation === 1) return `ARP, Request who-has ${targetProtocol} tell ${senderProtocol}, length ${length}`;
  if (operation === 2) return `ARP, Reply ${senderProtocol} is-at ${senderHardware}, length ${length}`;
  return `ARP, operation ${operation}, length ${length}`;
}

/** The IP packet at `from`, with one that a tunnel carries behind it. */
function ipText(layers: readonly Layer[], from: number): string {
  const ip = layers[from];
  if (ip?.protocol !== 'ipv4' && ip?.protocol !== 'ipv6') return '';
  const family = ip.protocol === 'ipv4' ? 'IP' : 'IP6';
  const length = ip.protocol === 'ipv4' ? ip.totalLength - ip.headerLength : ip.payloadLength;
  let at = from + 1;
  let fragment = ip.protocol === 'ipv4' && (ip.fragmentOffset > 0 || ip.moreFragments) ? fragmentText(ip) : '';
  let rest = length;
  for (let layer = layers[at]; layer !== undefined && isExtension(layer); layer = layers[++at]) {
    if (layer.protocol === 'ipv6-fragment') fragment = fragmentText(layer);
    rest -= 'length' in layer ? layer.length : 8;
  }
  const upper = layers[at];
  const ports = upper?.protocol === 'tcp' || upper?.protocol === 'udp' ? upper : undefined;
  const source = ports === undefined ? ip.source : `${ip.source}.${ports.sourcePort}`;
  const destination = ports === undefined ? ip.destination : `${ip.destination}.${ports.destinationPort}`;
  const last = layers[at - 1] ?? ip;
  const protocolNumber = 'protocolNumber' in last ? last.protocolNumber : 'nextHeader' in last ? last.nextHeader : 0;
  return `${family} ${source} > ${destination}: ${fragment}${upperText(layers, at, protocolNumber, rest)}`;
}

function isExtension(layer: Layer): boolean {
  return layer.protocol.startsWith('ipv6-') || layer.protocol === 'ah';
}

function fragmentText(part: { identification: number; fragmentOffset: number; moreFragments: boolean }): string {
  return `frag (id ${part.identification}, offset ${part.fragmentOffset}${part.moreFragments ? ', more' : ''}) `;
}

function upperText(layers: readonly Layer[], at: number, protocolNumber: number, length: number): string {
  const upper = layers[at];
  switch (upper?.protocol) {
    case 'icmp':
    case 'icmpv6': {
      const v4 = upper.protocol === 'icmp';
      const name = v4 ? icmpName(upper.icmpType, upper.icmpCode) : icmpv6Name(upper.icmpType, upper.icmpCode);
      const echo = upper.identifier === undefined ? '' : `, id ${upper.identifier}, seq ${upper.sequence}`;
      const mtu = upper.protocol === 'icmp' ? upper.nextHopMtu : upper.mtu;
      const more = `${mtu === undefined ? '' : `, mtu ${mtu}`}${'target' in upper ? `, ${upper.target}` : ''}`;
      const bad = upper.checksumValid === false ? ', wrong checksum' : '';
      return `${v4 ? 'ICMP' : 'ICMP6'} ${name}${echo}${more}${bad}, length ${length}`;
    }
    case 'igmp':
      return `igmp type 0x${upper.igmpType.toString(16)}, group ${upper.group}, length ${length}`;
    case 'tcp':
      return tcpText(upper);
    case 'udp':
      return `UDP${upper.checksumValid === false ? ', wrong checksum' : ''}, length ${upper.payloadLength}`;
    case 'ipv4':
    case 'ipv6':
      return ipText(layers, at);
    default:
      return `${ipProtocolName(protocolNumber)}, length ${length}`;
  }
}

const FLAG_LETTERS: Readonly<Record<string, string>> = {
  FIN: 'F',
  SYN: 'S',
  RST: 'R',
  PSH: 'P',
  ACK: '.',
  URG: 'U',
  ECE: 'E',
  CWR: 'W',
  AE: 'e',
};

function tcpText(tcp: TcpMessage): string {
  const flags = tcp.flags.map((flag) => FLAG_LETTERS[flag]).join('') || 'none';
  const range =
    tcp.payloadLength > 0 ? `${tcp.sequence}:${(tcp.sequence + tcp.payloadLength) % 0x1_0000_0000}` : `${tcp.sequence}`;
  const parts = [`Flags [${flags}]`, `seq ${range}`];
  if (tcp.flags.includes('ACK')) parts.push(`ack ${tcp.acknowledgment}`);
  parts.push(`win ${tcp.window}`);
  if (tcp.flags.includes('URG')) parts.push(`urg ${tcp.urgent}`);
  if (tcp.options.length > 0) parts.push(`options [${tcp.options.map(optionText).join(',')}]`);
  if (tcp.checksumValid === false) parts.push('wrong checksum');
  parts.push(`length ${tcp.payloadLength}`);
  return parts.join(', ');
}

function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'end':
      return 'eol';
    case 'nop':
      return 'nop';
    case 'mss':
      return `mss ${option.value}`;
    case 'windowScale':
      return `wscale ${option.shift}`;
    case 'sackPermitted':
      return 'sackOK';
    case 'sack':
      return `sack ${option.blocks.length} ${option.blocks.map(({ left, right }) => `{${left}:${right}}`).join('')}`;
    case 'timestamps':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'unknown':
      return `unknown-${option.number}`;
  }
}
