/** The tour's stream step: an echo server and a client that gets back what it sent. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { formatEndpoint, inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { connectStream } from '../../../src/stream/connect.js';
import { echo } from '../../../src/stream/handlers.js';
import { serve } from '../../../src/stream/serve.js';
import { receiveAll, sendAll } from '../../../src/stream/transfer.js';
import { expect, type Step } from './step.js';

const SIZE = 1 << 20;

export const streamStep: Step = {
  name: 'stream',
  title: 'A TCP server and client exchange 1 MiB',
  commands: ['sockctl tcp serve 127.0.0.1:0 --echo --once', 'sockctl tcp connect 127.0.0.1:PORT < FILE > COPY'],
  run: async ({ command, trace }) => {
    const backend = await command.backend();
    const server = await serve([inetEndpoint(parseIP('127.0.0.1'), 0)], {
      backend,
      logger: trace('server'),
      once: true,
      handler: echo,
      signal: command.signal,
    });
    try {
      const payload = randomBytes(SIZE);
      const connection = await connectStream(server.local, {
        backend,
        logger: trace('client'),
        signal: command.signal,
      });
      const back: Uint8Array[] = [];
      await Promise.all([
        sendAll(connection, Readable.from([payload])),
        receiveAll(connection, (chunk) => {
          back.push(Uint8Array.from(chunk));
        }),
      ]);
      await server.done;
      const copy = Buffer.concat(back);
      expect(copy.equals(payload), `sent ${SIZE} bytes, got ${copy.length} back that differ`);
      const { bytesIn, bytesOut } = server.totals;
      expect(
        bytesIn === SIZE && bytesOut === SIZE,
        `the server counted ${bytesIn} in and ${bytesOut} out, not ${SIZE} each`,
      );
      const [local] = server.local;
      const where = local === undefined ? '' : ` on ${formatEndpoint(local)}`;
      return {
        outcome: 'ok',
        lines: [`${SIZE} bytes to the server${where} and back, equal byte for byte (${backend.name} backend)`],
      };
    } finally {
      await server.close();
    }
  },
};
