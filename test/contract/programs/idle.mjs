/**
 * Opens a socket of each kind that this user may open, lets a burst go through, then waits a second in which nothing
 * happens; prints as JSON how many sockets there were and how much CPU time that second took, in milliseconds.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { inetEndpoint, parseIP, selectBackend, silentLogger } from '../../../dist/src/index.js';

const backend = await selectBackend('native', silentLogger);
const open = { logger: silentLogger, settings: [] };
const local = inetEndpoint(parseIP('127.0.0.1'), 0);
let received = 0;
const quiet = {
  messages: (batch) => {
    received += batch.length;
  },
  failure: () => {},
};

const sockets = [];
for (let i = 0; i < 50; i++) sockets.push(await backend.datagram('ipv4', { ...open, local }));
sockets.push(await backend.raw({ ...open, family: 'ipv4', protocol: 253 }).catch(() => undefined));
for (const socket of sockets) socket?.receive(quiet);
const accepted = [];
const onConnection = (connection) => accepted.push(connection.duplex.resume());
const listener = await backend.listen(local, { ...open, backlog: 5, onConnection, onError: () => {} });
const client = await backend.connect(listener.local, open);
client.duplex.resume().write('x');

const sender = await backend.datagram('ipv4', { ...open, remote: sockets[0].local });
await sender.send(Array.from({ length: 100 }, () => ({ bytes: new Uint8Array(10) })));
while (received < 100) await new Promise((resolve) => setImmediate(resolve));

await wait(200);
const before = process.cpuUsage();
await wait(1000);
const { user, system } = process.cpuUsage(before);
const report = { sockets: sockets.filter(Boolean).length + 4, received, cpuMs: (user + system) / 1000 };
process.stdout.write(JSON.stringify(report), () => process.exit(0));
