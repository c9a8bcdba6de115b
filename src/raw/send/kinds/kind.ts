/** What the value of a field may be: how it is read, and what is said to be expected where it is something else. */
import type { TextSpan } from '../../../errors.js';
import type { IPAddress, IPFamily } from '../../../sockaddr/ip.js';
import { PacketExpressionError } from '../packet-error.js';
import type { ValueNode } from '../syntax.js';
import { concatenated, constant, type Values } from '../values.js';

export interface Kind {
  /** Behind 'expected': `0 to 255`, `an IPv4 address`. */
  readonly expects: string;
  /** @throws PacketExpressionError */
  read(node: SingleNode, reading: Reading): Values<unknown>;
  /** What the name of a field means that stands without a value; absent where it means nothing. */
  readonly alone?: unknown;
  /** Of a list: whether it has elements of that name, which may then stand among the fields of their layer. */
  readonly owns?: (name: string) => boolean;
}

/** Brackets are taken off before a kind is asked. */
export type SingleNode = Exclude<ValueNode, { type: 'choice' }>;

/** For fields that are computed unless given: that they shall be. */
export const AUTO = Symbol('auto');

/** An expression while it is read. */
export class Reading {
  readonly text: string;
  readonly file: (path: string) => Uint8Array;
  readonly host: ((name: string, family: IPFamily) => IPAddress | undefined) | undefined;
  /** Something in it is random. */
  random = false;

  constructor(
    text: string,
    file: (path: string) => Uint8Array,
    host?: (name: string, family: IPFamily) => IPAddress | undefined,
  ) {
    this.text = text;
    this.file = file;
    this.host = host;
  }

  fault(span: TextSpan, reason: string, advice?: string): PacketExpressionError {
    return new PacketExpressionError(this.text, span, reason, advice);
  }

  expected(node: { readonly span: TextSpan }, kind: Pick<Kind, 'expects'>): PacketExpressionError {
    return this.fault(node.span, `expected ${kind.expects}`);
  }
}

/** Reads a value; brackets give those of each element, one after the other. */
export function readValues(kind: Kind, node: ValueNode, reading: Reading): Values<unknown> {
  if (node.type !== 'choice') return kind.read(node, reading);
  return concatenated(node.items.map((item) => readValues(kind, item, reading)));
}

/** The same kind, and `auto`. */
export function computedUnlessGiven(kind: Kind): Kind {
  return {
    ...kind,
    expects: `${kind.expects}, or auto`,
    read: (node, reading) =>
      node.type === 'word' && node.text.toLowerCase() === 'auto' ? constant(AUTO) : kind.read(node, reading),
  };
}

/** Whether a value is asked to be random, and the node of what it shall be within, where that is said. */
export function randomNode(node: SingleNode): { readonly within: ValueNode | undefined } | undefined {
  if (node.type === 'word') return node.text.toLowerCase() === 'random' ? { within: undefined } : undefined;
  if (node.type !== 'call' || node.name.toLowerCase() !== 'random') return undefined;
  const [entry, ...more] = node.entries;
  return entry?.name !== undefined || more.length > 0 ? undefined : { within: entry?.value };
}

/** The same kind for what tells who has sent a packet, which nobody shall make up at random. */
export function ofSender(kind: Kind): Kind {
  return {
    ...kind,
    read: (node, reading) => {
      if (randomNode(node) !== undefined) {
        throw reading.fault(node.span, 'the address of a sender is never random', 'write the one that you mean');
      }
      return kind.read(node, reading);
    },
  };
}

/** A table's value for a name in any case; undefined for what it does not have. */
export function named<T>(names: Readonly<Record<string, T>>, text: string): T | undefined {
  const key = text.toLowerCase();
  return Object.hasOwn(names, key) ? names[key] : undefined;
}
