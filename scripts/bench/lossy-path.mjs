/**
 * A path between two hosts of its own that loses packets and takes time, for every protocol alike: two namespaces, a TUN
 * device in each, and this process between them.
 *
 *     lossy-path.mjs LOSS DELAY_MS
 *
 * It tells its parent the namespaces, devices and addresses, and goes when its parent does.
 */
import { execFileSync } from 'node:child_process';
import koffi from 'koffi';

const [loss, delayMs] = process.argv.slice(2).map(Number);

// open(2), ioctl(2) and tun.txt of the kernel's documentation; struct ifreq is name:16 flags:2, 40 bytes in all.
const libc = koffi.load(null);
const open = libc.func('int open(const char *path, int flags)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const read = libc.func('intptr_t read(int fd, void *buffer, size_t length)');
const write = libc.func('intptr_t write(int fd, const void *buffer, size_t length)');
const O_RDWR_NONBLOCK = 0o4002;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
/** Packets taken from a device in one turn at most. */
const TURN = 2000;

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
const ends = ['a', 'b'].map((letter, i) => {
  const name = `sockctl-bench-${process.pid}-${letter}`;
  const device = `skb${process.pid % 100_000}${letter}`;
  const fd = open('/dev/net/tun', O_RDWR_NONBLOCK);
  const request = Buffer.alloc(40);
  request.write(device, 'latin1');
  request.writeUInt16LE(IFF_TUN_NO_PI, 16);
  if (fd < 0 || ioctl(fd, TUNSETIFF, request) < 0) throw new Error(`no TUN device: errno ${koffi.errno()}`);
  ip('netns', 'add', name);
  ip('link', 'set', device, 'netns', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'addr', 'add', `10.97.0.${i + 1}/24`, 'dev', device);
  ip('-n', name, 'link', 'set', device, 'txqueuelen', '10000', 'up');
  return { name, device, fd, address: `10.97.0.${i + 1}` };
});

const remove = () => {
  for (const { name } of ends) {
    try {
      ip('netns', 'del', name);
    } catch {
      // It is gone.
    }
  }
};
process.once('disconnect', () => {
  remove();
  process.exit();
});
process.send(ends.map(({ name, device, address }) => ({ name, device, address })));

const buffer = Buffer.alloc(65_536);
const directions = ends.map(({ fd }, i) => ({ from: fd, to: ends[1 - i].fd, queue: [], first: 0 }));

setInterval(() => {
  const now = performance.now();
  for (const one of directions) {
    for (let i = 0; i < TURN; i++) {
      const length = read(one.from, buffer, buffer.length);
      if (length <= 0) break;
      if (Math.random() >= loss) one.queue.push({ at: now + delayMs, bytes: Buffer.from(buffer.subarray(0, length)) });
    }
    while (one.first < one.queue.length && one.queue[one.first].at <= now) {
      const { bytes } = one.queue[one.first++];
      write(one.to, bytes, bytes.length);
    }
    if (one.first > 10_000) {
      one.queue.splice(0, one.first);
      one.first = 0;
    }
  }
}, 1);
