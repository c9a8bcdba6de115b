/**
 * A packet as a tree of lines: a layer, its fields below it, lists and objects indented further. Numbers that have names
 * have them behind. Nothing from the wire gets into the lines but numbers, addresses, hex and escaped text (text.ts).
 */
import { dnsResponseName } from './application/dns-types.js';
import { tlsVersionName } from './application/tls.js';
import type { Dissection, Layer } from './layer.js';
import { etherTypeName, icmpName, icmpv6Name, ipProtocolName } from './names.js';

/** What a number of a layer is called; undefined for those that are only numbers. */
type Namer = (value: number, layer: Layer) => string | undefined;

const hexDigits = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

const etherType: Namer = (value) =>
  value < 0x600 ? undefined : `${hexDigits(value, 4)}, ${etherTypeName(value).replace(/^ethertype.*/, 'unknown')}`;
const ipProtocol: Namer = (value) => ipProtocolName(value);
const hex16: Namer = (value) => hexDigits(value, 4);
const hex32: Namer = (value) => hexDigits(value, 8);
const responseCode: Namer = (value) => dnsResponseName(value);

const NAMERS: Readonly<Record<string, Namer>> = {
  etherType,
  protocolType: etherType,
  protocolNumber: ipProtocol,
  nextHeader: ipProtocol,
  checksum: hex16,
  identification: hex16,
  flowLabel: (value) => hexDigits(value, 5),
  spi: hex32,
  verificationTag: hex32,
  transactionId: hex32,
  protocolId: hex16,
  responseCode,
  icmpType: (value, layer) => {
    if (layer.protocol === 'icmp') return icmpName(value, layer.icmpCode);
    return layer.protocol === 'icmpv6' ? icmpv6Name(value, layer.icmpCode) : undefined;
  },
  version: (value, layer) => {
    if (layer.protocol === 'tls') return tlsVersionName(value);
    return layer.protocol === 'quic' ? hexDigits(value, 8) : undefined;
  },
};

const INDENT = '  ';
/** Bytes of a payload that its line shows. */
const SHOWN = 32;

/** The lines of all layers, and of what is wrong with the packet; each begins with `indent`. */
export function detailLines({ layers, malformed, cut }: Dissection, indent = ''): string[] {
  const lines: string[] = [];
  for (const layer of layers) {
    lines.push(`${indent}${layer.protocol}`);
    const { protocol: _, ...fields } = layer;
    pushFields(lines, fields, indent + INDENT, layer);
  }
  if (malformed !== undefined) {
    const { layer, offset, need, have, claimedBy } = malformed;
    const claim = claimedBy === undefined ? '' : ` (${claimedBy})`;
    lines.push(`${indent}malformed: ${layer} at byte ${offset} needs ${need}, has ${have}${claim}`);
  }
  if (cut !== undefined)
    lines.push(`${indent}cut: ${cut.layer} at byte ${cut.offset} needs ${cut.need}, has ${cut.have}`);
  return lines;
}

function pushFields(lines: string[], fields: object, indent: string, layer: Layer): void {
  for (const [name, value] of Object.entries(fields)) pushField(lines, name, value, indent, layer);
}

function pushField(lines: string[], name: string, value: unknown, indent: string, layer: Layer): void {
  if (value === undefined) return;
  if (value instanceof Uint8Array) {
    const shown = Array.from(value.subarray(0, SHOWN), (byte) => byte.toString(16).padStart(2, '0')).join('');
    lines.push(`${indent}${name}: ${shown}${value.length > SHOWN ? '…' : ''}`);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    lines.push(`${indent}${name}: ${scalar(name, value, layer)}`);
    return;
  }
  if (!Array.isArray(value)) {
    lines.push(`${indent}${name}:`);
    pushFields(lines, value, indent + INDENT, layer);
    return;
  }
  if (value.every((item) => typeof item !== 'object')) {
    const items = value.map((item) => scalar(name, item, layer));
    lines.push(`${indent}${name}: ${items.length === 0 ? 'none' : items.join(', ')}`);
    return;
  }
  lines.push(`${indent}${name}:`);
  for (const item of value) {
    const simple = Object.values(item).every((part) => typeof part !== 'object' || part === null);
    if (simple) {
      const parts = Object.entries(item).map(([key, part]) => `${key} ${scalar(key, part, layer)}`);
      lines.push(`${indent}${INDENT}- ${parts.join(', ')}`);
    } else {
      lines.push(`${indent}${INDENT}-`);
      pushFields(lines, item, indent + INDENT + INDENT, layer);
    }
  }
}

function scalar(name: string, value: unknown, layer: Layer): string {
  if (name === 'checksumValid') return value === null ? 'not judged' : value === true ? 'yes' : 'NO';
  if (value === null) return 'unknown';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  const called = NAMERS[name]?.(value, layer);
  return called === undefined ? String(value) : `${value} (${called})`;
}
