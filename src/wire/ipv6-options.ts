/**
 * Options of hop-by-hop and destination headers (RFC 8200 section 4.2; jumbo payload: RFC 2675; router alert: RFC 2711).
 *
 *     type:1 length of the data:1 data …; type 0 (Pad1) is one byte alone
 */
import { ByteList } from './byte-list.js';
import type { Packet } from './packet.js';
import { hex } from './text.js';

export type IPv6Option =
  | { readonly kind: 'pad1' }
  /** `length` bytes of data, which are zeros. */
  | { readonly kind: 'padN'; readonly length: number }
  | { readonly kind: 'routerAlert'; readonly value: number }
  /** In bytes, after the IPv6 header. */
  | { readonly kind: 'jumboPayload'; readonly length: number }
  | { readonly kind: 'unknown'; readonly type: number; readonly data: string };

const ROUTER_ALERT = 0x05;
const JUMBO = 0xc2;

/** Reads `[start, end)`; a length that lies ends the reading, and is kept as a fault of the packet. */
export function decodeIPv6Options(packet: Packet, layer: string, start: number, end: number): IPv6Option[] {
  const { view, bytes } = packet;
  const options: IPv6Option[] = [];
  for (let at = start; at < end; ) {
    const type = view.getUint8(at);
    if (type === 0) {
      options.push({ kind: 'pad1' });
      at++;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : -1;
    const data = at + 2;
    if (length < 0 || data + length > end) {
      packet.fail(layer, at, 2 + Math.max(0, length), end - at, 'option length');
      break;
    }
    at = data + length;
    if (type === ROUTER_ALERT && length === 2) options.push({ kind: 'routerAlert', value: view.getUint16(data) });
    else if (type === JUMBO && length === 4) options.push({ kind: 'jumboPayload', length: view.getUint32(data) });
    else if (type === 1 && isZero(bytes, data, at)) options.push({ kind: 'padN', length });
    else options.push({ kind: 'unknown', type, data: hex(bytes, data, at) });
  }
  return options;
}

function isZero(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** The bytes of the options, without any padding that they do not name. */
export function encodeIPv6Options(options: readonly IPv6Option[]): Uint8Array {
  const bytes = new ByteList();
  for (const option of options) {
    switch (option.kind) {
      case 'pad1':
        bytes.u8(0);
        break;
      case 'padN':
        if (!(option.length <= 255)) throw new RangeError(`an option of ${option.length} bytes`);
        bytes.u8(1).u8(option.length).zeros(option.length);
        break;
      case 'routerAlert':
        bytes.u8(ROUTER_ALERT).u8(2).u16(option.value);
        break;
      case 'jumboPayload':
        bytes.u8(JUMBO).u8(4).u32(option.length);
        break;
      case 'unknown':
        bytes
          .u8(option.type)
          .u8(option.data.length / 2)
          .hex(option.data);
        break;
    }
  }
  return bytes.toBytes();
}
