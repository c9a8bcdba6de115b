/**
 * What a layer is to expressions: its names, its fields, what is filled in, and how its bytes are made.
 *
 * Layers are completed from the outermost in, so that each finds what is around it complete, and what it carries as it
 * was given; they are written from the innermost out.
 */
import { pseudoAddresses } from '../../../wire/checksum.js';
import type { PacketDefaults } from '../built-packet.js';
import { type Field, type Fields, isOpen } from '../kinds/fields.js';
import type { Kind } from '../kinds/kind.js';
import { PacketExpressionError } from '../packet-error.js';

/** Fields by their names. */
export type Given = Readonly<Record<string, unknown>>;

/** By what numbers the layer around it calls a layer. */
export interface Numbers {
  readonly etherType?: number;
  readonly ipProtocol?: number;
  readonly pppProtocol?: number;
  readonly llcSap?: number;
  readonly udp?: Ports;
  readonly tcp?: Ports;
}

export interface Ports {
  readonly destinationPort?: number;
  readonly sourcePort?: number;
}

/** Where a message goes by its nature, and how far. */
export interface Towards {
  readonly destination?: string;
  readonly hopLimit?: number;
}

export interface LayerSpec {
  /** As it is called in records. */
  readonly protocol: string;
  /** What it is called in expressions. */
  readonly names: readonly string[];
  readonly fields: Fields;
  /** The field whose value may stand without its name. */
  readonly positional?: string;
  readonly numbers?: (given: Given) => Numbers;
  readonly towards?: (given: Given, family: 'ipv4' | 'ipv6') => Towards | undefined;
  /** What is not given, where there is something to fill in. */
  readonly complete?: (given: Given, place: Place) => Given;
  /** The bytes of the layer and of what it carries. */
  readonly encode: (fields: never, inner: Uint8Array, place: Place) => Uint8Array;
}

/** A layer of one packet. */
export interface Placed {
  readonly spec: LayerSpec;
  /** As given; complete, once it was its turn. */
  fields: Given;
  readonly span: { readonly start: number; readonly end: number };
}

/** A layer among those of its packet. */
export class Place {
  readonly layers: readonly Placed[];
  readonly index: number;
  readonly defaults: PacketDefaults;
  readonly #expression: string;

  constructor(layers: readonly Placed[], index: number, defaults: PacketDefaults, expression: string) {
    this.layers = layers;
    this.index = index;
    this.defaults = defaults;
    this.#expression = expression;
  }

  /** What the layer carries. */
  get inner(): Placed | undefined {
    return this.layers[this.index + 1];
  }

  /** What the layer carries that no payload is. */
  get innerProtocol(): string | undefined {
    const protocol = this.inner?.spec.protocol;
    return protocol === 'payload' ? undefined : protocol;
  }

  get innerNumbers(): Numbers {
    const { inner } = this;
    return inner?.spec.numbers?.(inner.fields) ?? {};
  }

  /** The nearest layer around this one that is one of `protocols`. */
  outer(...protocols: readonly string[]): Placed | undefined {
    for (let i = this.index - 1; i >= 0; i--) {
      const layer = this.layers[i] as Placed;
      if (protocols.includes(layer.spec.protocol)) return layer;
    }
    return undefined;
  }

  /** What carries this one: IPv4 or IPv6; undefined without either. */
  get network(): Placed | undefined {
    return this.outer('ipv4', 'ipv6');
  }

  get family(): 'ipv4' | 'ipv6' | undefined {
    return this.network?.spec.protocol as 'ipv4' | 'ipv6' | undefined;
  }

  /** Source and final destination of the IP header around, for sums; undefined without one. */
  get addresses(): Uint8Array | undefined {
    const { network } = this;
    if (network === undefined) return undefined;
    const { source, destination } = network.fields as { source: string; destination: string };
    const last = this.#finalDestination(network);
    return pseudoAddresses(source, last ?? destination);
  }

  /** RFC 8200 section 8.1 and RFC 9293 section 3.1: while a route has hops left, its last one. */
  #finalDestination(network: Placed): string | undefined {
    if (network.spec.protocol === 'ipv4') {
      for (const option of (network.fields.options ?? []) as readonly Route4[]) {
        if (option.kind !== 'looseSourceRoute' && option.kind !== 'strictSourceRoute') continue;
        if (option.pointer <= 4 * option.addresses.length) return option.addresses.at(-1);
      }
      return undefined;
    }
    let found: string | undefined;
    for (const { spec, fields } of this.layers.slice(this.layers.indexOf(network) + 1, this.index)) {
      if (spec.protocol !== 'ipv6-routing' || fields.segmentsLeft === 0) continue;
      const addresses = (fields.addresses ?? []) as readonly string[];
      found = fields.routingType === 4 ? addresses[0] : addresses.at(-1);
    }
    return found;
  }

  fault(reason: string, advice?: string): PacketExpressionError {
    return new PacketExpressionError(this.#expression, (this.layers[this.index] as Placed).span, reason, advice);
  }
}

interface Route4 {
  readonly kind: string;
  readonly pointer: number;
  readonly addresses: readonly string[];
}

/** A field: what it may be, shorter names, and what it is unless given. */
export function field(kind: Kind, aliases: readonly string[] = [], unlessGiven?: string): Field {
  return unlessGiven === undefined ? { kind, aliases } : { kind, aliases, unlessGiven };
}

/** A name that stands for other fields. */
export function standsFor(kind: Kind, apply: NonNullable<Field['apply']>, aliases: readonly string[] = []): Field {
  return { kind, apply, aliases };
}

/** The value of a field that was given, `auto` counting as none. */
export function given<T>(fields: Given, name: string): T | undefined {
  const value = fields[name];
  return isOpen(value) ? undefined : (value as T);
}

/** `fields` with those of `defaults` that are not given. */
export function filled(fields: Given, defaults: Given): Given {
  const complete: Record<string, unknown> = { ...defaults };
  for (const name of Object.keys(fields)) if (!isOpen(fields[name])) complete[name] = fields[name];
  for (const name of Object.keys(complete)) if (complete[name] === undefined) delete complete[name];
  return complete;
}

/** Two parts, one behind the other. */
export function joined(front: Uint8Array, behind: Uint8Array): Uint8Array {
  if (behind.length === 0) return front;
  const bytes = new Uint8Array(front.length + behind.length);
  bytes.set(front);
  bytes.set(behind, front.length);
  return bytes;
}

/** Room for any header that is written into a buffer; one is copied out of it before the next is written. */
const scratch = new Uint8Array(2400);

/** A header that is written into a buffer, and what it carries. */
export function headed(inner: Uint8Array, write: (into: Uint8Array) => number): Uint8Array {
  const length = write(scratch);
  const bytes = new Uint8Array(length + inner.length);
  bytes.set(scratch.subarray(0, length));
  bytes.set(inner, length);
  return bytes;
}
