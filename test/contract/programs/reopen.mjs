/**
 * Opens and closes sockets of one kind, so many times; prints as JSON how many descriptors there are before and after,
 * and at each tenth of the way the JavaScript heap after a collection and the resident memory, in MiB.
 *
 *     node --expose-gc reopen.mjs KIND TIMES
 */
import { readdirSync, rmSync } from 'node:fs';
import { inetEndpoint, parseIP, selectBackend, silentLogger, unixEndpoint } from '../../../dist/src/index.js';

const [kind = '', times = '0'] = process.argv.slice(2);
const backend = await selectBackend('native', silentLogger);
const open = { logger: silentLogger, settings: [] };
const v4 = inetEndpoint(parseIP('127.0.0.1'), 0);
const v6 = inetEndpoint(parseIP('::1'), 0);
const path = `/tmp/sockctl-reopen-${process.pid}`;
const quiet = { messages: () => {}, failure: () => {} };

async function message(opening) {
  const socket = await opening;
  socket.receive(quiet);
  await socket.close();
}
async function listener(local) {
  const server = await backend.listen(local, { ...open, backlog: 1, onConnection: () => {}, onError: () => {} });
  await server.close();
}
/** Both ends of a connection; a reset leaves no TIME-WAIT behind that would use up the ports. */
function connections(local) {
  let listening;
  let accepted = () => {};
  return async () => {
    const onConnection = (connection) => accepted(connection);
    listening ??= await backend.listen(local, { ...open, backlog: 16, onConnection, onError: () => {} });
    const server = new Promise((resolve) => {
      accepted = resolve;
    });
    const client = await backend.connect(listening.local, open);
    const closed = [client, await server].map(
      ({ duplex }) => new Promise((resolve) => duplex.on('error', () => {}).once('close', resolve)),
    );
    client.reset();
    (await server).reset();
    await Promise.all(closed);
  };
}

const KINDS = {
  'datagram ipv4': () => message(backend.datagram('ipv4', { ...open, local: v4 })),
  'datagram ipv6': () => message(backend.datagram('ipv6', { ...open, remote: inetEndpoint(parseIP('::1'), 9) })),
  'raw ipv4': () => message(backend.raw({ ...open, family: 'ipv4', protocol: 1 })),
  'raw ipv6': () => message(backend.raw({ ...open, family: 'ipv6', protocol: 58 })),
  ping: () => message(backend.ping({ ...open, family: 'ipv4' })),
  'listener ipv4': () => listener(v4),
  'listener ipv6': () => listener(v6),
  'listener unix': () => listener(unixEndpoint(path)),
  'connection ipv4': connections(v4),
  'connection unix': connections(unixEndpoint(`@sockctl-reopen-${process.pid}`)),
  'refused connection': () => backend.connect(inetEndpoint(parseIP('127.0.0.1'), 1), open).catch(() => {}),
  'failed bind': () =>
    backend.datagram('ipv4', { ...open, local: inetEndpoint(parseIP('192.0.2.1'), 0) }).catch(() => {}),
};

const once = KINDS[kind];
const descriptors = () => readdirSync('/proc/self/fd').length;
await once();
const before = descriptors();
const heap = [];
const resident = [];
for (let i = 0; i < Number(times); i++) {
  await once();
  if (i % 512 === 0) await new Promise((resolve) => setImmediate(resolve));
  if ((i + 1) % (Number(times) / 10) === 0) {
    globalThis.gc();
    const { heapUsed, rss } = process.memoryUsage();
    heap.push(heapUsed / 2 ** 20);
    resident.push(rss / 2 ** 20);
  }
}
await new Promise((resolve) => setImmediate(resolve));
rmSync(path, { force: true });
process.stdout.write(JSON.stringify({ before, after: descriptors(), heap, resident }), () => process.exit(0));
