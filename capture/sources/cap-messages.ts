/**
 * What the capturing child process and its parent say to each other. Packets go through the child's stdout as a
 * nanosecond pcap stream; these go through Node's channel between the two. The child stops when its stdin ends.
 */
import type { Account } from '../../src/socket/privileges.js';
import { LinkType } from '../../src/wire/link-types.js';

/** What the child is to do; one argument, as JSON. */
export interface CaptureRequest {
  readonly device: string;
  /** pcap-filter(7); empty for everything. */
  readonly filter: string;
  /** Bytes kept of each packet. */
  readonly snapshotLength: number;
  /** Bytes of the kernel's ring. */
  readonly bufferSize: number;
  /** Bytes that may wait in the child while its parent is busy. */
  readonly queueSize: number;
  /** Who the child becomes once the device is open; its parent could not stop another user's child. */
  readonly account: Account | undefined;
}

/** Why a device could not be opened, as far as libpcap's sentence tells. */
export type OpenFailure = 'missing' | 'no-device' | 'not-permitted' | 'not-up' | 'filter' | 'other';

export type CapMessage =
  | { readonly type: 'ready'; readonly linkType: number }
  /** `message` is libpcap's, or the loader's; one line. */
  | { readonly type: 'error'; readonly failure: OpenFailure; readonly message: string }
  /** Totals so far. */
  | { readonly type: 'stats'; readonly received: number; readonly dropped: number };

/**
 * libpcap's sentences for devices that can't be opened. Everything else may be about the filter; cap does not say which
 * call failed.
 */
export function classifyMessage(message: string): OpenFailure | undefined {
  if (/no such device/i.test(message)) return 'no-device';
  if (/permi(ssion|tted)|CAP_NET_RAW|not permitted/i.test(message)) return 'not-permitted';
  if (/not up|network is down/i.test(message)) return 'not-up';
  return undefined;
}

/** DLT_ values that differ from their LINKTYPE_ numbers on Linux (pcap-linktype(7), libpcap's pcap-common.c). */
const LINK_TYPE_OF_DLT: Readonly<Record<number, number>> = { 11: 100, 12: 101, 14: 101, 16: 107, 19: 106 };

const LINK_TYPE_OF_NAME: Readonly<Record<string, number>> = {
  NULL: LinkType.NULL,
  ETHERNET: LinkType.ETHERNET,
  RAW: LinkType.RAW,
  LINUX_SLL: LinkType.LINUX_SLL,
  IEEE802_11_RADIO: 127,
};

/**
 * The LINKTYPE_ number of what cap's open returns: a name, with or without `LINKTYPE_` in front, or
 * `Unknown linktype N` with a DLT_ value. Undefined for what is none of them.
 */
export function linkTypeOfCap(answer: string): number | undefined {
  const unknown = /^Unknown linktype (\d+)$/.exec(answer);
  if (unknown !== null) return LINK_TYPE_OF_DLT[Number(unknown[1])] ?? Number(unknown[1]);
  return LINK_TYPE_OF_NAME[answer.replace(/^LINKTYPE_/, '')];
}

/** The snapshot length that cap sets; it can't be changed. */
export const CAP_SNAPSHOT_LENGTH = 65_535;

/** Where the EtherType and the network header stand, by link type. */
const NETWORK_HEADER: Readonly<Record<number, { readonly typeAt: number; readonly at: number }>> = {
  [LinkType.ETHERNET]: { typeAt: 12, at: 14 },
  [LinkType.LINUX_SLL]: { typeAt: 14, at: 16 },
};

/**
 * The length on the link of a packet that filled the whole snapshot: cap does not pass it on, so it is taken from the
 * IP header. Segmentation offload on loopback makes such packets all the time.
 */
export function originalLength(bytes: Uint8Array, linkType: number): number {
  const header = NETWORK_HEADER[linkType];
  if (bytes.length < CAP_SNAPSHOT_LENGTH || header === undefined) return bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const etherType = view.getUint16(header.typeAt);
  let length = 0;
  if (etherType === 0x0800) length = header.at + view.getUint16(header.at + 2);
  else if (etherType === 0x86dd) length = header.at + 40 + view.getUint16(header.at + 4);
  return Math.max(length, bytes.length);
}
