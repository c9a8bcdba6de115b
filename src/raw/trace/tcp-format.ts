/**
 * Probes of TCP: SYNs (RFC 9293 section 3.5), whose sequence number is a random one plus the serial number in steps. The
 * target acknowledges it in SYN+ACK or RST, which this machine's kernel, that knows of no such connection, answers with
 * RST.
 *
 * The steps are small: a target that has a SYN of this flow half open takes the next one for a new attempt within its
 * window and resets, so that each has its answer. A payload is acknowledged by some, as by all closed ports (section
 * 3.10.7.1), and not by others: it is no multiple of the step, so that both ways there is one probe that is meant.
 */
import { encodeTcp, TCP_FLAG_LISTS, TCP_HEADER, TCP_PROTOCOL } from '../../wire/tcp.js';
import {
  type FormatOptions,
  type Identity,
  NO_IDENTITY,
  type ProbeFormat,
  read16,
  read32,
  SERIAL_MAX,
  sameBytes,
  type TargetAnswer,
} from './probe-format.js';

const ACK = 0x10;
const SYN_OR_RST = 0x06;

export class TcpFormat implements ProbeFormat {
  readonly protocol = TCP_PROTOCOL;
  readonly isNamed = true;
  readonly #options: FormatOptions;
  readonly #addresses: Uint8Array;
  readonly #step: number;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#step = stepFor(options.payloadLength);
    const source = options.source.toBytes();
    this.#addresses = new Uint8Array(2 * source.length);
    this.#addresses.set(source);
    this.#addresses.set(options.target.toBytes(), source.length);
  }

  encode(serial: number, flow: number): Uint8Array {
    const { multipath, sourcePorts, port, sequenceBase, payloadLength } = this.#options;
    const index = multipath === 'classic' ? serial % sourcePorts.length : flow;
    return encodeTcp(
      {
        sourcePort: sourcePorts[index] ?? 0,
        destinationPort: port,
        sequence: (sequenceBase + serial * this.#step) % 0x1_0000_0000,
        flags: ['SYN'],
      },
      new Uint8Array(payloadLength),
      this.#addresses,
    );
  }

  identify(message: Uint8Array): Identity {
    const serial = this.#serialOf(read32(message, 4));
    if (serial === undefined || read16(message, 2) !== this.#options.port) return NO_IDENTITY;
    // 16 bits of a random number agree.
    return { kind: 'certain', serial };
  }

  sameButTranslated(header: Uint8Array, message: Uint8Array): boolean {
    return sameBytes(header, message, 2, 8);
  }

  translated(header: Uint8Array, message: Uint8Array): boolean {
    // The checksum lies behind what is always quoted.
    return !sameBytes(header, message) || (message.length >= TCP_HEADER && !sameBytes(header, message, 16, 18));
  }

  answer(message: Uint8Array): TargetAnswer | undefined {
    const { port, sourcePorts } = this.#options;
    if (message.length < TCP_HEADER || read16(message, 0) !== port) return undefined;
    if (!sourcePorts.includes(read16(message, 2))) return undefined;
    const bits = read16(message, 12) & 0x1ff;
    if ((bits & ACK) === 0 || (bits & SYN_OR_RST) === 0) return undefined;
    const acknowledged = read32(message, 8) - 1;
    const serial = this.#serialOf(acknowledged) ?? this.#serialOf(acknowledged - this.#options.payloadLength);
    return serial === undefined ? undefined : { serial, tcpFlags: TCP_FLAG_LISTS[bits] ?? [] };
  }

  #serialOf(sequence: number): number | undefined {
    // What is acknowledged may be below zero by now.
    const serial = ((sequence - this.#options.sequenceBase + 0x2_0000_0000) % 0x1_0000_0000) / this.#step;
    return Number.isInteger(serial) && serial >= 1 && serial <= SERIAL_MAX ? serial : undefined;
  }
}

/** The smallest number that does not divide the payload: 17 at most for one that fits a packet. */
function stepFor(payloadLength: number): number {
  let step = 1;
  while (payloadLength > 0 && payloadLength % step === 0) step++;
  return step;
}
