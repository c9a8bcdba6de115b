/**
 * VLAN tags of IEEE 802.1Q and 802.1ad, after the EtherType that announces them; they may be stacked.
 *
 *     +-------+-----+--------------+-----------+
 *     | pri 3 | dei | VLAN id (12) | type (16) |
 *     +-------+-----+--------------+-----------+
 */
import { frameNext } from './ethernet.js';
import { type Next, type Packet, payload } from './packet.js';

export interface VlanMessage {
  readonly protocol: 'vlan';
  /** 0 (priority only) to 4095. */
  readonly id: number;
  /** 0 to 7. */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** Of what the tag precedes; below 1536 a length, as in Ethernet. */
  readonly etherType: number;
}

export const VLAN_TAG = 4;

export function decodeVlan(packet: Packet, at: number, end: number): Next {
  if (!packet.has('vlan', at, end, VLAN_TAG)) return payload(at, end);
  const control = packet.view.getUint16(at);
  const etherType = packet.view.getUint16(at + 2);
  packet.layers.push({
    protocol: 'vlan',
    id: control & 0xfff,
    priority: control >> 13,
    dropEligible: (control & 0x1000) !== 0,
    etherType,
  });
  return frameNext('vlan', packet, etherType, at + VLAN_TAG, end);
}

/** Writes the tag into `into` at `offset`; returns where the payload goes. */
export function encodeVlan(message: Omit<VlanMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const control = ((message.priority & 7) << 13) | (message.dropEligible ? 0x1000 : 0) | (message.id & 0xfff);
  into[offset] = control >> 8;
  into[offset + 1] = control & 255;
  into[offset + 2] = message.etherType >> 8;
  into[offset + 3] = message.etherType & 255;
  return offset + VLAN_TAG;
}
