/**
 * Packets that go out of one link, and which of them packet sockets on links let in, each with a program attached.
 * stdin is JSON: { from, to, packets: hex, sockets: [{ link, type, filter: the text of SO_ATTACH_FILTER }] }; each packet
 * ends in a mark of its own, and all are seen on `to`. `from` may be { port }: of something on 127.0.0.1 that puts
 * datagrams on the link. Prints for each socket the last bytes of the packets that got in, as JSON.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { silentLogger } from '../../../dist/src/log/events.js';
import { setting } from '../../../dist/src/options/settings.js';
import { interfaceIndex } from '../../../dist/src/sockaddr/interfaces.js';
import { linkEndpoint } from '../../../dist/src/sockaddr/link-layer.js';
import { Descriptor } from '../../../dist/src/socket/native/descriptor.js';
import { loadLibc } from '../../../dist/src/socket/native/libc.js';

const ETH_P_ALL = 3;
const MSG_DONTWAIT = 0x40;
/** Few enough for the smallest receive buffer. */
const AT_ONCE = 20;

const libc = await loadLibc();
const { from, to, sockets, packets } = JSON.parse(readFileSync(0, 'utf8'));

function packetSocket({ link, type = 'SOCK_RAW', filter }) {
  // Without a protocol it hears nothing until it is bound.
  const described = { family: 'AF_PACKET', type, protocol: 0, protocolName: '0', kind: 'packet' };
  const socket = Descriptor.open(libc, described, silentLogger);
  if (filter !== undefined) socket.set(setting('SO_ATTACH_FILTER', filter));
  socket.bind(linkEndpoint({ index: interfaceIndex(link), protocol: ETH_P_ALL }));
  return { socket, marks: [] };
}

function receive({ socket, marks }) {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const length = libc.recv(socket.fd, buffer, buffer.length, MSG_DONTWAIT);
    if (length < 0) return;
    marks.push(buffer[length - 1]);
  }
}

async function sender() {
  if (from.port === undefined) {
    const { socket } = packetSocket({ link: from });
    return (packet) => {
      if (libc.send(socket.fd, packet, packet.length, 0) !== packet.length)
        throw new Error(libc.errnoName(libc.errno()));
    };
  }
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.connect(from.port, '127.0.0.1', resolve));
  return (packet) => socket.send(packet);
}

const receivers = sockets.map(packetSocket);
const all = packetSocket({ link: to });
const send = await sender();
const until = performance.now() + 10_000;
for (let sent = 0; sent < packets.length; ) {
  for (const hex of packets.slice(sent, sent + AT_ONCE)) {
    send(Buffer.from(hex, 'hex'));
    sent++;
  }
  while (all.marks.length < sent && performance.now() < until) {
    await new Promise((resolve) => setImmediate(resolve));
    receive(all);
  }
  for (const one of receivers) receive(one);
}
process.stdout.write(JSON.stringify(receivers.map(({ marks }) => marks)));
process.exit();
