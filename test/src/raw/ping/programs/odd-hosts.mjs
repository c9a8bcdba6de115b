/**
 * Answers echo requests for whatever address they were sent to, each address in its own way, by its last part modulo 11:
 * plainly, not at all, twice, with a byte changed, cut by half, from another address, with an error, with a redirect before
 * the reply, with a wrong checksum, with errors that are none, with 900 bytes too
 * many. Ends with stdin.
 */
import { silentLogger } from '../../../../../dist/src/log/events.js';
import { inetEndpoint } from '../../../../../dist/src/sockaddr/endpoint.js';
import { IPv4Address } from '../../../../../dist/src/sockaddr/ip.js';
import { nativeBackend } from '../../../../../dist/src/socket/native/backend.js';
import { encodeIcmp } from '../../../../../dist/src/wire/icmp.js';
import { encodeIPv4 } from '../../../../../dist/src/wire/ipv4.js';

const backend = await nativeBackend();
const open = { settings: [], logger: silentLogger, family: 'ipv4' };
const requests = await backend.raw({ ...open, protocol: 1, icmpTypes: [8], receiveBuffer: 64 << 20, messageSize: 512 });
const replies = await backend.raw({ ...open, protocol: 255, ownHeader: true, sendBuffer: 16 << 20 });

function packet(source, destination, icmp) {
  const into = new Uint8Array(1500);
  const header = encodeIPv4({ source, destination, protocolNumber: 1, ttl: 64 }, icmp.length, into);
  into.set(icmp, header);
  return { bytes: into.slice(0, header + icmp.length), to: inetEndpoint(IPv4Address.fromBytes(into, 16), 0) };
}

function answers(request) {
  const from = IPv4Address.fromBytes(request, 12).toString();
  const asked = IPv4Address.fromBytes(request, 16);
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const payload = request.slice(28);
  const echo = (bytes = payload, source = asked.toString()) =>
    packet(
      source,
      from,
      encodeIcmp({ icmpType: 0, identifier: view.getUint16(24), sequence: view.getUint16(26) }, bytes),
    );
  const error = (icmpType, icmpCode) =>
    packet('10.64.0.254', from, encodeIcmp({ icmpType, icmpCode, gateway: '10.99.0.2' }, request.slice(0, 28)));
  const withByte = (message, at, bits) => {
    message.bytes[at] ^= bits;
    return message;
  };
  switch ((asked.value & 255) % 11) {
    case 1:
      return [];
    case 2:
      return [echo(), echo()];
    case 3:
      payload[payload.length - 3] ^= 0x55;
      return [echo()];
    case 4:
      return [echo(payload.slice(0, payload.length / 2))];
    case 5:
      return [echo(payload, '10.64.0.253')];
    case 6:
      return [error(3, 1)];
    case 7:
      return [error(5, 1), echo()];
    case 8:
      return [withByte(echo(), 22, 0x40)];
    case 9:
      // One with a wrong checksum, one that quotes a reply.
      return [withByte(error(3, 1), 22, 0x40), falseQuote(request, error)];
    case 10:
      return [echo(Uint8Array.of(...payload, ...new Uint8Array(900)))];
    default:
      return [echo()];
  }
}

function falseQuote(request, error) {
  request[20] = 0;
  return error(3, 1);
}

requests.receive({
  messages: (batch) => void replies.send(batch.flatMap(({ bytes }) => answers(bytes))),
  failure: () => undefined,
});
process.stdout.write('ready\n');
process.stdin.resume().on('end', async () => {
  await Promise.all([requests.close(), replies.close()]);
});
