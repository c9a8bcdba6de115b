/** Tells what a file is by its first bytes, never by its name. */

export type Detected =
  | { readonly kind: 'pcap' | 'pcapng' | 'gzip' | 'zstd' }
  /** A known format that is not read; `name` fits into "this is …". */
  | { readonly kind: 'foreign'; readonly name: string }
  /** A prefix of a known format; nothing else is certain. */
  | { readonly kind: 'short' }
  | { readonly kind: 'unknown' };

/** Enough bytes for {@link detectFormat} to be certain. */
export const DETECT_LENGTH = 16;

const hex = (digits: string): readonly number[] => [...Buffer.from(digits, 'hex')];
const text = (latin1: string): readonly number[] => [...Buffer.from(latin1, 'latin1')];
const foreign = (name: string): Detected => ({ kind: 'foreign', name });

const MAGICS: readonly (readonly [readonly number[], Detected])[] = [
  [hex('d4c3b2a1'), { kind: 'pcap' }],
  [hex('a1b2c3d4'), { kind: 'pcap' }],
  [hex('4d3cb2a1'), { kind: 'pcap' }],
  [hex('a1b23c4d'), { kind: 'pcap' }],
  [hex('0a0d0d0a'), { kind: 'pcapng' }],
  [hex('1f8b'), { kind: 'gzip' }],
  [hex('28b52ffd'), { kind: 'zstd' }],
  // These share pcap's file header but have longer record headers: reading them as pcap gives garbage.
  [hex('34cdb2a1'), foreign("Kuznetzov's modified pcap")],
  [hex('a1b2cd34'), foreign("Kuznetzov's modified pcap")],
  [hex('ac01001c'), foreign('IXIA lcap (hardware timestamps)')],
  [hex('1c0001ac'), foreign('IXIA lcap (hardware timestamps)')],
  [hex('ab01001c'), foreign('IXIA lcap (software timestamps)')],
  [hex('1c0001ab'), foreign('IXIA lcap (software timestamps)')],
  [text('snoop\0\0\0'), foreign('snoop (RFC 1761)')],
  [text('btsnoop\0'), foreign('btsnoop')],
  [text('RTSS'), foreign('Microsoft Network Monitor 1')],
  [text('GMBU'), foreign('Microsoft Network Monitor 2')],
  [text('TRSNIFF data    '), foreign('DOS Sniffer')],
  [text('XCP\0'), foreign('NetXRay or Windows Sniffer')],
  [text('iptrace 1.0'), foreign('AIX iptrace')],
  [text('iptrace 2.0'), foreign('AIX iptrace')],
  [hex('54520064'), foreign('HP-UX nettl')],
  [hex('fd377a585a00'), foreign('xz-compressed data')],
  [text('BZh'), foreign('bzip2-compressed data')],
  [hex('504b0304'), foreign('a zip archive')],
  [hex('04224d18'), foreign('lz4-compressed data')],
];

/** @param bytes the first bytes of the file; {@link DETECT_LENGTH} of them, or as many as there are */
export function detectFormat(bytes: Uint8Array): Detected {
  let short = false;
  for (const [magic, detected] of MAGICS) {
    const length = Math.min(magic.length, bytes.length);
    if (!magic.slice(0, length).every((byte, index) => byte === bytes[index])) continue;
    if (length === magic.length) return detected;
    short = true;
  }
  return { kind: short ? 'short' : 'unknown' };
}
