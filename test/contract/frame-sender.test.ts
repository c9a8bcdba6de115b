/** The sender of frames on a link of its own: what comes out at the other end, and what the kernel says it has taken. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/process.js';
import { namespaceObstacle } from '../hosts/machine.js';
import { createLoneHost, type LoneHost } from '../hosts/namespaces.js';

const PROGRAM = new URL('programs/frame-sender.mjs', import.meta.url).pathname;
const obstacle = namespaceObstacle();

interface Sent {
  readonly sent: number;
  readonly refused: string | null;
}

interface Report {
  readonly outcomes: readonly Sent[];
  readonly sent: number;
  readonly sentBytes: number;
  readonly loaded: number;
  /** Hexadecimal, in the order in which they came out of the other end. */
  readonly received: readonly string[];
}

describe.skipIf(obstacle !== undefined)(
  `frames by the million${obstacle === undefined ? '' : ` (${obstacle})`}`,
  () => {
    let host: LoneHost;
    beforeAll(() => {
      host = createLoneHost();
    });
    afterAll(() => host.remove());

    async function send(script: object): Promise<Report> {
      const { code, stdout, stderr } = await run(process.execPath, [PROGRAM], {
        input: JSON.stringify(script),
        under: host.under,
        timeoutMs: 60_000,
      });
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout.toString());
    }

    it('leave in their order, byte by byte, however they were loaded and in whatever parts they are sent', async () => {
      const frame = fc.uint8Array({ minLength: 2, maxLength: 300 });
      const frames = fc.sample(fc.array(frame, { minLength: 1200, maxLength: 1200 }), { numRuns: 1, seed: 7 })[0] ?? [];
      const whole = frames.map((bytes) => `fefefefefefefefefefefefe88b5${Buffer.from(bytes).toString('hex')}`);
      const parts = [0, 1, 2, 258, 700, 1199, 1200];
      const report = await send({ frames: whole, place: 3, parts });
      expect(report.outcomes).toEqual(parts.slice(1).map((to, i) => ({ sent: to - (parts[i] ?? 0), refused: null })));
      expect(report.received).toEqual(whole);
      expect(report).toMatchObject({ sent: 1200, sentBytes: whole.join('').length / 2, loaded: 1200 });
    });

    it('are counted one by one: what is too long for the link is refused by its number, and the next can go', async () => {
      const frame = (length: number) => `fefefefefefefefefefefefe88b5${'00'.repeat(length)}`;
      const frames = [frame(50), frame(60), frame(1600), frame(70)];
      const report = await send({ frames, place: 2, parts: [0, 4, 3, 4] });
      expect(report.outcomes).toEqual([
        { sent: 2, refused: 'EMSGSIZE' },
        { sent: 0, refused: null },
        { sent: 1, refused: null },
      ]);
      expect(report.received).toEqual([frames[0], frames[1], frames[3]]);
    });

    it('wait for a queue that is slower than they are, and none is lost on the way', async () => {
      host.ip('link', 'set', 'link0', 'txqueuelen', '10');
      // 20,000 frames of 1014 bytes at 800 Mbit/s.
      await run('tc', 'qdisc add dev link0 root tbf rate 800mbit burst 20kb limit 100mb'.split(' '), {
        under: host.under,
      });
      try {
        const frames = Array.from(
          { length: 400 },
          (_, i) => `fefefefefefefefefefefefe88b5${(i + 1).toString(16).padStart(2000, '0')}`,
        );
        const report = await send({ frames, place: 2, parts: [0, 400], rounds: 50, count: true });
        expect(report).toMatchObject({ sent: 20_000, sentBytes: 20_000 * 1014, received: 20_000 });
      } finally {
        await run('tc', ['qdisc', 'del', 'dev', 'link0', 'root'], { under: host.under });
      }
    });

    it('that find no room to be loaded are not, and an interface that is down takes none', async () => {
      const frame = `fefefefefefefefefefefefe88b5${'00'.repeat(100)}`;
      const crowded = await send({ frames: [frame, frame, frame], place: 2, parts: [0, 3], room: { frames: 2 } });
      expect(crowded).toMatchObject({ loaded: 2, outcomes: [{ sent: 2, refused: null }] });
      const small = await send({ frames: [frame, frame, frame], place: 1e9, parts: [0, 3], room: { bytes: 250 } });
      expect(small).toMatchObject({ loaded: 2, outcomes: [{ sent: 2, refused: null }] });
      host.ip('link', 'set', 'link0', 'down');
      try {
        expect(await send({ frames: [frame], place: 2, parts: [0, 1] })).toMatchObject({
          outcomes: [{ sent: 0, refused: 'ENETDOWN' }],
          sent: 0,
        });
      } finally {
        host.ip('link', 'set', 'link0', 'up');
      }
    });
  },
);
