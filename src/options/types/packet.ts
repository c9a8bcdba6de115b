/** What packet sockets take (packet(7)). */

import { AddressError } from '../../errors.js';
import { interfaceIndex } from '../../sockaddr/interfaces.js';
import { parseHardwareAddress } from '../../sockaddr/link-layer.js';
import { readInteger } from './number.js';
import { ints, LITTLE, type OptionType, viewOf } from './type.js';

/** PACKET_MR_* of packet(7). */
const MEMBERSHIPS: Readonly<Record<string, number>> = { multicast: 0, promisc: 1, allmulti: 2, unicast: 3 };
/** struct packet_mreq of packet(7): interface:4 type:2 length:2 address:8. */
const PACKET_MREQ_SIZE = 16;

/** `promisc@eth0`, `allmulti@eth0`, `multicast:01:00:5e:00:00:01@eth0`, `unicast:…@eth0`. */
export const packetMembership: OptionType = {
  kind: 'packet-membership',
  describe: 'promisc@eth0, allmulti@eth0, multicast:01:00:5e:00:00:01@eth0 or unicast:02:00:00:00:00:01@eth0',
  parse: (text) => {
    const match = /^(promisc|allmulti|(multicast|unicast):([0-9a-f:.-]+))@([^\s/@,]{1,15})$/i.exec(text);
    if (match === null) return undefined;
    const device = match[4];
    if (match[3] === undefined) return `${match[1]?.toLowerCase()}@${device}`;
    const hardware = hardwareAddress(match[3]);
    return hardware === undefined ? undefined : `${match[2]?.toLowerCase()}:${hardware}@${device}`;
  },
  encode: (value) => {
    const [what = '', device = ''] = String(value).split('@');
    const colon = what.indexOf(':');
    const bytes = new Uint8Array(PACKET_MREQ_SIZE);
    const view = viewOf(bytes);
    view.setInt32(0, interfaceIndex(device), LITTLE);
    view.setUint16(4, MEMBERSHIPS[colon < 0 ? what : what.slice(0, colon)] ?? 0, LITTLE);
    if (colon >= 0) {
      const address = parseHardwareAddress(what.slice(colon + 1)).toBytes();
      view.setUint16(6, address.length, LITTLE);
      bytes.set(address, 8);
    }
    return bytes;
  },
  decode: () => undefined,
  format: String,
};

/** At most the eight bytes that the structure has room for. */
function hardwareAddress(text: string): string | undefined {
  try {
    const address = parseHardwareAddress(text);
    return address.length <= 8 ? address.toString() : undefined;
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** PACKET_FANOUT_* of packet(7). */
const FANOUT_MODES: Readonly<Record<string, number>> = {
  hash: 0,
  lb: 1,
  cpu: 2,
  rollover: 3,
  rnd: 4,
  qm: 5,
  cbpf: 6,
  ebpf: 7,
};
const FANOUT_FLAGS: Readonly<Record<string, number>> = { rollover: 0x1000, unique: 0x2000, defrag: 0x8000 };

/** `hash:7`, `lb+defrag:7`: mode, flags and the number of the group. */
export const fanout: OptionType = {
  kind: 'fanout',
  describe: `a mode and a group such as hash:7 or lb+defrag:7; modes: ${Object.keys(FANOUT_MODES).join(', ')}`,
  parse: (text) => {
    const match = /^([a-z]+)((?:\+[a-z]+)*):(\d{1,5})$/.exec(text);
    if (match === null || Number(match[3]) > 65_535) return undefined;
    const mode = Object.hasOwn(FANOUT_MODES, match[1] ?? '') ? FANOUT_MODES[match[1] ?? ''] : undefined;
    const flags = (match[2] ?? '')
      .split('+')
      .slice(1)
      .map((name) => (Object.hasOwn(FANOUT_FLAGS, name) ? FANOUT_FLAGS[name] : undefined));
    if (mode === undefined || flags.includes(undefined)) return undefined;
    const bits = flags.reduce<number>((sum, bit) => sum | (bit ?? 0), mode);
    return ((bits << 16) | Number(match[3])) >>> 0;
  },
  encode: (value) => ints(Number(value)),
  decode: (bytes) => (bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, LITTLE)),
  format: (value) => {
    const number = Number(value);
    const bits = number >>> 16;
    const mode = Object.entries(FANOUT_MODES).find(([, code]) => code === (bits & 0xff))?.[0] ?? String(bits & 0xff);
    const flags = Object.entries(FANOUT_FLAGS).filter(([, bit]) => (bits & bit) !== 0);
    return `${[mode, ...flags.map(([name]) => name)].join('+')}:${number & 0xffff}`;
  },
};

/** tpacket_req and tpacket_req3 of packet(7) have these in this order; the shorter one ends after the fourth. */
const RING_FIELDS = ['block-size', 'blocks', 'frame-size', 'frames', 'timeout', 'private', 'features'] as const;

/**
 * `1Mx32`: blocks of a TPACKET_V3 ring, `1Mx32@20` with the milliseconds after which a block is handed over that is not
 * full; or of a V1 or V2 ring with `/2048` as the frame size.
 */
export const ring: OptionType = {
  kind: 'ring',
  describe:
    'blocks such as 1Mx32 or, handed over after 20 ms, 1Mx32@20 (TPACKET_V3); with a frame size 64kx32/2048 (V1, V2)',
  parse: (text) => {
    const match = /^([0-9]+[kmg]?)x(\d+)(?:\/([0-9]+[kmg]?)|@(\d{1,5}))?$/i.exec(text);
    const [size, count, frame] = [match?.[1], match?.[2], match?.[3]].map((part) => readInteger(part ?? ''));
    if (
      size === undefined ||
      count === undefined ||
      size * count > 0xffffffff ||
      (match?.[3] !== undefined && frame === undefined)
    )
      return undefined;
    const more = frame !== undefined ? `/${frame}` : match?.[4] !== undefined ? `@${Number(match[4])}` : '';
    return `${size}x${count}${more}`;
  },
  encode: (value) => {
    const [ring = '', timeout = '0'] = String(value).split('@');
    const [blocks = '', frame] = ring.split('/');
    const [size = 0, count = 0] = blocks.split('x').map(Number);
    const frameSize = frame === undefined ? 2048 : Number(frame);
    const frames = Math.floor(size / frameSize) * count;
    const fields = [size, count, frameSize, frames, Number(timeout), 0, 0];
    return ints(...fields.slice(0, frame === undefined ? RING_FIELDS.length : 4));
  },
  decode: () => undefined,
  format: String,
};
