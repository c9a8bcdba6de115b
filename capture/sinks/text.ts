/** A line a packet, as tcpdump(8) prints them. */
import type { Timestamp } from '../../src/measure/clock.js';
import { dissect } from '../../src/wire/dissect.js';
import { summarize } from '../../src/wire/summary.js';
import type { CapturedPacket } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';
import { hexDump } from './hexdump.js';
import { linkHeaderLength } from './link-header.js';

export interface TextOptions {
  /** -e: the link header, in front of the line. */
  readonly link?: boolean | undefined;
  /** -x and -X: the bytes below the line, as hex alone or with their characters. */
  readonly hex?: 'hex' | 'ascii' | undefined;
  /** -xx and -XX: the bytes begin with the link header. */
  readonly hexLink?: boolean | undefined;
  /** Nine digits of a second, in place of six. */
  readonly nanoseconds?: boolean | undefined;
  /** Default local time, as tcpdump does. */
  readonly utc?: boolean | undefined;
}

/** @param write is given the lines of a batch at once */
export function createTextSink(write: WriteLines, options: TextOptions = {}): CaptureSink {
  const timeOfDay = createTimeOfDay(options);
  const { link = false, hex, hexLink = false } = options;
  return {
    write: (batch) => {
      let lines = '';
      for (const packet of batch) {
        const { bytes, interface: from, originalLength } = packet;
        const dissection = dissect(bytes, from.linkType, { originalLength });
        lines += `${timeOfDay(packet.timestamp)} ${summarize(dissection, originalLength, { link })}\n`;
        if (hex !== undefined) lines += hexDump(hexLink ? bytes : withoutLink(packet), hex === 'ascii');
      }
      return write(lines);
    },
    close: () => undefined,
  };
}

function withoutLink(packet: CapturedPacket): Uint8Array {
  return packet.bytes.subarray(linkHeaderLength(packet.interface.linkType, packet.bytes));
}

/** `03:04:05.123456`; dashes where the file holds no time. */
function createTimeOfDay(options: TextOptions): (time: Timestamp | null) => string {
  const digits = options.nanoseconds === true ? 9 : 6;
  const none = `--:--:--.${'-'.repeat(digits)}`;
  let cachedSecond = Number.NaN;
  let cached = '';
  return (time) => {
    if (time === null) return none;
    if (time.seconds !== cachedSecond) {
      cachedSecond = time.seconds;
      const date = new Date(time.seconds * 1000);
      // A corrupt file may claim a time that no calendar has.
      if (Number.isNaN(date.getTime())) cached = none.slice(0, 8);
      else cached = options.utc === true ? date.toISOString().slice(11, 19) : date.toTimeString().slice(0, 8);
    }
    return `${cached}.${String(time.nanoseconds).padStart(9, '0').slice(0, digits)}`;
  };
}
