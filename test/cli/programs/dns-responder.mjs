/** A name server that knows one answer: `node dns-responder.mjs ADDRESS`, port 53; it says so when it listens. */
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (query, { port, address }) => {
  const reply = Buffer.concat([query, Buffer.from('c00c00010001000000050004c0000207', 'hex')]);
  // A response to what was asked, with one answer.
  reply.writeUInt16BE(0x8180, 2);
  reply.writeUInt16BE(1, 6);
  socket.send(reply, port, address);
});
socket.bind(53, process.argv[2], () => process.stdout.write('listening\n'));
process.on('SIGTERM', () => socket.close());
