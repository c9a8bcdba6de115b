/** The interfaces of a namespace and their changes as the kernel tells them, beside ip(8). */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Running, records } from '../cli/process.js';
import { namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../hosts/namespaces.js';

const PROGRAM = new URL('programs/links.mjs', import.meta.url).pathname;

interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly [field: string]: unknown;
}
interface Told {
  readonly kind?: string;
  readonly link?: Link;
  readonly address?: { readonly index: number; readonly address: string; readonly prefixLength: number };
  readonly now?: { readonly links: Link[]; readonly kept: Link[]; readonly addresses: object[] };
  readonly lost?: number;
}

/** What is used of ip(8)'s JSON. */
interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly operstate: string;
  readonly address: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

const obstacle = namespaceObstacle();

describe.skipIf(obstacle !== undefined)(`the link monitor${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let host: LoneHost;
  let monitor: Running;
  beforeAll(() => {
    host = createLoneHost();
  });
  afterAll(() => host.remove());
  beforeEach(async () => {
    monitor = new Running(process.execPath, [PROGRAM], { under: host.under, holdInput: true });
    await monitor.until(() => lines().find((line) => 'opened' in line));
  });
  afterEach(async () => {
    monitor.child.stdin?.end();
    // An open monitor alone does not hold its process.
    expect((await monitor.done).code).toBe(0);
  });

  const lines = (): Told[] => {
    const text = monitor.stdout.toString();
    return records(Buffer.from(text.slice(0, text.lastIndexOf('\n') + 1)));
  };
  /** Waits for a line of the monitor's, behind the first `from`. */
  const told = (match: (line: Told) => boolean, from = 0) => monitor.until(() => lines().slice(from).find(match));
  const ask = async (line: string) => {
    const before = lines().length;
    monitor.child.stdin?.write(`${line}\n`);
    const { now, lost } = await told(({ now }) => now !== undefined, before);
    return { links: now?.links ?? [], kept: now?.kept ?? [], addresses: now?.addresses ?? [], lost: lost ?? 0 };
  };
  /** What ip(8) shows, in the words of the monitor. */
  const shown = () => {
    const all = JSON.parse(host.ip('-j', '-d', 'link')) as IpLink[];
    return all.map((link) => ({
      index: link.ifindex,
      name: link.ifname,
      // ip leaves RUNNING out, and has NO-CARRIER and M-DOWN of its own.
      flags: link.flags.filter((flag) => !flag.includes('-')).sort(),
      mtu: link.mtu,
      operState: link.operstate.toLowerCase(),
      address: link.address,
      kind: link.linkinfo?.info_kind,
    }));
  };
  const comparable = (links: readonly Link[]) =>
    links
      .map(({ index, name, flags, mtu, operState, address, kind }) => {
        const ipFlags = flags.filter((flag) => flag !== 'RUNNING').sort();
        return { index, name, flags: ipFlags, mtu, operState, address, kind };
      })
      .sort((a, b) => a.index - b.index);
  /** Looks until both agree: the kernel decides about a carrier up to a second after it is there. */
  const expectAgreement = async () => {
    for (let tries = 0; ; tries++) {
      const { links, kept } = await ask('now');
      expect(kept.map(({ name }) => name).sort()).toEqual(links.map(({ name }) => name).sort());
      const [ours, theirs] = [comparable(links), shown()];
      if (tries < 50 && JSON.stringify(ours) !== JSON.stringify(theirs)) continue;
      expect(ours).toEqual(theirs);
      return;
    }
  };
  const batch = (commands: readonly string[]) =>
    execFileSync('ip', ['-n', host.under.at(-1) ?? '', '-batch', '-'], { input: commands.join('\n') });

  it('tells an interface down, and without a carrier when its other end is', async () => {
    await expectAgreement();
    for (const end of ['link0', 'other0']) {
      const from = lines().length;
      host.ip('link', 'set', end, 'down');
      const down = await told(({ kind, link }) => kind === 'changed' && link?.name === 'link0' && !link.up, from);
      expect(down.link?.flags.includes('UP')).toBe(end === 'other0');
      host.ip('link', 'set', end, 'up');
      await told(({ kind, link }) => kind === 'changed' && link?.name === 'link0' && link.up, from);
      await expectAgreement();
    }
  });

  it('tells names, sizes, addresses, and interfaces that go and come', async () => {
    batch([
      'link add a0 type veth peer name b0',
      'link set a0 mtu 1400',
      'link set a0 name c0',
      'link add link c0 name c0.7 type macvlan',
      'addr add 10.1.2.3/24 dev c0',
      'addr add fd01::1/64 dev c0 nodad',
      'addr del 10.1.2.3/24 dev c0',
    ]);
    await told(({ kind, address }) => kind === 'address-gone' && address?.address === '10.1.2.3');
    await expectAgreement();
    const index = (await ask('now')).links.find(({ name }) => name === 'c0')?.index;
    const of = (wanted: string) =>
      lines().flatMap(({ kind, link }) => (kind === wanted && link?.index === index ? [[link?.name, link?.mtu]] : []));
    expect(of('new')).toEqual([['a0', 1500]]);
    expect(of('changed')).toEqual(
      expect.arrayContaining([
        ['a0', 1400],
        ['c0', 1400],
      ]),
    );
    expect((await ask('now')).addresses).toContainEqual(
      expect.objectContaining({ index, address: 'fd01::1', prefixLength: 64, scope: 'global' }),
    );
    batch(['link del c0', 'link add c0 type bridge']);
    await told(({ kind, link }) => kind === 'new' && link?.name === 'c0');
    expect(of('gone')).toEqual([['c0', 1400]]);
    await expectAgreement();
    batch(['link del c0']);
    await told(({ kind, link }) => kind === 'gone' && link?.kind === 'bridge');
    await expectAgreement();
  });

  it('does not take a port that leaves its bridge for an interface that is gone', async () => {
    batch([
      'link add br0 type bridge',
      'link add p0 type veth peer name p1',
      'link set p0 master br0',
      'link set p0 nomaster',
    ]);
    await told(({ kind, link }) => kind === 'changed' && link?.name === 'p0' && link.master !== undefined);
    await expectAgreement();
    batch(['link del p0', 'link del br0']);
    await told(({ kind, link }) => kind === 'gone' && link?.name === 'br0');
    expect(lines().filter(({ kind, link }) => kind === 'gone' && link?.name === 'p0')).toHaveLength(1);
  });

  it('ends up with what is there after 200 flaps', async () => {
    batch(Array.from({ length: 200 }, () => ['link set link0 down', 'link set link0 up']).flat());
    await expectAgreement();
    batch(Array.from({ length: 200 }, () => ['link set link0 up', 'link set link0 down']).flat());
    await expectAgreement();
    host.ip('link', 'set', 'link0', 'up');
  });

  it('reads everything again where the kernel had no room for its news', async () => {
    const before = lines().length;
    monitor.child.stdin?.write('deaf link0 1444\n');
    await told((line) => 'deaf' in line, before);
    batch([
      ...Array.from({ length: 2000 }, (_, i) => `link set link0 mtu ${1500 + i}`),
      'link add d0 type bridge',
      'link set other0 name other1',
      'link set link0 mtu 1444',
    ]);
    await told(({ now }) => now !== undefined, before);
    const { lost } = await ask('refresh');
    expect(lost).toBeGreaterThan(0);
    await expectAgreement();
    batch(['link del d0', 'link set other1 name other0']);
    await expectAgreement();
  });

  it('tells the difference when it reads again after a pause', async () => {
    const before = (await ask('pause')).lost;
    batch([
      ...Array.from({ length: 2000 }, (_, i) => `link set link0 mtu ${1500 + i}`),
      'link set link0 down',
      'link set link0 name paused0',
      'link set paused0 up',
      'link set paused0 mtu 1555',
    ]);
    const from = lines().length;
    monitor.child.stdin?.write('resume\n');
    await told(({ link }) => link?.name === 'paused0' && link.mtu === 1555 && link.flags.includes('UP'), from);
    expect((await ask('now')).lost).toBeGreaterThan(before);
    await expectAgreement();
    batch(['link set paused0 down', 'link set paused0 name link0', 'link set link0 mtu 1500 up']);
    await expectAgreement();
  });

  it('is not led astray by interfaces that come and go while it reads', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `m${i}`);
    batch(names.map((name) => `link add ${name} type bridge`));
    const churn = new Running('ip', ['-n', host.under.at(-1) ?? '', '-batch', '-'], {
      input: Array.from({ length: 20 }, (_, i) => [`link add n${i} type bridge`, `link del m${i}`])
        .flat()
        .join('\n'),
    });
    let refreshes = 0;
    while (churn.child.exitCode === null) {
      await ask('refresh');
      refreshes++;
    }
    expect((await churn.done).code).toBe(0);
    expect(refreshes).toBeGreaterThan(0);
    await expectAgreement();
  });

  it('believes the kernel alone', async () => {
    const root = new Running(process.execPath, [PROGRAM, 'root'], { under: host.under, holdInput: true });
    const said = () => records(root.stdout).filter((line) => 'now' in line || 'kind' in line);
    await root.until(({ received }) => (received > 0 ? true : undefined));
    const [before] = (await ask('now')).links.filter(({ name }) => name === 'link0');
    root.child.stdin?.write(`forge ${before?.index}\nrefresh\n`);
    await root.until(() => (said().length > 1 ? true : undefined));
    root.child.stdin?.end();
    expect((await root.done).stderr).toBe('');
    expect(said().filter(({ kind }) => kind !== undefined)).toEqual([]);
  });
});
