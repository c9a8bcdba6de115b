/** Handshake records as NDJSON and as lines. */
import { formatTimestamp } from '../../src/measure/clock.js';
import type { HandshakeRecord, HandshakeSummary } from '../../src/stream/ping.js';
import { milliseconds, roundTripText } from './report.js';

/** The `--json` record: as in the library, with the time as text. */
export function handshakeJson(record: HandshakeRecord): { type: string; time: string } {
  return { ...record, time: formatTimestamp(record.time) };
}

/** The line of an event; the summary takes several. */
export function handshakeText(record: HandshakeRecord): string {
  switch (record.type) {
    case 'ping.reply':
      return `${record.address}: ${record.state} seq=${record.sequence} time=${milliseconds(record.rttMs)} ms`;
    case 'ping.timeout':
      return `${record.address}: seq=${record.sequence} no answer in time`;
    case 'ping.error':
      return `${record.address}: seq=${record.sequence} ${record.message}`;
    case 'ping.summary':
      return summaryText(record);
  }
}

function summaryText(summary: HandshakeSummary): string {
  const { target, address, transmitted, open, refused, errors, inFlight, lossPercent } = summary;
  const counts = [`${transmitted} handshakes`, `${open} open`];
  if (refused > 0) counts.push(`${refused} refused`);
  if (errors > 0) counts.push(`${errors} errors`);
  if (inFlight > 0) counts.push(`${inFlight} still waiting`);
  const name = target === address ? target : `${target} (${address})`;
  const lines = ['', `--- ${name} ---`, [...counts, `${lossPercent} % lost`].join(', ')];
  return [...lines, ...roundTripText(summary)].join('\n');
}
