/**
 * Follows the interfaces of its namespace: prints `opened` with all of them, then each change, as JSON lines. Lines on
 * stdin are answered with `now`, what has been told so far: `refresh` reads everything again first, `deaf NAME MTU` does
 * nothing else until that interface has that MTU, while the kernel's buffer fills up, `pause` and `resume` are about
 * reading the kernel's news, `forge INDEX` tells the monitor from another socket that an interface is gone. At stdin's
 * end the monitor is left open, which must not hold the process back.
 *
 * It runs as nobody, as which everything must work, unless its argument is `root`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { loadLibc } from '../../../dist/src/socket/native/libc.js';
import { openLinkMonitor } from '../../../dist/src/socket/native/link-monitor.js';

if (process.argv[2] !== 'root') {
  process.setgroups([]);
  process.setgid(65_534);
  process.setuid(65_534);
}
let lost = 0;
const logger = { enabled: () => true, log: (_, event) => (lost += event.failure?.code === 'ENOBUFS' ? 1 : 0) };
const print = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);
/** What has been told, which must be what the monitor has. */
const told = new Map();

const libc = await loadLibc();
const monitor = await openLinkMonitor(libc, {
  logger,
  onChange: ({ kind, link }) => {
    if (kind === 'gone') told.delete(link.index);
    else told.set(link.index, link);
    print({ kind, link });
  },
  onAddress: ({ kind, address }) => print({ kind: `address-${kind}`, address }),
  onFailure: (error) => print({ failure: error.message }),
});
for (const link of monitor.links.values()) told.set(link.index, link);
const all = () => ({
  links: [...told.values()],
  kept: [...monitor.links.values()],
  addresses: [...monitor.addresses()],
});
print({ opened: all() });

/** Sends an RTM_DELLINK to every netlink socket of this process, as no other process than the kernel should. */
function forge(index) {
  const ports = readFileSync('/proc/net/netlink', 'latin1').matchAll(/^\S+ 0 +(\d+) /gm);
  for (const [, port] of ports) {
    if (Number(port) === 0) continue;
    const fd = libc.socket(16, 2, 0);
    libc.connect(fd, new Uint8Array(Uint32Array.of(16, Number(port), 0).buffer), 12);
    const name = [8, 3, ...Buffer.from('x')].flatMap((byte, i) => (i < 2 ? [byte, 0] : [byte])).concat([0, 0, 0]);
    const header = Uint32Array.of(40, 17, 0, 0, 0, index, 0, 0);
    const bytes = Buffer.concat([Buffer.from(header.buffer), Buffer.from(name)]);
    if (libc.send(fd, bytes, bytes.length, 0) !== bytes.length) throw new Error(libc.errnoName(libc.errno()));
    libc.close(fd);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word, name, mtu] = line.split(' ');
  if (word === 'deaf') {
    print({ deaf: true });
    while (readFileSync(`/sys/class/net/${name}/mtu`, 'latin1').trim() !== mtu);
  }
  if (word === 'pause' || word === 'resume') monitor.follow(word === 'resume');
  if (word === 'forge') forge(Number(name));
  if (word === 'refresh') await monitor.refresh();
  print({ now: all(), lost });
}
