/** Multicast and broadcast between two hosts, and what a path does to large datagrams. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type Host, type HostPair } from '../hosts/namespaces.js';
import { records, start } from './process.js';

const obstacle = namespaceObstacle();
let pair: HostPair;
beforeAll(() => {
  if (obstacle === undefined) pair = createHostPair();
});
afterAll(() => pair?.remove());

const on = (host: Host, args: readonly string[]) => start(args, { under: host.under });

/** What a receiver on b, with these arguments, gets of what a sends. */
async function deliver(receiving: readonly string[], sending: (port: number) => readonly string[][]) {
  const receiver = on(pair.b, ['udp', 'recv', ...receiving, '--json', '--idle-timeout', '2s']);
  const port = await receiver.port();
  for (const args of sending(port)) {
    const { code, stderr } = await on(pair.a, ['udp', 'send', ...args]).done;
    expect(stderr).not.toContain('sockctl:');
    expect(code).toBe(0);
  }
  const { stdout } = await receiver.done;
  return records(stdout).filter(({ type }) => type === 'udp.datagram');
}

const text = (record: Record<string, unknown> | undefined) => Buffer.from(String(record?.data), 'base64').toString();

describe.skipIf(obstacle !== undefined)(`between two hosts${obstacle === undefined ? '' : `: ${obstacle}`}`, () => {
  it.each(['native', 'portable'])(
    'a group of IPv4 is heard on the interface that is named, %s backend',
    async (backend) => {
      const got = await deliver(
        [':0', '-4', '--join', '239.1.2.3@link0', '--count', '1', '--backend', backend],
        (port) => [
          [`239.1.2.3:${port}`, '--data', 'to the group', '--interface', 'link0', '--ttl', '3', '--backend', backend],
        ],
      );
      expect(got).toHaveLength(1);
      expect(text(got[0])).toBe('to the group');
      expect(got[0]).toMatchObject({ remote: { address: '10.99.0.1', family: 'ipv4' } });
      if (backend === 'native')
        expect(got[0]).toMatchObject({
          destination: '239.1.2.3',
          interface: 'link0',
          hopLimit: 3,
          timestamp: 'kernel',
        });
    },
  );

  it('a group of IPv6 too, which an address to receive on stands for as well', async () => {
    for (const receiving of [['[::]:0', '--join', 'ff05::4242@link0'], ['[ff05::4242%link0]:0']]) {
      const got = await deliver([...receiving, '--count', '1'], (port) => [
        [`[ff05::4242]:${port}`, '--data', 'six', '--interface', 'link0'],
      ]);
      expect(got[0]).toMatchObject({
        destination: 'ff05::4242',
        interface: 'link0',
        hopLimit: 1,
        remote: { address: 'fd99::1' },
      });
    }
  });

  it.each([
    ['232.1.1.1', '10.99.0.1', '10.99.0.77', '10.99.0.1/24'],
    ['ff3e::4242', 'fd99::1', 'fd99::77', 'fd99::1/64'],
  ])('one source of %s is heard and no other', async (group, source, other) => {
    const bracketed = group.includes(':') ? `[${group}]` : group;
    const family = group.includes(':') ? '-6' : '-4';
    const send = (port: number, data: string) => [`${bracketed}:${port}`, '--data', data, '--interface', 'link0'];
    const heard = await deliver([':0', family, '--join', `${group},${source}@link0`, '--count', '1'], (port) => [
      send(port, 'mine'),
    ]);
    expect(heard.map(text)).toEqual(['mine']);
    const unheard = await deliver([':0', family, '--join', `${group},${other}@link0`], (port) => [
      send(port, 'not mine'),
    ]);
    expect(unheard).toEqual([]);
  });

  it('a group that was not joined is not heard, though others on this host hear it', async () => {
    const neighbour = on(pair.b, ['udp', 'recv', '0.0.0.0:0', '--join', '239.1.2.4@link0']);
    await neighbour.port();
    const got = await deliver([':0', '-4', '--join', '239.1.2.5@link0'], (port) => [
      [`239.1.2.4:${port}`, '--data', 'for others', '--interface', 'link0'],
    ]);
    expect(got).toEqual([]);
    await neighbour.signal('SIGTERM');
  });

  it('replies of many come back from a group', async () => {
    const receiver = on(pair.b, ['udp', 'recv', '0.0.0.0:0', '--join', '239.9.9.9@link0', '--echo', '--count', '1']);
    const port = await receiver.port();
    const { stdout } = await on(pair.a, [
      'udp',
      'send',
      `239.9.9.9:${port}`,
      '--data',
      'who?',
      '--interface',
      'link0',
      '--wait',
      '500ms',
      '--json',
    ]).done;
    expect(records(stdout)[0]).toMatchObject({ type: 'udp.datagram', remote: { address: '10.99.0.2' } });
    await receiver.done;
  });

  it('a broadcast is heard with the flag, and refused in words without', async () => {
    const got = await deliver(['0.0.0.0:0', '--count', '1'], (port) => [
      [`10.99.0.255:${port}`, '--broadcast', '--data', 'all'],
    ]);
    expect(got[0]).toMatchObject({ destination: '10.99.0.255', remote: { address: '10.99.0.1' } });
    const { code, stderr } = await on(pair.a, ['udp', 'send', '10.99.0.255:9', '--data', 'all']).done;
    expect(code).toBe(3);
    expect(stderr).toContain('--broadcast');
  });

  it('datagrams of 0 and of 65,507 bytes arrive whole, in fragments; one more is refused in words', async () => {
    const got = await deliver(['10.99.0.2:0', '--count', '2'], (port) => [
      [`10.99.0.2:${port}`, '--data', ''],
      [`10.99.0.2:${port}`, '--size', '65507'],
    ]);
    expect(got.map(({ length, truncated }) => [length, truncated])).toEqual([
      [0, false],
      [65_507, false],
    ]);
    const input = Buffer.alloc(65_508, 1);
    const over = await start(['udp', 'send', '10.99.0.2:9', '--chunk', '65507', '--pmtu', 'do'], {
      under: pair.a.under,
      input,
    }).done;
    expect(over.code).toBe(1);
    expect(over.stderr).toContain('does not fit the path, whose MTU is 1500; send at most 1472 bytes');
    const large = await start(['udp', 'send', '10.99.0.2:9', '--size', '65508'], { under: pair.a.under }).done;
    expect(large.code).toBe(2);
    expect(large.stderr).toContain('up to 65507');
  });

  it('what is cut says so', async () => {
    const got = await deliver(['10.99.0.2:0', '--count', '1', '--keep', '100'], (port) => [
      [`10.99.0.2:${port}`, '--size', '1000'],
    ]);
    expect(got[0]).toMatchObject({ length: 1000, truncated: true });
    expect(Buffer.from(String(got[0]?.data), 'base64')).toHaveLength(100);
  });

  it('a port where nobody listens is reported with who says so', async () => {
    const { code, stdout, stderr } = await on(pair.a, [
      'udp',
      'send',
      '10.99.0.2:9',
      '--data',
      'x',
      '--wait',
      '500ms',
      '--json',
    ]).done;
    expect(code).toBe(1);
    expect(records(stdout)[0]).toMatchObject({
      type: 'udp.error',
      code: 'ECONNREFUSED',
      reporter: '10.99.0.2',
      icmpType: 3,
      icmpCode: 3,
    });
    expect(stderr).toContain('says 10.99.0.2 (ICMP type 3, code 3)');
  });

  it('a file goes through a link of a small MTU, at a size that fits', async () => {
    pair.ip(pair.a, 'link', 'set', 'link0', 'mtu', '1400');
    const receiver = on(pair.b, ['udp', 'recv', '10.99.0.2:0', '--reliable']);
    const input = Buffer.alloc(3 << 20, 'sockctl');
    const args = ['udp', 'send', `10.99.0.2:${await receiver.port()}`, '--reliable', '--json'];
    const { code, stdout } = await start(args, { under: pair.a.under, input }).done;
    pair.ip(pair.a, 'link', 'set', 'link0', 'mtu', '1500');
    expect(code).toBe(0);
    expect(records(stdout).at(-1)).toMatchObject({ packetSize: 1372, bytes: 3 << 20 });
    expect((await receiver.done).stdout.equals(input)).toBe(true);
  });
});
