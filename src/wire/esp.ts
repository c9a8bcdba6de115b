/** ESP (RFC 4303): its two clear fields; the rest is encrypted, but for NULL encryption, which nothing tells. */
import { type Next, type Packet, payload } from './packet.js';

export interface EspMessage {
  readonly protocol: 'esp';
  readonly spi: number;
  readonly sequence: number;
}

export const ESP_HEADER = 8;

export function decodeEsp(packet: Packet, at: number, end: number): Next {
  if (!packet.has('esp', at, end, ESP_HEADER)) return payload(at, end);
  packet.layers.push({
    protocol: 'esp',
    spi: packet.view.getUint32(at),
    sequence: packet.view.getUint32(at + 4),
  });
  return payload(at + ESP_HEADER, end);
}

/** Writes the header into `into` at `offset`; returns where the encrypted part goes. */
export function encodeEsp(message: Omit<EspMessage, 'protocol'>, into: Uint8Array, offset = 0): number {
  const view = new DataView(into.buffer, into.byteOffset + offset, ESP_HEADER);
  view.setUint32(0, message.spi);
  view.setUint32(4, message.sequence);
  return offset + ESP_HEADER;
}
