/**
 * Sends COUNT packets of PROTOCOL to ADDRESS as fast as it goes and prints how many the kernel has taken. Their payload
 * is SIZE bytes, numbered in the first four, or what is given in hex with 0x before it. More arguments are settings as
 * `--opt` takes them.
 */
import { silentLogger } from '../../../dist/src/log/events.js';
import { parseSetting } from '../../../dist/src/options/settings.js';
import { inetEndpoint } from '../../../dist/src/sockaddr/endpoint.js';
import { parseIP } from '../../../dist/src/sockaddr/ip.js';
import { nativeBackend } from '../../../dist/src/socket/native/backend.js';

const BURST = 64;

const [address = '127.0.0.1', protocol = '253', total = '10000', size = '32', ...settings] = process.argv.slice(2);
const ip = parseIP(address);
const to = inetEndpoint(ip, 0);
const backend = await nativeBackend();
const socket = await backend.raw({
  family: ip.family,
  protocol: Number(protocol),
  logger: silentLogger,
  settings: settings.map(parseSetting),
});
const count = Number(total);
const given = size.startsWith('0x') ? Buffer.from(size.slice(2), 'hex') : undefined;

function payload(number) {
  if (given !== undefined) return given;
  const bytes = new Uint8Array(Number(size));
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

for (let next = 0; next < count; ) {
  const messages = [];
  for (; next < count && messages.length < BURST; next++) {
    messages.push({ bytes: payload(next), to });
  }
  await socket.send(messages);
}
process.stdout.write(`${socket.sent}\n`);
await socket.close();
