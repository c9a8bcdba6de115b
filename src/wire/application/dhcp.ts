/**
 * DHCP over BOOTP (RFC 2131, RFC 951); its options are in dhcp-options.ts.
 *
 *     op:1 htype:1 hlen:1 hops:1 xid:4 secs:2 flags:2 ciaddr:4 yiaddr:4 siaddr:4 giaddr:4 chaddr:16 sname:64 file:128
 *     magic cookie 0x63825363:4, then options
 */
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';
import { type DhcpOption, encodeDhcpOptions, readDhcpOptions } from './dhcp-options.js';

export interface DhcpMessage {
  readonly protocol: 'dhcp';
  /** 1 request, 2 reply. */
  readonly operation: number;
  readonly hardwareType: number;
  readonly hardwareLength: number;
  readonly hops: number;
  readonly transactionId: number;
  /** Since the client began. */
  readonly seconds: number;
  readonly broadcast: boolean;
  readonly clientAddress: string;
  /** What the client is given. */
  readonly yourAddress: string;
  readonly nextServer: string;
  readonly relayAgent: string;
  readonly clientHardware: string;
  /** Up to the first zero byte, escaped as in text.ts. */
  readonly serverName: string;
  readonly bootFile: string;
  /** Absent in BOOTP without the magic cookie of RFC 2132. */
  readonly options?: readonly DhcpOption[];
}

const HEADER = 236;
const COOKIE = 0x6382_5363;

export function decodeDhcp(packet: Packet, at: number, end: number): Next {
  const cursor = new Cursor(packet, 'dhcp', at, end);
  if (!cursor.has(HEADER)) return payload(at, end);
  const head = {
    protocol: 'dhcp' as const,
    operation: cursor.u8(),
    hardwareType: cursor.u8(),
    hardwareLength: cursor.u8(),
    hops: cursor.u8(),
    transactionId: cursor.u32(),
    seconds: cursor.u16(),
    broadcast: (cursor.u16() & 0x8000) !== 0,
    clientAddress: cursor.ipv4(),
    yourAddress: cursor.ipv4(),
    nextServer: cursor.ipv4(),
    relayAgent: cursor.ipv4(),
    clientHardware: cursor.hardware(Math.min(16, packet.view.getUint8(at + 2))),
  };
  const message: DhcpMessage = {
    ...head,
    serverName: textAt(packet, at + 44, 64),
    bootFile: textAt(packet, at + 108, 128),
  };
  cursor.at = at + HEADER;
  if (cursor.left < 4 || packet.view.getUint32(cursor.at) !== COOKIE) {
    packet.layers.push(message);
    return payload(cursor.at, end);
  }
  cursor.at += 4;
  packet.layers.push({ ...message, options: readDhcpOptions(cursor) });
  // What follows the end option is padding.
  return NOTHING;
}

function textAt(packet: Packet, at: number, length: number): string {
  const zero = packet.bytes.subarray(at, at + length).indexOf(0);
  return new Cursor(packet, 'dhcp', at, at + (zero < 0 ? length : zero)).text();
}

/**
 * A whole message.
 *
 * @param size bytes that it is filled up to with zeros; RFC 1542 section 2.1 has 300
 * @throws AddressError, UsageError for text of another form
 */
export function encodeDhcp(message: Omit<DhcpMessage, 'protocol'>, size = 0): Uint8Array {
  const bytes = new ByteList()
    .u8(message.operation)
    .u8(message.hardwareType)
    .u8(message.hardwareLength)
    .u8(message.hops)
    .u32(message.transactionId)
    .u16(message.seconds)
    .u16(message.broadcast ? 0x8000 : 0)
    .ipv4(message.clientAddress)
    .ipv4(message.yourAddress)
    .ipv4(message.nextServer)
    .ipv4(message.relayAgent);
  for (const [part, to] of [
    [new ByteList().hardware(message.clientHardware), 44],
    [new ByteList().text(message.serverName), 108],
    [new ByteList().text(message.bootFile), HEADER],
  ] as const) {
    bytes.bytes(part.toBytes().subarray(0, to - bytes.length));
    bytes.zeros(to - bytes.length);
  }
  if (message.options !== undefined) bytes.u32(COOKIE).bytes(encodeDhcpOptions(message.options));
  return bytes.zeros(Math.max(0, size - bytes.length)).toBytes();
}
