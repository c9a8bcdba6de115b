/**
 * The three times of an ICMP timestamp reply (RFC 792): milliseconds since midnight UTC, or anything else with the high
 * bit set. What they say of the other's clock is that of NTP (RFC 5905 section 8) with whole milliseconds.
 */
import type { Timestamp } from '../../measure/clock.js';
import { millisecondsOfDay, readWord } from './probe-writer.js';
import type { PingClocks } from './records.js';

const DAY_MS = 86_400_000;
const NONSTANDARD = 0x8000_0000;

/** @param arrival when the reply came in; the bytes are a whole timestamp reply */
export function readClocks(bytes: Uint8Array, arrival: Timestamp): PingClocks {
  const originate = readWord(bytes, 8);
  const receive = readWord(bytes, 12);
  const transmit = readWord(bytes, 16);
  const standard = receive < NONSTANDARD && transmit < NONSTANDARD && receive < DAY_MS && transmit < DAY_MS;
  const back = millisecondsOfDay(arrival.seconds, arrival.nanoseconds);
  const clockOffsetMs = standard ? (acrossMidnight(receive - originate) + acrossMidnight(transmit - back)) / 2 : null;
  return { originate, receive, transmit, clockOffsetMs };
}

/** The difference of two times of day that are less than half a day apart. */
function acrossMidnight(difference: number): number {
  const day = ((difference % DAY_MS) + DAY_MS) % DAY_MS;
  return day > DAY_MS / 2 ? day - DAY_MS : day;
}
