/** A device that drops what it is given, and says so: the queue is full, for ever. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { records, sockctl } from './process.js';

const obstacle = namespaceObstacle();
/** Behind headers more than the other end of the link takes, and less than this one does. */
const SIZE = 1452;
let hosts: HostPair;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  hosts = createHostPair();
  // Neighbours are known before: what waits for one is dropped without a word.
  await sockctl(['raw', 'ping', '-c', '1', hosts.b.ipv4, hosts.b.ipv6], { under: hosts.a.under });
  hosts.ip(hosts.b, 'link', 'set', 'link0', 'mtu', '1300');
});

afterAll(() => hosts?.remove());

describe.skipIf(obstacle !== undefined)('what the device drops', () => {
  const run = async (...args: string[]) => {
    const { stdout, code } = await sockctl(['raw', ...args, '--json'], { under: hosts.a.under });
    return { found: records(stdout) as Record<string, unknown>[], code };
  };

  it('is an error of the probe, and holds up no other host', async () => {
    const { found } = await run('ping', '-s', String(SIZE), hosts.b.ipv6, hosts.a.ipv6);
    expect(found.find(({ type }) => type === 'ping.error')).toMatchObject({ target: hosts.b.ipv6, code: 'ENOBUFS' });
    expect(found.at(-1)).toMatchObject({ type: 'ping.total', transmitted: 2, alive: 1, errors: 1 });
  });

  it('is an error of each probe of a sweep', async () => {
    const args = ['-s', String(SIZE), '--rate', '1000k', '--summary-only', '--yes'];
    hosts.ip(hosts.a, 'neigh', 'replace', 'fd99::400', 'lladdr', '02:00:00:00:00:99', 'dev', 'link0');
    hosts.ip(hosts.a, 'route', 'add', 'fd98::/118', 'via', 'fd99::400');
    const { found } = await run('ping', ...args, 'fd98::/118');
    expect(found.at(-1)).toMatchObject({ transmitted: 1024, errors: 1024, lost: 0 });
  });

  it('is a frame that is refused, and the next one is tried', async () => {
    const frames = `eth()/ip6(dst=${hosts.b.ipv6})/udp(dport=[9,10])/zero(${SIZE})`;
    const { found } = await run('send', frames, '-i', 'link0');
    expect(found.at(-1)).toMatchObject({ type: 'send.summary', sent: 0, failed: 2 });
  });

  it('is too large a packet to a search', async () => {
    const { found } = await run('ping', '--pmtu-search', '-c', '1', hosts.b.ipv6);
    // A link takes four bytes more, for a tag.
    expect(found.at(-1)).toMatchObject({ pathMtu: { mtu: 1304, tooBig: 1305, complete: true } });
  });
});
