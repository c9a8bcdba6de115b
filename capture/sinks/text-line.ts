/** A line a packet, as tcpdump(8) prints them. */
import type { Timestamp } from '../../src/measure/clock.js';
import { dissect } from '../../src/wire/dissect.js';
import { summarize } from '../../src/wire/summary.js';
import { escapeText } from '../../src/wire/text.js';
import { ANY_INTERFACE, type CapturedPacket, type CaptureInterface } from '../record.js';
import { hexDump, printableText } from './hexdump.js';
import { linkHeaderLength } from './link-header.js';

/** How a line begins, by the number of -t that tcpdump has for it: 0 time of day … 5 time since the first packet. */
export type TimeStyle = 'time' | 'none' | 'epoch' | 'delta' | 'date' | 'elapsed';

export interface TextOptions {
  /** -e: the link header, in front of the line. */
  readonly link?: boolean | undefined;
  /** -v: the fields of the IP header, and what the checksums are. */
  readonly verbose?: boolean | undefined;
  /** -#: the packet's number in front. */
  readonly numbers?: boolean | undefined;
  /** -x, -X and -A: the bytes below the line, as hex, as hex with their characters, or as text. */
  readonly hex?: 'hex' | 'ascii' | 'text' | undefined;
  /** -xx, -XX and -AA: the bytes begin with the link header. */
  readonly hexLink?: boolean | undefined;
  /** Default the time of day. */
  readonly time?: TimeStyle | undefined;
  /** Nine digits of a second, in place of six. */
  readonly nanoseconds?: boolean | undefined;
  /** Default local time, as tcpdump does. */
  readonly utc?: boolean | undefined;
}

/** What is written for a packet, dump and newline included. */
export function createTextLine(
  options: TextOptions,
  timeText = createTimeText(options),
): (packet: CapturedPacket) => string {
  const { link = false, verbose = false, numbers = false, hex, hexLink = false } = options;
  const nameOf = createNames();
  return (packet) => {
    const { bytes, interface: from, originalLength } = packet;
    const dissection = dissect(bytes, from.linkType, { originalLength });
    const number = numbers ? `${String(packet.number).padStart(5)}  ` : '';
    const summary = summarize(dissection, originalLength, { link, verbose, interfaceName: nameOf(from) });
    const text = `${number}${timeText(packet.timestamp)}${summary}\n`;
    if (hex === undefined) return text;
    const dumped = hexLink ? bytes : withoutLink(packet);
    return text + (hex === 'text' ? `${printableText(dumped)}\n` : hexDump(dumped, hex === 'ascii'));
  };
}

/** Longer names are cut: a file may say anything. */
const NAME_LENGTH = 64;

/** Names of interfaces as lines have them; undefined for one that has none, and for all of them at once. */
function createNames(): (from: CaptureInterface) => string | undefined {
  const names = new WeakMap<CaptureInterface, string>();
  return (from) => {
    let name = names.get(from);
    if (name === undefined) {
      const bytes = Buffer.from(from.name === ANY_INTERFACE ? '' : (from.name ?? '').slice(0, NAME_LENGTH));
      name = escapeText(bytes, 0, bytes.length);
      names.set(from, name);
    }
    return name === '' ? undefined : name;
  };
}

function withoutLink(packet: CapturedPacket): Uint8Array {
  return packet.bytes.subarray(linkHeaderLength(packet.interface.linkType, packet.bytes));
}

/** Whether the time of a line depends on the lines before it. */
export function isStateful({ time }: TextOptions): boolean {
  return time === 'delta' || time === 'elapsed';
}

/** The time in front of a line, with the space behind it. */
export function createTimeText(options: TextOptions): (time: Timestamp | null) => string {
  const { time: style = 'time', utc = false } = options;
  const digits = options.nanoseconds === true ? 9 : 6;
  const fraction = (nanoseconds: number) => String(nanoseconds).padStart(9, '0').slice(0, digits);
  const none = `--:--:--.${'-'.repeat(digits)} `;
  switch (style) {
    case 'none':
      return () => '';
    case 'epoch':
      return (time) => (time === null ? none : `${time.seconds}.${fraction(time.nanoseconds)} `);
    case 'delta':
    case 'elapsed': {
      let base: Timestamp | undefined;
      return (time) => {
        if (time === null) return none;
        const from = base ?? time;
        if (base === undefined || style === 'delta') base = time;
        return ` ${spanText(from, time, fraction)} `;
      };
    }
    default: {
      const clock = createClock(utc, style === 'date');
      return (time) => (time === null ? none : `${clock(time.seconds, none)}.${fraction(time.nanoseconds)} `);
    }
  }
}

/** `00:00:01.5`, with a minus sign where the second comes before the first. */
function spanText(from: Timestamp, to: Timestamp, fraction: (nanoseconds: number) => string): string {
  let seconds = to.seconds - from.seconds;
  let nanoseconds = to.nanoseconds - from.nanoseconds;
  const back = seconds < 0 || (seconds === 0 && nanoseconds < 0);
  if (back) [seconds, nanoseconds] = [-seconds, -nanoseconds];
  if (nanoseconds < 0) {
    seconds -= 1;
    nanoseconds += 1e9;
  }
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${back ? '-' : ''}${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${fraction(nanoseconds)}`;
}

/** A second as `03:04:05`, with the date in front where it is asked for; each is worked out once. */
function createClock(utc: boolean, withDate: boolean): (seconds: number, none: string) => string {
  let cachedSecond = Number.NaN;
  let cached = '';
  return (seconds, none) => {
    if (seconds === cachedSecond) return cached;
    cachedSecond = seconds;
    const date = new Date(seconds * 1000);
    // A corrupt file may claim a time that no calendar has.
    if (Number.isNaN(date.getTime())) cached = none.slice(0, 8);
    else {
      const local = new Date(date.getTime() - (utc ? 0 : date.getTimezoneOffset() * 60_000));
      const text = Number.isNaN(local.getTime()) ? date.toISOString() : local.toISOString();
      const at = text.indexOf('T');
      cached = withDate ? `${text.slice(0, at)} ${text.slice(at + 1, at + 9)}` : text.slice(at + 1, at + 9);
    }
    return cached;
  };
}
