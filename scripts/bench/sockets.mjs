/** Message sockets: the native backend beside the portable one (node:dgram), on loopback. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

export const title = 'Datagrams on loopback: node:dgram itself, and the two backends of sockctl';

/** What a process of its own sends or receives with. */
export const subjects = ['dgram', 'portable', 'native', 'native+gro'];

const SECONDS = 1.5;
/** The far end of a receiver goes on until it is stopped; so long at most. */
const FAR_SECONDS = 60;
const RECEIVED = 300_000;

export const cases = [64, 1400].flatMap((size) => [
  { name: `receive ${size} B`, direction: 'receive', size },
  { name: `send ${size} B`, direction: 'send', size },
]);

export const targets = [64, 1400].flatMap((size) => [
  {
    what: `CPU of receiving ${size} B, node:dgram to native`,
    case: `receive ${size} B`,
    figure: 'CPU s per million',
    subject: 'native',
    least: 2,
  },
  {
    what: `datagrams a second sent, ${size} B, native (UDP_SEGMENT) to node:dgram`,
    case: `send ${size} B`,
    figure: 'datagrams/s',
    subject: 'native',
    least: 5,
  },
]);

/**
 * One measurement: a fresh process for the subject, another one for the far end. The far end of a receiver is always
 * the same fast sender; that of a sender is a socket that nobody reads, so that its cost is the sender's alone.
 */
export async function measure(subject, { direction, size }) {
  if (direction === 'send' && subject === 'native+gro') return undefined;
  const sending = direction === 'send';
  const receiver = end(['receive', sending ? 'nobody' : subject, size, RECEIVED]);
  const { port } = await message(receiver);
  const sender = end(['send', sending ? subject : 'native', size, sending ? SECONDS : FAR_SECONDS, port]);
  const { count, seconds, cpuSeconds } = await message(sending ? sender : receiver);
  for (const child of [sender, receiver]) await stop(child);
  return { 'datagrams/s': count / seconds, 'CPU s per million': (cpuSeconds / count) * 1e6 };
}

function end(args) {
  return fork(new URL('./sockets-end.mjs', import.meta.url), args.map(String), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** The next message of a child; its death before that is an error. */
async function message(child) {
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  died.catch(() => undefined);
  const [value] = await Promise.race([once(child, 'message'), died]);
  return value;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
