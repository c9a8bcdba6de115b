/** Files of hosts, and what is wrong with them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHostFile } from '../../cli/args/host-file.js';
import { resolveHosts } from '../../cli/args/hosts.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

function fileOf(bytes: Uint8Array | string): string {
  const path = join(folder, 'hosts');
  writeFileSync(path, bytes);
  return path;
}

const read = (text: Uint8Array | string) => readHostFile(fileOf(text), never);
const resolved = async (text: string, only?: Parameters<typeof resolveHosts>[1]) =>
  resolveHosts(await read(text), only, never);

describe('a file of hosts', () => {
  it('has one a line, and comments', async () => {
    const hosts = await read('# head\n\n 192.0.2.1 # one\r\n2001:db8::/64#two\n\t\nlocalhost');
    expect(hosts.map(({ text }) => text)).toEqual(['192.0.2.1', '2001:db8::/64', 'localhost']);
    expect(hosts[2]?.where).toMatch(/hosts:6$/);
  });

  it.for([
    ['a b\n', /:1: 'a b' is not one host; write one host a line/],
    ['x\n\u0007y\n', /:2: '\\u0007y' is not one host/],
    [Uint8Array.of(10, 0xff, 0xfe, 10), /:2: '.*' is not one host/],
    [`\n\n${'a'.repeat(2000)}\n`, /:3: the line is longer than 1024 bytes/],
    [`ok\n${'a'.repeat(200_000)}`, /:2: the line is longer than 1024 bytes/],
  ] as const)('with %j is refused with its line', async ([text, message]) => {
    await expect(read(text)).rejects.toMatchObject({ name: 'UsageError' });
    const error = (await read(text).catch((thrown: unknown) => thrown)) as { message: string; advice: string };
    expect(`${error.message}; ${error.advice}`).toMatch(message);
  });

  it.for([
    ['192.0.2.1\n192.0.2.300\n', /:2: bad address '192\.0\.2\.300': part 4 is above 255/],
    ['192.0.2.9/24\n', /:1: bad address .* did you mean 192\.0\.2\.0\/24\?/],
    ['192.0.2.0/33\n', /:1: .*the length is above 32/],
    ['1.2.3\n', /:1: bad address '1\.2\.3'/],
    [`${'a'.repeat(300)}\n`, /:1: .* is too long for a host/],
  ] as const)('with %j is refused before anything is looked up', async ([text, message]) => {
    await expect(resolved(text)).rejects.toThrow(message);
  });

  it('with zones of no interface, or names of no host: the others are there, these say where they stand', async () => {
    const { entries, unresolved } = await resolved('fe80::1%nowhere0\n::1%lo\nno-such.invalid\n');
    expect(entries).toMatchObject([{ name: '::1%lo' }]);
    expect(unresolved.map(({ target, error: { exitCode } }) => [target, exitCode])).toEqual([
      ['fe80::1%nowhere0', 1],
      ['no-such.invalid', 4],
    ]);
    expect(unresolved[0]?.error.message).toMatch(/hosts:1: if_nametoindex nowhere0: no such interface \(ENODEV\)$/);
    expect(unresolved[1]?.error.message).toMatch(/hosts:3: getaddrinfo no-such\.invalid: /);
  });

  it('of the other family: not resolved', async () => {
    const { entries, unresolved } = await resolved('192.0.2.1\n2001:db8::1\n2001:db8::/64\n', {
      family: 'ipv4',
      flag: '-4',
    });
    expect(entries).toHaveLength(1);
    expect(unresolved.map(({ target, error }) => [target, error.code, error.message])).toEqual([
      ['2001:db8::1', 'EAI_NONAME', '2001:db8::1: not IPv4, which -4 asks for'],
      ['2001:db8::/64', 'EAI_NONAME', '2001:db8::/64: not IPv4, which -4 asks for'],
    ]);
  });

  it('may be any bytes: hosts in their order, or one error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        const hosts = await read(bytes).catch((error: unknown) => error as Error);
        if (hosts instanceof Error) expect(hosts.message).toMatch(/hosts:\d+: /);
        else for (const { text } of hosts) expect(text).toMatch(/^[^\s#]+$/);
      }),
      { numRuns: 50 },
    );
  });

  it('is not waited for when somebody ends it, be it a pipe that nobody writes to', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const delayMs of [0, 1, 30]) {
      const abort = new AbortController();
      const reading = readHostFile(pipe, abort.signal);
      const failed = expect(reading).rejects.toMatchObject({ name: 'AbortError' });
      await sleep(delayMs);
      abort.abort();
      await failed;
    }
  });

  it('that is none says so', async () => {
    await expect(readHostFile(join(folder, 'nowhere'), never)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readHostFile(folder, never)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
