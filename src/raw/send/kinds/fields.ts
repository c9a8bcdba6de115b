/**
 * Fields by their names: those of a layer, and of what stands in parentheses within one.
 *
 * Names are those of records; capitals, hyphens and underscores in them make no difference, and there are shorter ones.
 */
import { clip } from '../../../errors.js';
import { nearest } from '../nearest.js';
import type { Entry } from '../syntax.js';
import { combined, constant, type Values } from '../values.js';
import { AUTO, type Kind, type Reading, readValues } from './kind.js';

export interface Field {
  readonly kind: Kind;
  readonly aliases?: readonly string[];
  /** For lists of fields: what it is unless given. */
  readonly unlessGiven?: string;
  /** Of a name that stands for other fields: sets them. */
  readonly apply?: (given: Record<string, unknown>, value: unknown) => void;
}

export type Fields = Readonly<Record<string, Field>>;

export interface FieldTable {
  readonly fields: Fields;
  /** What a value without a name is. */
  readonly positional?: string | undefined;
}

/** A name as it is compared. */
export const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

const INDEXES = new WeakMap<Fields, ReadonlyMap<string, string>>();

function indexOf(fields: Fields): ReadonlyMap<string, string> {
  let index = INDEXES.get(fields);
  if (index === undefined) {
    const names = new Map<string, string>();
    for (const [name, { aliases = [] }] of Object.entries(fields)) {
      for (const one of [name, ...aliases]) names.set(plain(one), name);
    }
    index = names;
    INDEXES.set(fields, names);
  }
  return index;
}

export function findField(fields: Fields, name: string): string | undefined {
  return indexOf(fields).get(plain(name));
}

/** The fields that are written, and each combination of their values; fields that are not given are absent. */
export interface FieldValues {
  readonly names: readonly string[];
  readonly values: Values<Record<string, unknown>>;
  /** The values of each of the names alone. */
  readonly parts: readonly Values<unknown>[];
}

/**
 * What entries give, each combination as an object.
 *
 * @param owner whose fields these are, for errors
 */
export function readFields(
  { fields, positional }: FieldTable,
  entries: readonly Entry[],
  owner: string,
  reading: Reading,
): FieldValues {
  const names: string[] = [];
  const parts: Values<unknown>[] = [];
  const owned = entries.filter(isElement);
  for (const entry of entries) {
    if (positional !== undefined && entry === owned[0]) {
      const node = { type: 'group', entries: owned, span: entry.span } as const;
      names.push(positional);
      parts.push(readValues((fields[positional] as Field).kind, node, reading));
    }
    if (owned.includes(entry)) continue;
    const { name, values } = readEntry(entry);
    if (names.includes(name))
      throw reading.fault(entry.span, `${name} is given twice`, 'several values: [1,2] or 1..9');
    names.push(name);
    parts.push(values);
  }
  const values = combined(parts, (values) => {
    const given: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const { apply } = fields[name] as Field;
      if (apply !== undefined) apply(given, values[i]);
      else given[name] = values[i];
    }
    return given;
  });
  return { names, values, parts };

  /** An element of the list whose own name and parentheses were left out. */
  function isElement({ name, value }: Entry): boolean {
    const list = positional === undefined ? undefined : fields[positional]?.kind;
    const word = name ?? (value.type === 'word' ? value.text : value.type === 'call' ? value.name : '');
    return list?.owns?.(word) === true && findField(fields, word) === undefined;
  }

  function readEntry({ name: written, nameSpan, value }: Entry): { name: string; values: Values<unknown> } {
    if (written === undefined) {
      const alone = value.type === 'word' ? findField(fields, value.text) : undefined;
      const field = alone === undefined ? undefined : fields[alone];
      if (alone !== undefined && field?.kind.alone !== undefined) {
        return { name: alone, values: constant(field.kind.alone) };
      }
      if (alone !== undefined) throw reading.fault(value.span, `${alone} has no value`, `write ${alone}=…`);
      if (positional === undefined) throw unknown(value.type === 'word' ? value.text : undefined, value.span);
      return { name: positional, values: readValues((fields[positional] as Field).kind, value, reading) };
    }
    const name = findField(fields, written);
    const field = name === undefined ? undefined : fields[name];
    if (name === undefined || field === undefined) throw unknown(written, nameSpan);
    return { name, values: readValues(field.kind, value, reading) };
  }

  function unknown(written: string | undefined, span: { start: number; end: number }) {
    const all = Object.keys(fields);
    const list = all.length === 0 ? `${owner} has no fields` : `${owner} has ${all.join(', ')}`;
    if (written === undefined) return reading.fault(span, 'expected NAME=VALUE', list);
    const known = all.flatMap((name) => [name, ...((fields[name] as Field).aliases ?? [])]);
    const near = nearest(written, known);
    const reason = `${owner} has no field ${clip(written, 30)}`;
    return reading.fault(span, reason, near.length > 0 ? `did you mean ${near.join(' or ')}?` : list);
  }
}

/** Whether a field is to be computed: it is not given, or it is said so. */
export const isOpen = (value: unknown): boolean => value === undefined || value === AUTO;
