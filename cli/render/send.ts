/** What `raw send` tells: packets that have left, what came back for them, and the summary. */
import { type CapturedPacket, type CaptureInterface, createTimeText } from '../../capture/index.js';
import { packetRecord } from '../../capture/record.js';
import { formatTimestamp, type Timestamp } from '../../src/measure/clock.js';
import type { BuiltPacket } from '../../src/raw/send/built-packet.js';
import type { Pace } from '../../src/raw/send/pace.js';
import type {
  FailedPacket,
  PacketAnswer,
  SendCounts,
  SendPacketsSummary,
  SentPacket,
} from '../../src/raw/send/send.js';
import { dissect } from '../../src/wire/dissect.js';
import type { Dissection } from '../../src/wire/layer.js';
import { LinkType } from '../../src/wire/link-types.js';
import { summarize } from '../../src/wire/summary.js';
import type { CommandContext } from '../context.js';
import { recordHead } from './record.js';
import { bitsPerSecond, byteCount, counted, milliseconds } from './report.js';

/** A packet to be sent as one that could have been captured, for the sinks of captures. */
export function asCaptured(
  packet: BuiltPacket,
  number: number,
  timestamp: Timestamp | null,
  interfaces: SentInterfaces,
): CapturedPacket {
  const { bytes } = packet;
  return {
    number,
    timestamp,
    interface: interfaces.of(linkTypeOf(packet)),
    direction: 'out',
    originalLength: bytes.length,
    bytes,
  };
}

/** As captures of sockets have it: packets of IP are of one link, whatever their version. */
export function linkTypeOf({ link }: Pick<BuiltPacket, 'link'>): number {
  return link === 'ethernet' ? LinkType.ETHERNET : LinkType.RAW;
}

/** The interfaces that packets are said to have left by: one for each link. */
export class SentInterfaces {
  readonly #name: string | null;
  readonly #known = new Map<number, CaptureInterface>();
  readonly all: CaptureInterface[] = [];

  constructor(name: string | undefined) {
    this.#name = name ?? null;
  }

  of(linkType: number): CaptureInterface {
    let found = this.#known.get(linkType);
    if (found === undefined) {
      found = { id: this.all.length, name: this.#name, linkType, snapshotLength: 0 };
      this.#known.set(linkType, found);
      this.all.push(found);
    }
    return found;
  }
}

/** Of each packet so many answers are shown at most. */
const FURTHER_MAX = 1000;

/** Writes lines or records of single packets. */
export class PacketReport {
  readonly #context: CommandContext;
  readonly #answers: boolean;
  readonly #time = createTimeText({});
  /** Further answers that were counted and not shown. */
  untold = 0;
  /** Whether the reader of stdout has answers to read. */
  #behind = false;

  /** @param answers whether lines tell of answers too, so that each has the number of its packet */
  constructor(context: CommandContext, answers: boolean) {
    this.#context = context;
    this.#answers = answers;
  }

  /** The first line takes as long as a thousand others: it is made before anything is sent, so that nothing is late for it. */
  prepare(packet: BuiltPacket): void {
    const linkType = linkTypeOf(packet);
    const dissection = dissect(packet.bytes, linkType);
    this.#text({ seconds: 0, nanoseconds: 0 }, packet.bytes, linkType, dissection);
    JSON.stringify(packetFields(packet.bytes, linkType, dissection));
  }

  sent({ sequence, number, packet, time }: SentPacket): void | Promise<void> {
    const { json, output } = this.#context;
    const linkType = linkTypeOf(packet);
    const dissection = dissect(packet.bytes, linkType);
    if (json) {
      const more = number === sequence ? {} : { number };
      const told = packetFields(packet.bytes, linkType, dissection);
      return output.record({ type: 'send.packet', time: formatTimestamp(time), sequence, ...more, packet: told });
    }
    return output.line(`${this.#head(sequence, '>')}${this.#text(time, packet.bytes, linkType, dissection)}`);
  }

  answer({
    sequence,
    how,
    rttMs,
    answer,
    timestamp,
    timestampSource,
    linkType,
    bytes,
    dissection,
  }: PacketAnswer): void {
    // Whoever answers again and again, or a slow reader, is not to fill the memory.
    if (answer > 1 && (this.#behind || answer > FURTHER_MAX)) {
      this.untold++;
      return;
    }
    const { json, output } = this.#context;
    if (json) {
      const wait = output.record({
        type: 'send.answer',
        time: formatTimestamp(timestamp),
        sequence,
        how,
        rttMs,
        answer,
        timestamp: timestampSource,
        packet: packetFields(bytes, linkType, dissection),
      });
      this.#await(wait);
      return;
    }
    const again = answer === 1 ? '' : `, answer ${answer}`;
    const text = this.#text(timestamp, bytes, linkType, dissection);
    this.#await(output.line(`${this.#head(sequence, '<')}${text}, ${milliseconds(rttMs)} ms${again}`));
  }

  #await(wait: void | Promise<void>): void {
    if (wait === undefined) return;
    this.#behind = true;
    void wait.finally(() => {
      this.#behind = false;
    });
  }

  silence(sequence: number): void {
    const { json, output } = this.#context;
    if (json) void output.record({ ...recordHead('send.timeout'), sequence });
    else void output.line(`${this.#head(sequence, '!')}no answer in time`);
  }

  #head(sequence: number, mark: string): string {
    return this.#answers ? `#${sequence} ${mark} ` : '';
  }

  #text(time: Timestamp, bytes: Uint8Array, linkType: number, dissection: Dissection): string {
    const link = linkType === LinkType.ETHERNET;
    return `${this.#time(time)}${summarize(dissection, bytes.length, { link })}`;
  }
}

/** What a `packet` record says of the packet itself. */
function packetFields(bytes: Uint8Array, linkType: number, dissection: Dissection): object {
  const from = { id: 0, name: null, linkType, snapshotLength: 0 };
  const packet = { number: 1, timestamp: null, interface: from, direction: null, originalLength: bytes.length, bytes };
  const { length, linkType: link, layers, malformed } = packetRecord(packet, dissection);
  return { length, linkType: link, layers, ...(malformed === undefined ? {} : { malformed }) };
}

/**
 * Tells of packets that the kernel has refused: records of each, but while stdout is behind; the log has the first of each
 * kind.
 */
export function failureTeller({ json, output, logger }: CommandContext): (failed: FailedPacket) => void {
  const known = new Set<string>();
  let behind = false;
  return ({ sequence, number, error }) => {
    const first = !known.has(error.code);
    known.add(error.code);
    logger.log(first ? 'warn' : 'debug', { event: 'error', message: `packet ${number}: ${error.message}` });
    if (!json || behind) return;
    const { code, message } = error;
    const wait = output.record({ ...recordHead('send.failure'), sequence, number, code, message });
    if (wait === undefined) return;
    behind = true;
    void wait.finally(() => {
      behind = false;
    });
  };
}

export interface SummaryFacts {
  readonly pace: Pace;
  /** Of what is random in the packets; undefined where nothing is. */
  readonly seed: number | undefined;
  /** Answers that were counted and not shown. */
  readonly untold?: number | undefined;
}

/** The last record, and a line in the log. */
export function sendSummary(
  context: CommandContext,
  summary: SendCounts | SendPacketsSummary,
  facts: SummaryFacts,
): void {
  const { sent, bytes, failed, durationMs, schedulingErrorMs, gapsCut, cutMs, endReason, error } = summary;
  const { pace, seed, untold = 0 } = facts;
  const seconds = durationMs / 1000;
  // What leaves at once takes no time to speak of: a rate needs one more.
  const achieved = sent > 1 && seconds > 0 ? (sent - 1) / seconds : null;
  const achievedBits = sent > 1 && seconds > 0 ? (bytes * 8 * (sent - 1)) / sent / seconds : null;
  const answers = 'answers' in summary ? summary.answers : undefined;
  const rewritten = 'rewritten' in summary ? summary.rewritten : 0;
  context.summary({
    ...recordHead('send.summary'),
    sent,
    bytes,
    failed,
    durationMs,
    packetsPerSecond: { requested: pace.kind === 'packets' ? pace.perSecond : null, achieved },
    bitsPerSecond: { requested: pace.kind === 'bits' ? pace.perSecond : null, achieved: achievedBits },
    ...(schedulingErrorMs === undefined ? {} : { schedulingErrorMs }),
    ...(gapsCut === 0 ? {} : { gapsCut, cutMs }),
    ...(rewritten === 0 ? {} : { rewritten }),
    ...(seed === undefined ? {} : { seed }),
    ...answers,
    ...(untold === 0 ? {} : { untold }),
    endReason,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, ...error.span } }),
  });
  if (context.json || (sent === 0 && failed === 0 && error !== undefined)) return;
  const wanted =
    pace.kind === 'packets'
      ? ` of ${round(pace.perSecond)}/s asked for`
      : pace.kind === 'bits'
        ? `, ${bitsPerSecond(achievedBits ?? 0)} of ${bitsPerSecond(pace.perSecond)} asked for`
        : '';
  const late = schedulingErrorMs?.p99 ?? null;
  const schedule = late === null || sent < 2 ? '' : `, 99 % within ${milliseconds(late)} ms of their time`;
  const rate = achieved === null ? '' : ` (${round(achieved)}/s${wanted}${schedule})`;
  const refused = failed === 0 ? '' : `, ${failed} not sent`;
  notice(context, `${counted(sent, 'packet')}, ${byteCount(bytes)} in ${seconds.toFixed(3)} s${rate}${refused}`);
  if (gapsCut > 0) notice(context, `${counted(gapsCut, 'pause')} of the capture cut short: see --max-gap`);
  if (rewritten > 0) {
    notice(context, `${counted(rewritten, 'IPv4 header')} changed by the kernel, which fills in lengths and checksums`);
  }
  if (answers === undefined) return;
  const { answered, unanswered, inFlight, received, errors, rttMs } = answers;
  const times = [rttMs.min, rttMs.mean, rttMs.max].map(milliseconds).join('/');
  const trips = rttMs.mean === null ? '' : `, round trip ${times} ms min/mean/max`;
  const counts = [
    `${answered} answered`,
    `${unanswered} not`,
    ...(inFlight > 0 ? [`${inFlight} still waiting`] : []),
    ...(received > answered ? [`${counted(received - answered, 'further answer')}`] : []),
    ...(errors > 0 ? [`${counted(errors, 'error')} of ICMP`] : []),
  ];
  notice(context, `${counts.join(', ')}${trips}`);
  if (untold > 0) notice(context, `${counted(untold, 'further answer')} not shown: there were too many`);
}

function round(rate: number): string {
  return rate < 10 ? rate.toFixed(2) : String(Math.round(rate));
}

function notice(context: CommandContext, message: string): void {
  context.logger.log('info', { event: 'notice', message });
}
