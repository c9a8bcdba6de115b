/**
 * The `packet` record as text, without the objects between: JSON.stringify takes most of the time of a fast decoder. The
 * packets that most are (common-packet.ts) are written field by field; others go through their layers. A test holds both
 * against packetRecord.
 */
import { formatTimestamp } from '../../src/measure/clock.js';
import { CommonPacket, long, word } from '../../src/wire/common-packet.js';
import { dissect } from '../../src/wire/dissect.js';
import { dissectUnsaid, type Unsaid } from '../../src/wire/exact.js';
import type { Layer } from '../../src/wire/layer.js';
import { LinkType, linkTypeName } from '../../src/wire/link-types.js';
import { TCP_FLAG_LISTS } from '../../src/wire/tcp.js';
import type { PcapRecords } from '../format/pcap-records.js';
import { type CapturedPacket, type CaptureInterface, type Direction, jsonValue } from '../record.js';
import { type Ascii, AsciiBuffer, ascii } from './ascii-buffer.js';
import { TEXT } from './json-text.js';

/** Bytes of a layer that is written field by field, and of a record's own fields, at most. */
const ROOM = 600;
/** Shorter payloads are written here: a call into Node costs more than their bytes. */
const BASE64_HERE = 90;

const FLAG_TEXTS: readonly string[] = TCP_FLAG_LISTS.map((list) => JSON.stringify(list));

/** Writes lines into a buffer, one after the other; what it keeps from one to the next only saves time. */
export class PacketLines {
  readonly #common = new CommonPacket();
  #out = new AsciiBuffer(0);
  #second = Number.NaN;
  #secondText = ascii('');
  #memory: ArrayBufferLike | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #linkType = -1;
  #linkText = '';

  /**
   * @param expected bytes of the lines, about
   * @param memory is written into, where it is large enough
   */
  begin(expected: number, memory?: ArrayBuffer): void {
    this.#out = new AsciiBuffer(expected, memory);
  }

  /** The lines since {@link begin}, which are the caller's from here on. */
  take(): Uint8Array {
    return this.#out.take();
  }

  /** Adds the line of a packet. */
  add(packet: CapturedPacket): void {
    const { interface: from, originalLength, bytes, timestamp, number, direction } = packet;
    const plain =
      from.linkType === LinkType.ETHERNET && originalLength === bytes.length && packet.comments === undefined;
    if (plain && this.#common.read(bytes, 0, bytes.length) && this.#common.exact) {
      if (timestamp === null) this.#headWithoutTime();
      else this.#head(timestamp.seconds, timestamp.nanoseconds);
      this.#origin(number, from, direction, originalLength, bytes.length);
      this.#addCommon(bytes, bytes.length);
    } else this.#addLayers(packet);
  }

  /** Adds the line of the record that `records` is at. */
  addRecord(records: PcapRecords): void {
    const { bytes, interface: from, start, end, seconds, nanoseconds, originalLength } = records;
    const plain = from.linkType === LinkType.ETHERNET && originalLength === end - start && nanoseconds <= 999_999_999;
    if (plain && this.#common.read(bytes, start, end) && this.#common.exact) {
      this.#head(seconds, nanoseconds);
      this.#origin(records.number, from, null, originalLength, originalLength);
      this.#addCommon(bytes, end);
    } else this.add(records.packet());
  }

  #headWithoutTime(): void {
    this.#out.reserve(ROOM);
    this.#out.constant(TEXT.packet).constant(TEXT.none);
  }

  #head(seconds: number, nanoseconds: number): void {
    const out = this.#out;
    out.reserve(ROOM);
    if (seconds !== this.#second) {
      this.#second = seconds;
      const text = formatTimestamp({ seconds, nanoseconds: 0 }).slice(0, -10);
      this.#secondText = ascii(`{"type":"packet","time":"${text}`);
    }
    out.constant(this.#secondText).nineDigits(nanoseconds).constant(TEXT.zulu);
  }

  #origin(
    number: number,
    from: CaptureInterface,
    direction: Direction | null,
    originalLength: number,
    capturedLength: number,
  ): void {
    if (from.linkType !== this.#linkType) {
      this.#linkType = from.linkType;
      this.#linkText = linkTypeName(from.linkType);
    }
    const out = this.#out;
    out.constant(TEXT.number).number(number).constant(TEXT.interface);
    if (from.name === null) out.constant(TEXT.none);
    else {
      const name = quoted(from.name);
      out.reserve(ROOM + name.length);
      out.text(name);
    }
    out.constant(direction === null ? TEXT.way : direction === 'in' ? TEXT.wayIn : TEXT.wayOut);
    out.number(originalLength).constant(TEXT.capturedLength).number(capturedLength);
    out.constant(TEXT.linkType).text(this.#linkText).constant(TEXT.layers);
  }

  #addLayers(packet: CapturedPacket): void {
    const out = this.#out;
    const { timestamp, bytes, originalLength } = packet;
    const { linkType } = packet.interface;
    // Of a packet that is cut, nobody can make the whole again.
    const whole = originalLength <= bytes.length;
    const { dissection, unsaid } = whole
      ? dissectUnsaid(bytes, linkType)
      : { dissection: dissect(bytes, linkType, { originalLength }), unsaid: NOTHING };
    const { layers, malformed } = dissection;
    if (timestamp === null) this.#headWithoutTime();
    else this.#head(timestamp.seconds, timestamp.nanoseconds);
    this.#origin(packet.number, packet.interface, packet.direction, packet.originalLength, bytes.length);
    for (let i = 0; i < layers.length; i++) {
      out.reserve(ROOM);
      if (i > 0) out.constant(TEXT.comma);
      this.#layer(layers[i] as Layer);
    }
    out.reserve(ROOM);
    out.constant(TEXT.closeList);
    if (unsaid.length > 0) this.#kept(bytes, unsaid);
    if (malformed !== undefined) this.#json(',"malformed":', malformed);
    if (packet.comments !== undefined) this.#json(',"comments":', packet.comments);
    out.reserve(2);
    out.constant(TEXT.endLine);
  }

  /** What no field says, so that the record is the packet, to the byte. */
  #kept(bytes: Uint8Array, unsaid: readonly Unsaid[]): void {
    const out = this.#out;
    for (let i = 0; i < unsaid.length; i++) {
      const { layer, front, back } = unsaid[i] as Unsaid;
      out.reserve(ROOM);
      out.constant(i === 0 ? TEXT.kept : TEXT.nextKept).number(layer);
      if (front !== undefined) this.#bytes(TEXT.front, bytes, front.at, front.end);
      if (back !== undefined) this.#bytes(TEXT.back, bytes, back.at, back.end);
      out.constant(TEXT.close);
    }
    out.constant(TEXT.closeList);
  }

  /** Leaves room for what closes them. */
  #bytes(before: Ascii, bytes: Uint8Array, at: number, end: number): void {
    const out = this.#out;
    out.reserve(ROOM + 4 * Math.ceil((end - at) / 3));
    out.constant(before);
    if (end - at < BASE64_HERE) out.base64(bytes, at, end);
    else out.text(this.#base64(bytes, at, end));
    out.constant(QUOTE);
  }

  #json(before: string, value: unknown): void {
    const text = before + escapeJson(JSON.stringify(jsonValue(value)));
    this.#out.reserve(text.length);
    this.#out.text(text);
  }

  #layer(layer: Layer): void {
    const out = this.#out;
    switch (layer.protocol) {
      case 'ethernet':
        out.constant(TEXT.ethernet).text(layer.source).constant(TEXT.destination).text(layer.destination);
        out.constant(TEXT.addressedType).number(layer.etherType).constant(TEXT.close);
        return;
      case 'ipv4':
        if (layer.options !== undefined || layer.moreFragments || layer.fragmentOffset > 0) break;
        out.constant(TEXT.ipv4).text(layer.source).constant(TEXT.destination).text(layer.destination);
        out.constant(TEXT.ttl).number(layer.ttl).constant(TEXT.protocolNumber).number(layer.protocolNumber);
        out.constant(TEXT.identification).number(layer.identification);
        out.constant(layer.dontFragment ? TEXT.unfragmentable : TEXT.fragmentable).number(layer.dscp);
        out.constant(TEXT.ecn).number(layer.ecn).constant(TEXT.plainHeader).number(layer.totalLength);
        this.#sum(layer.checksum, layer.checksumValid);
        out.constant(TEXT.close);
        return;
      case 'ipv6':
        out.constant(TEXT.ipv6).text(layer.source).constant(TEXT.destination).text(layer.destination);
        out.constant(TEXT.hopLimit).number(layer.hopLimit).constant(TEXT.nextHeader).number(layer.nextHeader);
        out.constant(TEXT.flowLabel).number(layer.flowLabel).constant(TEXT.trafficClass).number(layer.trafficClass);
        out.constant(TEXT.payloadLength).number(layer.payloadLength).constant(TEXT.close);
        return;
      case 'udp':
        out.constant(TEXT.udp).number(layer.sourcePort).constant(TEXT.destinationPort).number(layer.destinationPort);
        out.constant(TEXT.lengthOf).number(layer.length);
        this.#sum(layer.checksum, layer.checksumValid);
        out.constant(TEXT.payloadLength).number(layer.payloadLength).constant(TEXT.close);
        return;
      case 'payload': {
        const text = this.#base64(layer.data, 0, layer.length);
        out.reserve(ROOM + text.length);
        out.constant(TEXT.payload).number(layer.length).constant(TEXT.data).text(text).constant(TEXT.closeText);
        return;
      }
    }
    this.#object(layer);
  }

  /** Any layer without bytes; its texts are ASCII (text.ts). */
  #object(fields: object): void {
    const out = this.#out;
    let before = OPEN;
    for (const key in fields) {
      const value = (fields as Record<string, unknown>)[key];
      if (value === undefined) continue;
      out.reserve(ROOM);
      out.constant(before).constant(keyText(key));
      this.#value(value);
      before = TEXT.comma;
    }
    out.reserve(ROOM);
    if (before === OPEN) out.constant(OPEN);
    out.constant(TEXT.close);
  }

  #value(value: unknown): void {
    const out = this.#out;
    switch (typeof value) {
      case 'number':
        out.number(value);
        return;
      case 'boolean':
        out.constant(value ? TRUE : FALSE);
        return;
      case 'string':
        this.#string(value);
        return;
      default:
        if (value === null) out.constant(TEXT.none);
        else if (Array.isArray(value)) this.#list(value);
        else this.#object(value as object);
    }
  }

  #list(values: readonly unknown[]): void {
    const out = this.#out;
    out.constant(OPEN_LIST);
    for (let i = 0; i < values.length; i++) {
      out.reserve(ROOM);
      if (i > 0) out.constant(TEXT.comma);
      this.#value(values[i]);
    }
    out.reserve(ROOM);
    out.constant(TEXT.closeList);
  }

  #string(text: string): void {
    const out = this.#out;
    const json = SPECIAL.test(text) ? JSON.stringify(text) : undefined;
    out.reserve(ROOM + (json ?? text).length);
    if (json === undefined) out.constant(QUOTE).text(text).constant(QUOTE);
    else out.text(json);
  }

  #sum(checksum: number, valid: boolean | null): void {
    const verdict = valid === true ? TEXT.valid : valid === false ? TEXT.invalid : TEXT.notJudged;
    this.#out.constant(TEXT.checksum).number(checksum).constant(verdict);
  }

  /** The same, of a packet as most are, without its layers. */
  #addCommon(bytes: Uint8Array, frameEnd: number): void {
    const { start, vlan, family, ipAt, at, payloadAt, end, tcp } = this.#common;
    const payload = end - payloadAt;
    const padding = frameEnd - end;
    const out = this.#out;
    out.reserve(4 * ROOM + 4 * Math.ceil((payload + padding) / 3));
    const source = start + 6;
    out.constant(TEXT.ethernet).hardware(bytes, source).constant(TEXT.destination).hardware(bytes, start);
    out
      .constant(TEXT.addressedType)
      .number(word(bytes, start + 12))
      .constant(TEXT.next);
    if (vlan >= 0) {
      const id = vlan & 0xfff;
      out.constant(TEXT.vlan).number(id).constant(TEXT.priority);
      out.number(vlan >> 13).constant((vlan & 0x1000) === 0 ? TEXT.keep : TEXT.drop);
      out.number(word(bytes, start + 16)).constant(TEXT.next);
    }
    if (family === 4) this.#commonIPv4(bytes, ipAt);
    else this.#commonIPv6(bytes, ipAt);
    if (tcp) this.#commonTcp(bytes, at, payloadAt, payload);
    else this.#commonUdp(bytes, at, payload);
    if (payload > 0) {
      out.constant(TEXT.next).constant(TEXT.payload).number(payload).constant(TEXT.data);
      if (payload < BASE64_HERE) out.base64(bytes, payloadAt, end);
      else out.text(this.#base64(bytes, payloadAt, end));
      out.constant(padding > 0 ? TEXT.closeTextList : TEXT.endWithPayload);
    } else out.constant(padding > 0 ? TEXT.closeLayers : TEXT.endWithout);
    if (padding === 0) return;
    out.constant(TEXT.kept).number(vlan >= 0 ? 2 : 1);
    this.#bytes(TEXT.back, bytes, end, frameEnd);
    out.constant(TEXT.endKept);
  }

  #commonIPv4(bytes: Uint8Array, at: number): void {
    const out = this.#out;
    const traffic = bytes[at + 1] as number;
    const source = at + 12;
    const destination = at + 16;
    out.constant(TEXT.ipv4).ipv4(bytes, source).constant(TEXT.destination).ipv4(bytes, destination);
    out.constant(TEXT.ttl).number(bytes[at + 8] as number);
    out.constant(TEXT.protocolNumber).number(bytes[at + 9] as number);
    out.constant(TEXT.identification).number(word(bytes, at + 4));
    out.constant(((bytes[at + 6] as number) & 0x40) === 0 ? TEXT.fragmentable : TEXT.unfragmentable);
    out.number(traffic >> 2);
    out.constant(TEXT.ecn).number(traffic & 3);
    out.constant(TEXT.plainHeader).number(word(bytes, at + 2));
    this.#sum(word(bytes, at + 10), this.#common.headerChecksumValid);
    out.constant(TEXT.next);
  }

  #commonIPv6(bytes: Uint8Array, at: number): void {
    const out = this.#out;
    const first = word(bytes, at);
    const source = at + 8;
    const destination = at + 24;
    out.constant(TEXT.ipv6).ipv6(bytes, source).constant(TEXT.destination).ipv6(bytes, destination);
    out.constant(TEXT.hopLimit).number(bytes[at + 7] as number);
    out.constant(TEXT.nextHeader).number(bytes[at + 6] as number);
    out.constant(TEXT.flowLabel).number(((first & 15) << 16) | word(bytes, at + 2));
    out.constant(TEXT.trafficClass).number((first >> 4) & 255);
    out.constant(TEXT.payloadLength).number(word(bytes, at + 4));
    out.constant(TEXT.next);
  }

  #commonUdp(bytes: Uint8Array, at: number, payload: number): void {
    const out = this.#out;
    this.#ports(TEXT.udp, bytes, at);
    out.constant(TEXT.lengthOf).number(word(bytes, at + 4));
    this.#sum(word(bytes, at + 6), this.#common.checksumValid);
    out.constant(TEXT.payloadLength).number(payload);
  }

  #commonTcp(bytes: Uint8Array, at: number, payloadAt: number, payload: number): void {
    const out = this.#out;
    this.#ports(TEXT.tcp, bytes, at);
    out.constant(TEXT.sequence).number(long(bytes, at + 4));
    out.constant(TEXT.acknowledgment).number(long(bytes, at + 8));
    out.constant(TEXT.flags).text(FLAG_TEXTS[word(bytes, at + 12) & 0x1ff] as string);
    out.constant(TEXT.window).number(word(bytes, at + 14));
    out.constant(TEXT.headerLength).number(payloadAt - at);
    this.#sum(word(bytes, at + 16), this.#common.checksumValid);
    out.constant(TEXT.urgent).number(word(bytes, at + 18));
    if (this.#common.timestamps) {
      out.constant(TEXT.timestamps).number(long(bytes, at + 24));
      out.constant(TEXT.echo).number(long(bytes, at + 28));
      out.constant(TEXT.closeTimestamps).number(payload);
    } else out.constant(TEXT.noOptions).number(payload);
  }

  #ports(before: Ascii, bytes: Uint8Array, at: number): void {
    const destination = at + 2;
    this.#out.constant(before).number(word(bytes, at)).constant(TEXT.destinationPort).number(word(bytes, destination));
  }

  /** One Buffer for all packets of a chunk: making one costs as much as what it is made for. */
  #base64(data: Uint8Array, start: number, end: number): string {
    if (data.buffer !== this.#memory) {
      this.#memory = data.buffer;
      this.#buffer = Buffer.from(data.buffer as ArrayBuffer);
    }
    return this.#buffer.toString('base64', data.byteOffset + start, data.byteOffset + end);
  }
}

const NOTHING: readonly Unsaid[] = [];
const OPEN = ascii('{');
const OPEN_LIST = ascii('[');
const QUOTE = ascii('"');
const TRUE = ascii('true');
const FALSE = ascii('false');
/** What JSON writes in another way. */
const SPECIAL = /["\\]/;

const KEYS = new Map<string, Ascii>();

/** `"key":`, of the few hundred that layers have. */
function keyText(key: string): Ascii {
  let text = KEYS.get(key);
  if (text === undefined) {
    text = ascii(`"${key}":`);
    KEYS.set(key, text);
  }
  return text;
}

const quoted = (text: string): string => escapeJson(JSON.stringify(text));

/** What is not ASCII as escapes: JSON leaves control characters beyond it as they are, which a terminal may act upon. */
function escapeJson(json: string): string {
  return NOT_ASCII.test(json)
    ? json.replace(EACH_NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
}

const NOT_ASCII = /[^\x20-\x7e]/;
const EACH_NOT_ASCII = /[^\x20-\x7e]/g;
