/**
 * Sends frames out of an interface as fast as it takes them, or so many a second, with sendmmsg(2) on a packet socket.
 * INTERFACE --count N --length MIN[-MAX] [--rate N] [--tags]: with --tags some have VLAN tags, one or two. Each is an
 * Ethernet frame with an IPv4 UDP datagram whose payload begins with the frame's number, 32 bits, and the wall clock's
 * nanoseconds when it was sent, 64 bits. Prints as JSON how many were sent, and in how many seconds.
 */
import { parseArgs } from 'node:util';
import { setting } from '../../dist/src/options/settings.js';
import { option } from '../../dist/src/options/table.js';
import { interfaceIndex } from '../../dist/src/sockaddr/interfaces.js';
import { linkEndpoint } from '../../dist/src/sockaddr/link-layer.js';
import { openForOption } from '../../dist/src/socket/native/defaults.js';
import { IOVEC_SIZE, MMSGHDR_SIZE, Msghdr } from '../../dist/src/socket/native/layout.js';
import { C, loadLibc } from '../../dist/src/socket/native/libc.js';
import { acquireMemory } from '../../dist/src/socket/native/memory.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '1' },
    length: { type: 'string', default: '106' },
    rate: { type: 'string', default: '0' },
    tags: { type: 'boolean', default: false },
  },
});
const [device] = positionals;
const [count, rate] = [values.count, values.rate].map(Number);
const [shortest, longest = shortest] = values.length.split('-').map(Number);
/** IEEE 802.1Q and 802.1ad, in front of the EtherType. */
const TAGS = values.tags ? ['', '81000007', '8100e00a', '88a8600181004002', '81000001'] : [''];
/** At a rate, what is due within two milliseconds at once. */
const BATCH = rate > 0 ? Math.max(1, Math.min(512, Math.floor(rate / 500))) : 512;
/** Ethernet, IPv4 and UDP. */
const HEADERS = 42;

const varied = values.tags || longest > shortest;

const libc = await loadLibc();
const socket = openForOption(libc, 'packet', option('PACKET_LOSS'));
socket.set(setting('SO_SNDBUFFORCE', 16 << 20));
socket.bind(linkEndpoint({ index: interfaceIndex(device), protocol: 0 }));

const stride = (longest + 16 + 63) & ~63;
const messages = acquireMemory(libc, BATCH * MMSGHDR_SIZE);
const vectors = acquireMemory(libc, BATCH * IOVEC_SIZE);
const frames = acquireMemory(libc, BATCH * stride);
messages.bytes.fill(0);
for (let i = 0; i < BATCH; i++) {
  vectors.view.setBigUint64(i * IOVEC_SIZE, frames.address + BigInt(i * stride), true);
  frame(i, i);
  const at = i * MMSGHDR_SIZE;
  messages.view.setBigUint64(at + Msghdr.iov, vectors.address + BigInt(i * IOVEC_SIZE), true);
  messages.view.setBigUint64(at + Msghdr.iovLength, 1n, true);
}

const now = new Uint8Array(16);
const nowView = new DataView(now.buffer);
const begun = performance.now();
let sent = 0;
while (sent < count) {
  const wanted = Math.min(BATCH, count - sent);
  if (rate > 0)
    while (performance.now() - begun < (sent * 1000) / rate) await new Promise((resolve) => setImmediate(resolve));
  libc.clock_gettime(C.CLOCK_REALTIME, now);
  const time = nowView.getBigInt64(0, true) * 1_000_000_000n + nowView.getBigInt64(8, true);
  for (let i = 0; i < wanted; i++) {
    if (varied) frame(i, sent + i);
    const at = i * stride + HEADERS + tagOf(varied ? sent + i : i).length;
    frames.view.setUint32(at, sent + i);
    frames.view.setBigInt64(at + 4, time);
  }
  const done = libc.sendmmsg(socket.fd, messages.address, wanted, 0);
  if (done > 0) sent += done;
  else if (!['ENOBUFS', 'EAGAIN'].includes(libc.errnoName(libc.errno()))) throw new Error(libc.errnoName(libc.errno()));
}
process.stdout.write(`${JSON.stringify({ sent, seconds: (performance.now() - begun) / 1000 })}\n`, () =>
  process.exit(),
);

function tagOf(number) {
  return Buffer.from(TAGS[number % TAGS.length], 'hex');
}

/** Puts frame `number` into place `i`. */
function frame(i, number) {
  const tag = tagOf(number);
  const size = shortest + (number % (longest - shortest + 1));
  const bytes = Buffer.from(frames.bytes.buffer, i * stride, stride);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
  bytes.set(tag, 12);
  const ip = bytes.subarray(14 + tag.length);
  bytes.writeUInt16BE(0x0800, 12 + tag.length);
  ip.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
  ip.writeUInt16BE(size - 14, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  ip.writeUInt16BE(~(sum + (sum >>> 16)) & 0xffff, 10);
  ip.writeUInt16BE(9, 20);
  ip.writeUInt16BE(9, 22);
  ip.writeUInt16BE(size - 34, 24);
  vectors.view.setBigUint64(i * IOVEC_SIZE + 8, BigInt(size + tag.length), true);
}
