/** Root is given away once the sockets and files are open, and what root alone may do is told exactly. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, isRoot, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair } from '../hosts/namespaces.js';
import { MAIN, type Running, records, run, sockctl, start } from './process.js';

const NOBODY = 65_534;
/** As sudo(8) sets it for a user called nobody. */
const SUDO = { SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY), SUDO_USER: 'nobody' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The user ids, the groups and the effective capabilities of a running process. */
function identity(pid: number | undefined) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? [];
  return { uid: field('Uid'), gid: field('Gid'), groups: field('Groups'), capabilities: field('CapEff') };
}

const gone = {
  uid: Array(4).fill(String(NOBODY)),
  gid: Array(4).fill(String(NOBODY)),
  groups: [String(NOBODY)],
  capabilities: ['0000000000000000'],
};

/** Waits for the line of the debug log that says that it is done. */
const dropped = (running: Running) =>
  running.until(({ stderr }) => (stderr.includes('running as nobody') ? true : undefined));

describe('dropping root', () => {
  it.for([
    ['tcp serve', ['tcp', 'serve', '--echo', '127.0.0.1:0']],
    ['udp recv', ['udp', 'recv', '127.0.0.1:0']],
    ['tcp ping', ['tcp', 'ping', '127.0.0.1:1', '-i', '0.1']],
    ['raw ping', ['raw', 'ping', '127.0.0.1', '-i', '0.1']],
    ['raw trace', ['raw', 'trace', '127.0.0.1', '--report', '1000']],
    ['raw sniff', ['raw', 'sniff']],
    ['capture', ['capture', '-i', 'lo']],
  ] as const)('%s runs as the user of sudo once its sockets are open', async ([, args], ctx) => {
    if (!isRoot) return ctx.skip('giving root away needs root');
    const running = start([...args, '-v'], { env: SUDO, holdInput: true });
    await dropped(running);
    expect(identity(running.child.pid)).toEqual(gone);
    const { code, stderr } = await running.signal('SIGINT');
    expect([0, 130], stderr).toContain(code);
    return undefined;
  });

  it('works on a port below 1024, and goes on serving', async (ctx) => {
    if (!isRoot) return ctx.skip('giving root away needs root');
    const server = start(['tcp', 'serve', '--echo', '127.0.0.1:997', '-v', '--user', 'nobody']);
    await dropped(server);
    expect(identity(server.child.pid)).toEqual(gone);
    const { stdout } = await sockctl(['tcp', 'connect', '127.0.0.1:997', '--user', String(NOBODY)], {
      input: 'still there',
    });
    expect(stdout.toString()).toBe('still there');
    expect((await server.signal('SIGTERM')).code).toBe(0);
    return undefined;
  });

  it.for(['native', 'portable'])('leaves the files to the user, and whoever captures: %s', async (backend, ctx) => {
    if (!isRoot) return ctx.skip('giving root away needs root');
    const [file, log] = [join(folder, 'out.pcapng'), join(folder, 'out.log')];
    rmSync(file, { force: true });
    const running = start(['capture', '-i', 'lo', '-w', file, '-v', '--backend', backend], { env: SUDO });
    await dropped(running);
    expect(identity(running.child.pid)).toEqual(gone);
    if (backend === 'portable') {
      const child = await running.until(({ stderr }) => /in process (\d+)/.exec(stderr) ?? undefined);
      expect(identity(Number(child[1]))).toMatchObject({ uid: gone.uid, capabilities: gone.capabilities });
    }
    const { code, stderr } = await running.signal('SIGINT');
    expect([0, 130], stderr).toContain(code);
    await sockctl(['capture', 'read', file, '--count-only', '--log-file', log], { env: SUDO });
    for (const path of [file, log]) {
      const { uid, gid } = statSync(path);
      expect([path, uid, gid]).toEqual([path, NOBODY, NOBODY]);
    }
    expect((await sockctl(['capture', 'read', file, '--count-only'], { uid: NOBODY })).code).toBe(0);
    return undefined;
  });

  it('still sends a file that root alone may read', async (ctx) => {
    if (!isRoot) return ctx.skip('giving root away needs root');
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'of root', { mode: 0o600 });
    const server = start(['tcp', 'serve', '127.0.0.1:0', '--send', secret, '-v'], { env: SUDO });
    const port = await server.port();
    await dropped(server);
    for (let i = 0; i < 2; i++) {
      expect((await sockctl(['tcp', 'connect', `127.0.0.1:${port}`])).stdout.toString()).toBe('of root');
    }
    expect((await server.signal('SIGTERM')).code).toBe(0);
    return undefined;
  });

  it('stays root for root', async (ctx) => {
    if (!isRoot) return ctx.skip('it is about root');
    for (const [args, env] of [
      [['--user', 'root'], SUDO],
      [[], { SUDO_UID: '0', SUDO_GID: '0', SUDO_USER: 'root' }],
    ] as const) {
      const running = start(['udp', 'recv', '127.0.0.1:0', ...args], { env, holdInput: true });
      await running.port();
      expect(identity(running.child.pid).uid).toEqual(Array(4).fill('0'));
      await running.signal('SIGINT');
    }
    return undefined;
  });

  it('refuses a user that there is not, and one that it may not become', async (ctx) => {
    const unknown = await sockctl(['udp', 'recv', '127.0.0.1:0', '--user', 'no-such-user']);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      'sockctl: --user no-such-user: no such user; see the users with: getent passwd\n',
    ]);
    const option = await sockctl(['udp', 'recv', '127.0.0.1:0', '--user=-u']);
    expect(option.code).toBe(2);
    if (!isRoot) return ctx.skip('becoming another user needs root');
    const { code, stderr } = await sockctl(['udp', 'recv', '127.0.0.1:0', '--user', 'root'], { uid: NOBODY });
    expect([code, stderr]).toEqual([
      3,
      'sockctl: setuid(root): operation not permitted (EPERM); only root can become another user: run it with sudo, or leave out --user\n',
    ]);
    return undefined;
  });
});

describe('the fixes that doctor names', () => {
  /** What doctor finds there, run as nobody by `node`, under a command line. */
  async function abilities(node: string, under: readonly string[]): Promise<Record<string, unknown>> {
    const become = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const { stdout, stderr } = await run(node, [MAIN, 'doctor', '--json'], { under: [...under, ...become] });
    expect(stderr).toBe('');
    return Object.fromEntries(records(stdout).map(({ name, there, fix }) => [name, there === true ? true : fix]));
  }

  it('setcap on Node', async (ctx) => {
    if (!isRoot) return ctx.skip('setcap needs root');
    if (!hasCommand('setcap')) return ctx.skip('setcap (libcap2-bin) is not installed');
    const node = join(folder, 'node');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    const before = await abilities(node, []);
    const names = ['raw sockets', 'packet sockets', 'ports below 1024', 'large buffers'];
    for (const name of names) {
      const fix = String(before[name]).split(', or ')[0];
      const capabilities = /^sudo setcap (\S+) \$\(readlink -f \$\(command -v node\)\)$/.exec(fix ?? '')?.[1];
      expect(capabilities, String(fix)).toBeDefined();
      await run('setcap', [capabilities as string, node]);
      expect((await abilities(node, []))[name]).toBe(true);
    }
    return undefined;
  });

  it('sysctl for ping sockets and low ports', async (ctx) => {
    const obstacle = namespaceObstacle();
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const { a, remove } = createHostPair();
    try {
      const before = await abilities(process.execPath, a.under);
      for (const name of ['ping sockets', 'ports below 1024']) {
        const [, assignment] = /sudo sysctl -w (\S+="[^"]*"|\S+)/.exec(String(before[name])) ?? [];
        expect(assignment, String(before[name])).toBeDefined();
        await run('sysctl', ['-w', String(assignment).replaceAll('"', '')], { under: a.under });
        expect((await abilities(process.execPath, a.under))[name]).toBe(true);
      }
    } finally {
      remove();
    }
    return undefined;
  });
});
