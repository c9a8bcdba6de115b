/**
 * A million datagrams while garbage is collected all the time: half of them one by one, half in runs (UDP_SEGMENT and
 * UDP_GRO). Each payload carries its number and a CRC-32. Run with --expose-gc; prints what it found as JSON.
 */
import { crc32 } from 'node:zlib';
import { inetEndpoint, parseIP, selectBackend, setting, silentLogger } from '../../../dist/src/index.js';

const HALF = 500_000;
const BATCH = 64;
/** Datagrams on their way at most: what the receive buffer surely holds. */
const WINDOW = 64 * BATCH;

const backend = await selectBackend('native', silentLogger);
const local = inetEndpoint(parseIP('127.0.0.1'), 0);
const found = { received: 0, corrupt: 0, dropped: 0, collections: 0, failures: 0 };

const collecting = setInterval(collect, 1);
function collect() {
  globalThis.gc();
  found.collections++;
}

/** Sends `count` datagrams of the sizes that `sizeOf` gives and waits until all have come. */
async function pass(count, sizeOf, settings) {
  const open = { logger: silentLogger, settings };
  const receiver = await backend.datagram('ipv4', { ...open, local, receiveBuffer: 64 << 20 });
  const sender = await backend.datagram('ipv4', { logger: silentLogger, settings: [], remote: receiver.local });
  let received = 0;
  let wake = () => {};
  receiver.receive({
    messages: (batch) => {
      for (const { bytes, length } of batch) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const number = view.getUint32(4);
        const sound =
          number === received && length === sizeOf(number) && crc32(bytes.subarray(4)) === view.getUint32(0);
        if (!sound) found.corrupt++;
        received++;
      }
      if (received % 8192 < batch.length) collect();
      wake();
    },
    failure: () => found.failures++,
  });
  for (let sent = 0; sent < count; ) {
    const batch = [];
    for (; batch.length < BATCH && sent < count; sent++) {
      const bytes = new Uint8Array(sizeOf(sent)).fill(sent * 7);
      const view = new DataView(bytes.buffer);
      view.setUint32(4, sent);
      view.setUint32(0, crc32(bytes.subarray(4)));
      batch.push({ bytes });
    }
    await sender.send(batch);
    while (received < sent - WINDOW || (sent === count && received < count)) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
  }
  found.received += received;
  found.dropped += receiver.dropped;
  await Promise.all([sender.close(), receiver.close()]);
}

await pass(HALF, (number) => 32 + (number % 400), []);
await pass(HALF, () => 200, [setting('UDP_GRO', true)]);
clearInterval(collecting);
process.stdout.write(JSON.stringify(found));
