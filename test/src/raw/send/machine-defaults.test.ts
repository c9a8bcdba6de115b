import { expect, it } from 'vitest';
import { SocketError } from '../../../../src/errors.js';
import { MachineDefaults } from '../../../../src/raw/send/machine-defaults.js';
import { parseIP } from '../../../../src/sockaddr/ip.js';
import { parseHardwareAddress } from '../../../../src/sockaddr/link-layer.js';
import { expression } from './packets.js';

it('looks up what a packet leaves open, once for each destination, and keeps no identification from the kernel', async () => {
  const asked: string[] = [];
  const defaults = new MachineDefaults(
    {
      hardware: parseHardwareAddress('02:00:00:00:00:01'),
      source: async (destination) => {
        asked.push(`source ${destination}`);
        return parseIP('192.0.2.1');
      },
      nextHop: async (destination) => {
        asked.push(`next hop ${destination}`);
        return parseHardwareAddress('02:00:00:00:00:09');
      },
    },
    0xfffe,
  );
  const packets = expression('eth()/ip(dst=[192.0.2.9,192.0.2.8,192.0.2.9])/udp(dport=9)');
  const layers = [];
  for (let i = 0; i < packets.count; i++) layers.push((await defaults.make((known) => packets.at(i, known))).layers);
  expect(asked.sort()).toEqual(['next hop 192.0.2.8', 'next hop 192.0.2.9', 'source 192.0.2.8', 'source 192.0.2.9']);
  expect(layers[1]).toMatchObject([
    { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:09' },
    { source: '192.0.2.1', destination: '192.0.2.8' },
    {},
  ]);
  expect(layers.map(([, ip]) => (ip as { identification: number }).identification)).toEqual([0xffff, 1, 2]);
});

it('tells requests apart: by an identifier of the run and the number of the packet', async () => {
  const lookups = { source: async () => parseIP('192.0.2.1'), nextHop: async () => undefined };
  const defaults = new MachineDefaults(lookups, 0x4711_0000);
  const make = async (text: string, i: number) =>
    (await defaults.make((known) => expression(text).at(i, known))).layers[1];
  const text = 'ip(dst=192.0.2.9,ttl=1..3)/icmp()';
  expect(await make(text, 0)).toMatchObject({ identifier: 0x4711, sequence: 1 });
  expect(await make(text, 1)).toMatchObject({ identifier: 0x4711, sequence: 2 });
  expect(await make('ip(dst=192.0.2.9)/icmp(id=5)', 0)).toMatchObject({ identifier: 5, sequence: 3 });
  expect(await make('ip(dst=192.0.2.9)/icmp(type=echo-reply)', 0)).toMatchObject({ identifier: 0, sequence: 0 });
});

it('asks for what can not be had to be written', async () => {
  const unreachable = new SocketError({ syscall: 'connect', code: 'ENETUNREACH', address: '192.0.2.9' });
  const defaults = new MachineDefaults({ source: async () => unreachable, nextHop: async () => undefined }, 1);
  const make = (text: string) => defaults.make((known) => expression(text).at(0, known));
  await expect(make('ip(dst=192.0.2.9)/udp(dport=9)')).rejects.toMatchObject({
    message: expect.stringMatching(/to 192\.0\.2\.9 is not known: connect 192\.0\.2\.9: .*ENETUNREACH/),
    advice: expect.stringMatching(/ip route, or write src=/),
  });
  await expect(make('eth(src=02:00:00:00:00:01)/ip(src=192.0.2.1,dst=192.0.2.9)/udp(dport=9)')).rejects.toThrow(
    /bad packet/,
  );
});
