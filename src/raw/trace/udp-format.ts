/**
 * Probes of UDP (RFC 768). The serial number is
 *
 * - with `paris` the checksum, which the payload is chosen to have; the ports stay;
 * - with `dublin` the identification of IPv4, and over IPv6 the length, modulo what fits; ports, payload and checksum stay;
 * - with `classic` the destination port, which goes up from the first one and begins again.
 */
import { addressSum, sumWords } from '../../wire/checksum.js';
import { encodeUdp, UDP_HEADER, UDP_PROTOCOL } from '../../wire/udp.js';
import {
  balance,
  FOREIGN,
  type FormatOptions,
  type Identity,
  NO_IDENTITY,
  type ProbeFormat,
  payloadOf,
  read16,
  SERIAL_MAX,
  sameBytes,
  serialInPayload,
  type TargetAnswer,
  write16,
} from './probe-format.js';

const BALANCE_AT = UDP_HEADER + 6;
/** Lengths that `dublin` uses over IPv6; the packet stays below 1,280 bytes, which every link takes (RFC 8200 section 5). */
export const DUBLIN_LENGTHS = 1024;

export class UdpFormat implements ProbeFormat {
  readonly protocol = UDP_PROTOCOL;
  readonly isNamed: boolean;
  readonly #options: FormatOptions;
  readonly #v6: boolean;
  readonly #addresses: Uint8Array;
  /** The serial number of the last probe, by which those before it are told. */
  #newest: number;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.isNamed = options.multipath === 'classic';
    this.#v6 = options.target.family === 'ipv6';
    this.#newest = options.firstSerial;
    const source = options.source.toBytes();
    this.#addresses = new Uint8Array(2 * source.length);
    this.#addresses.set(source);
    this.#addresses.set(options.target.toBytes(), source.length);
  }

  encode(serial: number, flow: number): Uint8Array {
    const { multipath, token, payloadLength, sourcePorts, port, portIsFree } = this.#options;
    this.#newest = serial;
    const sourcePort = sourcePorts[flow] ?? sourcePorts[0] ?? 0;
    if (multipath === 'classic') {
      const payload = payloadOf(payloadLength, token, serial);
      return encodeUdp({ sourcePort, destinationPort: this.#portOf(serial) }, payload, this.#addresses);
    }
    if (multipath === 'dublin') {
      const length = payloadLength + (this.#v6 ? this.#index(serial) % DUBLIN_LENGTHS : 0);
      const destinationPort = portIsFree ? port + flow : port;
      return encodeUdp({ sourcePort, destinationPort }, payloadOf(length, token, 0), this.#addresses);
    }
    const payload = payloadOf(payloadLength, token, serial);
    const bytes = encodeUdp({ sourcePort, destinationPort: port, checksum: 0 }, payload);
    const sum = sumWords(bytes, 0, bytes.length, addressSum(this.#addresses, UDP_PROTOCOL, bytes.length));
    write16(bytes, BALANCE_AT, balance(sum, ~serial & 0xffff));
    write16(bytes, 6, serial);
    return bytes;
  }

  identify(message: Uint8Array, identification: number | null): Identity {
    const { multipath, token } = this.#options;
    const inPayload = serialInPayload(message, UDP_HEADER, token);
    if (inPayload === null) return FOREIGN;
    if (multipath === 'dublin') return this.#identifyDublin(message, identification, inPayload !== undefined);
    if (inPayload !== undefined) return { kind: 'certain', serial: inPayload };
    if (multipath === 'paris') return { kind: 'likely', serial: read16(message, 6) };
    const index = read16(message, 2) - this.#options.port;
    return index < 0 ? NO_IDENTITY : { kind: 'likely', serial: this.#latest(index, this.#ports) };
  }

  #identifyDublin(message: Uint8Array, identification: number | null, certain: boolean): Identity {
    const kind = certain ? 'certain' : 'likely';
    if (!this.#v6) return identification === null ? NO_IDENTITY : { kind, serial: identification };
    const index = read16(message, 4) - UDP_HEADER - this.#options.payloadLength;
    if (index < 0 || index >= DUBLIN_LENGTHS) return NO_IDENTITY;
    return { kind, serial: this.#latest(index, DUBLIN_LENGTHS) };
  }

  sameButTranslated(header: Uint8Array, message: Uint8Array): boolean {
    return sameBytes(header, message, 2, 6);
  }

  translated(header: Uint8Array, message: Uint8Array): boolean {
    // Zero is no checksum: who quotes has left it out, or it is the error queue's.
    return !sameBytes(header, message, 0, 4) || (read16(message, 6) !== 0 && !sameBytes(header, message, 6, 8));
  }

  /**
   * What a service says from the port that was asked. One that sends back what it was sent says which probe that was, and
   * so does its port with `classic`; of others only the flow is known.
   */
  answer(message: Uint8Array): TargetAnswer | undefined {
    const { sourcePorts, token, multipath, port, portIsFree } = this.#options;
    if (message.length < UDP_HEADER) return undefined;
    const from = read16(message, 0);
    const flow = sourcePorts.indexOf(read16(message, 2));
    if (flow < 0 || from < port) return undefined;
    const serial = serialInPayload(message, UDP_HEADER, token);
    if (typeof serial === 'number' && multipath !== 'dublin') return { serial };
    if (multipath === 'classic') return { serial: this.#latest(from - port, this.#ports), flow };
    if (multipath === 'dublin' && portIsFree) return { serial: null, flow: from - port };
    return from === port ? { serial: null, flow } : undefined;
  }

  /** How many ports there are from the first one on. */
  get #ports(): number {
    return 0x1_0000 - this.#options.port;
  }

  #portOf(serial: number): number {
    return this.#options.port + (this.#index(serial) % this.#ports);
  }

  /** Which probe it is, from 0. */
  #index(serial: number): number {
    return (serial - this.#options.firstSerial + SERIAL_MAX) % SERIAL_MAX;
  }

  /** The serial number of the last probe whose index, modulo `modulus`, is this one. */
  #latest(index: number, modulus: number): number {
    const newest = this.#index(this.#newest);
    const back = (newest - index + modulus * SERIAL_MAX) % modulus;
    return ((this.#newest - 1 - back + 2 * SERIAL_MAX) % SERIAL_MAX) + 1;
  }
}
