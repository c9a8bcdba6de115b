/** What comes in, as a trace reads it: who says what about which probe. Nothing in here trusts a byte of it. */

import type { IPAddress, IPFamily } from '../../sockaddr/ip.js';
import { sameAddress } from '../../sockaddr/zone.js';
import { checksum } from '../../wire/checksum.js';
import { dissectProtocol } from '../../wire/dissect.js';
import { ICMP_HEADER, type IcmpMessage, IcmpType } from '../../wire/icmp.js';
import { type IcmpExtension, readExtensions } from '../../wire/icmp-extension.js';
import { ICMPV6_PROTOCOL, type Icmpv6Message, Icmpv6Type } from '../../wire/icmpv6.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { IPV6_HEADER } from '../../wire/ipv6.js';
import { IPProtocol } from '../../wire/numbers.js';
import type { TcpFlag } from '../../wire/tcp.js';
import type { PacketAnswer, ProbeAnswer, ReportAnswer } from '../probes/port.js';
import { type Identity, type ProbeFormat, read16 } from './probe-format.js';
import { QUOTED_BYTES, type Quote, readQuote } from './quote.js';

/** An ICMP error that quotes a probe, perhaps one of ours. */
export interface ErrorReading {
  readonly kind: 'error';
  readonly identity: Identity;
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly mtu: number | undefined;
  readonly extensions: readonly IcmpExtension[];
  /** The destination that is quoted. */
  readonly to: IPAddress;
  /** Behind the quoted IP header, eight bytes at least; valid as long as the answer. */
  readonly message: Uint8Array;
  /** Null where there is no packet to be seen. */
  readonly quote: Quote | null;
}

/** Something that the target itself has sent to one of our probes. */
export interface TargetReading {
  readonly kind: 'target';
  /** Null where it may be to any probe of {@link flow}. */
  readonly serial: number | null;
  readonly flow: number;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly tcpFlags: readonly TcpFlag[] | undefined;
}

/** About the target, but no answer to any of our probes. */
export interface ForeignReading {
  readonly kind: 'foreign';
}

const FOREIGN: ForeignReading = { kind: 'foreign' };

/** RFC 4884 section 5.5: where extensions begin that nothing tells the place of. */
const OLD_QUOTE = 128;

/** @returns undefined for what has nothing to do with a trace to `target` */
export function readAnswer(
  answer: ProbeAnswer,
  format: ProbeFormat,
  target: IPAddress,
): ErrorReading | TargetReading | ForeignReading | undefined {
  if (answer.kind === 'report') return readReport(answer, format, target);
  const icmp = target.family === 'ipv4' ? IPProtocol.icmp : ICMPV6_PROTOCOL;
  if (answer.protocol === icmp) {
    const [message] = dissectProtocol(answer.bytes, icmp).layers;
    if (message?.protocol !== 'icmp' && message?.protocol !== 'icmpv6') return undefined;
    if (message.checksumValid === false) return undefined;
    if (isError(message)) return readError(answer, message, format, target);
  }
  if (answer.protocol !== format.protocol) return undefined;
  const found = format.answer(answer.bytes);
  const fromTarget = sameAddress(answer.from, target);
  // A token proves that the target has got the probe, whoever brings it; TCP's numbers and ports prove less.
  const proven = answer.protocol !== IPProtocol.tcp && found?.flow === undefined;
  if (found === undefined || !(proven || fromTarget)) return fromTarget ? FOREIGN : undefined;
  const isIcmp = answer.protocol === icmp;
  return {
    kind: 'target',
    serial: found.serial,
    flow: found.flow ?? 0,
    icmpType: isIcmp ? (answer.bytes[0] ?? null) : null,
    icmpCode: isIcmp ? (answer.bytes[1] ?? null) : null,
    tcpFlags: found.tcpFlags,
  };
}

/** Time exceeded on the way, and whatever says that a probe goes no further. Redirects and quenches go along with it. */
function isError({ protocol, icmpType, icmpCode }: IcmpMessage | Icmpv6Message): boolean {
  return protocol === 'icmp' ? isIPv4Error(icmpType, icmpCode) : isIPv6Error(icmpType, icmpCode);
}

function isIPv4Error(type: number, code: number): boolean {
  if (type === IcmpType.timeExceeded) return code === 0;
  return type === IcmpType.destinationUnreachable || type === IcmpType.parameterProblem;
}

function isIPv6Error(type: number, code: number): boolean {
  if (type === Icmpv6Type.timeExceeded) return code === 0;
  return (
    type === Icmpv6Type.destinationUnreachable ||
    type === Icmpv6Type.packetTooBig ||
    type === Icmpv6Type.parameterProblem
  );
}

/** Whether the message says that a probe's hops were used up. */
export function isTimeExceeded(target: IPAddress, icmpType: number): boolean {
  return icmpType === (target.family === 'ipv4' ? IcmpType.timeExceeded : Icmpv6Type.timeExceeded);
}

function readError(
  answer: PacketAnswer,
  message: IcmpMessage | Icmpv6Message,
  format: ProbeFormat,
  target: IPAddress,
): ErrorReading | ForeignReading | undefined {
  const { icmpType, icmpCode, extensions = [], quoteLength } = message;
  const length = quoteLength ?? (extensions.length > 0 ? OLD_QUOTE : answer.bytes.length);
  const quote = readQuote(target.family, answer.bytes.subarray(ICMP_HEADER, ICMP_HEADER + length));
  if (quote === undefined || quote.protocol !== format.protocol) return undefined;
  const identity = format.identify(quote.message, quote.identification);
  return {
    kind: 'error',
    identity,
    icmpType,
    icmpCode,
    mtu: message.protocol === 'icmp' ? message.nextHopMtu : message.mtu,
    extensions,
    to: quote.destination,
    message: quote.message,
    quote,
  };
}

function readReport(answer: ReportAnswer, format: ProbeFormat, target: IPAddress): ErrorReading | undefined {
  const { icmpType, icmpCode, mtu, sent, to } = answer;
  const isKnown = target.family === 'ipv4' ? isIPv4Error(icmpType, icmpCode) : isIPv6Error(icmpType, icmpCode);
  if (!isKnown || sent.length < QUOTED_BYTES) return undefined;
  const at = answer.extensions === undefined ? oldExtensionsAt(sent, target.family) : sent.length;
  const extensions = readExtensions(answer.extensions ?? sent.subarray(at));
  const message = sent.subarray(0, at);
  const identity = format.identify(message, null);
  return { kind: 'error', identity, icmpType, icmpCode, mtu, extensions, to, message, quote: null };
}

/** Where extensions begin that the kernel says nothing of; the length of `sent` where there are none with a right checksum. */
function oldExtensionsAt(sent: Uint8Array, family: IPFamily): number {
  const at = OLD_QUOTE - (family === 'ipv4' ? IPV4_HEADER : IPV6_HEADER);
  const sound = sent.length >= at + 4 && read16(sent, at + 2) !== 0 && checksum(sent, at, sent.length) === 0;
  return sound ? at : sent.length;
}
