/** Packets out of the layers of an expression: what is open is filled in from the outermost, bytes made from the innermost. */
import { SockctlError } from '../../errors.js';
import { type IPAddress, IPv4Address, parseIP, parseIPv6 } from '../../sockaddr/ip.js';
import { HardwareAddress } from '../../sockaddr/link-layer.js';
import { type BuiltPacket, builtPacket, type PacketDefaults, type PacketLink } from './built-packet.js';
import { type Given, Place, type Placed } from './layers/spec.js';
import type { LayerValues } from './layers-of.js';
import { PacketExpressionError } from './packet-error.js';
import { Random } from './random.js';
import { combined, type Values } from './values.js';

/** Behind a link header there is room for an IP packet; tags and labels come on top. */
const MAX_FRAME = 0xffff + 256;

const LINKS: Readonly<Record<string, PacketLink>> = { ethernet: 'ethernet', ipv4: 'ipv4', ipv6: 'ipv6' };

export class PacketBuilder {
  readonly outermost: PacketLink;
  /** What it asks of {@link PacketDefaults}, found out by {@link PacketBuilder.check}. */
  readonly needs = { source: false, sourceHardware: false, destinationHardware: false };
  readonly #text: string;
  readonly #layers: readonly LayerValues[];
  readonly #values: Values<readonly Given[]>;
  readonly #seed: number;

  constructor(text: string, layers: readonly LayerValues[], seed: number) {
    this.#text = text;
    this.#layers = layers;
    this.#seed = seed;
    this.#values = combined(
      layers.map(({ values }) => values),
      (values) => values as readonly Given[],
    );
    this.outermost = this.#linkOf(layers[0] as LayerValues);
  }

  /**
   * The first and the last of each run of addresses that the outermost IP header goes to; undefined where it is not
   * written, but follows from what it carries.
   */
  get destinations(): readonly (readonly [IPAddress, IPAddress])[] | undefined {
    const network = this.#layers.find(({ spec }) => spec.protocol === 'ipv4' || spec.protocol === 'ipv6');
    const runs = network?.parts[network.names.indexOf('destination')]?.runs as [string, string][] | undefined;
    return runs?.map(([first, last]) => [parseIP(first), parseIP(last)]);
  }

  get count(): number {
    return this.#values.count;
  }

  #linkOf({ spec, span }: LayerValues): PacketLink {
    const link = LINKS[spec.protocol];
    if (link !== undefined) return link;
    const name = spec.protocol === 'payload' ? 'bytes alone' : `${spec.names[0]}() alone`;
    const { etherType, ipProtocol } = spec.numbers?.({}) ?? {};
    const before = ipProtocol === undefined && etherType !== undefined ? 'eth(dst=02:…)' : 'ip(dst=192.0.2.1)';
    const front = spec.protocol === 'icmpv6' || spec.protocol.startsWith('ipv6-') ? 'ip6(dst=2001:db8::1)' : before;
    const reason = `${name} can't be sent: a packet begins with eth, ip or ip6`;
    throw new PacketExpressionError(this.#text, span, reason, `put ${front}/ in front of it`);
  }

  /**
   * Makes the first packet and the last, as if every default were known, so that what does not work is an error before
   * anything is sent.
   *
   * @returns the first
   * @throws PacketExpressionError
   */
  check(): BuiltPacket {
    const { needs } = this;
    const hardware = new HardwareAddress(Uint8Array.of(2, 0, 0, 0, 0, 1));
    const known: PacketDefaults = {
      sourceFor: (destination) => {
        needs.source = true;
        return destination.family === 'ipv4' ? EXAMPLE_IPV4 : EXAMPLE_IPV6;
      },
      sourceHardware: () => {
        needs.sourceHardware = true;
        return hardware;
      },
      destinationHardware: () => {
        needs.destinationHardware = true;
        return hardware;
      },
      nextIdentification: () => 1,
      nextEcho: () => ({ identifier: 1, sequence: 1 }),
    };
    const first = this.build(0, known);
    this.#checkFields(first);
    if (this.count > 1) this.build(this.count - 1, known);
    return first;
  }

  /** A field that its layer has no place for, as it is, would be left out without a word. */
  #checkFields(packet: BuiltPacket): void {
    const lies = this.#layers.some(({ names }) => names.some((name) => LENGTHS.has(name)));
    if (lies) return;
    for (let i = 0; i < this.#layers.length; i++) {
      const { spec, names, span } = this.#layers[i] as LayerValues;
      const found = packet.layers[i] as unknown as Given | undefined;
      // What is read in another way than it was written is so on purpose: a port, a number of another protocol.
      if (found?.protocol !== spec.protocol) return;
      for (const name of names) {
        if (name in found || spec.fields[name]?.apply !== undefined || spec.protocol === 'payload') continue;
        const value = this.#values.at(0, new Random(this.#seed, 0))[i]?.[name];
        if (value === undefined || typeof value === 'symbol' || (Array.isArray(value) && value.length === 0)) continue;
        const type = found.icmpType ?? found.igmpType ?? found.ospfType ?? found.bpduType ?? found.messageType;
        const of = type === undefined ? 'as it is' : `of type ${String(type)}`;
        const reason = `${spec.names[0]} ${of} has no ${name}`;
        throw new PacketExpressionError(this.#text, span, reason, 'leave it out, or choose another type');
      }
    }
  }

  /** @param index from 0 up; beyond the number of packets they begin again */
  build(index: number, defaults: PacketDefaults): BuiltPacket {
    const random = new Random(this.#seed, index);
    const given = this.#values.at(index % this.count, random);
    const layers: readonly Placed[] = this.#layers.map(({ spec, span }, i) => ({
      spec,
      span,
      fields: given[i] as Given,
    }));
    for (let i = 0; i < layers.length; i++) {
      const layer = layers[i] as Placed;
      const { complete } = layer.spec;
      if (complete !== undefined)
        layer.fields = this.#try(i, layers, defaults, (place) => complete(layer.fields, place));
    }
    const bytes = this.#encode(layers, defaults);
    return builtPacket(this.outermost, bytes, destinationOf(layers));
  }

  #encode(layers: readonly Placed[], defaults: PacketDefaults): Uint8Array {
    let inner: Uint8Array = new Uint8Array(0);
    for (let i = layers.length - 1; i >= 0; i--) {
      const { spec, fields } = layers[i] as Placed;
      const carried = inner;
      inner = this.#try(i, layers, defaults, (place) => {
        const bytes = spec.encode(fields as never, carried, place);
        if (bytes.length > MAX_FRAME) throw place.fault(`${bytes.length} bytes are more than a packet can have`);
        return bytes;
      });
    }
    return inner;
  }

  /** What a codec refuses is an error of the layer. */
  #try<T>(index: number, layers: readonly Placed[], defaults: PacketDefaults, work: (place: Place) => T): T {
    const place = new Place(layers, index, defaults, this.#text);
    try {
      return work(place);
    } catch (error) {
      if (error instanceof PacketExpressionError) throw error;
      if (error instanceof SockctlError || error instanceof RangeError) throw place.fault(error.message);
      throw error;
    }
  }
}

const EXAMPLE_IPV4 = new IPv4Address(0xc000_0201);
const EXAMPLE_IPV6 = parseIPv6('2001:db8::1');

/** Fields that say where others stand: what is behind a wrong one is read as something else. */
const LENGTHS: ReadonlySet<string> = new Set([
  ...['headerLength', 'ihl', 'dataofs', 'totalLength', 'payloadLength', 'length', 'version', 'fragmentOffset'],
  ...['moreFragments', 'hardwareLength', 'lastEntry', 'quoteLength'],
]);

function destinationOf(layers: readonly Placed[]): IPAddress | undefined {
  const network = layers.find(({ spec }) => spec.protocol === 'ipv4' || spec.protocol === 'ipv6');
  return network === undefined ? undefined : parseIP(network.fields.destination as string);
}
