/** What raw sniff sees of a ping. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasIPv6, namespaceObstacle } from '../hosts/machine.js';
import { createHostPair, type HostPair } from '../hosts/namespaces.js';
import { records, sockctl, start } from './process.js';

describe('raw sniff on loopback', () => {
  // A host of its own, so that nobody else's pings are heard.
  const obstacle = namespaceObstacle();
  let hosts: HostPair | undefined;
  const under = () => ({ under: hosts?.a.under ?? [] });
  beforeAll(() => {
    if (obstacle === undefined) hosts = createHostPair();
  });
  afterAll(() => hosts?.remove());

  it('sees the requests and replies of a ping', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    const sniff = start(['raw', 'sniff', '--protocol', 'icmp', '-c', '4', '-i', 'lo', '--json'], under());
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    await sockctl(['raw', 'ping', '-c', '2', '-i', '20ms', '-q', '127.0.0.1'], under());
    const { code, stdout } = await sniff.done;
    expect(code).toBe(0);
    const all = records(stdout);
    const types = all.filter((r) => r.type === 'packet').map((r) => (r.layers as { icmpType?: number }[])[1]?.icmpType);
    expect(types).toEqual([8, 0, 8, 0]);
    expect(all[0]).toMatchObject({ interface: 'lo', linkType: 'RAW', direction: 'in', length: 84 });
    expect(all.at(-1)).toMatchObject({
      type: 'capture.summary',
      captured: 4,
      droppedKernel: 0,
      droppedInterface: null,
      droppedApplication: 0,
      endReason: 'count',
    });
  });

  it('rebuilds the header that IPv6 sockets leave out', async (ctx) => {
    if (obstacle !== undefined) return ctx.skip(obstacle);
    if (!hasIPv6) return ctx.skip('no IPv6 here');
    const sniff = start(['raw', 'sniff', '--protocol', 'icmp6', '-c', '2', '--json'], under());
    await sniff.until(({ stderr }) => (stderr.includes('sniffing on') ? true : undefined));
    await sockctl(['raw', 'ping', '-c', '1', '-q', '::1'], under());
    const [request] = records((await sniff.done).stdout);
    expect(request?.layers).toMatchObject([
      { protocol: 'ipv6', source: '::1', destination: '::1', hopLimit: 64, nextHeader: 58 },
      { protocol: 'icmpv6', icmpType: 128, checksumValid: true },
      { protocol: 'payload', length: 56 },
    ]);
  });
});
