/**
 * Values that have parts: records `(left=1,right=9)`, elements of several kinds by their names (`mss=1460`,
 * `timestamps(value=1,echo=0)`, `nop`), and lists of any of them `(mss=1460,nop,nop)`.
 */
import { clip } from '../../../errors.js';
import { nearest } from '../nearest.js';
import type { Entry } from '../syntax.js';
import { combined, mapped, type Values } from '../values.js';
import { type Field, type Fields, findField, plain, readFields } from './fields.js';
import { type Kind, type Reading, readValues, type SingleNode } from './kind.js';

interface ElementKind extends Kind {
  /** An element of a list, which may have a name in front. */
  readEntry(entry: Entry, reading: Reading): Values<unknown>;
  /** Whether entries are the fields of one element, whose own parentheses were left out. */
  isOne?(entries: readonly Entry[]): boolean;
}

/**
 * A record of fields.
 *
 * @param positional the field whose value may stand alone in the record's place
 * @param complete what is not given is added
 */
export function record(
  owner: string,
  fields: Fields,
  { positional, complete = (given) => given }: RecordOptions = {},
): ElementKind {
  const required = Object.keys(fields).join('=…,');
  const kind: ElementKind = {
    expects: `(${required}=…)${positional === undefined ? '' : ` or its ${positional} alone`}`,
    read: (node, reading) => {
      if (node.type === 'group' || (node.type === 'call' && plain(node.name) === plain(owner))) {
        return mapped(readFields({ fields, positional }, node.entries, owner, reading).values, complete);
      }
      if (positional === undefined) throw reading.expected(node, kind);
      const values = readValues((fields[positional] as Field).kind, node, reading);
      return mapped(values, (value) => complete({ [positional]: value }));
    },
    readEntry: (entry, reading) => {
      if (entry.name === undefined) return readValues(kind, entry.value, reading);
      throw reading.fault(entry.span, `expected ${kind.expects}`);
    },
    isOne: (entries) => entries.some(({ name }) => name !== undefined && findField(fields, name) !== undefined),
  };
  return kind;
}

interface RecordOptions {
  readonly positional?: string;
  readonly complete?: (given: Record<string, unknown>) => Record<string, unknown>;
}

/** One of the elements that a list may have. */
export interface Variant {
  readonly aliases?: readonly string[];
  readonly fields?: Fields;
  /** The field that `name=VALUE` gives. */
  readonly positional?: string;
  /** The element, out of the fields that are given. */
  readonly make: (given: Record<string, unknown>) => unknown;
}

/**
 * Elements by their names.
 *
 * @param others for names that are in no table
 */
export function variants(
  owner: string,
  table: Readonly<Record<string, Variant>>,
  others?: (name: string) => Variant | undefined,
): ElementKind {
  const index = new Map<string, Variant>();
  for (const [name, variant] of Object.entries(table)) {
    for (const one of [name, ...(variant.aliases ?? [])]) index.set(plain(one), variant);
  }
  const list = Object.entries(table).map(([name, variant]) => notation(name, variant));
  const find = (name: string) => index.get(plain(name)) ?? others?.(name);
  const kind: ElementKind = {
    expects: list.join(', '),
    owns: (name) => find(name) !== undefined,
    read: (node, reading) => {
      if (node.type === 'word') return element(node.text, [], node, reading);
      if (node.type === 'call') return element(node.name, node.entries, { span: node.nameSpan }, reading);
      throw reading.fault(node.span, `expected ${owner}`, `such as ${list.slice(0, 6).join(', ')}`);
    },
    readEntry: (entry, reading) => {
      if (entry.name === undefined) return readValues(kind, entry.value, reading);
      const { positional } = variantOf(entry.name, { span: entry.nameSpan }, reading);
      if (positional === undefined) throw reading.fault(entry.span, `${entry.name} has no single value`);
      const value = { ...entry, name: positional };
      return element(entry.name, [value], { span: entry.nameSpan }, reading);
    },
  };
  return kind;

  function variantOf(name: string, { span }: Pick<SingleNode, 'span'>, reading: Reading): Variant {
    const variant = find(name);
    if (variant !== undefined) return variant;
    const near = nearest(
      name,
      [...Object.entries(table)].flatMap(([one, { aliases = [] }]) => [one, ...aliases]),
    );
    const advice = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${list.join(', ')}`;
    throw reading.fault(span, `no ${owner} is called ${clip(name, 30)}`, advice);
  }

  function element(name: string, entries: readonly Entry[], at: Pick<SingleNode, 'span'>, reading: Reading) {
    const { fields = {}, positional, make } = variantOf(name, at, reading);
    return mapped(readFields({ fields, positional }, entries, name, reading).values, make);
  }
}

/** `nop`, `mss=…`, `timestamps(value,echo)`. */
function notation(name: string, { fields = {}, positional }: Variant): string {
  const names = Object.keys(fields);
  if (names.length === 0) return name;
  return positional !== undefined && names.length === 1 ? `${name}=…` : `${name}(${names.join(',')})`;
}

/** A list in parentheses; a value alone is a list of one. */
export function listOf(element: Kind | ElementKind, max = 0xffff): Kind {
  const readEntry = (entry: Entry, reading: Reading): Values<unknown> => {
    if ('readEntry' in element) return element.readEntry(entry, reading);
    if (entry.name !== undefined) throw reading.fault(entry.span, `expected ${element.expects}`);
    return readValues(element, entry.value, reading);
  };
  return {
    expects: `a list in parentheses of ${element.expects}`,
    ...(element.owns === undefined ? {} : { owns: element.owns }),
    read: (node, reading) => {
      if (node.type !== 'group') return mapped(element.read(node, reading), (value) => [value]);
      if ('isOne' in element && element.isOne?.(node.entries) === true) {
        return mapped(element.read(node, reading), (value) => [value]);
      }
      if (node.entries.length > max) throw reading.fault(node.span, `${node.entries.length} elements, at most ${max}`);
      return combined(
        node.entries.map((entry) => readEntry(entry, reading)),
        (values) => [...values],
      );
    },
  };
}
