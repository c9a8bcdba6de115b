/** Picks the reader for a file's first bytes, and the writer for a format's name. */
import { SockctlError } from '../../src/errors.js';
import { detectFormat } from './detect.js';
import { PcapReader } from './pcap.js';
import { PcapWriter } from './pcap-writer.js';
import { PcapngReader } from './pcapng.js';
import { type InterfaceText, PcapngWriter, type SectionText } from './pcapng-writer.js';
import type { CaptureReader, CaptureWriter } from './port.js';

export type CaptureFormat = 'pcapng' | 'pcap';

/**
 * @param name the file's name, for the errors
 * @param start its first bytes: DETECT_LENGTH of them, or the whole file where it is shorter
 * @throws SockctlError BAD_CAPTURE for other formats, TRUNCATED_CAPTURE where the file ends before that is certain
 */
export function openReader(name: string, start: Uint8Array): CaptureReader {
  if (start.length === 0) throw new SockctlError('BAD_CAPTURE', { what: `${name}: the file is empty` });
  const detected = detectFormat(start);
  switch (detected.kind) {
    case 'pcap':
      return new PcapReader();
    case 'pcapng':
      return new PcapngReader();
    case 'short':
      throw new SockctlError('TRUNCATED_CAPTURE', { what: `${name}: the file ends inside the header at byte 0` });
    case 'foreign':
      throw new SockctlError('BAD_CAPTURE', {
        what: `${name}: this is ${detected.name}, not pcap or pcapng, at byte 0`,
      });
    default:
      throw new SockctlError('BAD_CAPTURE', {
        what: `${name}: ${detected.kind === 'unknown' ? 'not a capture file' : `${detected.kind} inside compressed data`} at byte 0`,
      });
  }
}

/**
 * @param section what a pcapng file says about its making; pcap has no place for it
 * @param interfaces what it says of interfaces that do not say it themselves; nor for that
 */
export function openWriter(
  format: CaptureFormat,
  section: SectionText = {},
  interfaces: InterfaceText = {},
): CaptureWriter {
  return format === 'pcap' ? new PcapWriter() : new PcapngWriter(section, interfaces);
}
