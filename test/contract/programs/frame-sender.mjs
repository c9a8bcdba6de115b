/**
 * Loads frames and sends them out of link0, and looks at what comes out of other0. stdin is JSON:
 * { frames: hex, place: every so many-th is read into the arena instead of copied, parts: [0, a, b, …] are sent one after
 * the other, rounds: how often, count: tell how many came out instead of what, room: { frames, bytes } }.
 */
import { readFileSync } from 'node:fs';
import { silentLogger } from '../../../dist/src/log/events.js';
import { nativeBackend } from '../../../dist/src/socket/native/backend.js';

const { frames, place, parts, rounds = 1, count = false, room = {} } = JSON.parse(readFileSync(0, 'utf8'));
const backend = await nativeBackend();
const open = { settings: [], logger: silentLogger };
const sender = await backend.frameSender({ ...open, ...room, interface: 'link0' });
const receiver = await backend.frames({ ...open, interface: 'other0', receive: true, receiveBuffer: 64 << 20 });

/** The protocol number of the frames: IEEE 802's for local experiments. */
const isOurs = (bytes) => bytes[12] === 0x88 && bytes[13] === 0xb5;
const received = [];
receiver.receive({
  messages: (batch) => {
    for (const { bytes } of batch) if (isOurs(bytes)) received.push(count ? '' : Buffer.from(bytes).toString('hex'));
  },
  failure: () => undefined,
});

let number = 0;
for (const hex of frames) {
  const bytes = Buffer.from(hex, 'hex');
  if (++number % place > 0) {
    if (!sender.add(bytes)) break;
    continue;
  }
  const at = sender.used + 3;
  sender.arena.set(bytes, at);
  if (!sender.place(at, bytes.length)) break;
}

const outcomes = [];
for (let round = 0; round < rounds; round++) {
  for (let i = 1; i < parts.length; i++) {
    const { sent, refused } = await sender.send(parts[i - 1], parts[i]);
    outcomes.push({ sent, refused: refused?.code ?? null });
  }
}
const { sent, sentBytes, loaded } = sender;
const until = performance.now() + 10_000;
while (received.length < sent && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
await Promise.all([sender.close(), receiver.close()]);
process.stdout.write(
  JSON.stringify({ outcomes, sent, sentBytes, loaded, received: count ? received.length : received }),
);
