/** Ping records as NDJSON: as in the library, with the time as text. */
import { formatTimestamp } from '../../src/measure/clock.js';
import type { PingRecord, PingReply, PingTimeout } from '../../src/raw/ping/records.js';

export function pingJson<Told extends PingRecord>(record: Told): Omit<Told, 'time'> & { readonly time: string } {
  return { ...record, time: formatTimestamp(record.time) };
}

/**
 * The text of {@link pingJson} and a newline. Replies and timeouts come by the hundred thousand: they are put together
 * here, in a fifth of the time that a copy and JSON.stringify take.
 */
export function pingJsonLine(record: PingRecord): string {
  if (record.type === 'ping.reply' && record.originate === undefined && record.route === undefined)
    return reply(record);
  if (record.type === 'ping.timeout') return timeout(record);
  return `${JSON.stringify(pingJson(record))}\n`;
}

function reply(record: PingReply): string {
  const { target, address, sequence, bytes, ttl, rttMs, rttUserMs, timestamp, socket, backend } = record;
  const { foreignAddress, duplicate, corrupt, corruptAt, corruptBytes, late, takesBack } = record;
  let text = `{"type":"ping.reply","time":"${formatTimestamp(record.time)}","target":${quoted(target)}`;
  text += `,"address":"${address}","foreignAddress":${foreignAddress},"sequence":${sequence},"bytes":${bytes}`;
  text += `,"ttl":${ttl},"rttMs":${rttMs}`;
  if (rttUserMs !== undefined) text += `,"rttUserMs":${rttUserMs}`;
  text += `,"timestamp":"${timestamp}","duplicate":${duplicate},"corrupt":${corrupt}`;
  if (corruptAt !== undefined) text += `,"corruptAt":${corruptAt}`;
  if (corruptBytes !== undefined) text += `,"corruptBytes":${corruptBytes}`;
  text += `,"late":${late}`;
  if (takesBack !== undefined) text += `,"takesBack":${takesBack}`;
  return `${text},"socket":"${socket}","backend":"${backend}"}\n`;
}

function timeout({ time, target, address, sequence, socket, backend }: PingTimeout): string {
  const head = `{"type":"ping.timeout","time":"${formatTimestamp(time)}","target":${quoted(target)}`;
  return `${head},"address":"${address}","sequence":${sequence},"socket":"${socket}","backend":"${backend}"}\n`;
}

/** Addresses, which most targets are, need nothing but the quotes. */
function quoted(text: string): string {
  return /^[\w.:%-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}
