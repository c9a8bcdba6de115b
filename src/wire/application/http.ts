/**
 * HTTP/1 (RFC 9112): the request or status line and the header fields, as far as they are in one packet. The body is
 * payload.
 */
import { ByteList } from '../byte-list.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';
import { escapeText } from '../text.js';

export interface HttpMessage {
  readonly protocol: 'http';
  /** Of requests. */
  readonly method?: string;
  readonly target?: string;
  /** `HTTP/1.1` */
  readonly version: string;
  /** Of responses. */
  readonly statusCode?: number;
  readonly reason?: string;
  /** In their order, text escaped as in text.ts. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

const CR = 13;
const LF = 10;
const COLON = 58;
/** Lines and fields beyond are left as payload. */
const MAX_LINE = 16_384;
const MAX_HEADERS = 200;

const REQUEST = /^([A-Z][A-Z-]{0,19}) ([\x21-\x7e]+) (HTTP\/1\.[0-9])$/;
const STATUS = /^(HTTP\/1\.[0-9]) ([0-9]{3})(?: (.*))?$/;

/** Whether `[at, end)` may begin with a request or status line: an upper-case word, and a space or a slash behind it. */
export function looksLikeHttp({ bytes }: Packet, at: number, end: number): boolean {
  const stop = Math.min(end, at + 20);
  let i = at;
  while (i < stop && (((bytes[i] as number) >= 65 && (bytes[i] as number) <= 90) || bytes[i] === 45)) i++;
  return i - at >= 3 && i < stop && (bytes[i] === 32 || bytes[i] === 47);
}

export function decodeHttp(packet: Packet, at: number, end: number): Next {
  if (!looksLikeHttp(packet, at, end)) return payload(at, end);
  const { bytes } = packet;
  const first = lineEnd(bytes, at, end);
  if (first < 0) return payload(at, end);
  const line = escapeText(bytes, at, trimEnd(bytes, at, first));
  const request = REQUEST.exec(line);
  const status = request === null ? STATUS.exec(line) : null;
  if (request === null && status === null) return payload(at, end);
  const headers: { name: string; value: string }[] = [];
  let next = first + 1;
  while (headers.length < MAX_HEADERS) {
    const stop = lineEnd(bytes, next, end);
    if (stop < 0) break;
    const textEnd = trimEnd(bytes, next, stop);
    const empty = textEnd === next;
    if (!empty) headers.push(readField(bytes, next, textEnd));
    next = stop + 1;
    if (empty) break;
  }
  if (request !== null) {
    const [, method = '', target = '', version = ''] = request;
    packet.layers.push({ protocol: 'http', method, target, version, headers });
  } else if (status !== null) {
    const [, version = '', code = '', reason = ''] = status;
    packet.layers.push({ protocol: 'http', version, statusCode: Number(code), reason, headers });
  }
  return next < end ? payload(next, end) : NOTHING;
}

function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + MAX_LINE);
  for (let i = at; i < limit; i++) if (bytes[i] === LF) return i;
  return -1;
}

const trimEnd = (bytes: Uint8Array, at: number, end: number): number =>
  end > at && bytes[end - 1] === CR ? end - 1 : end;

function readField(bytes: Uint8Array, at: number, end: number): { name: string; value: string } {
  let colon = at;
  while (colon < end && bytes[colon] !== COLON) colon++;
  let from = Math.min(end, colon + 1);
  while (from < end && (bytes[from] === 32 || bytes[from] === 9)) from++;
  return { name: escapeText(bytes, at, colon), value: escapeText(bytes, from, end) };
}

/** Line, fields and the empty line behind them. */
export function encodeHttp(message: Omit<HttpMessage, 'protocol'>): Uint8Array {
  const { method, target, version, statusCode, reason = '', headers } = message;
  const bytes = new ByteList();
  bytes
    .text(method === undefined ? `${version} ${statusCode} ${reason}` : `${method} ${target} ${version}`)
    .u8(CR)
    .u8(LF);
  for (const { name, value } of headers) bytes.text(name).text(': ').text(value).u8(CR).u8(LF);
  return bytes.u8(CR).u8(LF).toBytes();
}
