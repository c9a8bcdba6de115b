/**
 * A network of test/networks for the namespace that it is started in: makes the TUN device that its argument names and
 * answers what the kernel sends there, each answer at its time. Each line of stdin is answered by one on stdout: the
 * description of a network, with what that network has done before anything came, which takes the place of an earlier
 * one; `ledger` with what it has done by now. It goes when stdin ends.
 */
import { constants, openSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TimerAlarm } from '../../../src/socket/native/alarm.js';
import { IFREQ_SIZE, Ifreq } from '../../../src/socket/native/layout.js';
import { loadLibc } from '../../../src/socket/native/libc.js';
import { DescriptorWatch } from '../../../src/socket/native/poller.js';
import { TimeQueue } from '../network/time-queue.js';
import { type Carried, type NetworkDescription, NetworkModel } from '../network-model.js';

/** linux/if_tun.h: _IOW('T', 202, int), and IFF_TUN | IFF_NO_PI. */
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
/** Packets taken in one turn at most, so that answers leave on time. */
const TURN = 64;
/** An alarm rings so late at most; the rest of a wait is spent in turns of the event loop. */
const ALARM_MS = 0.3;

const [device = ''] = process.argv.slice(2);

const libc = await loadLibc();
const tun = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
const request = new Uint8Array(IFREQ_SIZE);
request.set(Buffer.from(device, 'latin1'), Ifreq.name);
new DataView(request.buffer).setUint16(Ifreq.data, IFF_TUN_NO_PI, true);
if (libc.ioctl(tun, TUNSETIFF, request) < 0)
  throw new Error(`ioctl(TUNSETIFF) ${device}: ${libc.errnoName(libc.errno())}`);

let model: NetworkModel | undefined;
let queue = new TimeQueue<Carried>();
const alarm = new TimerAlarm(libc);
const buffer = new Uint8Array(65_536);
let waiting = false;

/** What is due goes out; then the next time is waited for. */
function deliver(): void {
  for (;;) {
    const now = performance.now();
    for (let next = queue.first; next !== undefined && next.at <= now; next = queue.first) {
      write(queue.take()?.bytes as Uint8Array);
    }
    const next = queue.first;
    if (next === undefined || waiting) return;
    const wait = next.at - performance.now();
    if (wait <= 0) continue;
    waiting = true;
    const wake = () => {
      waiting = false;
      deliver();
    };
    if (wait > ALARM_MS) void alarm.wait(wait - ALARM_MS).then(wake);
    else setImmediate(wake);
    return;
  }
}

function write(bytes: Uint8Array): void {
  try {
    writeSync(tun, bytes);
  } catch (error) {
    // A device that is down, or a header that a link has corrupted: the packet is lost, as it would be.
    if (!['EIO', 'EINVAL', 'EAGAIN'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function read(): number {
  try {
    return readSync(tun, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

const watch = new DescriptorWatch(libc, tun, () => {
  let earliest = Number.POSITIVE_INFINITY;
  const before = queue.first?.at ?? Number.POSITIVE_INFINITY;
  for (let packets = 0; packets < TURN; packets++) {
    const length = read();
    if (length === 0) break;
    const now = performance.now();
    for (const carried of model?.handle(buffer.subarray(0, length), now) ?? []) {
      queue.add(carried);
      earliest = Math.min(earliest, carried.at);
    }
  }
  if (earliest < before && waiting) alarm.cancel();
  deliver();
});
watch.want(true, false);
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'ledger') {
    model = new NetworkModel(JSON.parse(line) as NetworkDescription, performance.timeOrigin);
    queue = new TimeQueue();
  }
  process.stdout.write(`${JSON.stringify(model?.ledger)}\n`);
}
watch.close();
alarm.close();
process.exit();
