#!/usr/bin/env node
/**
 * Writes the table of src/errors.ts into the README, between its two marks; with --check only says whether it is
 * there as it should be. Needs the build.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const { ERROR_TABLE, ExitCode } = await import(new URL('../dist/src/errors.js', import.meta.url));

const README = new URL('../README.md', import.meta.url);
const MARKS = ['<!-- errors:begin -->', '<!-- errors:end -->'];

const exits = {
  ok: 'done',
  failed: 'the operation failed, or nothing answered',
  usage: 'wrong usage',
  notPermitted: 'not permitted; the line says what would permit it',
  unresolved: 'the address can’t be resolved',
  interrupted: 'interrupted before any result',
};

const rows = [
  '| exit code | meaning |',
  '| --- | --- |',
  ...Object.entries(ExitCode).map(([name, code]) => `| ${code} | ${exits[name]} |`),
  '',
  '| code | message | what to try | exit code |',
  '| --- | --- | --- | --- |',
  ...Object.entries(ERROR_TABLE).map(
    ([code, { message, advice, exitCode }]) => `| \`${code}\` | ${message} | ${advice} | ${exitCode} |`,
  ),
];

const text = readFileSync(README, 'utf8');
const [before, rest] = text.split(`${MARKS[0]}\n`);
const after = rest?.split(MARKS[1])[1];
if (after === undefined) throw new Error(`README.md lacks ${MARKS.join(' … ')}`);
const wanted = `${before}${MARKS[0]}\n\n${rows.join('\n')}\n\n${MARKS[1]}${after}`;
if (process.argv.includes('--check')) process.exit(wanted === text ? 0 : 1);
writeFileSync(README, wanted);
