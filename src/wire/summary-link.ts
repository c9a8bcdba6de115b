/** The link header in a line, as tcpdump -e has it in front. */
import type { Layer } from './layer.js';
import { etherTypeName } from './names.js';
import type { SllMessage } from './sll.js';

const LENGTH_BELOW = 0x600;

/** Layers that belong to the link; the first one that does not ends it. */
export function isLink(layer: Layer): boolean {
  const { protocol } = layer;
  return protocol === 'ethernet' || protocol === 'sll' || protocol === 'vlan' || protocol === 'loopback';
}

/** Bytes of link headers at the front of `layers`. */
export function linkLength(layers: readonly Layer[]): number {
  let length = 0;
  for (const layer of layers) {
    if (layer.protocol === 'ethernet') length += 14;
    else if (layer.protocol === 'sll') length += layer.version === 1 ? 16 : 20;
    else if (layer.protocol === 'vlan' || layer.protocol === 'loopback') length += 4;
    else break;
  }
  return length;
}

/**
 * Empty for links without a header.
 *
 * @param length bytes of the packet on the wire
 */
export function linkText(layers: readonly Layer[], length: number): string {
  const parts: string[] = [];
  for (const layer of layers) {
    switch (layer.protocol) {
      case 'ethernet':
        parts.push(`${layer.source} > ${layer.destination}, ${typeText(layer.etherType)}, length ${length}`);
        break;
      case 'sll':
        parts.push(`${sllText(layer)}${typeText(layer.etherType)}, length ${length}`);
        break;
      case 'vlan': {
        const dropEligible = layer.dropEligible ? ', DEI' : '';
        parts.push(`vlan ${layer.id}, p ${layer.priority}${dropEligible}, ${typeText(layer.etherType)}`);
        break;
      }
      case 'loopback':
        parts.push(`AF ${layer.addressFamily}, length ${length}`);
        break;
      default:
        return join(parts);
    }
  }
  return join(parts);
}

/** As tcpdump: the header, then tags with commas between them. */
function join([header, ...tags]: readonly string[]): string {
  if (header === undefined) return '';
  return tags.length === 0 ? `${header}: ` : `${header}: ${tags.join(', ')}, `;
}

/**
 * Where a packet with a cooked header of the second version was seen, and which way it went, as tcpdump has it in front of
 * each: `eth0  In  `. Empty for other packets.
 *
 * @param name of the interface; undefined where its number alone is known
 */
export function originText([first]: readonly Layer[], name: string | undefined): string {
  if (first?.protocol !== 'sll' || first.version !== 2) return '';
  const shown = name ?? `if${first.interfaceIndex ?? 0}`;
  return `${shown.padEnd(NAME_WIDTH)} ${packetTypeText(first).padEnd(TYPE_WIDTH)} `;
}

/** The first version has the way in its link header, the second in front of the line. */
function sllText(message: SllMessage): string {
  const { version, interfaceIndex, source } = message;
  const before = version === 1 ? packetTypeText(message).padStart(TYPE_WIDTH) : `ifindex ${interfaceIndex ?? 0}`;
  return `${before}${source === '' ? '' : ` ${source}`} `;
}

const packetTypeText = ({ packetType }: SllMessage): string => PACKET_TYPES[packetType] ?? '?';

const NAME_WIDTH = 5;
const TYPE_WIDTH = 3;
/** packet(7). */
const PACKET_TYPES = ['In', 'B', 'M', 'P', 'Out'];

function typeText(etherType: number): string {
  if (etherType < LENGTH_BELOW) return '802.3';
  const name = etherTypeName(etherType);
  return name.startsWith('ethertype') ? name : `ethertype ${name} (0x${etherType.toString(16).padStart(4, '0')})`;
}
