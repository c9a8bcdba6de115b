/** Packets out of what was captured: bytes of a link, and the records that `capture read --json` makes of them. */
import { SockctlError, UsageError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import { tryParseIP } from '../../sockaddr/ip.js';
import { dissect, dissectTraced, type Extent } from '../../wire/dissect.js';
import { encodePacket, type Kept } from '../../wire/encode.js';
import type { Layer } from '../../wire/layer.js';
import { LinkType, linkTypeNumber } from '../../wire/link-types.js';
import { type BuiltPacket, builtPacket } from './built-packet.js';

/**
 * A captured packet as one that can be sent: frames as they are; what has a header of the capture's own in front
 * (cooked captures, loopback of BSD) without it, as the IP packet that was on the link.
 *
 * @param linkType a LINKTYPE_ number (link-types.ts)
 * @returns undefined for a link whose packets can't be sent from here
 */
export function packetFromCapture(bytes: Uint8Array, linkType: number): BuiltPacket | undefined {
  const extents: Extent[] = [];
  const { layers } = dissectTraced(bytes, linkType, {}, extents);
  const index = layers.findIndex(({ protocol }) => protocol === 'ipv4' || protocol === 'ipv6');
  const network = layers[index];
  const destination =
    network?.protocol === 'ipv4' || network?.protocol === 'ipv6' ? tryParseIP(network.destination) : undefined;
  if (linkType === LinkType.ETHERNET) return builtPacket('ethernet', bytes, destination);
  const own = layers[0]?.protocol === 'sll' || layers[0]?.protocol === 'loopback';
  const extent = extents[index];
  // A link of its own kind (PPP, wireless) is not left out without a word.
  if (network === undefined || extent === undefined || index > (own ? 1 : 0)) return undefined;
  const link = network.protocol === 'ipv4' ? 'ipv4' : 'ipv6';
  return builtPacket(link, bytes.subarray(extent.at), destination);
}

export interface RecordedPacket {
  readonly packet: BuiltPacket;
  /** Null where the record has none. */
  readonly time: Timestamp | null;
  /** The name of the interface, null where the record has none. */
  readonly interface: string | null;
  readonly number: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The packet of a `packet` record, to the byte.
 *
 * @param record what JSON.parse has made of a line
 * @param number of the record, for errors about one that has no number of its own
 * @returns undefined for a record of another type (a summary, an event)
 * @throws UsageError naming the record and the field for one that does not say all the bytes: a packet that the capture
 *   has cut, a record that was changed so that its fields contradict each other
 */
export function packetFromRecord(record: unknown, number: number): RecordedPacket | undefined {
  if (!isObject(record) || typeof record.type !== 'string') {
    throw new UsageError(`record ${number} is none of sockctl's`, 'feed it what capture read --json prints');
  }
  if (record.type !== 'packet') return undefined;
  return new PacketRecordReader(record, number).packet();
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

class PacketRecordReader {
  readonly #record: Fields;
  readonly #number: number;

  constructor(record: Fields, number: number) {
    this.#record = record;
    this.#number = typeof record.number === 'number' ? record.number : number;
  }

  packet(): RecordedPacket {
    const { length, capturedLength, interface: from } = this.#record;
    if (typeof length === 'number' && typeof capturedLength === 'number' && capturedLength < length) {
      const what = `the capture has ${capturedLength} of its ${length} bytes`;
      throw this.#fault(what, 'capture whole packets: -s 0');
    }
    const linkType = this.#linkType();
    const bytes = this.#bytes(linkType);
    if (typeof capturedLength === 'number' && bytes.length !== capturedLength) {
      throw this.#fault(`capturedLength is ${capturedLength}, and its layers have ${bytes.length} bytes`);
    }
    const packet = packetFromCapture(bytes, linkType);
    if (packet === undefined) {
      const what = `packets of the link ${String(this.#record.linkType)} can't be sent`;
      throw this.#fault(what, 'frames of Ethernet and packets of IP can');
    }
    return { packet, time: this.#time(), interface: typeof from === 'string' ? from : null, number: this.#number };
  }

  #linkType(): number {
    const name = this.#record.linkType;
    const number = typeof name === 'string' ? (linkTypeNumber(name) ?? unnamed(name)) : undefined;
    if (number === undefined) throw this.#fault('linkType is none');
    return number;
  }

  /** RFC 3339 with nanoseconds, as formatTimestamp has it. */
  #time(): Timestamp | null {
    const { time } = this.#record;
    if (time === null || time === undefined) return null;
    const found = typeof time === 'string' ? /^(.*T\d\d:\d\d:\d\d)\.(\d{9})Z$/.exec(time) : null;
    const milliseconds = found === null ? Number.NaN : Date.parse(`${found[1]}Z`);
    if (found === null || Number.isNaN(milliseconds))
      throw this.#fault('time is none', 'such as 2026-01-02T03:04:05.000000000Z');
    return { seconds: milliseconds / 1000, nanoseconds: Number(found[2]) };
  }

  #bytes(linkType: number): Uint8Array {
    const written = this.#record.layers;
    if (!Array.isArray(written) || !written.every(isObject)) throw this.#fault('layers is no list of layers');
    const layers = written.map((layer, i) => this.#layer(layer, i));
    const bytes = this.#encode(layers, this.#kept(layers.length));
    this.#compare(written, dissect(bytes, linkType).layers);
    return bytes;
  }

  #layer(fields: Fields, index: number): Layer {
    if (fields.protocol !== 'payload') return fields as unknown as Layer;
    const data = this.#base64(fields.data, `layers[${index}].data`);
    return { protocol: 'payload', length: data.length, data };
  }

  #kept(count: number): (Kept | undefined)[] {
    const { kept } = this.#record;
    const list: (Kept | undefined)[] = new Array(count).fill(undefined);
    if (kept === undefined) return list;
    if (!Array.isArray(kept) || !kept.every(isObject)) throw this.#fault('kept is no list');
    for (const [i, { layer, front, back }] of kept.entries()) {
      if (typeof layer !== 'number' || !(layer in list)) throw this.#fault(`kept[${i}].layer is no layer`);
      list[layer] = {
        ...(front === undefined ? {} : { front: this.#base64(front, `kept[${i}].front`) }),
        ...(back === undefined ? {} : { back: this.#base64(back, `kept[${i}].back`) }),
      };
    }
    return list;
  }

  #base64(value: unknown, name: string): Uint8Array {
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw this.#fault(`${name} is no base64`);
    const bytes = Uint8Array.from(Buffer.from(value, 'base64'));
    if (Math.ceil(bytes.length / 3) * 4 !== value.length) throw this.#fault(`${name} is no base64`);
    return bytes;
  }

  /** Layer by layer, so that an error can name the one whose fields can't be written. */
  #encode(layers: readonly Layer[], kept: readonly (Kept | undefined)[]): Uint8Array {
    try {
      return encodePacket({ layers, kept });
    } catch (error) {
      const index = layers.findLastIndex((_, i) => !canBeWritten(layers, kept, i));
      const { protocol = '' } = layers[index] ?? {};
      const where = index < 0 ? 'its layers' : `layer ${index} (${String(protocol).slice(0, 40)})`;
      const why = error instanceof SockctlError || error instanceof RangeError ? `: ${error.message}` : '';
      throw this.#fault(
        `${where} can't be written${why}`,
        'its fields, and kept beside them, have to say all of its bytes',
      );
    }
  }

  /** What is read again has to be what was written: a field that says more than its bits would be sent as another one. */
  #compare(written: readonly Fields[], found: readonly Layer[]): void {
    if (written.length !== found.length) {
      throw this.#fault(`it has ${written.length} layers, and its bytes ${found.length}`);
    }
    for (let i = 0; i < written.length; i++) {
      const different = difference(written[i], found[i]);
      if (different === undefined) continue;
      const { path, was, is } = different;
      const name = `layers[${i}]${path}`;
      throw this.#fault(
        `${name} is ${short(was)}, and would be sent as ${short(is)}`,
        'a field that is changed has to fit its layer',
      );
    }
  }

  #fault(what: string, advice?: string): UsageError {
    return new UsageError(`record ${this.#number}: ${what}`, advice);
  }
}

function unnamed(name: string): number | undefined {
  const found = /^LINKTYPE_(\d{1,5})$/.exec(name);
  return found === null ? undefined : Number(found[1]);
}

function canBeWritten(layers: readonly Layer[], kept: readonly (Kept | undefined)[], index: number): boolean {
  try {
    encodePacket({ layers: layers.slice(index), kept: kept.slice(index) });
    return true;
  } catch {
    return false;
  }
}

interface Difference {
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** The first field in which a record is not what was read; verdicts about checksums are no fields of the packet. */
function difference(was: unknown, is: unknown, path = ''): Difference | undefined {
  if (is instanceof Uint8Array)
    return was === Buffer.from(is).toString('base64') ? undefined : { path, was, is: 'other bytes' };
  if (typeof is === 'bigint') return String(was) === String(is) ? undefined : { path, was, is };
  if (Array.isArray(is)) {
    if (!Array.isArray(was) || was.length !== is.length) return { path, was, is };
    for (let i = 0; i < is.length; i++) {
      const found = difference(was[i], is[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(is)) {
    if (!isObject(was)) return { path, was, is };
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      if (key === 'checksumValid') continue;
      const found = difference(was[key], is[key], `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return was === is ? undefined : { path, was, is };
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
