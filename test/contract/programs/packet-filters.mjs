/**
 * Frames that go out of one link, and which of them packet sockets on the other let in, each with a program attached.
 * stdin is JSON: { from, to, filters: the texts of SO_ATTACH_FILTER, frames: hex }; each frame ends in a mark of its own.
 * Prints for each filter the last bytes of the frames that got in, as JSON.
 */
import { readFileSync } from 'node:fs';
import { setting } from '../../../dist/src/options/settings.js';
import { option } from '../../../dist/src/options/table.js';
import { interfaceIndex } from '../../../dist/src/sockaddr/interfaces.js';
import { linkEndpoint } from '../../../dist/src/sockaddr/link-layer.js';
import { openForOption } from '../../../dist/src/socket/native/defaults.js';
import { loadLibc } from '../../../dist/src/socket/native/libc.js';

const ETH_P_ALL = 3;
const MSG_DONTWAIT = 0x40;

const libc = await loadLibc();
const { from, to, filters, frames } = JSON.parse(readFileSync(0, 'utf8'));

function packetSocket(name, filter) {
  const socket = openForOption(libc, 'packet', option('SO_ATTACH_FILTER'));
  if (filter !== undefined) socket.set(setting('SO_ATTACH_FILTER', filter));
  socket.bind(linkEndpoint({ index: interfaceIndex(name), protocol: ETH_P_ALL }));
  return socket;
}

/** @returns the last byte of each frame that is there */
function received(socket) {
  const buffer = new Uint8Array(65_536);
  const marks = [];
  for (;;) {
    const length = libc.recv(socket.fd, buffer, buffer.length, MSG_DONTWAIT);
    if (length < 0) return marks;
    marks.push(buffer[length - 1]);
  }
}

const receivers = filters.map((filter) => packetSocket(to, filter));
const all = packetSocket(to);
const sender = packetSocket(from);
for (const hex of frames) {
  const frame = Buffer.from(hex, 'hex');
  if (libc.send(sender.fd, frame, frame.length, 0) !== frame.length) throw new Error(libc.errnoName(libc.errno()));
}
const until = performance.now() + 5000;
for (let seen = 0; seen < frames.length && performance.now() < until; ) {
  await new Promise((resolve) => setImmediate(resolve));
  seen += received(all).length;
}
process.stdout.write(JSON.stringify(receivers.map(received)));
process.exit();
