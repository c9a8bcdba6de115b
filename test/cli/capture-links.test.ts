/** Captures whose interfaces go down, away and come back, and links with packets of all sizes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, createLoneHost, type LoneHost } from '../hosts/namespaces.js';
import { Running, records, run, sockctl, start } from './process.js';

const GENERATOR = new URL('../../scripts/bench/packet-generator.mjs', import.meta.url).pathname;
const obstacle = namespaceObstacle();
let host: LoneHost;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockctl-test-'));
  if (obstacle === undefined) host = createLoneHost();
});
afterAll(() => {
  host?.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function capturing(args: readonly string[], under = host.under): Promise<Running> {
  const running = start(['capture', '--json', ...args], { under, timeoutMs: 60_000 });
  await running.until(({ stderr }) => (/capturing on/.test(stderr) ? true : undefined));
  return running;
}

async function generate(count: number): Promise<number> {
  const { stdout } = await run(process.execPath, [GENERATOR, 'other0', '--count', String(count)], host);
  return JSON.parse(stdout.toString()).sent;
}

function eventsOf(stdout: Buffer): string[] {
  return records(stdout)
    .filter(({ type }) => type === 'capture.event')
    .map(({ event, interface: name }) => `${event} ${name}`);
}

/** Resolves when the last event is that. */
function told(capture: Running, event: string): Promise<true> {
  return capture.until(({ stdout }) => (eventsOf(stdout).at(-1) === event ? true : undefined));
}

/** A new veth pair in place of one that was deleted. */
function makeLinks(): void {
  host.ip('link', 'add', 'link0', 'type', 'veth', 'peer', 'name', 'other0');
  for (const link of ['link0', 'other0']) {
    host.ip('link', 'set', link, 'addrgenmode', 'none');
    host.ip('link', 'set', link, 'up');
  }
}

const title = (text: string) => `${text}${obstacle === undefined ? '' : ` (${obstacle})`}`;

describe.skipIf(obstacle !== undefined)(title('an interface'), () => {
  it('that goes down and up, is renamed, deleted and made again loses nothing unaccounted', async () => {
    const file = join(folder, 'links.pcapng');
    const capture = await capturing(['-i', 'link0', '-w', file, 'udp port 9']);
    let sent = await generate(1000);
    for (let flap = 0; flap < 100; flap++) {
      host.ip('link', 'set', 'link0', 'down');
      host.ip('link', 'set', 'link0', 'up');
    }
    await told(capture, 'interface-up link0');
    sent += await generate(1000);
    host.ip('link', 'set', 'link0', 'mtu', '9000');
    host.ip('link', 'set', 'link0', 'down');
    host.ip('link', 'set', 'link0', 'name', 'wan0');
    host.ip('link', 'set', 'wan0', 'up');
    await told(capture, 'interface-up wan0');
    sent += await generate(1000);
    host.ip('link', 'del', 'wan0');
    await told(capture, 'interface-gone wan0');
    makeLinks();
    await told(capture, 'interface-up link0');
    sent += await generate(1000);
    const { stdout, code } = await capture.signal('SIGINT');
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ captured: sent, droppedKernel: 0, droppedApplication: 0 });
    const events = eventsOf(stdout);
    expect(events).toContain('interface-renamed wan0');
    expect(events.slice(-3)).toEqual(['interface-gone wan0', 'interface-created link0', 'interface-up link0']);
    const { stdout: counted } = await sockctl(['capture', 'read', '--count-only', '-q', file]);
    expect(counted.toString()).toBe(`${sent}\n`);
    if (hasCommand('tshark')) {
      const { stdout: names, stderr } = await run('tshark', ['-r', file, '-T', 'fields', '-e', 'frame.interface_name']);
      expect(stderr).not.toMatch(/error|malformed|damaged/i);
      expect([...new Set(names.toString().trim().split('\n'))]).toEqual(['link0', 'wan0']);
    }
  });

  it('that is gone ends a capture that is asked to, with what it had', async () => {
    const capture = await capturing(['-i', 'link0', '--exit-when-gone', 'udp port 9']);
    const sent = await generate(10);
    host.ip('link', 'del', 'link0');
    const { stdout, code } = await capture.done;
    makeLinks();
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ captured: sent, endReason: 'gone' });
  });

  it('is promiscuous as long as it is captured on', async () => {
    const promiscuity = () => /promiscuity (\d+)/.exec(host.ip('-d', 'link', 'show', 'link0'))?.[1];
    const capture = await capturing(['-i', 'link0']);
    expect(promiscuity()).toBe('1');
    const modest = await capturing(['-i', 'link0', '-p']);
    expect(promiscuity()).toBe('1');
    await capture.signal('SIGKILL');
    expect(promiscuity()).toBe('0');
    await modest.signal('SIGINT');
  });

  it('whose adapter takes no timestamps is refused, with what to do', async () => {
    const { code, stderr } = await sockctl(['capture', '-i', 'link0', '--timestamp-source', 'adapter'], host);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^sockctl: ioctl\(SIOCSHWTSTAMP\) link0: .*\(EOPNOTSUPP\); .*use --timestamp-source kernel$/m,
    );
  });
});

describe.skipIf(obstacle !== undefined)(title('packets that the adapter is to cut (GSO)'), () => {
  it('are captured whole, as tcpdump has them', async (ctx) => {
    if (!hasCommand('tcpdump')) return ctx.skip('tcpdump is not installed');
    const pair = createHostPair();
    try {
      const [ours, theirs] = [join(folder, 'gso.pcapng'), join(folder, 'gso.pcap')];
      const { under } = pair.a;
      const server = start(['tcp', 'serve', '--discard', `${pair.b.ipv4}:5000`], { under: pair.b.under });
      await server.port();
      const flags = ['-i', 'link0', '-B', '131072', '--immediate-mode', '-U', '-w', theirs, 'tcp'];
      const tcpdump = new Running('tcpdump', flags, { under });
      await tcpdump.until(({ stderr }) => (stderr.includes('listening on') ? true : undefined));
      const capture = await capturing(['-i', 'link0', '-w', ours, 'tcp'], under);
      await sockctl(['tcp', 'bench', `${pair.b.ipv4}:5000`, '--bytes', '2M'], { under });
      await server.signal('SIGTERM');
      const { stdout } = await capture.signal('SIGINT');
      const summary = records(stdout).at(-1);
      expect(summary).toMatchObject({ droppedKernel: 0, droppedApplication: 0 });
      // Two sockets may see what goes out and what comes in meanwhile in either order: packets beside packets.
      const show = async (file: string) => {
        const { stdout } = await run('tcpdump', ['-nr', file, '-e', '-t', '-x']);
        return stdout
          .toString()
          .split(/\n(?!\t)/)
          .sort()
          .join('\n');
      };
      const shown = await show(ours);
      expect(Math.max(...[...shown.matchAll(/, length (\d+): /g)].map(([, length]) => Number(length)))).toBeGreaterThan(
        32_000,
      );
      // tcpdump has written them all soon.
      for (let tries = 0; tries < 50 && (await show(theirs)) !== shown; tries++);
      await tcpdump.signal('SIGINT');
      expect(await show(theirs)).toBe(shown);
    } finally {
      pair.remove();
    }
    return undefined;
  });
});
