/**
 * OSPF (version 2: RFC 2328 appendix A.3, version 3: RFC 5340 appendix A.3): the common header, and hellos in full.
 * The bodies of other packets are payload.
 *
 *     version:1 type:1 length:2 router id:4 area id:4 checksum:2
 *     version 2: authentication type:2 authentication:8    version 3: instance:1 reserved:1
 */
import { ByteList } from './byte-list.js';
import { addressSum, checksum, foldSum, sumWords } from './checksum.js';
import { Cursor } from './cursor.js';
import { IPProtocol } from './numbers.js';
import { type Next, NOTHING, type Packet, payload } from './packet.js';

export interface OspfHello {
  /** Version 2, dotted. */
  readonly networkMask?: string;
  /** Version 3. */
  readonly interfaceId?: number;
  /** In seconds. */
  readonly helloInterval: number;
  readonly routerDeadInterval: number;
  readonly options: number;
  readonly priority: number;
  readonly designatedRouter: string;
  readonly backupDesignatedRouter: string;
  readonly neighbors: readonly string[];
}

export interface OspfMessage {
  readonly protocol: 'ospf';
  readonly version: number;
  /** 1 hello, 2 database description, 3 request, 4 update, 5 acknowledgment. */
  readonly ospfType: number;
  readonly length: number;
  readonly routerId: string;
  readonly areaId: string;
  readonly checksum: number;
  readonly checksumValid: boolean | null;
  /** Version 2: 0 none, 1 password, 2 cryptographic. */
  readonly authenticationType?: number;
  /** Version 2, in hex. */
  readonly authentication?: string;
  /** Version 3. */
  readonly instanceId?: number;
  readonly hello?: OspfHello;
}

const HELLO = 1;
const CRYPTOGRAPHIC = 2;

export function decodeOspf(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'ospf', at, end);
  if (!cursor.has(16)) return payload(at, end);
  const version = cursor.u8();
  if (version !== 2 && version !== 3) return payload(at, end);
  if (version === 2 && !cursor.has(23)) return payload(at, end);
  const head = {
    protocol: 'ospf' as const,
    version,
    ospfType: cursor.u8(),
    length: cursor.u16(),
    routerId: cursor.ipv4(),
    areaId: cursor.ipv4(),
    checksum: cursor.u16(),
  };
  let message: OspfMessage;
  if (version === 2) {
    const authenticationType = cursor.u16();
    const checksumValid = judge2(packet, at, end, head.length, authenticationType);
    message = { ...head, checksumValid, authenticationType, authentication: cursor.hex(8) };
  } else {
    const checksumValid = packet.judge(IPProtocol.ospf, at, end, head.checksum);
    message = { ...head, checksumValid, instanceId: cursor.u8() };
    cursor.at++;
  }
  if (head.length < cursor.at - at) {
    packet.fail('ospf', at, cursor.at - at, head.length, 'length');
    packet.layers.push(message);
    return payload(cursor.at, end);
  }
  const body = cursor.part(at + head.length - cursor.at, 'length');
  if (head.ospfType === HELLO && body.has(20)) {
    packet.layers.push({ ...message, hello: version === 2 ? hello2(body) : hello3(body) });
    return payload(body.at, end);
  }
  packet.layers.push(message);
  return body.left > 0 ? payload(body.at, end) : NOTHING;
}

/** RFC 2328 appendix D.4: the authentication field is left out; with a cryptographic one there is no checksum. */
function judge2(packet: Packet, at: number, end: number, length: number, type: number): boolean | null {
  const to = at + length;
  if (packet.incomplete || type === CRYPTOGRAPHIC || to > end || length < 24) return null;
  return foldSum(sumWords(packet.bytes, at + 24, to, sumWords(packet.bytes, at, at + 16))) === 0;
}

function hello2(body: Cursor): OspfHello {
  return {
    networkMask: body.ipv4(),
    helloInterval: body.u16(),
    options: body.u8(),
    priority: body.u8(),
    routerDeadInterval: body.u32(),
    designatedRouter: body.ipv4(),
    backupDesignatedRouter: body.ipv4(),
    neighbors: body.ipv4s(body.left),
  };
}

function hello3(body: Cursor): OspfHello {
  return {
    interfaceId: body.u32(),
    priority: body.u8(),
    options: body.u24(),
    helloInterval: body.u16(),
    routerDeadInterval: body.u16(),
    designatedRouter: body.ipv4(),
    backupDesignatedRouter: body.ipv4(),
    neighbors: body.ipv4s(body.left),
  };
}

export interface OspfFields extends Omit<OspfMessage, 'protocol' | 'length' | 'checksum' | 'checksumValid'> {
  /** Left out, it is that of all that is written. */
  readonly length?: number;
  /** Left out, it is computed, for version 3 where the addresses are given. */
  readonly checksum?: number;
}

/**
 * Header, hello and `data` behind it.
 *
 * @param addresses source and destination, 32 bytes (pseudoAddresses), for the checksum of version 3
 */
export function encodeOspf(
  message: OspfFields,
  data: Uint8Array = new Uint8Array(0),
  addresses?: Uint8Array,
): Uint8Array {
  const { version, hello } = message;
  const bytes = new ByteList()
    .u8(version)
    .u8(message.ospfType)
    .u16(message.length ?? 0);
  bytes
    .ipv4(message.routerId)
    .ipv4(message.areaId)
    .u16(message.checksum ?? 0);
  if (version === 2) bytes.u16(message.authenticationType ?? 0).hex(message.authentication ?? '0'.repeat(16));
  else bytes.u8(message.instanceId ?? 0).u8(0);
  if (hello !== undefined) {
    if (version === 2) {
      bytes
        .ipv4(hello.networkMask ?? '0.0.0.0')
        .u16(hello.helloInterval)
        .u8(hello.options)
        .u8(hello.priority);
      bytes.u32(hello.routerDeadInterval);
    } else {
      bytes
        .u32(hello.interfaceId ?? 0)
        .u8(hello.priority)
        .u24(hello.options);
      bytes.u16(hello.helloInterval).u16(hello.routerDeadInterval);
    }
    bytes.ipv4(hello.designatedRouter).ipv4(hello.backupDesignatedRouter);
    for (const neighbor of hello.neighbors) bytes.ipv4(neighbor);
  }
  bytes.bytes(data);
  if (message.length === undefined) bytes.patch16(2, bytes.length);
  const whole = bytes.toBytes();
  if (message.checksum !== undefined) return whole;
  const end = whole.length;
  if (version === 2) bytes.patch16(12, checksum(whole, 24, end, sumWords(whole, 0, 16)));
  else if (addresses !== undefined) {
    bytes.patch16(12, checksum(whole, 0, end, addressSum(addresses, IPProtocol.ospf, end)));
  } else return whole;
  return bytes.toBytes();
}
