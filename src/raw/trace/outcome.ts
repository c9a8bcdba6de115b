/** What an answer says of the probe that it is to, and how a probe is told. */

import type { SocketError } from '../../errors.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import { sameAddress, withoutZone } from '../../sockaddr/zone.js';
import { IPProtocol } from '../../wire/numbers.js';
import type { ProbeAnswer } from '../probes/port.js';
import { type ErrorReading, isTimeExceeded, type TargetReading } from './answers.js';
import { unreachableMark } from './marks.js';
import type { TraceTarget } from './options.js';
import type { ProbeFormat } from './probe-format.js';
import type { Quote } from './quote.js';
import type { AnsweredProbe, QuotedHeader, TraceProbe, TraceRefusal } from './records.js';
import type { SentProbe } from './round.js';
import type { AnswerMeaning } from './table.js';

export interface Outcome {
  /** All but what takes the time of sending, which may not be known yet. */
  readonly told: Omit<AnsweredProbe, 'rttMs' | 'sentTime'>;
  readonly meaning: AnswerMeaning;
  /** It comes from a router on the way, and says no more. */
  readonly exceeded: boolean;
}

/** How the probes were sent. */
export interface OutcomeContext {
  readonly target: TraceTarget;
  readonly source: IPAddress;
  readonly format: ProbeFormat;
  readonly trafficClass: number;
}

const ON_THE_WAY: AnswerMeaning = { reached: false, unreachable: null };
const REACHED: AnswerMeaning = { reached: true, unreachable: null };

export function outcomeOf(
  probe: SentProbe,
  answer: ProbeAnswer,
  reading: ErrorReading | TargetReading,
  context: OutcomeContext,
): Outcome {
  const { icmpType, icmpCode } = reading;
  const said = {
    flow: probe.flow,
    query: probe.query,
    address: withoutZone(answer.from).toString(),
    time: answer.time,
    timestamp: answer.timestampSource,
    ttl: answer.hopLimit,
    icmpType,
    icmpCode,
  };
  if (reading.kind === 'target') {
    const { tcpFlags } = reading;
    const told = { ...said, ...(tcpFlags === undefined ? {} : { tcpFlags }), ...NOTHING_QUOTED };
    return { told, meaning: REACHED, exceeded: false };
  }
  const { mtu, extensions, quote } = reading;
  const exceeded = isTimeExceeded(context.target.address, reading.icmpType);
  const told = {
    ...said,
    ...(mtu === undefined ? {} : { mtu }),
    extensions,
    quoted: quote === null ? null : quotedHeader(quote),
    nat: quote === null ? null : isTranslated(probe, reading.message, quote, context),
    dscpChanged: quote === null ? null : quote.trafficClass >> 2 !== context.trafficClass >> 2,
  };
  return { told, meaning: exceeded ? ON_THE_WAY : meaningOf(answer.from, reading, context), exceeded };
}

const NOTHING_QUOTED = { extensions: [], quoted: null, nat: null, dscpChanged: null };

function quotedHeader({ ttl, trafficClass, totalLength, source, destination }: Quote): QuotedHeader {
  const addresses = { source: source.toString(), destination: destination.toString() };
  return { ttl, dscp: trafficClass >> 2, ecn: trafficClass & 3, totalLength, ...addresses };
}

function isTranslated(probe: SentProbe, message: Uint8Array, quote: Quote, context: OutcomeContext): boolean {
  return (
    context.format.translated(probe.header, message) ||
    !sameAddress(quote.source, context.source) ||
    !sameAddress(quote.destination, context.target.address)
  );
}

/** What an error other than 'time exceeded' means. */
function meaningOf(from: IPAddress, reading: ErrorReading, { target, format }: OutcomeContext): AnswerMeaning {
  const reached = sameAddress(from, target.address);
  const unreachable = unreachableMark(target.address.family, reading.icmpType, reading.icmpCode, reading.mtu);
  // That nobody listens at the port is how UDP's target answers.
  const isAnswer = reached && unreachable === '!p' && format.protocol === IPProtocol.udp;
  return { reached, unreachable: isAnswer ? null : unreachable };
}

/** How it is told that this machine did not send. */
export function refusalOf({ code, message, advice }: SocketError): TraceRefusal {
  return { code, message, advice };
}

/** The record of a probe, whatever has become of it. */
export function toldOf(probe: SentProbe): TraceProbe {
  const { answer, flow, query, sentTime, state, refusal } = probe;
  if (answer !== undefined) return answer;
  const unanswered = { flow, query, sentTime, address: null };
  if (refusal !== undefined) return { ...unanswered, reason: 'refused', ...refusalOf(refusal) };
  return { ...unanswered, reason: state === 'lost' ? 'timeout' : 'in-flight' };
}
