/**
 * A place in a packet that moves on as its fields are read, within the bounds of one layer. Whoever reads has asked
 * {@link Cursor.has} for all the bytes of a part first; a part with a length of its own is a cursor within.
 */
import { formatIPv4, formatIPv6 } from '../sockaddr/ip-text.js';
import type { Packet } from './packet.js';
import { escapeText, formatHardware, hex } from './text.js';

export class Cursor {
  readonly packet: Packet;
  readonly layer: string;
  readonly end: number;
  at: number;

  constructor(packet: Packet, layer: string, at: number, end: number) {
    this.packet = packet;
    this.layer = layer;
    this.at = at;
    this.end = end;
  }

  /** Bytes that are there. */
  get left(): number {
    return this.end - this.at;
  }

  /** True when `need` bytes are there; otherwise the packet keeps why. */
  has(need: number, claimedBy?: string): boolean {
    return this.packet.has(this.layer, this.at, this.end, need, claimedBy);
  }

  /** The next byte, which stays. */
  peek8(): number {
    return this.packet.view.getUint8(this.at);
  }

  u8(): number {
    return this.packet.view.getUint8(this.at++);
  }

  u16(): number {
    this.at += 2;
    return this.packet.view.getUint16(this.at - 2);
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  u32(): number {
    this.at += 4;
    return this.packet.view.getUint32(this.at - 4);
  }

  i32(): number {
    this.at += 4;
    return this.packet.view.getInt32(this.at - 4);
  }

  u64(): bigint {
    this.at += 8;
    return this.packet.view.getBigUint64(this.at - 8);
  }

  ipv4(): string {
    this.at += 4;
    return formatIPv4(this.packet.bytes, this.at - 4);
  }

  ipv6(): string {
    this.at += 16;
    return formatIPv6(this.packet.bytes, this.at - 16);
  }

  /** As many IPv4 addresses as `bytes` hold. */
  ipv4s(bytes: number): string[] {
    return Array.from({ length: Math.floor(bytes / 4) }, () => this.ipv4());
  }

  /** As many IPv6 addresses as `bytes` hold. */
  ipv6s(bytes: number): string[] {
    return Array.from({ length: Math.floor(bytes / 16) }, () => this.ipv6());
  }

  hardware(length = 6): string {
    this.at += length;
    return formatHardware(this.packet.bytes, this.at - length, length);
  }

  hex(length: number = this.left): string {
    this.at += length;
    return hex(this.packet.bytes, this.at - length, this.at);
  }

  /** See {@link escapeText}. */
  text(length: number = this.left): string {
    this.at += length;
    return escapeText(this.packet.bytes, this.at - length, this.at);
  }

  /**
   * The next `length` bytes as a cursor of their own, which this one passes over. A length that lies is a fault, and
   * what is there of the part is read.
   */
  part(length: number, claimedBy: string): Cursor {
    const from = this.at;
    this.at = this.has(length, claimedBy) ? from + length : this.end;
    return new Cursor(this.packet, this.layer, from, this.at);
  }
}
