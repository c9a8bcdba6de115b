/** What is told of a capture file: a record, or lines of a name and a value. */
import type { CaptureDetails, CaptureFormat, CaptureInfo } from '../../capture/index.js';
import { formatTimestamp, roundMs } from '../../src/measure/clock.js';
import { linkTypeName } from '../../src/wire/link-types.js';
import { escapeControls } from '../../src/wire/text.js';
import { recordHead } from './record.js';

export interface InfoSubject {
  readonly file: string;
  readonly format: CaptureFormat;
  readonly compression: string | null;
  readonly details: CaptureDetails;
  readonly info: CaptureInfo;
  /** Null for what is no regular file. */
  readonly fileBytes: number | null;
  readonly sha256: string | null;
  /** What ended the reading before the end. */
  readonly error: string | null;
}

export function captureInfoRecord({
  file,
  format,
  compression,
  details,
  info,
  fileBytes,
  sha256,
  error,
}: InfoSubject): object {
  const { first, last, durationMs, interfaces, statistics, ...counts } = info;
  return {
    ...recordHead('capture.info'),
    file,
    format,
    ...details,
    compression,
    fileBytes,
    sha256,
    first: first === null ? null : formatTimestamp(first),
    last: last === null ? null : formatTimestamp(last),
    durationMs: roundMs(durationMs),
    ...counts,
    ...statistics,
    interfaces: interfaces.map(({ linkType, options: _, ...rest }) => ({ ...rest, linkType: linkTypeName(linkType) })),
    ...(error === null ? {} : { error }),
  };
}

export function captureInfoLines(subject: InfoSubject): string[] {
  const { file, format, compression, details, info, fileBytes, sha256, error } = subject;
  const rows: [string, string][] = [['File', file === '-' ? 'stdin' : file]];
  const precision = details.timeDigits === null ? '' : details.timeDigits === 9 ? ', nanoseconds' : ', microseconds';
  rows.push([
    'Format',
    `${format} ${details.version}, ${details.byteOrder}-endian${precision}${compression === null ? '' : `, ${compression}`}`,
  ]);
  for (const section of details.sections) {
    if (section.application !== undefined) rows.push(['Application', section.application]);
    if (section.operatingSystem !== undefined) rows.push(['System', section.operatingSystem]);
    if (section.hardware !== undefined) rows.push(['Hardware', section.hardware]);
    for (const comment of section.comments) rows.push(['Comment', comment]);
  }
  rows.push(['Link types', info.linkTypes.join(', ') || 'none']);
  if (fileBytes !== null) rows.push(['File size', `${fileBytes} bytes`]);
  rows.push(['Packets', String(info.packets)]);
  rows.push([
    'Data size',
    `${info.bytes} bytes${info.capturedBytes === info.bytes ? '' : `, ${info.capturedBytes} captured`}`,
  ]);
  if (info.cutPackets > 0)
    rows.push(['Cut packets', `${info.cutPackets}, to ${info.shortestCut} to ${info.longestCut} bytes`]);
  if (info.first !== null && info.last !== null) {
    rows.push(['First packet', formatTimestamp(info.first)]);
    rows.push(['Last packet', formatTimestamp(info.last)]);
    rows.push(['Duration', `${(info.durationMs / 1000).toFixed(6)} s`]);
    rows.push(['Time order', info.strictTimeOrder ? 'strict' : 'not strict']);
  }
  if (info.packetsWithoutTime > 0) rows.push(['Without a time', `${info.packetsWithoutTime} packets`]);
  if (info.packets > 0) rows.push(['Average length', `${info.averageLength.toFixed(2)} bytes`]);
  if (info.durationMs > 0) {
    rows.push(['Packet rate', `${rounded(info.packetsPerSecond)} packets/s`]);
    rows.push(['Data rate', `${rounded(info.bitsPerSecond / 8)} bytes/s, ${rounded(info.bitsPerSecond)} bits/s`]);
  }
  if (info.comments > 0) rows.push(['Comments', `${info.comments} on packets`]);
  for (const [name, count] of Object.entries(details.otherBlocks)) rows.push(['Other blocks', `${count} of ${name}`]);
  const { received, droppedInterface, droppedKernel } = info.statistics;
  if (received !== null) rows.push(['Received', String(received)]);
  if (droppedKernel !== null) rows.push(['Dropped', `${droppedKernel} by the kernel`]);
  if (droppedInterface !== null) rows.push(['Dropped', `${droppedInterface} by the interface`]);
  if (sha256 !== null) rows.push(['SHA-256', sha256]);
  for (const one of info.interfaces) {
    const limit = one.snapshotLength === 0 ? 'no limit' : `${one.snapshotLength} bytes of each`;
    const name = one.name === null ? '' : `${one.name}, `;
    const about = [one.description, one.hardware, one.operatingSystem].filter((text) => text !== undefined).join(', ');
    const more = about === '' ? '' : `, ${about}`;
    rows.push([`Interface ${one.id}`, `${name}${linkTypeName(one.linkType)}, ${limit}, ${one.packets} packets${more}`]);
  }
  if (error !== null) rows.push(['Ended by', error]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${escapeControls(value)}`);
}

const rounded = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toFixed(3));
