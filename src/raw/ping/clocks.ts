/**
 * The three times of an ICMP timestamp reply (RFC 792): milliseconds since midnight UTC, or anything else with the high
 * bit set. What they say of the other's clock is that of NTP (RFC 5905 section 8) with whole milliseconds.
 */
import { DAY_MS, type Timestamp } from '../../measure/clock.js';
import { ICMP_HEADER } from '../../wire/icmp.js';
import { millisecondsOfDay, readWord, TIMESTAMP_LENGTH } from './probe-writer.js';
import type { PingClocks } from './records.js';

/** The three times of a whole timestamp reply. */
export function readClocks(bytes: Uint8Array): Omit<PingClocks, 'clockOffsetMs'> {
  return { originate: readWord(bytes, 8), receive: readWord(bytes, 12), transmit: readWord(bytes, 16) };
}

/**
 * The first byte behind the ICMP header of a timestamp reply that is not as it must be, the request's time or what is too
 * much; -1 for none.
 *
 * @param length of the whole message
 */
export function damageAt({ originate }: ReturnType<typeof readClocks>, length: number, asked: number): number {
  if (originate !== asked) return 0;
  return length > TIMESTAMP_LENGTH ? TIMESTAMP_LENGTH - ICMP_HEADER : -1;
}

/**
 * How far the other's clock is ahead. What the request says of its own time was written some time before it left: `sent`
 * is when it did.
 */
export function clockOffset({ receive, transmit }: ReturnType<typeof readClocks>, sent: Timestamp, arrived: Timestamp) {
  if (receive >= DAY_MS || transmit >= DAY_MS) return null;
  const there = acrossMidnight(receive - millisecondsOfDay(sent.seconds, sent.nanoseconds));
  const back = acrossMidnight(transmit - millisecondsOfDay(arrived.seconds, arrived.nanoseconds));
  return (there + back) / 2;
}

/** The difference of two times of day that are less than half a day apart. */
function acrossMidnight(difference: number): number {
  const day = ((difference % DAY_MS) + DAY_MS) % DAY_MS;
  return day > DAY_MS / 2 ? day - DAY_MS : day;
}
