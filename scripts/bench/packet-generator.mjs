/**
 * Sends frames out of an interface as fast as it takes them, or so many a second, with sendmmsg(2) on a packet socket.
 * Arguments: INTERFACE COUNT LENGTH [RATE]. Each is an Ethernet frame with an IPv4 UDP datagram whose payload begins with
 * the frame's number, 32 bits, and the wall clock's nanoseconds when it was sent, 64 bits. Prints as JSON how many were
 * sent, and in how many seconds.
 */
import { setting } from '../../dist/src/options/settings.js';
import { option } from '../../dist/src/options/table.js';
import { interfaceIndex } from '../../dist/src/sockaddr/interfaces.js';
import { linkEndpoint } from '../../dist/src/sockaddr/link-layer.js';
import { openForOption } from '../../dist/src/socket/native/defaults.js';
import { IOVEC_SIZE, MMSGHDR_SIZE, Msghdr } from '../../dist/src/socket/native/layout.js';
import { C, loadLibc } from '../../dist/src/socket/native/libc.js';
import { acquireMemory } from '../../dist/src/socket/native/memory.js';

const [device, count, length, rate = 0] = [process.argv[2], ...process.argv.slice(3).map(Number)];
/** At a rate, what is due within two milliseconds at once. */
const BATCH = rate > 0 ? Math.max(1, Math.min(512, Math.floor(rate / 500))) : 512;
/** Ethernet, IPv4 and UDP. */
const HEADERS = 42;

const libc = await loadLibc();
const socket = openForOption(libc, 'packet', option('PACKET_LOSS'));
socket.set(setting('SO_SNDBUFFORCE', 16 << 20));
socket.bind(linkEndpoint({ index: interfaceIndex(device), protocol: 0 }));

const stride = (length + 63) & ~63;
const messages = acquireMemory(libc, BATCH * MMSGHDR_SIZE);
const vectors = acquireMemory(libc, BATCH * IOVEC_SIZE);
const frames = acquireMemory(libc, BATCH * stride);
messages.bytes.fill(0);
for (let i = 0; i < BATCH; i++) {
  const frame = frames.bytes.subarray(i * stride, i * stride + length);
  frame.set(frameOf(length));
  vectors.view.setBigUint64(i * IOVEC_SIZE, frames.address + BigInt(i * stride), true);
  vectors.view.setBigUint64(i * IOVEC_SIZE + 8, BigInt(length), true);
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
    frames.view.setUint32(i * stride + HEADERS, sent + i);
    if (length >= HEADERS + 12) frames.view.setBigInt64(i * stride + HEADERS + 4, time);
  }
  const done = libc.sendmmsg(socket.fd, messages.address, wanted, 0);
  if (done > 0) sent += done;
  else if (!['ENOBUFS', 'EAGAIN'].includes(libc.errnoName(libc.errno()))) throw new Error(libc.errnoName(libc.errno()));
}
process.stdout.write(`${JSON.stringify({ sent, seconds: (performance.now() - begun) / 1000 })}\n`, () =>
  process.exit(),
);

function frameOf(size) {
  const frame = Buffer.alloc(size);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
  frame.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2], 14);
  frame.writeUInt16BE(size - 14, 16);
  let sum = 0;
  for (let i = 14; i < 34; i += 2) sum += frame.readUInt16BE(i);
  sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~(sum + (sum >>> 16)) & 0xffff, 24);
  frame.writeUInt16BE(9, 34);
  frame.writeUInt16BE(9, 36);
  frame.writeUInt16BE(size - 34, 38);
  return frame;
}
