/**
 * A capture file of mixed packets, made from a seed: TCP, UDP, DNS, ICMP, ARP and IPv6 on Ethernet, some behind a VLAN
 * tag, in sizes from 42 to 1,514 bytes. What was made once is kept for the run.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { encodeArp } from '../../dist/src/wire/arp.js';
import { pseudoAddresses } from '../../dist/src/wire/checksum.js';
import { encodeEthernet } from '../../dist/src/wire/ethernet.js';
import { encodeIcmp } from '../../dist/src/wire/icmp.js';
import { encodeIPv4 } from '../../dist/src/wire/ipv4.js';
import { encodeIPv6 } from '../../dist/src/wire/ipv6.js';
import { encodeTcp } from '../../dist/src/wire/tcp.js';
import { encodeUdp } from '../../dist/src/wire/udp.js';
import { encodeVlan } from '../../dist/src/wire/vlan.js';

/** Packets that differ; a file repeats them with other times. */
const DISTINCT = 4096;

/** mulberry32: a number from 0 to 1, the same ones for the same seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** @returns a packet as it stands on an Ethernet link */
export function mixedPacket(random) {
  const below = (limit) => Math.floor(random() * limit);
  const bytes = (length) => Uint8Array.from({ length }, () => below(256));
  const mac = () => `02:00:00:00:${below(256).toString(16).padStart(2, '0')}:01`;
  const kind = random();
  const into = new Uint8Array(1600);
  const tagged = random() < 0.05;
  const frame = (etherType, write) => {
    let at = encodeEthernet({ source: mac(), destination: mac(), etherType: tagged ? 0x8100 : etherType }, into);
    if (tagged) at = encodeVlan({ id: 1 + below(4000), priority: below(8), dropEligible: false, etherType }, into, at);
    return into.slice(0, write(at));
  };
  if (kind < 0.04) {
    const arp = { hardwareType: 1, protocolType: 0x0800, operation: 1 + below(2), senderHardware: mac() };
    const rest = {
      senderProtocol: `10.0.0.${below(256)}`,
      targetHardware: mac(),
      targetProtocol: `10.0.1.${below(256)}`,
    };
    return frame(0x0806, (at) => encodeArp({ ...arp, ...rest }, into, at));
  }
  const six = random() < 0.25;
  const host = () =>
    six
      ? `2001:db8:${below(0xffff).toString(16)}::${below(0xffff).toString(16)}`
      : `10.${below(256)}.${below(256)}.${below(256)}`;
  const [source, destination] = [host(), host()];
  const network = (protocol, body) =>
    frame(six ? 0x86dd : 0x0800, (start) => {
      const at = six
        ? encodeIPv6({ source, destination, nextHeader: protocol }, body.length, into, start)
        : encodeIPv4(
            { source, destination, protocolNumber: protocol, identification: below(65536) },
            body.length,
            into,
            start,
          );
      into.set(body, at);
      return at + body.length;
    });
  const addresses = pseudoAddresses(source, destination);
  const ports = { sourcePort: 1024 + below(60_000), destinationPort: [80, 443, 8080, 5001, 22][below(5)] };
  if (kind < 0.65) {
    const numbers = { sequence: below(2 ** 32), acknowledgment: below(2 ** 32), window: below(65536) };
    const options = [
      { kind: 'nop' },
      { kind: 'nop' },
      { kind: 'timestamps', value: below(2 ** 32), echo: below(2 ** 32) },
    ];
    const empty = random() < 0.5;
    const data = empty ? new Uint8Array(0) : bytes(random() < 0.5 ? 100 + below(300) : 1400);
    return network(
      6,
      encodeTcp({ ...ports, ...numbers, flags: empty ? ['ACK'] : ['PSH', 'ACK'], options }, data, addresses),
    );
  }
  if (kind < 0.8) {
    const name = `host${below(1000)}`;
    const query = [
      ...bytes(2),
      1,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      name.length,
      ...Buffer.from(name),
      7,
      ...Buffer.from('example'),
      3,
      ...Buffer.from('com'),
      0,
      0,
      1,
      0,
      1,
    ];
    return network(
      17,
      encodeUdp({ sourcePort: ports.sourcePort, destinationPort: 53 }, Uint8Array.from(query), addresses),
    );
  }
  if (kind < 0.95 || six) {
    return network(
      17,
      encodeUdp(
        { sourcePort: ports.sourcePort, destinationPort: 20_000 + below(20_000) },
        bytes(20 + below(500)),
        addresses,
      ),
    );
  }
  return network(1, encodeIcmp({ icmpType: 8, identifier: below(65536), sequence: below(65536) }, bytes(56)));
}

/** Writes a pcap file of `count` packets with microseconds; returns its size in bytes. */
export function writeMixedCapture(path, count, seed = 1) {
  const random = seeded(seed);
  const packets = Array.from({ length: Math.min(DISTINCT, count) }, () => mixedPacket(random));
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(1, 20);
  const fd = openSync(path, 'w');
  let size = writeSync(fd, head);
  const block = Buffer.alloc(4 << 20);
  let filled = 0;
  for (let i = 0; i < count; i++) {
    const packet = packets[i % packets.length];
    if (filled + 16 + packet.length > block.length) {
      size += writeSync(fd, block, 0, filled);
      filled = 0;
    }
    block.writeUInt32LE(1_700_000_000 + Math.floor(i / 10_000), filled);
    block.writeUInt32LE((i % 10_000) * 100, filled + 4);
    block.writeUInt32LE(packet.length, filled + 8);
    block.writeUInt32LE(packet.length, filled + 12);
    block.set(packet, filled + 16);
    filled += 16 + packet.length;
  }
  size += writeSync(fd, block, 0, filled);
  closeSync(fd);
  return size;
}
