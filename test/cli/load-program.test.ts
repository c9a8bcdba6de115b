/** The start of the command line: the program with its code cache, and without one that fits. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, records, run } from './process.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the built program, whose cache holds this; none where it is undefined. */
function copy(name: string, cache: Uint8Array | undefined): string {
  const to = join(folder, name, 'dist', 'cli');
  cpSync(dirname(MAIN), to, { recursive: true });
  // The files are modules, and `--version` is in there.
  cpSync(join(dirname(MAIN), '..', '..', 'package.json'), join(folder, name, 'package.json'));
  const path = join(to, 'sockctl.cache');
  if (cache === undefined) rmSync(path);
  else writeFileSync(path, cache);
  return join(to, 'main.cjs');
}

describe('a start', () => {
  it('takes the cache that the build has made', async () => {
    // What a start makes of it is asked of the start.
    const asks = join(folder, 'asks.cjs');
    writeFileSync(
      asks,
      `const vm = require('node:vm');
       vm.Script = class extends vm.Script {
         constructor(...args) {
           super(...args);
           process.stderr.write(String(this.cachedDataRejected));
         }
       };`,
    );
    const { code, stderr } = await run(process.execPath, ['-r', asks, MAIN, '--version']);
    expect([code, stderr]).toEqual([0, 'false']);
  });

  it('is interrupted while it is loaded, and tells how it has ended', async () => {
    const main = copy('interrupted', undefined);
    const script = join(dirname(main), 'sockctl.cjs');
    writeFileSync(script, `process.kill(process.pid, 'SIGINT'),${readFileSync(script, 'latin1')}`, 'latin1');
    const sends = ['raw', 'send', '--file', '-', '--dry-run', '--json'];
    const { code, stdout, stderr } = await run(process.execPath, [main, ...sends], { holdInput: true });
    expect([code, stderr]).toEqual([130, '']);
    expect(records(stdout)).toMatchObject([{ endReason: 'interrupted' }]);
  });

  it('fails where a command neither ends nor waits for anything', async () => {
    const main = copy('endless', undefined);
    const program = '{ runCommandLine: () => new Promise(() => undefined) }';
    writeFileSync(join(dirname(main), 'sockctl.cjs'), `(function (_, __, module) { module.exports = ${program}; })`);
    expect((await run(process.execPath, [main])).code).toBe(1);
  });

  it.each([
    ['no cache', undefined],
    ['an empty one', new Uint8Array(0)],
    ['one of something else', new Uint8Array(5000).fill(0x5a)],
  ])('works with %s', async (name, cache) => {
    const main = copy(name, cache);
    const { code, stdout, stderr } = await run(process.execPath, [main, '--version']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
