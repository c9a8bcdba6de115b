/** Time limits of a sender, whatever is collected meanwhile. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendDatagrams } from '../../../src/datagram/send.js';
import { silentLogger } from '../../../src/log/events.js';
import { inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { selectBackend } from '../../../src/socket/open.js';
import type { MessageSocket } from '../../../src/socket/port.js';

describe('a sender', () => {
  let silent: MessageSocket;
  let collecting: NodeJS.Timeout;
  beforeAll(async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collecting = setInterval(collect, 20);
    const backend = await selectBackend('auto', silentLogger);
    const local = inetEndpoint(parseIP('127.0.0.1'), 0);
    silent = await backend.datagram('ipv4', { settings: [], logger: silentLogger, local });
  });
  afterAll(async () => {
    clearInterval(collecting);
    await silent.close();
  });

  const send = async (options: object) => {
    const backend = await selectBackend('auto', silentLogger);
    const signal = new AbortController().signal;
    const { local } = silent;
    if (local === undefined) throw new Error('it is not bound');
    return sendDatagrams(local, {
      backend,
      logger: silentLogger,
      payloads: [new Uint8Array(64)],
      signal,
      ...options,
    });
  };

  it('waits for a report as long as it was told, and no longer', async () => {
    const began = performance.now();
    const summary = await send({ probe: true, waitMs: 400 });
    expect(summary).toMatchObject({ sent: 1, report: undefined, endReason: 'count' });
    expect(performance.now() - began).toBeGreaterThanOrEqual(399);
  });

  it('ends at its deadline, with a payload that never comes', async () => {
    const never = async function* () {
      yield new Uint8Array(64);
      await new Promise(() => undefined);
    };
    expect(await send({ payloads: never(), timeMs: 400 })).toMatchObject({ sent: 1, endReason: 'deadline' });
  });
});
