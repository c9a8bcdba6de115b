/** The tour's datagram step: numbered, timed datagrams, and what became of them. */
import { receiveDatagrams } from '../../../src/datagram/receive.js';
import { sendDatagrams } from '../../../src/datagram/send.js';
import { type Endpoint, inetEndpoint } from '../../../src/sockaddr/endpoint.js';
import { parseIP } from '../../../src/sockaddr/ip.js';
import { choosePayloads } from '../../args/payloads.js';
import { probeLine } from '../../render/datagram.js';
import { expect, type Step } from './step.js';

const COUNT = 10_000;
const RATE = 20_000;

export const datagramStep: Step = {
  name: 'datagram',
  title: `A UDP sender and receiver exchange ${COUNT.toLocaleString('en')} probe datagrams`,
  commands: [
    'sockctl udp recv 127.0.0.1:0 --probe --once',
    `sockctl udp send 127.0.0.1:PORT --probe --count ${COUNT} --rate ${RATE / 1000}k`,
  ],
  run: async ({ command, trace }) => {
    const backend = await command.backend();
    const { signal } = command;
    let onListening: (local: Endpoint) => void = () => undefined;
    const listening = new Promise<Endpoint>((resolve) => {
      onListening = resolve;
    });
    const receiving = receiveDatagrams(inetEndpoint(parseIP('127.0.0.1'), 0), {
      backend,
      logger: trace('receiver'),
      probe: true,
      once: true,
      // Should every announcement of the end be lost, silence ends it.
      idleTimeoutMs: 3000,
      onListening,
      signal,
    });
    const target = await Promise.race([
      listening,
      receiving.then(() => Promise.reject(new Error('the receiver ended early'))),
    ]);
    const sent = await sendDatagrams(target, {
      backend,
      logger: trace('sender'),
      payloads: choosePayloads({ probe: true, count: COUNT }).source,
      perSecond: RATE,
      probe: true,
      signal,
    });
    const received = await receiving;
    const [report] = received.probes;
    expect(sent.error === undefined && sent.sent === COUNT, `sent ${sent.sent} of ${COUNT} datagrams`);
    expect(report !== undefined && report.stream === sent.stream, 'the receiver saw no probe of this sender');
    if (report === undefined) return { outcome: 'failed', lines: [] };
    expect(
      report.received + report.lost === COUNT,
      `${report.received} received and ${report.lost} lost are not ${COUNT}`,
    );
    const dropped = received.droppedSocket;
    expect(dropped === null || dropped === report.lost, `${report.lost} lost, but the socket dropped ${dropped}`);
    const achieved = Math.round(sent.achievedPerSecond ?? 0);
    return {
      outcome: 'ok',
      lines: [
        `${sent.sent} sent at ${achieved}/s of ${RATE}/s asked for`,
        probeLine(report),
        dropped === null ? 'this backend has no drop counter' : `the kernel says that the socket dropped ${dropped}`,
      ],
    };
  },
};
