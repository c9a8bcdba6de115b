/** What happens to a probe as a line, as users of ping(8) read it. */
import { DAY_MS } from '../../src/measure/clock.js';
import { DEFAULT_SIZE, type PingPlan } from '../../src/raw/ping/options.js';
import type { PingError, PingReply, PingTimeout } from '../../src/raw/ping/records.js';
import type { PingTarget, TargetSet } from '../../src/raw/ping/targets.js';
import { grouped, milliseconds } from './report.js';

/** Whom a command pings. */
export interface PingHosts {
  readonly set: TargetSet;
  /** Those that the user has named; hosts of blocks are not. */
  readonly named: ReadonlyMap<string, PingTarget>;
}

/** The line above all others: to whom goes what. */
export function pingHeader({ set }: PingHosts, { kind, pmtuSearch, size = DEFAULT_SIZE }: PingPlan): string {
  const what =
    pmtuSearch === true
      ? 'the largest packet that gets there'
      : kind === 'timestamp'
        ? 'timestamp requests'
        : `${size} bytes of payload`;
  const few = set.count <= HEADER_NAMES;
  const names = Array.from({ length: few ? set.size : 0 }, (_, i) => set.at(i)).map(({ name, address }) =>
    name === address.toString() ? name : `${name} (${address.toString()})`,
  );
  return `PING ${few ? names.join(', ') : `${grouped(set.count)} hosts`}: ${what}`;
}

/** Names that are written into the header at most. */
const HEADER_NAMES = 4;

/** What lines have to know of the hosts. */
export interface PingNames {
  /** The address that a name stands for, as text; undefined for what is its own name. */
  addressOf(target: string): string | undefined;
  /** Whether there are several hosts, so that every line says which one it is about. */
  readonly many: boolean;
}

export function replyText(reply: PingReply, names: PingNames): string {
  const { target, address, bytes, sequence, ttl, rttMs, rttUserMs, route } = reply;
  const who = names.addressOf(target) === address ? `${target} (${address})` : address;
  let line = `${bytes} bytes from ${who}: icmp_seq=${sequence}`;
  if (ttl !== null) line += ` ttl=${ttl}`;
  line += ` time=${milliseconds(rttMs)} ms`;
  if (rttUserMs !== undefined) line += ` user=${milliseconds(rttUserMs)} ms`;
  if (reply.originate !== undefined) line += clocksText(reply);
  if (reply.duplicate) line += ' (DUP!)';
  if (reply.corrupt) line += corruptText(reply);
  if (reply.late) line += ' (late)';
  else if (reply.takesBack === true) line += ' (in time after all)';
  if (reply.foreignAddress) line += ` (from another address than ${named(target, names)})`;
  if (route !== undefined && route.length > 0) line += `\n  route ${route.join(' ')}`;
  return line;
}

function clocksText({ receive, transmit, clockOffsetMs }: PingReply): string {
  const offset = clockOffsetMs == null ? '' : ` clock=${clockOffsetMs > 0 ? '+' : ''}${clockOffsetMs} ms`;
  return ` received=${timeOfDay(receive)} sent=${timeOfDay(transmit)}${offset}`;
}

/** Milliseconds since midnight UTC as a time; the number itself where it is none (RFC 792: the high bit says so). */
function timeOfDay(value: number | undefined): string {
  if (value === undefined || value >= DAY_MS) return String(value);
  return new Date(value).toISOString().slice(11, -1);
}

function corruptText({ corruptAt, corruptBytes }: PingReply): string {
  if (corruptAt === undefined) return ' (CORRUPT! wrong checksum)';
  return corruptBytes === undefined || corruptBytes < 2
    ? ` (CORRUPT! at byte ${corruptAt})`
    : ` (CORRUPT! ${corruptBytes} bytes, the first at byte ${corruptAt})`;
}

export function timeoutText({ target, sequence }: PingTimeout, names: PingNames): string {
  return `${named(target, names)}: icmp_seq=${sequence} no answer in time`;
}

/** @param advises whether what to try is said, too: once is enough */
export function errorLine(error: PingError, names: PingNames, advises: boolean): string {
  const { target, address, sequence, icmpType, message, advice, mtu, gateway } = error;
  const more = `${mtu === undefined ? '' : `, mtu ${mtu}`}${gateway === undefined ? '' : `, use ${gateway}`}`;
  // This machine itself has nobody to name.
  if (icmpType === null) {
    const help = advises && advice !== undefined ? `; ${advice}` : '';
    return `${named(target, names)}: icmp_seq=${sequence} ${message}${help}`;
  }
  const about = names.many ? ` (to ${named(target, names)})` : '';
  return `From ${address}: icmp_seq=${sequence} ${message}${more}${about}`;
}

/** `web (192.0.2.1)`, or the address alone. */
export function named(target: string, { addressOf }: PingNames): string {
  const address = addressOf(target);
  return address === undefined ? target : `${target} (${address})`;
}
