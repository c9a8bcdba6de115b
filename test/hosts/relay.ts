/**
 * A UDP relay that drops, repeats, reorders, delays and corrupts by a seed, each direction on its own, and keeps a
 * ledger of what it did. For tests on loopback: the kernel here has no netem.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { seeded } from '../seeded.js';

export interface Impairment {
  /** Probabilities from 0 to 1. */
  readonly drop?: number;
  readonly repeat?: number;
  /** Held back, and sent after the next one or two to five others. */
  readonly reorder?: number;
  /** Held back until 100 to 200 others have gone. */
  readonly delay?: number;
  /** One bit of it is turned. */
  readonly corrupt?: number;
  /** What the relay does to no datagram, such as those that end a stream; they go after all that is held back. */
  readonly spare?: (bytes: Buffer) => boolean;
}

/** What was done to the datagrams of one direction. */
export interface Ledger {
  arrived: number;
  dropped: number;
  repeated: number;
  heldBack: number;
  corrupted: number;
}

export interface Relay {
  readonly port: number;
  /** From the client to the server, and back. */
  readonly there: Ledger;
  readonly back: Ledger;
  /** Called with everything that goes on to the server, in its order. */
  onForward: ((bytes: Buffer) => void) | undefined;
  /** Sends a datagram to the server as if the client had sent it. */
  inject(bytes: Uint8Array): void;
  close(): Promise<void>;
}

const BUFFER = 4 << 20;
/** Held back for so long at most, in milliseconds, where nothing comes after it. */
const HOLD_MS = 50;

/** Forwards to 127.0.0.1:`to` what a client sends, and back to the client that was heard last. */
export async function createRelay(
  to: number,
  seed: number,
  there: Impairment = {},
  back: Impairment = there,
): Promise<Relay> {
  const facing = async () => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER, sendBufferSize: BUFFER });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };
  const client = await facing();
  const server = await facing();
  let clientPort = 0;
  const relay: Relay = {
    port: client.address().port,
    there: emptyLedger(),
    back: emptyLedger(),
    onForward: undefined,
    inject: (bytes) => server.send(bytes, to, '127.0.0.1'),
    close: async () => {
      outward.close();
      inward.close();
      await Promise.all([close(client), close(server)]);
    },
  };
  const outward = direction(seeded(seed), there, relay.there, (bytes) => {
    relay.onForward?.(bytes);
    server.send(bytes, to, '127.0.0.1');
  });
  const inward = direction(seeded(seed ^ 0x5bd1e995), back, relay.back, (bytes) => {
    if (clientPort > 0) client.send(bytes, clientPort, '127.0.0.1');
  });
  client.on('message', (bytes, { port }) => {
    clientPort = port;
    outward.take(bytes);
  });
  server.on('message', (bytes) => inward.take(bytes));
  // A receiver that is gone answers with ICMP: that is its matter.
  for (const socket of [client, server]) socket.on('error', () => undefined);
  return relay;
}

function emptyLedger(): Ledger {
  return { arrived: 0, dropped: 0, repeated: 0, heldBack: 0, corrupted: 0 };
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

function direction(
  random: () => number,
  { drop = 0, repeat = 0, reorder = 0, delay = 0, corrupt = 0, spare }: Impairment,
  ledger: Ledger,
  send: (bytes: Buffer) => void,
) {
  /** Datagrams that are held back, each until so many others have gone. */
  let held: { bytes: Buffer; after: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    clearTimeout(timer);
    timer = undefined;
    const all = held;
    held = [];
    for (const { bytes } of all) send(bytes);
  };
  const forward = (bytes: Buffer) => {
    send(bytes);
    for (const one of held) one.after--;
    const due = held.filter(({ after }) => after <= 0);
    held = held.filter(({ after }) => after > 0);
    for (const one of due) send(one.bytes);
  };
  return {
    take: (bytes: Buffer) => {
      if (spare?.(bytes) === true) {
        release();
        send(bytes);
        return undefined;
      }
      ledger.arrived++;
      if (random() < drop) {
        ledger.dropped++;
        return undefined;
      }
      if (random() < corrupt && bytes.length > 0) {
        ledger.corrupted++;
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      }
      if (random() < repeat) {
        ledger.repeated++;
        forward(bytes);
      }
      const hold = random() < delay ? 100 + random() * 100 : random() < reorder ? 1 + random() * 5 : 0;
      if (hold === 0) return forward(bytes);
      ledger.heldBack++;
      held.push({ bytes: Buffer.from(bytes), after: Math.floor(hold) });
      timer ??= setTimeout(release, HOLD_MS);
      return undefined;
    },
    close: () => clearTimeout(timer),
  };
}
