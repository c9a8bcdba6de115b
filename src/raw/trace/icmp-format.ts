/**
 * Probes of ICMP and ICMPv6 echo (RFC 792, RFC 4443 section 4.1). The serial number is the sequence. What load balancers
 * look at is the first four bytes, of which the checksum would change with it: with `paris` the payload balances it, so
 * that it stays the same for all probes of a flow.
 */
import { addressSum, checksum, sumWords } from '../../wire/checksum.js';
import { encodeIcmpEcho } from '../../wire/echo.js';
import { ICMP_HEADER, IcmpType } from '../../wire/icmp.js';
import { ICMPV6_PROTOCOL, Icmpv6Type } from '../../wire/icmpv6.js';
import { IPProtocol } from '../../wire/numbers.js';
import {
  balance,
  FOREIGN,
  type FormatOptions,
  type Identity,
  NO_IDENTITY,
  type ProbeFormat,
  payloadOf,
  read16,
  sameBytes,
  serialInPayload,
  type TargetAnswer,
  write16,
} from './probe-format.js';

const BALANCE_AT = ICMP_HEADER + 6;

export class IcmpFormat implements ProbeFormat {
  readonly protocol: number;
  readonly isNamed = true;
  readonly #options: FormatOptions;
  readonly #v6: boolean;
  /** Of the pseudo header, which ICMP of IPv4 has not. */
  readonly #pseudo: number;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#v6 = options.target.family === 'ipv6';
    this.protocol = this.#v6 ? ICMPV6_PROTOCOL : IPProtocol.icmp;
    this.#pseudo = 0;
    if (!this.#v6) return;
    const addresses = new Uint8Array(32);
    addresses.set(options.source.toBytes());
    addresses.set(options.target.toBytes(), 16);
    this.#pseudo = addressSum(addresses, ICMPV6_PROTOCOL, ICMP_HEADER + options.payloadLength);
  }

  encode(serial: number, flow: number): Uint8Array {
    const { token, identifier, payloadLength, multipath, target } = this.#options;
    const bytes = encodeIcmpEcho({
      family: target.family,
      type: 'request',
      identifier,
      sequence: serial,
      payload: payloadOf(payloadLength, token, serial),
    });
    write16(bytes, 2, 0);
    if (multipath !== 'classic') {
      write16(bytes, BALANCE_AT, balance(sumWords(bytes, 0, bytes.length, this.#pseudo), this.#flowSum(flow)));
    }
    write16(bytes, 2, checksum(bytes, 0, bytes.length, this.#pseudo));
    return bytes;
  }

  /** What the messages of a flow add up to: 1 to 0xfffe. */
  #flowSum(flow: number): number {
    return 1 + ((read16(this.#options.token, 0) + flow * 0x101) % 0xfffe);
  }

  identify(message: Uint8Array): Identity {
    const { token, identifier } = this.#options;
    if (message[0] !== this.#requestType || message[1] !== 0) return NO_IDENTITY;
    const serial = serialInPayload(message, ICMP_HEADER, token);
    if (serial === null) return FOREIGN;
    if (serial !== undefined) return { kind: 'certain', serial };
    return read16(message, 4) === identifier ? { kind: 'likely', serial: read16(message, 6) } : NO_IDENTITY;
  }

  sameButTranslated(header: Uint8Array, message: Uint8Array): boolean {
    return sameBytes(header, message, 0, 2) && sameBytes(header, message, 6, 8);
  }

  translated(header: Uint8Array, message: Uint8Array): boolean {
    return !sameBytes(header, message);
  }

  answer(message: Uint8Array): TargetAnswer | undefined {
    const { token, identifier } = this.#options;
    if (message.length < ICMP_HEADER || message[0] !== this.#replyType || message[1] !== 0) return undefined;
    if (read16(message, 4) !== identifier) return undefined;
    const serial = serialInPayload(message, ICMP_HEADER, token);
    return typeof serial === 'number' && serial === read16(message, 6) ? { serial } : undefined;
  }

  get #requestType(): number {
    return this.#v6 ? Icmpv6Type.echoRequest : IcmpType.echoRequest;
  }

  get #replyType(): number {
    return this.#v6 ? Icmpv6Type.echoReply : IcmpType.echoReply;
  }
}
