/** What raw send says where it can't do what is asked. */
import { describe, expect, it } from 'vitest';
import { records, sockctl } from './process.js';

describe('wrong usage', () => {
  it.for([
    [[], 'what is to be sent?'],
    [['ip(dst=127.0.0.1)/udp(dprt=9)'], 'did you mean dport?', '                      ^^^^'],
    [['ip(dst=127.0.0.1'], 'bad packet'],
    [['eth()/arp(tpa=10.0.0.1)'], 'a frame leaves by an interface; give --interface'],
    [['ip(dst=127.0.0.1,checksum=1)/udp(dport=9)'], 'fills in the checksum of IPv4 packets itself'],
    [['ip(src=random(10.0.0.0/8),dst=127.0.0.1)/udp(dport=9)'], 'the address of a sender is never random'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--file', 'x.pcap'], 'a packet and --file: one of them'],
    [['--file', 'x.pcap', '--count', '2'], '--count: it is about a packet that is written'],
    [['--file', 'x.pcap', '--answer', '1s'], '--answer: answers of a capture are in the capture'],
    [['--file', 'x.pcap', '--rate', '5', '--topspeed'], '--rate and --topspeed: one pace at a time'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--speed', '2x'], 'has no time of its own'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--speed', 'fast'], "'fast' is not a speed such as 2x"],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--max-gap', '1s'], '--max-gap'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--cut'], '--cut: it is about a capture'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '-V'], '--detail: it is about --dry-run'],
    [['ip(dst=127.0.0.1)/udp(dport=9)', '--dry-run', '--no-print'], '--no-print: printing is all that --dry-run does'],
    [['ip(dst=127.0.0.1,df)/udp(dport=9)/zeros(3000)', '--fragment', '1280'], 'must not be fragmented'],
    [
      ['ip(dst=127.0.0.1)/udp(dport=9)', '-i', 'nosuch0'],
      'nosuch0: no such interface (ENODEV); interfaces here: lo',
      1,
    ],
    [['ip(dst=no.such.host.invalid)/udp(dport=9)'], 'no.such.host.invalid', 4],
    [['--layers', 'nosuch'], 'no layer is called so'],
  ] as const)('%j: %s', async ([args, message, extra]) => {
    const { code, stderr } = await sockctl(['raw', 'send', ...args]);
    expect(stderr).toContain(message);
    if (typeof extra === 'string') expect(stderr).toContain(extra);
    expect(code).toBe(typeof extra === 'number' ? extra : 2);
  });
});

it('lists what can be written', async () => {
  const all = await sockctl(['raw', 'send', '--layers']);
  expect(all.stdout.toString()).toMatch(/^tcp +sourcePort destinationPort/m);
  const one = await sockctl(['raw', 'send', '--layers', 'dns', '--json']);
  expect(records(one.stdout)[0]).toMatchObject({ type: 'send.layer', protocol: 'dns' });
});
