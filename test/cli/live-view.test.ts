/** What `capture --live` draws, on terminals of fixed sizes. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NO_STATISTICS } from '../../capture/reading.js';
import type { CapturedPacket } from '../../capture/record.js';
import { LiveView } from '../../cli/render/live-view.js';
import { ETHERNET, packet } from '../capture/helpers.js';
import { type FakeFrame, fakeFrame } from './fake-terminal.js';

const LINK = { ...ETHERNET, linkType: 101 };

/** UDP over IPv4. */
function udp(from: number, to: number, sourcePort: number, destinationPort: number, length: number): CapturedPacket {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x4500);
  view.setUint8(9, 17);
  view.setUint32(12, from);
  view.setUint32(16, to);
  view.setUint16(20, sourcePort);
  view.setUint16(22, destinationPort);
  return packet(1, { bytes, originalLength: length, interface: LINK });
}

interface Setup extends FakeFrame {
  readonly view: LiveView;
}

function setUp(columns: number, rows: number, style = { color: false, utf8: true }): Setup {
  const fake = fakeFrame(columns, rows, style);
  return { ...fake, view: new LiveView({ title: 'eth0   udp', ...fake.frame }) };
}

afterEach(() => vi.useRealTimers());

/** Four seconds of two conversations, of which one answers. */
function talk(view: LiveView): void {
  for (let ms = 0; ms < 4000; ms += 100) {
    view.write([udp(0x0a000001, 0x0a000002, 40_000, 53, 125), udp(0x0a000002, 0x0a000001, 53, 40_000, 500)]);
    if (ms >= 2000) view.write([udp(0xc0a80101, 0xe00000fb, 5353, 5353, 1250)]);
    vi.advanceTimersByTime(100);
  }
  // The first packets have come between two drawings for the clock, which are just behind its seconds.
  vi.advanceTimersByTime(1);
}

const counters = { received: 100, droppedKernel: 7, droppedInterface: null, droppedApplication: 0 };

describe('the view', () => {
  it('has figures, a chart, protocols and conversations', async () => {
    const { view, terminal } = setUp(80, 18);
    view.open([LINK], () => counters);
    expect(terminal).toMatchObject({ alternate: true, cursor: false });
    talk(view);
    expect(terminal.text).toEqual([
      ' eth0   udp                                                                0:04',
      ' total  100 packets, 48.83 KiB',
      ' now    30 packets/s, 149.93 kbit/s   peak 150.00 kbit/s',
      '                                             ▃▃██ 4 s, up to 150.00 kbit/s',
      ' dropped  kernel 7  interface ?  sockctl 0   received 100',
      '',
      ' PROTOCOLS (2)                              PKTS/S   BIT/S▼  SHARE         BYTES',
      ' UDP mdns                                       10  99.95 k  66.7%     24.41 KiB',
      ' UDP domain                                     20  49.98 k  33.3%     24.41 KiB',
      '',
      ' CONVERSATIONS (2)                          PKTS/S   BIT/S▼  SHARE         BYTES',
      ' UDP 192.168.1.1:5353 → 224.0.0.251:5353        10  99.95 k  66.7%     24.41 KiB',
      ' UDP 10.0.0.1:40000 ↔ 10.0.0.2:53               20  49.98 k  33.3%     24.41 KiB',
      '',
      '',
      '',
      '',
      ' q quit   space pause   s sort (rate)   r reset',
    ]);
    await view.close();
    expect(terminal).toMatchObject({ alternate: false, cursor: true });
  });

  it('keeps to ASCII where the terminal does not say that it knows more, and to its size', async () => {
    const { view, terminal } = setUp(44, 12, { color: false, utf8: false });
    view.open([LINK], () => counters);
    talk(view);
    expect(terminal.text.join('')).toMatch(/^[\x20-\x7e]*$/);
    expect(terminal.text).toEqual([
      ' eth0   udp                            0:04',
      ' total  100 packets, 48.83 KiB',
      ' now    30 packets/s, 149.93 kbit/s',
      '         --@@ 4 s, up to 150.00 kbit/s',
      ' dropped  kernel 7  interface ?  sockctl 0',
      '',
      ' CONVERSATIONS (2)                    BIT/Sv',
      ' UDP 192.~1.1:5353 -> 224.~251:5353  99.95 k',
      ' UDP 10.0.0.1:40000 <> 10.0.0.2:53   49.98 k',
      '',
      '',
      ' q quit   space pause   s sort (rate)   r re',
    ]);
    await view.close();
  });

  it('sorts, pauses, begins again and quits by keys', async () => {
    const { view, terminal, press, quit } = setUp(80, 18);
    let received = 100;
    view.open([LINK], () => ({ ...counters, received }));
    talk(view);
    press('ss');
    vi.advanceTimersByTime(200);
    expect(terminal.text[10]).toMatch(/ CONVERSATIONS .* PACKETS▼$/);
    expect(terminal.text[11]).toMatch(/ UDP 10\.0\.0\.1:40000 .* 80\.0% +80$/);
    press(' ');
    vi.advanceTimersByTime(200);
    const { written } = terminal;
    expect(terminal.text[0]).toContain('PAUSED  0:04');
    talk(view);
    expect(terminal.written).toBe(written);
    received = 250;
    press('r');
    vi.advanceTimersByTime(200);
    expect(terminal.text[1]).toBe(' total  0 packets, 0 B');
    expect(terminal.text[4]).toBe(' dropped  kernel 0  interface ?  sockctl 0   received 0');
    expect(quit()).toBe(0);
    press('q');
    expect(quit()).toBe(1);
    await view.close();
  });

  it('is drawn twice a second at most, once when nothing comes, and not while the terminal takes nothing', async () => {
    const { view, terminal } = setUp(80, 24);
    view.open([LINK], () => NO_STATISTICS);
    const drawn = vi.spyOn(terminal, 'write');
    talk(view);
    expect(drawn.mock.calls.length).toBeLessThanOrEqual(8);
    vi.advanceTimersByTime(10_000);
    drawn.mockClear();
    vi.advanceTimersByTime(10_000);
    expect(drawn.mock.calls.length).toBe(10);
    terminal.pending = 1;
    drawn.mockClear();
    talk(view);
    expect(drawn).not.toHaveBeenCalled();
    await view.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('draws anew on a terminal of another size', async () => {
    const { view, terminal } = setUp(80, 24);
    view.open([LINK], () => counters);
    talk(view);
    for (const [columns, rows] of [
      [200, 50],
      [79, 3],
      [1, 1],
      [20, 16],
      [120, 10],
    ] as const) {
      terminal.resize(columns, rows);
      vi.advanceTimersByTime(200);
      expect(terminal.text[0]).toContain(columns > 9 ? 'eth0' : '');
    }
    await view.close();
  });

  it('shows what is noticed for a while, and nothing in it that a terminal would obey', async () => {
    const { view, terminal } = setUp(80, 24);
    view.open([LINK], () => counters);
    view.notice('eth0\x1b[2J: \u202e gone\r\n');
    vi.advanceTimersByTime(600);
    expect(terminal.text.at(-1)).toBe(' eth0?[2J: ? gone??');
    vi.advanceTimersByTime(11_000);
    expect(terminal.text.at(-1)).toContain('q quit');
    await view.close();
  });

  it('takes packets of any bytes on terminals of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }),
        fc.boolean(),
        (columns, rows, all, utf8) => {
          const { view, terminal } = setUp(columns, rows, { color: true, utf8 });
          view.open([LINK], () => counters);
          for (const linkType of [1, 101, 276]) {
            view.write(
              all.map((bytes) => packet(1, { bytes, interface: { ...LINK, linkType }, originalLength: 2 ** 31 })),
            );
          }
          vi.advanceTimersByTime(3000);
          void view.close();
          expect(terminal.alternate).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('leaves no listener behind', async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const { view } = setUp(80, 24);
    await view.close();
    view.open([LINK]);
    expect(process.listenerCount('SIGTSTP')).toBe(1);
    await view.close();
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
  });
});
