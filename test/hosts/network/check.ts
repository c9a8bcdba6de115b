/** Checks of values out of JSON, each of which says where the value is and what is wrong with it. */
import { UsageError } from '../../../src/errors.js';

/** @param at where the value stands: `nodes.r1.ttl` */
export type Check = (value: unknown, at: string) => void;

export function fail(at: string, what: string, advice: string): never {
  throw new UsageError(`${at}: ${what}`, advice);
}

export function number(from: number, to: number, kind: 'whole' | 'any' = 'any'): Check {
  const range = `write a ${kind === 'whole' ? 'whole ' : ''}number from ${from} to ${to}`;
  return (value, at) => {
    if (typeof value !== 'number') fail(at, `${show(value)} is no number`, range);
    if (value < from || value > to || (kind === 'whole' && !Number.isInteger(value))) {
      fail(at, `${value} is out of range`, range);
    }
  };
}

export const text: Check = (value, at) => {
  if (typeof value !== 'string' || value === '') fail(at, `${show(value)} is no text`, 'write a text in quotes');
};

export function one(...of: readonly unknown[]): Check {
  return (value, at) => {
    if (!of.includes(value)) fail(at, `${show(value)} is not known here`, `write one of ${of.map(show).join(', ')}`);
  };
}

export function list(of: Check, atLeast = 0): Check {
  return (value, at) => {
    if (!Array.isArray(value)) fail(at, `${show(value)} is no list`, 'write [ … ]');
    if (value.length < atLeast) fail(at, `${value.length} are too few`, `write at least ${atLeast}`);
    for (const [i, item] of value.entries()) of(item, `${at}[${i}]`);
  };
}

export function named(of: Check): Check {
  return (value, at) => {
    for (const [name, item] of Object.entries(record(value, at))) of(item, `${at}.${name}`);
  };
}

/** An object with these keys; those whose name ends in `?` may be left out, and there must be no others. */
export function object(of: Readonly<Record<string, Check>>): Check {
  const keys = new Map(Object.entries(of).map(([key, check]) => [key.replace(/\?$/, ''), check]));
  const required = Object.keys(of).filter((key) => !key.endsWith('?'));
  return (value, at) => {
    const found = record(value, at);
    for (const key of Object.keys(found)) {
      if (!keys.has(key)) fail(`${at}.${key}`, 'is not known', `there are: ${[...keys.keys()].join(', ')}`);
    }
    for (const key of required) if (!Object.hasOwn(found, key)) fail(at, `lacks '${key}'`, `write "${key}": …`);
    for (const [key, item] of Object.entries(found)) keys.get(key)?.(item, `${at}.${key}`);
  };
}

/** By what the value is: the first check whose test holds; the last one takes everything. */
export function either(...branches: readonly [...(readonly [(value: unknown) => boolean, Check])[], Check]): Check {
  const last = branches.at(-1) as Check;
  const others = branches.slice(0, -1) as (readonly [(value: unknown) => boolean, Check])[];
  return (value, at) => (others.find(([holds]) => holds(value))?.[1] ?? last)(value, at);
}

export const isNumber = (value: unknown) => typeof value === 'number';
export const isText = (value: unknown) => typeof value === 'string';
export const isList = (value: unknown) => Array.isArray(value);
export const isFlag = (value: unknown) => typeof value === 'boolean';
export const isNull = (value: unknown) => value === null;
export const has = (key: string) => (value: unknown) => typeof value === 'object' && value !== null && key in value;
export const anything: Check = () => undefined;

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(at, `${show(value)} is no object`, 'write { … }');
  }
  return value as Readonly<Record<string, unknown>>;
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
