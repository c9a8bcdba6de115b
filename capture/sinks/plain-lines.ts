/**
 * Lines of a time and a summary straight into memory, without the objects between: the packets that most are
 * (common-packet.ts) field by field, others by their layers. A test holds both against the plain text.
 */
import { CommonPacket } from '../../src/wire/common-packet.js';
import { LinkType } from '../../src/wire/link-types.js';
import type { PcapRecords } from '../format/pcap-records.js';
import type { CapturedPacket } from '../record.js';
import { AsciiBuffer, ascii } from './ascii-buffer.js';
import { writeCommonLine } from './common-line.js';
import { createTextLine, createTimeText, isStateful, type TextOptions } from './text-line.js';

/** Bytes of a time at most. */
const ROOM = 80;

/** Writes lines into a buffer, one after the other; what it keeps from one to the next only saves time. */
export class PlainLines {
  readonly #common = new CommonPacket();
  readonly #line: ReturnType<typeof createTextLine>;
  readonly #time: ReturnType<typeof createTimeText>;
  readonly #digits: 0 | 6 | 9;
  #out = new AsciiBuffer(0);
  #second = Number.NaN;
  #secondText = ascii('');

  constructor(options: TextOptions) {
    this.#time = createTimeText(options);
    this.#line = createTextLine(options, this.#time);
    // The time of a packet alone can be put together from its second and a fraction.
    this.#digits = options.time === 'none' || isStateful(options) ? 0 : options.nanoseconds === true ? 9 : 6;
  }

  /**
   * @param expected bytes of the lines, about
   * @param memory is written into, where it is large enough
   */
  begin(expected: number, memory?: ArrayBuffer): void {
    this.#out = new AsciiBuffer(expected, memory);
  }

  /** The lines since {@link begin}, which are the caller's from here on. */
  take(): Uint8Array {
    return this.#out.take();
  }

  /** Adds the line of a packet. */
  add(packet: CapturedPacket): void {
    const { bytes, interface: from, originalLength, timestamp } = packet;
    const whole = from.linkType === LinkType.ETHERNET && originalLength === bytes.length;
    if (whole && this.#common.read(bytes, 0, bytes.length)) {
      if (timestamp === null) this.#text(this.#time(null));
      else this.#stamp(timestamp.seconds, timestamp.nanoseconds);
      writeCommonLine(this.#out, bytes, this.#common);
    } else this.#text(this.#line(packet));
  }

  /** Adds the line of the record that `records` is at. */
  addRecord(records: PcapRecords): void {
    const { bytes, start, end, seconds, nanoseconds, originalLength } = records;
    const whole = originalLength === end - start && nanoseconds <= 999_999_999;
    if (whole && records.interface.linkType === LinkType.ETHERNET && this.#common.read(bytes, start, end)) {
      this.#stamp(seconds, nanoseconds);
      writeCommonLine(this.#out, bytes, this.#common);
    } else this.#text(this.#line(records.packet()));
  }

  #stamp(seconds: number, nanoseconds: number): void {
    if (this.#digits === 0) {
      this.#text(this.#time({ seconds, nanoseconds }));
      return;
    }
    const out = this.#out;
    out.reserve(ROOM);
    if (seconds !== this.#second) {
      this.#second = seconds;
      // Without the digits of the fraction and the space.
      this.#secondText = ascii(this.#time({ seconds, nanoseconds: 0 }).slice(0, -this.#digits - 1));
    }
    out.constant(this.#secondText);
    if (this.#digits === 9) out.nineDigits(nanoseconds);
    else out.sixDigits(Math.floor(nanoseconds / 1000));
    out.constant(SPACE);
  }

  #text(text: string): void {
    this.#out.reserve(text.length);
    this.#out.text(text);
  }
}

const SPACE = ascii(' ');
