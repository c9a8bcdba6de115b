/**
 * The line of a packet as most are (common-packet.ts), without its layers: what summarize of src/wire has for it, byte
 * for byte; a test holds one against the other.
 */
import { type CommonPacket, long, word } from '../../src/wire/common-packet.js';
import { tcpFlagLetters } from '../../src/wire/summary-tcp.js';
import { TCP_FLAG_LISTS } from '../../src/wire/tcp.js';
import { type AsciiBuffer, ascii } from './ascii-buffer.js';

/** Bytes of a line at most, without its time. */
const ROOM = 400;

const TEXT = {
  ip: ascii('IP '),
  ip6: ascii('IP6 '),
  dot: ascii('.'),
  to: ascii(' > '),
  udp: ascii(': UDP, length '),
  udpWrong: ascii(': UDP, wrong checksum, length '),
  flags: ascii(': Flags ['),
  sequence: ascii('], seq '),
  closeFlags: ascii(']'),
  colon: ascii(':'),
  acknowledges: ascii(', ack '),
  window: ascii(', win '),
  urgent: ascii(', urg '),
  options: ascii(', options [nop,nop,TS val '),
  echo: ascii(' ecr '),
  closeOptions: ascii(']'),
  wrong: ascii(', wrong checksum'),
  length: ascii(', length '),
  end: ascii('\n'),
} as const;

const LETTERS: readonly string[] = TCP_FLAG_LISTS.map((list) => tcpFlagLetters(list));
/** FIN, SYN and RST: their numbers are told without data too. */
const OPENING = 0x07;
const ACK = 0x10;
const URG = 0x20;

/** Writes the line and its newline. */
export function writeCommonLine(out: AsciiBuffer, bytes: Uint8Array, packet: CommonPacket): void {
  const { family, ipAt, at, payloadAt, end, tcp } = packet;
  const payload = end - payloadAt;
  out.reserve(ROOM);
  if (family === 4) {
    const source = ipAt + 12;
    out.constant(TEXT.ip).ipv4(bytes, source).constant(TEXT.dot).number(word(bytes, at)).constant(TEXT.to);
    out.ipv4(bytes, source + 4);
  } else {
    out
      .constant(TEXT.ip6)
      .ipv6(bytes, ipAt + 8)
      .constant(TEXT.dot);
    out
      .number(word(bytes, at))
      .constant(TEXT.to)
      .ipv6(bytes, ipAt + 24);
  }
  out.constant(TEXT.dot).number(word(bytes, at + 2));
  if (tcp) writeTcp(out, bytes, packet, payload);
  else out.constant(packet.checksumValid === false ? TEXT.udpWrong : TEXT.udp).number(payload);
  out.constant(TEXT.end);
}

function writeTcp(out: AsciiBuffer, bytes: Uint8Array, packet: CommonPacket, payload: number): void {
  const { at } = packet;
  const flags = word(bytes, at + 12) & 0x1ff;
  const sequence = long(bytes, at + 4);
  out.constant(TEXT.flags).text(LETTERS[flags] as string);
  if (payload > 0 || (flags & OPENING) !== 0) {
    out.constant(TEXT.sequence).number(sequence);
    if (payload > 0) out.constant(TEXT.colon).number((sequence + payload) % 0x1_0000_0000);
  } else out.constant(TEXT.closeFlags);
  if ((flags & ACK) !== 0) out.constant(TEXT.acknowledges).number(long(bytes, at + 8));
  out.constant(TEXT.window).number(word(bytes, at + 14));
  if ((flags & URG) !== 0) out.constant(TEXT.urgent).number(word(bytes, at + 18));
  if (packet.timestamps) {
    out.constant(TEXT.options).number(long(bytes, at + 24));
    out
      .constant(TEXT.echo)
      .number(long(bytes, at + 28))
      .constant(TEXT.closeOptions);
  }
  if (packet.checksumValid === false) out.constant(TEXT.wrong);
  out.constant(TEXT.length).number(payload);
}
