/** Filters beside libpcap's, by the script that anyone can run: a list of expressions, and some that the grammar makes. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../hosts/machine.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/compare-filters.mjs', import.meta.url));
const run = promisify(execFile);

async function compare(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [SCRIPT, ...args]).catch((error: { stdout: string }) => error);
  return stdout;
}

describe('beside tcpdump', () => {
  it('listed expressions let the same packets pass, in no longer programs', async (ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
    const said = await compare('--seed', '20', '--types', 'EN10MB,IEEE802_11_RADIO');
    expect(said).toMatch(/; differences: 0; seed 20$/m);
    const [, theirs, own] = /instructions: tcpdump (\d+), sockctl (\d+)/.exec(said) ?? [];
    expect(Number(own)).toBeLessThanOrEqual(Number(theirs));
  }, 120_000);

  it('so do generated ones', async (ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not there');
    const said = await compare('--generate', '80', '--seed', String(Date.now() % 1e9));
    expect(said).toMatch(/; differences: 0; seed \d+$/m);
  }, 120_000);
});
