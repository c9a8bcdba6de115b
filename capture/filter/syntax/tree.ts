/** What an expression says, before anybody asks what it means on a link. */
import type { IPv6Address } from '../../../src/sockaddr/ip.js';
import type { Span } from '../error.js';
import type { Protocol } from './keywords.js';

export type Direction =
  | 'src'
  | 'dst'
  | 'src or dst'
  | 'src and dst'
  | 'addr1'
  | 'addr2'
  | 'addr3'
  | 'addr4'
  | 'ra'
  | 'ta';

/** What an address, a number or a name stands for. */
export type AddressKind = 'host' | 'net' | 'port' | 'portrange' | 'gateway' | 'proto' | 'protochain';

/** The words before an address; those after `and` and `or` have them too, unless they have words of their own. */
export interface Qualifiers {
  readonly protocol: Protocol | undefined;
  readonly direction: Direction | undefined;
  readonly kind: AddressKind | undefined;
}

export type Id = Span &
  (
    | { readonly type: 'name'; readonly name: string }
    | { readonly type: 'number'; readonly value: number }
    /** `prefix` is a count of bits; `mask` the text behind `mask`. */
    | { readonly type: 'ipv4'; readonly text: string; readonly prefix?: number; readonly mask?: string }
    | { readonly type: 'ipv6'; readonly address: IPv6Address; readonly prefix: number }
    | { readonly type: 'mac'; readonly bytes: Uint8Array }
    | { readonly type: 'mac8'; readonly value: number }
  );

export type Relation = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type Operator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';

/** A number that is known when a packet is there, of 32 bits. */
export type Arithmetic = Span &
  (
    | { readonly type: 'constant'; readonly value: number }
    | { readonly type: 'length' }
    /** `protocol[index:size]` */
    | { readonly type: 'field'; readonly protocol: Protocol; readonly index: Arithmetic; readonly size: number }
    | { readonly type: 'negative'; readonly of: Arithmetic }
    | { readonly type: 'binary'; readonly operator: Operator; readonly left: Arithmetic; readonly right: Arithmetic }
  );

/** Tests that are a word, with a number behind it or not. */
export type Plain =
  | 'less'
  | 'greater'
  | 'inbound'
  | 'outbound'
  | 'ifindex'
  | 'vlan'
  | 'mpls'
  | 'pppoed'
  | 'pppoes'
  | 'geneve'
  | 'vxlan';

export type Node = Span &
  (
    | { readonly type: 'chain'; readonly first: Node; readonly rest: readonly Link[] }
    | { readonly type: 'not'; readonly of: Node }
    | { readonly type: 'address'; readonly qualifiers: Qualifiers; readonly id: Id }
    | { readonly type: 'protocol'; readonly protocol: Protocol }
    | { readonly type: 'relation'; readonly relation: Relation; readonly left: Arithmetic; readonly right: Arithmetic }
    | { readonly type: 'broadcast' | 'multicast'; readonly protocol: Protocol | undefined }
    | { readonly type: 'plain'; readonly word: Plain; readonly number: number | undefined }
    | { readonly type: 'byte'; readonly index: number; readonly operator: ByteOperator; readonly value: number }
    /** `kind` is what stands behind `llc`. */
    | { readonly type: 'llc'; readonly kind: string | undefined }
    /** Bits of the first byte of IEEE 802.11's frame control, and which of them count. */
    | { readonly type: 'frame-type'; readonly value: number; readonly mask: number }
    /** `dir`: bits of the second byte. */
    | { readonly type: 'frame-direction'; readonly value: number }
  );

export interface Link {
  readonly operator: 'and' | 'or';
  readonly node: Node;
}

export type ByteOperator = '&' | '|' | '<' | '>' | '=';
