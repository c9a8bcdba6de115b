/** What is judged and what is read where packets are cut, fragmented, larger than their headers say, or lie. */
import { describe, expect, it } from 'vitest';
import { addressSum, foldCarries, pseudoAddresses } from '../../../src/wire/checksum.js';
import { dissect } from '../../../src/wire/dissect.js';
import { encodeIPv4, type IPv4Header } from '../../../src/wire/ipv4.js';
import { encodeIPv6 } from '../../../src/wire/ipv6.js';
import { encodeExtension } from '../../../src/wire/ipv6-extension.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { encodeTcp } from '../../../src/wire/tcp.js';
import { encodeUdp } from '../../../src/wire/udp.js';
import { fromHex, layer, layersOf } from './codec-suite.js';
import { ethernetSamples } from './samples.js';

const ADDRESSES = pseudoAddresses('192.0.2.1', '192.0.2.2');
const ADDRESSES6 = pseudoAddresses('2001:db8::1', '2001:db8::2');
const PORTS = { sourcePort: 1000, destinationPort: 2000 };

function inIPv4(protocolNumber: number, body: Uint8Array, more: Partial<IPv4Header> = {}): Uint8Array {
  const bytes = new Uint8Array(20 + body.length);
  const header = { source: '192.0.2.1', destination: '192.0.2.2', protocolNumber, ...more };
  bytes.set(body, encodeIPv4(header, body.length, bytes));
  return bytes;
}

describe('a checksum is not judged', () => {
  const payload = new Uint8Array(100).fill(7);
  const segment = encodeTcp({ ...PORTS, flags: ['ACK'] }, payload, ADDRESSES);

  it('where the field holds the pseudo header alone: it was left to hardware', () => {
    const partial = foldCarries(addressSum(ADDRESSES, 6, segment.length));
    const bytes = inIPv4(6, encodeTcp({ ...PORTS, checksum: partial }, payload));
    expect(layer(dissect(bytes, LinkType.RAW), 'tcp').checksumValid).toBeNull();
    const wrong = inIPv4(6, encodeTcp({ ...PORTS, checksum: partial ^ 1 }, payload));
    expect(layer(dissect(wrong, LinkType.RAW), 'tcp').checksumValid).toBe(false);
  });

  it('where the capture says that it was left to hardware', () => {
    const bytes = inIPv4(6, encodeTcp({ ...PORTS, checksum: 1 }, payload));
    const found = dissect(bytes, LinkType.RAW, { checksumPending: true });
    expect(layer(found, 'tcp').checksumValid).toBeNull();
    expect(layer(found, 'ipv4').checksumValid).toBe(true);
  });

  it('where the IPv4 field was left at zero', () => {
    const found = dissect(inIPv4(6, segment, { checksum: 0 }), LinkType.RAW);
    expect(layer(found, 'ipv4').checksumValid).toBeNull();
    expect(layer(found, 'tcp').checksumValid).toBe(true);
  });

  it('in fragments, the first included', () => {
    const bytes = inIPv4(17, encodeUdp(PORTS, payload, ADDRESSES), { moreFragments: true });
    expect(layer(dissect(bytes, LinkType.RAW), 'udp').checksumValid).toBeNull();
  });

  it('behind a routing header of a type whose addresses are not read', () => {
    const body = encodeUdp(PORTS, payload, ADDRESSES6);
    const bytes = new Uint8Array(40 + 24 + body.length);
    const fields = { source: '2001:db8::1', destination: '2001:db8::2', nextHeader: 43 };
    const routing = {
      protocol: 'ipv6-routing',
      nextHeader: 17,
      routingType: 3,
      segmentsLeft: 1,
      data: '00'.repeat(20),
    } as const;
    const at = encodeIPv6(fields, 24 + body.length, bytes);
    bytes.set(body, encodeExtension(routing, bytes, at));
    expect(layer(dissect(bytes, LinkType.RAW), 'udp').checksumValid).toBeNull();
  });
});

describe('a checksum is judged', () => {
  it('where only the padding behind the packet was cut', () => {
    const { bytes } = ethernetSamples[2] ?? { bytes: new Uint8Array() };
    const found = dissect(bytes.slice(0, -6), LinkType.ETHERNET, { originalLength: bytes.length });
    expect(layer(found, 'icmp').checksumValid).toBe(true);
  });

  it('over a packet too large for the length of its header, IPv4 with 0 and an IPv6 jumbogram', () => {
    const payload = new Uint8Array(70_000).fill(3);
    const big = dissect(inIPv4(6, encodeTcp(PORTS, payload, ADDRESSES)), LinkType.RAW);
    expect(layer(big, 'ipv4').totalLength).toBe(0);
    expect(layer(big, 'tcp')).toMatchObject({ checksumValid: true, payloadLength: 70_000 });

    const body = encodeUdp(PORTS, payload, ADDRESSES6);
    const trailer = 5;
    const bytes = new Uint8Array(48 + body.length + trailer);
    const at = encodeIPv6({ source: '2001:db8::1', destination: '2001:db8::2', nextHeader: 0 }, 8 + body.length, bytes);
    const options = [{ kind: 'jumboPayload' as const, length: 8 + body.length }];
    bytes.set(body, encodeExtension({ protocol: 'ipv6-hop-by-hop', nextHeader: 17, options }, bytes, at));
    const found = dissect(bytes, LinkType.RAW);
    expect(found.malformed).toBeUndefined();
    expect(layer(found, 'ipv6-hop-by-hop').options).toEqual(options);
    expect(layer(found, 'udp')).toMatchObject({ length: 0, payloadLength: 70_000, checksumValid: true });
    expect(dissect(bytes.slice(0, -10), LinkType.RAW).malformed).toMatchObject({ claimedBy: 'jumboPayloadLength' });
  });
});

describe('a capture that is cut', () => {
  it('has the payload length that was sent, and the payload that is there', () => {
    const bytes = inIPv4(6, encodeTcp(PORTS, new Uint8Array(1000), ADDRESSES));
    const found = dissect(bytes.slice(0, 50), LinkType.RAW, { originalLength: bytes.length });
    expect(layer(found, 'tcp')).toMatchObject({ payloadLength: 1000, checksumValid: null });
    expect(layer(found, 'payload').length).toBe(10);
    expect(found.malformed).toBeUndefined();
    expect(found.cut).toBeUndefined();
  });

  it('within a header says so, without calling the packet malformed', () => {
    const bytes = inIPv4(6, encodeTcp(PORTS, new Uint8Array(0), ADDRESSES));
    const found = dissect(bytes.slice(0, 26), LinkType.RAW, { originalLength: bytes.length });
    expect(found).toMatchObject({ cut: { layer: 'tcp', offset: 20, need: 20, have: 6 } });
    expect(found.malformed).toBeUndefined();
  });
});

describe('where an IP header lies', () => {
  it('about more than was on the wire, it is malformed although the capture was cut too', () => {
    const bytes = inIPv4(6, encodeTcp(PORTS, new Uint8Array(80), ADDRESSES), { totalLength: 500 });
    const found = dissect(bytes.slice(0, 60), LinkType.RAW, { originalLength: bytes.length });
    expect(found.malformed).toEqual({ layer: 'ipv4', offset: 0, need: 500, have: 120, claimedBy: 'totalLength' });
    // What can have been sent is what there was room for.
    expect(layer(found, 'tcp').payloadLength).toBe(80);
  });

  it('about its version, it is no header', () => {
    const found = dissect(fromHex('020000000002 020000000001 0800 6500'), LinkType.ETHERNET);
    expect(layersOf(found)).toEqual(['ethernet', 'payload']);
    expect(found.malformed).toEqual({ layer: 'ipv4', offset: 14, need: 4, have: 6, claimedBy: 'version' });
  });

  it('about its length, what is there is read, and so are sums that are all there', () => {
    const bytes = inIPv4(17, encodeUdp(PORTS, new Uint8Array(4), ADDRESSES), { totalLength: 999 });
    const found = dissect(bytes, LinkType.RAW);
    expect(found.malformed).toEqual({ layer: 'ipv4', offset: 0, need: 999, have: 32, claimedBy: 'totalLength' });
    expect(layer(found, 'udp')).toMatchObject({ payloadLength: 4, checksumValid: true });
  });
});
