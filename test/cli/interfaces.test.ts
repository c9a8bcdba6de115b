/** `interfaces` beside ip(8) and tcpdump -D, in a host with interfaces of many kinds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkTypeNumber } from '../../src/wire/link-types.js';
import { hasCommand, namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../hosts/namespaces.js';
import { records, run, sockctl, start } from './process.js';

const obstacle = namespaceObstacle();

interface Interface {
  readonly name: string;
  readonly index: number;
  readonly state: string;
  readonly linkType: string;
  readonly flags: readonly string[];
  readonly kind: string | null;
  readonly addresses: readonly Record<string, unknown>[];
  readonly [field: string]: unknown;
}

/** What is used of ip(8)'s JSON. */
interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly operstate: string;
  readonly address?: string;
  readonly master?: string;
  readonly ifalias?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly {
    readonly family: string;
    readonly local: string;
    readonly address?: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
  readonly stats64: { readonly rx: Counters; readonly tx: Counters };
}
interface Counters {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** An entry of `ip -j -d -s addr` as a record has it. */
function fromIp(link: IpLink): Record<string, unknown> {
  const up = link.flags.includes('UP');
  const { rx, tx } = link.stats64;
  return {
    name: link.ifname,
    index: link.ifindex,
    state: up ? (link.flags.includes('LOWER_UP') ? 'up' : 'no-carrier') : 'down',
    operState: link.operstate.toLowerCase(),
    // NO-CARRIER and M-DOWN are ip's own.
    flags: link.flags.filter((flag) => !flag.includes('-')).sort(),
    mtu: link.mtu,
    hardwareAddress: link.address ?? null,
    kind: link.linkinfo?.info_kind ?? null,
    master: link.master ?? null,
    alias: link.ifalias ?? null,
    addresses: link.addr_info.map(({ family, local, address, prefixlen, scope }) => ({
      address: local,
      peer: address ?? null,
      prefixLength: prefixlen,
      family: family === 'inet' ? 'ipv4' : 'ipv6',
      scope,
    })),
    counters: {
      receivedPackets: rx.packets,
      receivedBytes: rx.bytes,
      receiveErrors: rx.errors,
      receiveDropped: rx.dropped,
      sentPackets: tx.packets,
      sentBytes: tx.bytes,
      sendErrors: tx.errors,
      sendDropped: tx.dropped,
    },
  };
}

/** The fields that ip has too; it leaves RUNNING out. */
function comparable(record: Interface): Record<string, unknown> {
  const { name, index, state, operState, flags, mtu, hardwareAddress, kind, master, alias, counters } = record;
  const addresses = record.addresses.map(({ zone: _, flags: __, ...address }) => address);
  const ipFlags = flags.filter((flag) => flag !== 'RUNNING').sort();
  return {
    name,
    index,
    state,
    operState,
    flags: ipFlags,
    mtu,
    hardwareAddress,
    kind,
    master,
    alias,
    addresses,
    counters,
  };
}

describe.skipIf(obstacle !== undefined)(`interfaces${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let host: LoneHost;
  beforeAll(() => {
    host = createLoneHost();
    const ip = (line: string) => host.ip(...line.split(' '));
    ip('addr add 10.1.0.1/24 dev link0');
    ip('addr add 10.1.0.2/24 dev link0');
    ip('addr add fd01::1/64 dev link0 nodad');
    ip('addr add fe80::77/64 dev link0 nodad');
    // Down, renamed, without an address; a port of a bridge; no carrier; without a header.
    ip('link add down0 type veth peer name before0');
    ip('link set before0 name after0');
    ip('link set after0 alias an-alias');
    ip('link add br0 type bridge');
    ip('link set after0 master br0');
    ip('link add lone0 type veth peer name lone1');
    ip('link set lone0 mtu 1400 up');
    ip('tuntap add mode tun name tun0');
    ip('addr add 10.2.0.1 peer 10.2.0.2/32 dev tun0');
    ip('link set tun0 up');
    ip('tuntap add mode tap name tap0');
  });
  afterAll(() => host.remove());

  const list = async (...args: string[]) => {
    const { code, stdout, stderr } = await sockctl(['interfaces', '--json', ...args], { under: host.under });
    expect([code, stderr]).toEqual([0, '']);
    const all = records(stdout);
    const summary = all.pop();
    expect(summary).toMatchObject({ type: 'interface.summary', interfaces: all.length, endReason: 'eof' });
    for (const record of all) expect(record.type).toBe('interface');
    return all as unknown as Interface[];
  };

  it('has what ip shows', async () => {
    // IPv6 speaks up by itself at times: look until nothing was said between both looks.
    const look = () => host.ip('-j', '-d', '-s', 'addr');
    let [before, found, after] = [look(), await list(), look()];
    for (let tries = 0; before !== after && tries < 20; tries++) [before, found, after] = [after, await list(), look()];
    expect(found.map(comparable)).toEqual((JSON.parse(after) as IpLink[]).map(fromIp));
    const zones = found.flatMap(({ addresses }) => addresses.flatMap(({ zone }) => (zone === null ? [] : [zone])));
    expect(zones).toContain('link0');
    const other = found.find(({ name }) => name === 'other0');
    expect(found.find(({ name }) => name === 'link0')?.link).toEqual({ index: other?.index, name: 'other0' });
  });

  it('knows VLANs', async (ctx) => {
    try {
      host.ip('link', 'add', 'link', 'link0', 'name', 'link0.7', 'type', 'vlan', 'id', '7');
    } catch {
      return ctx.skip('this kernel has no VLANs');
    }
    const [found] = await list('link0.7');
    host.ip('link', 'del', 'link0.7');
    expect(found).toMatchObject({ kind: 'vlan', state: 'down', link: { name: 'link0' }, linkType: 'ETHERNET' });
    return undefined;
  });

  it.skipIf(!hasCommand('tcpdump'))('has the interfaces and link types of tcpdump', async () => {
    const found = await list();
    const { stdout } = await run('tcpdump', ['-D'], { under: host.under });
    // What is no interface has a description.
    const listed = [...stdout.toString().matchAll(/^\d+\.(\S+) \[(.*)\]$/gm)];
    const theirs = Object.fromEntries(listed.map(([, name = '', words = '']) => [name, words.split(', ')]));
    expect(Object.keys(theirs).sort()).toEqual(found.map(({ name }) => name).sort());
    for (const { name, flags } of found) {
      expect(theirs[name]?.includes('Up')).toBe(flags.includes('UP'));
      expect(theirs[name]?.includes('Running')).toBe(flags.includes('RUNNING'));
      expect(theirs[name]?.includes('Loopback')).toBe(flags.includes('LOOPBACK'));
    }
    for (const name of ['lo', 'link0', 'tun0']) {
      const types = await run('tcpdump', ['-L', '-i', name], { under: host.under });
      const dlt = /^ {2}(\S+)/m.exec(`${types.stdout}${types.stderr}`)?.[1] ?? '';
      const ours = found.find((one) => one.name === name)?.linkType ?? '';
      expect(linkTypeNumber(ours)).toBe(linkTypeNumber(dlt));
    }
  });

  it('shows a table in 100 columns, and all of one by name or number', async () => {
    const table = (await sockctl(['interfaces'], { under: host.under })).stdout.toString();
    const lines = table.trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(table).toMatch(/^link0 +\d+ +up +ETHERNET +1500 +[0-9a-f:]{17} +10\.1\.0\.1\/24\n +10\.1\.0\.2\/24\n/m);
    expect(table).toMatch(/^lone0 +\d+ +no carrier +ETHERNET +1400 /m);
    expect(table).toMatch(/^tun0 +\d+ +no carrier +RAW +1500 +- +10\.2\.0\.1 peer 10\.2\.0\.2\/32$/m);
    expect(table).toContain(' fe80::77%link0/64\n');
    const [{ index } = { index: 0 }] = await list('after0');
    const shown = async (name: string) =>
      (await sockctl(['interfaces', name], { under: host.under })).stdout.toString();
    const detail = await shown('after0');
    expect(detail).toBe(await shown(String(index)));
    expect(detail).toMatch(/^after0 \(\d+\)\n {2}state {7}down, operational state down\n/);
    for (const line of ['kind        veth', 'joined to   down0', 'port of     br0', 'alias       an-alias']) {
      expect(detail).toContain(`  ${line}\n`);
    }
    const up = (await list('--up')).map(({ name }) => name);
    expect(up).toEqual(expect.arrayContaining(['lo', 'link0', 'other0']));
    expect(up).not.toContain('lone0');
  });

  it('refuses what is not there, and what it cannot do', async () => {
    const missing = await sockctl(['interfaces', 'nope0'], { under: host.under });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/nope0: no such interface \(ENODEV\); interfaces here: .*link0/);
    expect((await sockctl(['interfaces', '--interval', '1s'])).stderr).toMatch(/--interval.*give --watch as well/);
    const { code, stderr } = await sockctl(['interfaces', '--watch', '--backend', 'portable']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('use --backend native on Linux')]);
  });

  it('has of Node what Node knows, and null for the rest', async () => {
    const { stdout } = await sockctl(['interfaces', '--json', '--backend', 'portable'], { under: host.under });
    const found = records(stdout).filter(({ type }) => type === 'interface');
    const native = Object.fromEntries((await list()).map((one) => [one.name, one]));
    expect(found.map(({ name }) => name)).toContain('link0');
    for (const {
      name,
      addresses,
      index,
      mtu,
      flags,
      counters,
      linkType,
      speedMbps,
    } of found as unknown as Interface[]) {
      expect([mtu, flags, counters, linkType, speedMbps]).toEqual([null, null, null, null, null]);
      if (index !== null) expect(index).toBe(native[name]?.index);
      const plain = (list: Interface['addresses'] = []) =>
        list.map(({ address, prefixLength, family, zone }) => [address, prefixLength, family, zone]);
      expect(plain(addresses)).toEqual(plain(native[name]?.addresses));
    }
  });

  it('--watch tells each change, in order, and the rates', async () => {
    const watch = start(['interfaces', '--watch', '--interval', '0.2', '--json'], { under: host.under });
    const lines = () => {
      const text = watch.stdout.toString();
      return records(Buffer.from(text.slice(0, text.lastIndexOf('\n') + 1)));
    };
    const until = (type: string, fields: object) =>
      watch.until(() =>
        lines().find(
          (line) => line.type === type && Object.entries(fields).every(([key, value]) => line[key] === value),
        ),
      );
    await until('interface.rate', { name: 'lo' });
    host.ip('link', 'add', 'w0', 'type', 'veth', 'peer', 'name', 'w1');
    host.ip('link', 'set', 'w0', 'addrgenmode', 'none', 'up');
    host.ip('link', 'set', 'w1', 'addrgenmode', 'none', 'up');
    await until('interface.event', { name: 'w0', event: 'up' });
    host.ip('addr', 'add', '10.3.0.1/24', 'dev', 'w0');
    host.ip('addr', 'del', '10.3.0.1/24', 'dev', 'w0');
    host.ip('link', 'set', 'w0', 'down');
    host.ip('link', 'set', 'w0', 'name', 'x0');
    host.ip('link', 'set', 'x0', 'mtu', '1300');
    host.ip('link', 'del', 'x0');
    await until('interface.event', { name: 'w1', event: 'gone' });
    await run('ping', ['-q', '-c', '20', '-i', '0.02', '127.0.0.1'], { under: host.under });
    const rate = await watch.until(() =>
      lines().find(
        ({ type, name, bitsPerSecondIn }) => type === 'interface.rate' && name === 'lo' && Number(bitsPerSecondIn) > 0,
      ),
    );
    // Each echo and each answer has 84 bytes: the loopback interface counts without its header.
    const perPacket = Number(rate.bitsPerSecondIn) / Number(rate.packetsPerSecondIn) / 8;
    expect(Math.abs(perPacket - 84)).toBeLessThan(1);
    const { code, stderr } = await watch.signal('SIGINT');
    expect([code, stderr]).toEqual([0, '']);
    const events = lines().filter(({ type }) => type === 'interface.event');
    const told = events.filter(({ name }) => name === 'w0' || name === 'x0');
    expect(told.map(({ event, state }) => (state === undefined ? event : `${event} ${state}`))).toEqual([
      'created down',
      'down no-carrier',
      'up up',
      'address-added',
      'address-removed',
      'down down',
      'renamed',
      'mtu',
      'gone',
    ]);
    expect(told.find(({ event }) => event === 'renamed')).toMatchObject({ name: 'x0', before: 'w0' });
    expect(told.find(({ event }) => event === 'mtu')).toMatchObject({ mtu: 1300, before: 1500 });
    expect(told[3]).toMatchObject({ address: '10.3.0.1', prefixLength: 24, scope: 'global' });
    expect(lines().at(-1)).toMatchObject({
      type: 'interface.summary',
      events: events.length,
      endReason: 'interrupted',
    });
  });

  it('--watch NAME tells of that one alone', async () => {
    const watch = start(['interfaces', '--watch', 'lone0'], { under: host.under });
    await watch.until(({ received }) => (received > 0 ? true : undefined));
    host.ip('link', 'set', 'after0', 'mtu', '1490');
    host.ip('link', 'set', 'lone0', 'mtu', '1390');
    await watch.until(({ stdout }) => (stdout.includes('MTU 1390, was 1400') ? true : undefined));
    const { code, stdout } = await watch.signal('SIGTERM');
    expect([code, stdout.includes('1490')]).toEqual([0, false]);
  });
});
