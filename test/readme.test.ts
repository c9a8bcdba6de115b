/** What the README says of errors, commands and flags is what the code has. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../cli/program.js';
import { ERROR_TABLE, ExitCode } from '../src/errors.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z0-9_]+)` \| (.+) \| (.+) \| (\d+) \|$/gm)];

  it('lists every error code with the message, advice and exit code of the table', () => {
    const listed = Object.fromEntries(
      rows.map(([, code, message, advice, exit]) => [code, [message, advice, Number(exit)]]),
    );
    const known = Object.entries(ERROR_TABLE).map(([code, e]) => [code, [e.message, e.advice, e.exitCode]]);
    expect(listed).toEqual(Object.fromEntries(known));
  });

  it('lists every exit code', () => {
    const codes = [...readme.matchAll(/^\| (\d+) \| [^|]+ \|$/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(ExitCode));
  });

  it('is what scripts/errors-table.mjs writes', () => {
    expect(spawnSync(process.execPath, ['scripts/errors-table.mjs', '--check']).status).toBe(0);
  });

  it('names every command and no other', () => {
    const program = buildProgram(async () => undefined);
    const commands = program.commands.filter((command) => command.name() !== 'help');
    const leaves = commands.flatMap((command) =>
      command.commands.length === 0
        ? [command.name()]
        : command.commands.filter((leaf) => leaf.name() !== 'live').map((leaf) => `${command.name()} ${leaf.name()}`),
    );
    const table = readme.slice(readme.indexOf('## Commands'), readme.indexOf('Addresses are'));
    const named = [...table.matchAll(/^\| `([a-z]+(?: [a-z]+)?)/gm)].map(([, name]) => name ?? '');
    expect([...named].sort()).toEqual([...leaves, 'capture'].sort());
  });
});
