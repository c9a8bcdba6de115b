/** Chosen fields of packets as a table: comma-separated (RFC 4180) or with tabs. */
import { UsageError } from '../../src/errors.js';
import { dissect } from '../../src/wire/dissect.js';
import { FIELDS, PROTOCOL_ALIASES } from '../../src/wire/fields.js';
import type { Layer } from '../../src/wire/layer.js';
import { escapeControls } from '../../src/wire/text.js';
import { type CapturedPacket, packetHead } from '../record.js';
import type { CaptureSink, WriteLines } from '../sink.js';

/** Of the packet itself, without a protocol in front. */
const PACKET_FIELDS = ['number', 'time', 'interface', 'direction', 'length', 'capturedLength', 'linkType'] as const;
type PacketField = (typeof PACKET_FIELDS)[number];

type Column =
  | { readonly packet: PacketField }
  | { readonly protocols: readonly string[]; readonly path: readonly string[] };

/**
 * @param names such as `time,ip.source,tcp.flags,dns.questions.name`
 * @throws UsageError for a name that no protocol has
 */
export function createFieldsSink(write: WriteLines, names: string, format: 'csv' | 'tsv'): CaptureSink {
  const titles = names.split(',').map((name) => name.trim());
  const columns = titles.map(parseColumn);
  const row = format === 'csv' ? csvRow : tsvRow;
  return {
    open: () => void write(`${row(titles)}\n`),
    write: (batch) => {
      let lines = '';
      for (const packet of batch) lines += `${row(valuesOf(packet, columns))}\n`;
      return write(lines);
    },
    close: () => undefined,
  };
}

function parseColumn(name: string): Column {
  if ((PACKET_FIELDS as readonly string[]).includes(name)) return { packet: name as PacketField };
  const [protocol = '', ...path] = name.split('.');
  const protocols = PROTOCOL_ALIASES[protocol] ?? [protocol];
  const known = protocols.flatMap((one) => FIELDS[one] ?? []);
  if (known.length === 0) {
    const all = [...PACKET_FIELDS, ...Object.keys(PROTOCOL_ALIASES), ...Object.keys(FIELDS)].join(', ');
    throw new UsageError(`--fields: no protocol or field '${name}'`, `there are: ${all}`);
  }
  const [first] = path;
  if (first !== undefined && !known.includes(first)) {
    throw new UsageError(`--fields: ${protocol} has no field '${first}'`, `it has: ${[...new Set(known)].join(', ')}`);
  }
  return { protocols, path };
}

function valuesOf(packet: CapturedPacket, columns: readonly Column[]): string[] {
  const { bytes, interface: from, originalLength } = packet;
  const { layers } = dissect(bytes, from.linkType, { originalLength });
  const head = packetHead(packet);
  return columns.map((column) => {
    if ('packet' in column) return textOf(head[column.packet]);
    const found: string[] = [];
    for (const layer of layers) if (column.protocols.includes(layer.protocol)) collect(layer, column.path, found);
    return found.join(',');
  });
}

/** Every value at the end of the path; a path that ends at a protocol says that it is there. */
function collect(layer: Layer, path: readonly string[], into: string[]): void {
  if (path.length === 0) {
    into.push(layer.protocol);
    return;
  }
  let values: unknown[] = [layer];
  for (const step of path) {
    values = values.flatMap((value) => {
      const next = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined;
      return Array.isArray(next) ? next : next === undefined ? [] : [next];
    });
  }
  for (const value of values) into.push(textOf(value));
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  if (typeof value === 'object') return JSON.stringify(value);
  return escapeControls(String(value));
}

const csvRow = (cells: readonly string[]): string =>
  cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
/** Control characters, tabs among them, are escaped already. */
const tsvRow = (cells: readonly string[]): string => cells.join('\t');
