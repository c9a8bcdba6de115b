/** Ping records as NDJSON and as the lines that users of ping(8) read. */
import { formatTimestamp } from '../../src/measure/clock.js';
import type { PingRecord, PingSummary, PingTotal } from '../../src/raw/ping/records.js';
import type { PingTarget } from '../../src/raw/ping/targets.js';
import { milliseconds, roundTripText } from './report.js';

/** The `--json` record: as in the library, with the time as text. */
export function pingJson(record: PingRecord): { type: string; time: string } {
  return { ...record, time: formatTimestamp(record.time) };
}

export function pingHeader(targets: readonly PingTarget[], size: number): string {
  const names = targets.map(({ name, address }) =>
    name === address.toString() ? name : `${name} (${address.toString()})`,
  );
  return `PING ${names.join(', ')}: ${size} bytes of payload`;
}

/** The line of an event; the summary takes several. */
export function pingText(record: PingRecord): string {
  switch (record.type) {
    case 'ping.reply': {
      const marks = [record.duplicate && '(DUP!)', record.corrupt && '(CORRUPT!)', record.late && '(late)'];
      const ttl = record.ttl === null ? '' : ` ttl=${record.ttl}`;
      const time = `time=${milliseconds(record.rttMs)} ms`;
      return [`${record.bytes} bytes from ${record.address}: icmp_seq=${record.sequence}${ttl} ${time}`, ...marks]
        .filter(Boolean)
        .join(' ');
    }
    case 'ping.timeout':
      return `${record.target}: icmp_seq=${record.sequence} no answer in time`;
    case 'ping.error':
      return `From ${record.address}: icmp_seq=${record.sequence} ${record.message}`;
    case 'ping.summary':
      return summaryText(record);
    case 'ping.total':
      return totalText(record);
  }
}

function totalText({ hosts, alive, unreachable, transmitted, received, lossPercent }: PingTotal): string {
  return `${hosts} hosts, ${alive} alive, ${unreachable} unreachable; ${transmitted} transmitted, ${received} received, ${lossPercent} % lost`;
}

function summaryText(summary: PingSummary): string {
  const { target, address, transmitted, received, lossPercent, late, duplicates, corrupt, errors, inFlight } = summary;
  const name = target === address ? target : `${target} (${address})`;
  const counts = [`${transmitted} transmitted`, `${received} received`, `${lossPercent} % lost`];
  for (const [count, word] of [
    [late, 'late'],
    [duplicates, 'duplicates'],
    [corrupt, 'corrupt'],
    [errors, 'errors'],
    [inFlight, 'still waiting'],
  ] as const) {
    if (count > 0) counts.push(`${count} ${word}`);
  }
  const lines = ['', `--- ${name}, ${summary.socket} socket ---`, counts.join(', ')];
  lines.push(...roundTripText(summary));
  return lines.join('\n');
}
