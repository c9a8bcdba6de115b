/**
 * One end of the socket benchmark, in a process of its own:
 *
 *     sockets-end.mjs receive SUBJECT SIZE COUNT
 *     sockets-end.mjs send SUBJECT SIZE SECONDS PORT
 *
 * It tells its parent the port that it receives on, then how many datagrams went through in how many seconds, of wall
 * clock and of CPU.
 */
import { createSocket } from 'node:dgram';
import { inetEndpoint, parseIP, selectBackend, setting, silentLogger } from '../../dist/src/index.js';

const [role, subject, sizeText, amount, port] = process.argv.slice(2);
const size = Number(sizeText);
const address = '127.0.0.1';
const BUFFER = 8 << 20;
const BATCH = 64;

if (role === 'receive') await receive(Number(amount));
else await send(Number(amount), inetEndpoint(parseIP(address), Number(port)));

function watch() {
  const started = performance.now();
  const cpu = process.cpuUsage();
  return (count) => {
    const { user, system } = process.cpuUsage(cpu);
    process.send({ count, seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 });
  };
}

async function receive(wanted) {
  let count = 0;
  let bytes = 0;
  let report;
  // The first ones compile the code; the clock starts after them.
  const warm = wanted / 5;
  const add = (datagrams) => {
    count += datagrams;
    if (report === undefined && count >= warm) {
      report = watch();
      count = 0;
    } else if (report !== undefined && count >= wanted) {
      report(count);
      report = () => {};
      wanted = Number.POSITIVE_INFINITY;
    }
  };
  if (subject === 'dgram') {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER });
    socket.on('message', (message, from) => {
      if (from.port > 0) bytes += message.length;
      add(1);
    });
    socket.bind(0, address, () => process.send({ port: socket.address().port }));
    return;
  }
  const backend = await selectBackend(subject === 'portable' ? 'portable' : 'native', silentLogger);
  const settings = subject === 'native+gro' ? [setting('UDP_GRO', true)] : [];
  const socket = await backend.datagram('ipv4', {
    logger: silentLogger,
    settings,
    local: inetEndpoint(parseIP(address), 0),
    receiveBuffer: subject === 'nobody' ? 4096 : BUFFER,
  });
  if (subject !== 'nobody') {
    socket.receive({
      messages: (batch) => {
        for (const message of batch) if (message.from.port > 0) bytes += message.bytes.length;
        add(batch.length);
      },
      failure: ({ error }) => {
        throw error;
      },
    });
  }
  process.send({ port: socket.local.port });
  // A socket that nobody reads does not keep the process: the parent ends it.
  if (subject === 'nobody') setInterval(() => bytes, 1 << 30);
}

async function send(seconds, to) {
  const payload = new Uint8Array(size).fill(1);
  const one = subject === 'dgram' ? dgramSender(payload, to) : await backendSender(payload, to);
  for (let i = 0; i < 20_000; i += BATCH) await one();
  const report = watch();
  const until = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < until) count += await one();
  report(count);
}

/** As a program would: the next batch when the callback of the last one has come. */
function dgramSender(payload, to) {
  const socket = createSocket('udp4');
  const host = to.address.toString();
  return () =>
    new Promise((resolve, reject) => {
      let left = BATCH;
      const done = (error) => {
        if (error) reject(error);
        else if (--left === 0) resolve(BATCH);
      };
      for (let i = 0; i < BATCH; i++) socket.send(payload, to.port, host, done);
    });
}

async function backendSender(payload, to) {
  const backend = await selectBackend(subject, silentLogger);
  const socket = await backend.datagram('ipv4', { logger: silentLogger, settings: [] });
  const batch = Array.from({ length: BATCH }, () => ({ bytes: payload, to }));
  let turns = 0;
  return async () => {
    await socket.send(batch);
    if (++turns % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    return BATCH;
  };
}
