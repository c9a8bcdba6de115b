/**
 * TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1), and what a client or a server says in its first one.
 *
 *     record     content type:1 version:2 length:2, then a handshake message where the type is 22
 *     hello      type:1 length:3 version:2 random:32 session id suites compression extensions (type:2 length:2 …)
 *
 * A record that goes on in later segments is read as far as it is there.
 */
import { ByteList } from '../byte-list.js';
import { Cursor } from '../cursor.js';
import { type Next, NOTHING, type Packet, payload } from '../packet.js';
import { escapeText } from '../text.js';

export interface TlsRecord {
  /** 20 change cipher spec, 21 alert, 22 handshake, 23 application data. */
  readonly contentType: number;
  /** 0x0303 is 1.2; later versions say the same here. */
  readonly version: number;
  readonly length: number;
}

export interface TlsExtension {
  readonly type: number;
  /** In hex. */
  readonly data: string;
}

export interface TlsHello {
  /** What the message itself says; later versions are in {@link supportedVersions}. */
  readonly version: number;
  readonly random: string;
  readonly sessionId: string;
  /** The client's offers, or the one that the server took. */
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: readonly number[];
  /** Absent where there are none at all, as in old clients. */
  readonly extensions?: readonly TlsExtension[];
  /** What some of the extensions say. */
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly supportedVersions?: readonly number[];
}

export interface TlsMessage {
  readonly protocol: 'tls';
  readonly records: readonly TlsRecord[];
  readonly clientHello?: TlsHello;
  readonly serverHello?: TlsHello;
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const RECORD_HEADER = 5;
/** RFC 5246 section 6.2.3: 2^14 bytes, and what a cipher may add. */
const MAX_RECORD = 0x4800;
const MAX_RECORDS = 64;

/** Whether `[at, end)` begins as a record does. */
export function looksLikeTls({ bytes, view }: Packet, at: number, end: number): boolean {
  if (end - at < RECORD_HEADER) return false;
  const type = bytes[at] as number;
  return (
    type >= 20 &&
    type <= 23 &&
    bytes[at + 1] === 3 &&
    (bytes[at + 2] as number) <= 4 &&
    view.getUint16(at + 3) <= MAX_RECORD
  );
}

export function decodeTls(packet: Packet, start: number, end: number): Next {
  if (!looksLikeTls(packet, start, end)) return payload(start, end);
  const { view } = packet;
  const records: TlsRecord[] = [];
  let hello: Pick<TlsMessage, 'clientHello' | 'serverHello'> = {};
  let at = start;
  while (at < end && records.length < MAX_RECORDS && looksLikeTls(packet, at, end)) {
    const length = view.getUint16(at + 3);
    const body = at + RECORD_HEADER;
    const to = Math.min(end, body + length);
    if (records.length === 0 && view.getUint8(at) === HANDSHAKE) hello = readHello(packet, body, to);
    records.push({ contentType: view.getUint8(at), version: view.getUint16(at + 1), length });
    at = to;
  }
  packet.layers.push({ protocol: 'tls', records, ...hello });
  return at < end ? payload(at, end) : NOTHING;
}

function readHello(packet: Packet, at: number, end: number): Pick<TlsMessage, 'clientHello' | 'serverHello'> {
  const cursor = new Cursor(packet, 'tls', at, end);
  if (cursor.left < 4 + 34) return {};
  const type = cursor.u8();
  const length = cursor.u24();
  // Part of an encrypted message, or one that is in several records.
  if ((type !== CLIENT_HELLO && type !== SERVER_HELLO) || length > cursor.left) return {};
  const found = readHelloBody(new Cursor(packet, 'tls', cursor.at, cursor.at + length), type === CLIENT_HELLO);
  if (found === undefined) return {};
  return type === CLIENT_HELLO ? { clientHello: found } : { serverHello: found };
}

function readHelloBody(cursor: Cursor, client: boolean): TlsHello | undefined {
  if (cursor.left < 35) return undefined;
  const head = { version: cursor.u16(), random: cursor.hex(32) };
  const sessionLength = cursor.u8();
  if (cursor.left < sessionLength + (client ? 2 : 3)) return undefined;
  const sessionId = cursor.hex(sessionLength);
  const suitesLength = client ? cursor.u16() : 2;
  if (cursor.left < suitesLength + 1 || suitesLength % 2 !== 0) return undefined;
  const cipherSuites = Array.from({ length: suitesLength / 2 }, () => cursor.u16());
  const methods = client ? cursor.u8() : 1;
  if (cursor.left < methods) return undefined;
  const compressionMethods = Array.from({ length: methods }, () => cursor.u8());
  const hello = { ...head, sessionId, cipherSuites, compressionMethods };
  if (cursor.left < 2) return cursor.left === 0 ? hello : undefined;
  if (cursor.u16() !== cursor.left) return undefined;
  const extensions: TlsExtension[] = [];
  const meanings: { serverName?: string; alpn?: string[]; supportedVersions?: number[] } = {};
  while (cursor.left >= 4) {
    const type = cursor.u16();
    const size = cursor.u16();
    if (size > cursor.left) return undefined;
    const from = cursor.at;
    extensions.push({ type, data: cursor.hex(size) });
    explain(new Cursor(cursor.packet, 'tls', from, from + size), type, client, meanings);
  }
  return cursor.left === 0 ? { ...hello, extensions, ...meanings } : undefined;
}

/** Extensions of RFC 6066 (server name), RFC 7301 (ALPN) and RFC 8446 (versions). */
function explain(
  part: Cursor,
  type: number,
  client: boolean,
  into: { serverName?: string; alpn?: string[]; supportedVersions?: number[] },
): void {
  const { bytes } = part.packet;
  if (type === 0 && part.left >= 5) {
    part.at += 2;
    const kind = part.u8();
    const length = part.u16();
    if (kind === 0 && length <= part.left) into.serverName = escapeText(bytes, part.at, part.at + length);
  } else if (type === 16 && part.left >= 2) {
    part.at += 2;
    const names: string[] = [];
    while (part.left > 0) {
      const length = part.u8();
      if (length > part.left) return;
      names.push(part.text(length));
    }
    into.alpn = names;
  } else if (type === 43) {
    if (!client && part.left === 2) into.supportedVersions = [part.u16()];
    else if (client && part.left >= 1 && part.u8() === part.left && part.left % 2 === 0) {
      into.supportedVersions = Array.from({ length: part.left / 2 }, () => part.u16());
    }
  }
}

/**
 * A record with a client's or a server's hello in it, by its extensions as they are: what they say is not looked at.
 */
export function encodeTlsHello(hello: TlsHello, client: boolean, recordVersion = 0x0301): Uint8Array {
  const body = new ByteList()
    .u16(hello.version)
    .hex(hello.random)
    .u8(hello.sessionId.length / 2)
    .hex(hello.sessionId);
  if (client) body.u16(2 * hello.cipherSuites.length);
  for (const suite of hello.cipherSuites) body.u16(suite);
  if (client) body.u8(hello.compressionMethods.length);
  body.bytes(hello.compressionMethods);
  if (hello.extensions !== undefined) {
    const extensions = new ByteList();
    for (const { type, data } of hello.extensions)
      extensions
        .u16(type)
        .u16(data.length / 2)
        .hex(data);
    body.u16(extensions.length).bytes(extensions.toBytes());
  }
  return new ByteList()
    .u8(HANDSHAKE)
    .u16(recordVersion)
    .u16(body.length + 4)
    .u8(client ? CLIENT_HELLO : SERVER_HELLO)
    .u24(body.length)
    .bytes(body.toBytes())
    .toBytes();
}

const VERSIONS: Readonly<Record<number, string>> = {
  768: 'SSL 3.0',
  769: 'TLS 1.0',
  770: 'TLS 1.1',
  771: 'TLS 1.2',
  772: 'TLS 1.3',
};

/** `TLS 1.3`, or hex. */
export function tlsVersionName(version: number): string {
  return VERSIONS[version] ?? `0x${version.toString(16).padStart(4, '0')}`;
}
