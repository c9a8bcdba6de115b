/**
 * Compiled modules with a counter at every branch: a copy of dist/src and dist/capture whose functions, branches, loops
 * and alternatives count in one array, `globalThis.fuzzHits`, how often they ran.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'acorn';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What is to be covered; the rest only runs. */
const COVERED = /^(?:src\/wire|capture\/(?:format|analysis|sinks))\//;
const LEFT_OUT = /worker|parallel|file\.js$/;

/** @returns the folder of the copy, with `node_modules` beside it, how many counters it has, and what removes it */
export function instrumentedCopy() {
  const folder = mkdtempSync(join(tmpdir(), 'sockctl-fuzz-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const part of ['src', 'capture']) cpSync(join(ROOT, 'dist', part), join(folder, part), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    let counters = 0;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.js') || !COVERED.test(name) || LEFT_OUT.test(name)) continue;
      const path = join(folder, name);
      const done = instrument(readFileSync(path, 'utf8'), counters);
      counters = done.counters;
      writeFileSync(path, done.text);
    }
    return { folder, counters, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The parts of each kind of node that run or not: statements, lists of statements, expressions. */
const PARTS = {
  IfStatement: ({ consequent, alternate }) => ({ statements: [consequent, alternate] }),
  ForStatement: ({ body }) => ({ statements: [body] }),
  ForOfStatement: ({ body }) => ({ statements: [body] }),
  ForInStatement: ({ body }) => ({ statements: [body] }),
  WhileStatement: ({ body }) => ({ statements: [body] }),
  DoWhileStatement: ({ body }) => ({ statements: [body] }),
  SwitchCase: ({ consequent }) => ({ lists: [consequent] }),
  ConditionalExpression: ({ consequent, alternate }) => ({ expressions: [consequent, alternate] }),
  LogicalExpression: ({ right }) => ({ expressions: [right] }),
  FunctionDeclaration: ({ body }) => ({ statements: [body] }),
  FunctionExpression: ({ body }) => ({ statements: [body] }),
  ArrowFunctionExpression: ({ body, expression }) => (expression ? { expressions: [body] } : { statements: [body] }),
};

function instrument(text, first) {
  const insertions = [];
  let counters = first;
  // Of two at one place, what encloses comes first when it opens, and last when it closes.
  const open = (at, part) => insertions.push({ at, part, order: insertions.length });
  const close = (at, part) => insertions.push({ at, part, order: -insertions.length });
  const count = () => `fuzzHits[${counters++}]++`;
  const inStatement = (node) => {
    if (node === null || node === undefined) return;
    if (node.type === 'BlockStatement') return open(node.start + 1, `${count()};`);
    open(node.start, `{${count()};`);
    close(node.end, '}');
  };
  const visit = (node) => {
    const { statements = [], lists = [], expressions = [] } = PARTS[node.type]?.(node) ?? {};
    for (const statement of statements) inStatement(statement);
    for (const list of lists) if (list.length > 0) open(list[0].start, `${count()};`);
    for (const expression of expressions) {
      open(expression.start, `(${count()},`);
      close(expression.end, ')');
    }
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (typeof child?.type === 'string') visit(child);
    }
  };
  visit(parse(text, { ecmaVersion: 'latest', sourceType: 'module' }));
  insertions.sort((a, b) => a.at - b.at || a.order - b.order);
  let out = 'const { fuzzHits } = globalThis;\n';
  let at = 0;
  for (const { at: place, part } of insertions) {
    out += text.slice(at, place) + part;
    at = place;
  }
  return { text: out + text.slice(at), counters };
}
