import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTcpInfo, formatTcpInfo } from '../../../src/options/tcp-info.js';

/** A struct tcp_info by the offsets of linux/tcp.h. */
function golden(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const put32 = (at: number, value: number) => at + 4 <= length && view.setUint32(at, value, true);
  const put64 = (at: number, value: bigint) => at + 8 <= length && view.setBigUint64(at, value, true);
  // ESTABLISHED, recovery, 2 retransmits; timestamps, sack and window scale; scales 7 (send) and 8 (receive).
  bytes.set([1, 3, 2, 0, 0, 7, 0x87], 0);
  const words: [number, number][] = [
    [8, 204_000],
    [16, 1448],
    [20, 536],
    [24, 12],
    [32, 3],
    [60, 1500],
    [68, 12_345],
    [72, 678],
    [76, 20],
    [80, 33],
    [100, 9],
    [136, 1000],
    [140, 900],
    [144, 4096],
    [148, 11_000],
    [216, 4],
    [220, 5],
    [228, 65_535],
    [232, 131_072],
  ];
  for (const [at, value] of words) put32(at, value);
  const longs: [number, bigint][] = [
    [104, 1_250_000n],
    [120, 1_000_001n],
    [128, 2_000_002n],
    [160, 999_999n],
    [168, 5_000_000n],
    [176, 1_000n],
    [184, 2_000n],
    [200, 1_100_000n],
    [208, 13_032n],
  ];
  for (const [at, value] of longs) put64(at, value);
  return bytes;
}

describe('struct tcp_info', () => {
  it('of a listening socket has the accept queue in the place of two counters', () => {
    const bytes = golden(248);
    bytes[0] = 10;
    new DataView(bytes.buffer).setUint32(28, 4096, true);
    const info = decodeTcpInfo(bytes);
    expect(info).toMatchObject({ state: 'LISTEN', unacknowledged: 0, acceptQueue: { length: 12, limit: 4096 } });
    expect(info && formatTcpInfo(info)).toBe('LISTEN, 12 in the accept queue of 4096');
  });

  it('is read field by field', () => {
    expect(decodeTcpInfo(golden(248))).toEqual({
      state: 'ESTABLISHED',
      congestionState: 'recovery',
      options: ['timestamps', 'sack', 'windowScale'],
      retransmits: 2,
      sendWindowScale: 7,
      receiveWindowScale: 8,
      rttMs: 12.345,
      rttVarianceMs: 0.678,
      minRttMs: 11,
      retransmissionTimeoutMs: 204,
      sendMss: 1448,
      receiveMss: 536,
      pathMtu: 1500,
      congestionWindow: 33,
      slowStartThreshold: 20,
      unacknowledged: 12,
      acceptQueue: null,
      lost: 3,
      totalRetransmits: 9,
      pacingRate: 1_250_000,
      deliveryRate: 999_999,
      bytesAcked: 1_000_001,
      bytesReceived: 2_000_002,
      bytesSent: 1_100_000,
      bytesRetransmitted: 13_032,
      notSent: 4096,
      segmentsOut: 1000,
      segmentsIn: 900,
      busyMs: 5000,
      windowLimitedMs: 1,
      bufferLimitedMs: 2,
      sendWindow: 65_535,
      receiveWindow: 131_072,
      duplicateSacks: 4,
      reorderings: 5,
    });
    expect(formatTcpInfo(decodeTcpInfo(golden(248)) as never)).toBe(
      'ESTABLISHED, rtt 12.345/0.678 ms, min 11 ms, cwnd 33, mss 1448, retransmits 9, pacing 10.0 Mbit/s, delivery 8.0 Mbit/s, acked 1000001 B, received 2000002 B',
    );
  });

  it('of an older kernel has null for what came later, and a newer one more is no harm', () => {
    const old = decodeTcpInfo(golden(104));
    expect(old).toMatchObject({
      rttMs: 12.345,
      totalRetransmits: 9,
      pacingRate: null,
      bytesAcked: null,
      sendWindow: null,
    });
    expect(decodeTcpInfo(golden(400))).toEqual(decodeTcpInfo(golden(248)));
    expect(decodeTcpInfo(golden(103))).toBeUndefined();
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const info = decodeTcpInfo(bytes);
        if (info !== undefined) expect(formatTcpInfo(info)).not.toMatch(/NaN|undefined/);
      }),
    );
  });
});
