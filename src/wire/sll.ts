/**
 * Linux cooked captures, what `any` gives: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2.
 *
 *     v1   packet type:2 hardware type:2 address length:2 address:8 protocol:2                       16 bytes
 *     v2   protocol:2 reserved:2 interface:4 hardware type:2 packet type:1 address length:1 address:8  20 bytes
 */
import { formatHardware, type Next, type Packet } from './packet.js';

export interface SllMessage {
  readonly protocol: 'sll';
  readonly version: 1 | 2;
  /** packet(7): 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 from us. */
  readonly packetType: number;
  /** ARPHRD_ number. */
  readonly hardwareType: number;
  readonly source: string;
  /** Version 2 only. */
  readonly interfaceIndex?: number;
  readonly etherType: number;
}

export function decodeSll(packet: Packet, at: number, end: number): Next {
  if (!packet.has('sll', at, end, 16)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const etherType = view.getUint16(at + 14);
  packet.layers.push({
    protocol: 'sll',
    version: 1,
    packetType: view.getUint16(at),
    hardwareType: view.getUint16(at + 2),
    source: formatHardware(bytes, at + 6, Math.min(8, view.getUint16(at + 4))),
    etherType,
  });
  return { table: 'etherType', key: etherType, at: at + 16, end };
}

export function decodeSll2(packet: Packet, at: number, end: number): Next {
  if (!packet.has('sll', at, end, 20)) return { table: 'payload', key: 0, at, end };
  const { view, bytes } = packet;
  const etherType = view.getUint16(at);
  packet.layers.push({
    protocol: 'sll',
    version: 2,
    packetType: view.getUint8(at + 10),
    hardwareType: view.getUint16(at + 8),
    source: formatHardware(bytes, at + 12, Math.min(8, view.getUint8(at + 11))),
    interfaceIndex: view.getUint32(at + 4),
    etherType,
  });
  return { table: 'etherType', key: etherType, at: at + 20, end };
}
