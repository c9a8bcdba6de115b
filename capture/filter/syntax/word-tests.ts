/** Tests that are a word, with a number or a name behind it or not. */
import type { Cursor } from './cursor.js';
import { FOREIGN, type Keyword } from './keywords.js';
import type { ByteOperator, Node, Plain } from './tree.js';
import { frameDirection, frameSubtype, frameType, frameTypeAndSubtype } from './wireless-names.js';

const BARE: ReadonlySet<string> = new Set(['inbound', 'outbound', 'pppoed'] satisfies Plain[]);
/** Behind these a number, in parentheses or not, or none. */
const NUMBERED: ReadonlySet<string> = new Set(['vlan', 'mpls', 'pppoes', 'geneve', 'vxlan'] satisfies Plain[]);

/** The test that `keyword`, the next word, begins; undefined where it begins none of these. */
export function wordTest(cursor: Cursor, keyword: Keyword): Node | undefined {
  const { start, end } = cursor.next;
  const foreign = FOREIGN.get(keyword);
  if (foreign !== undefined) {
    throw cursor.error({ start, end }, `'${keyword}' is about ${foreign}, which sockctl does not filter`);
  }
  if (BARE.has(keyword)) {
    cursor.skip();
    return { type: 'plain', word: keyword as Plain, number: undefined, start, end };
  }
  if (NUMBERED.has(keyword)) {
    cursor.skip();
    const number = optionalNumber(cursor);
    return { type: 'plain', word: keyword as Plain, number, start, end: cursor.lastEnd };
  }
  switch (keyword) {
    case 'less':
    case 'greater':
    case 'ifindex': {
      cursor.skip();
      const [number, last] = cursor.number('a number');
      return { type: 'plain', word: keyword, number, start, end: last };
    }
    case 'byte':
      return byteTest(cursor, start);
    case 'llc':
      return llcTest(cursor, start);
    default:
      return undefined;
  }
}

/** A number, in parentheses or not; undefined where none follows. */
function optionalNumber(cursor: Cursor): number | undefined {
  let open = 0;
  while (cursor.isSymbol('(', open)) open++;
  if (cursor.peek(open)?.kind !== 'number') {
    if (open > 0) throw cursor.unexpected('a number, and, or, or the end');
    return undefined;
  }
  cursor.skip(open);
  const [value] = cursor.number('a number');
  for (; open > 0; open--) cursor.expect(')');
  return value;
}

function byteTest(cursor: Cursor, start: number): Node {
  cursor.skip();
  const [index] = cursor.number('the number of the byte');
  const token = cursor.next;
  if (token.kind !== 'symbol' || !['&', '|', '<', '>', '='].includes(token.symbol))
    throw cursor.unexpected('one of & | < > =');
  cursor.skip();
  const [value, end] = cursor.number('a number');
  return { type: 'byte', index, operator: token.symbol as ByteOperator, value, start, end };
}

function llcTest(cursor: Cursor, start: number): Node {
  cursor.skip();
  const token = cursor.next;
  // 'rnr' is a word of pf's as well.
  const kind = token.kind === 'name' ? token.name : cursor.keyword === 'rulenum' ? 'rnr' : undefined;
  if (kind !== undefined) cursor.skip();
  return { type: 'llc', kind: kind?.toLowerCase(), start, end: cursor.lastEnd };
}

/** `type mgt subtype beacon`, `subtype ack`, `dir tods`: IEEE 802.11. `word` is the next one. */
export function frameTest(cursor: Cursor, word: 'type' | 'subtype' | 'dir', start: number): Node {
  cursor.skip();
  if (word === 'dir') {
    const value = named(cursor, 'a direction: nods, tods, fromds, dstods or a number', frameDirection);
    return { type: 'frame-direction', value, start, end: cursor.lastEnd };
  }
  if (word === 'subtype') {
    const value = named(cursor, 'a kind of frame such as beacon or ack', frameTypeAndSubtype);
    return { type: 'frame-type', value, mask: 0xfc, start, end: cursor.lastEnd };
  }
  const type = named(cursor, 'mgt, ctl, data or a number', frameType);
  if (cursor.keyword !== 'subtype') return { type: 'frame-type', value: type, mask: 0x0c, start, end: cursor.lastEnd };
  cursor.skip();
  const subtype = named(cursor, 'a kind of frame such as beacon or ack, or a number', (name) =>
    frameSubtype(type, name),
  );
  return { type: 'frame-type', value: type | subtype, mask: 0xfc, start, end: cursor.lastEnd };
}

/** A number or a name that `read` knows. */
function named(cursor: Cursor, expected: string, read: (text: string | number) => number | undefined): number {
  const token = cursor.next;
  if (token.kind !== 'name' && token.kind !== 'number') throw cursor.unexpected(expected);
  cursor.skip();
  const value = read(token.kind === 'name' ? token.name : token.value);
  if (value === undefined) throw cursor.error(token, `expected ${expected}`);
  return value;
}
