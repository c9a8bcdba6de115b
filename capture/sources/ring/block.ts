/**
 * A block of a ring as packets in columns, in place: VLAN tags that the kernel has taken out are put back, and packets
 * that come without a link header get a cooked one, both in the room in front of them.
 */
import { PacketType } from '../../../src/sockaddr/link-layer.js';
import type { BlockRing } from '../../../src/socket/native/block-ring.js';
import { BlockWord, FrameWord, RingStatus } from '../../../src/socket/native/layout.js';
import { type FrameBatch, FrameFlag } from '../../frames.js';

export interface BlockLayout {
  /** How packets begin: with an Ethernet header, with one that needs nothing done, or without one (cooked). */
  readonly header: 'ethernet' | 'other' | 'cooked';
  /** Bytes kept of each packet, whatever was put in front of it. */
  readonly snapshotLength: number;
}

/**
 * LINKTYPE_LINUX_SLL2: the header that cooked packets get. With a tag it takes 24 of the 28 bytes that the kernel leaves
 * between a packet's description and its network header.
 */
const COOKED_LENGTH = 20;
const TAG_LENGTH = 4;
/** An Ethernet header's two addresses. */
const ADDRESSES_LENGTH = 12;
/** The TPID of IEEE 802.1Q, where the kernel does not say which it was. */
const DEFAULT_TPID = 0x8100;

/**
 * Bytes of PACKET_RESERVE that make packets begin at multiples of four: the kernel has their network header begin at a
 * multiple of sixteen, and an Ethernet header has fourteen bytes.
 */
export const RESERVE = { ethernet: 2, other: 0, cooked: 0 } as const;

/** By sll_pkttype: epb_flags of pcapng. */
const FLAGS = new Uint8Array(256);
FLAGS[PacketType.PACKET_HOST] = FrameFlag.in | FrameFlag.unicast;
FLAGS[PacketType.PACKET_BROADCAST] = FrameFlag.in | FrameFlag.broadcast;
FLAGS[PacketType.PACKET_MULTICAST] = FrameFlag.in | FrameFlag.multicast;
FLAGS[PacketType.PACKET_OTHERHOST] = FrameFlag.in | FrameFlag.promiscuous;
FLAGS[PacketType.PACKET_OUTGOING] = FrameFlag.out;

/** Reads blocks of one ring; the columns are its own, and are filled anew for each block. */
export class BlockReader {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #header: BlockLayout['header'];
  readonly #snapshotLength: number;
  readonly #interfaceOf: (index: number) => number;
  #columns: Columns = createColumns(1024);

  /** @param interfaceOf the place of the interface with this number among those of the source */
  constructor(
    ring: Pick<BlockRing, 'bytes' | 'words'>,
    { header, snapshotLength }: BlockLayout,
    interfaceOf: (index: number) => number,
  ) {
    this.#bytes = ring.bytes;
    this.#words = ring.words;
    this.#header = header;
    this.#snapshotLength = snapshotLength;
    this.#interfaceOf = interfaceOf;
  }

  /**
   * The packets of the block that begins at byte `block`, which is read once: what is put in front of packets moves their
   * first bytes.
   *
   * @param before packets of the source before these
   */
  read(block: number, before: number): FrameBatch {
    const words = this.#words;
    const count = words[block / 4 + BlockWord.packets] as number;
    if (count > this.#columns.starts.length) this.#columns = createColumns(2 * count);
    const { starts, lengths, originalLengths, seconds, nanoseconds, flags, interfaces } = this.#columns;
    const cooked = this.#header === 'cooked';
    const ethernet = this.#header === 'ethernet';
    const limit = this.#snapshotLength;
    let lastIndex = -1;
    let place = 0;
    let at = block + (words[block / 4 + BlockWord.first] as number);
    for (let packet = 0; packet < count; packet++) {
      const word = at >>> 2;
      const next = words[word + FrameWord.next] as number;
      const status = words[word + FrameWord.status] as number;
      let start = at + ((words[word + FrameWord.macNet] as number) & 0xffff);
      let length = words[word + FrameWord.snapshotLength] as number;
      let originalLength = words[word + FrameWord.length] as number;
      const index = words[word + FrameWord.linkIndex] as number;
      if (index !== lastIndex) {
        lastIndex = index;
        place = this.#interfaceOf(index);
      }
      seconds[packet] = words[word + FrameWord.seconds] as number;
      nanoseconds[packet] = words[word + FrameWord.nanoseconds] as number;
      flags[packet] = FLAGS[((words[word + FrameWord.linkType] as number) >>> 16) & 0xff] as number;
      interfaces[packet] = place;
      if ((start & 3) !== 0) start = this.#align(start, length);
      const tagged = (status & RingStatus.vlanValid) !== 0;
      if (cooked) {
        const front = COOKED_LENGTH + (tagged ? TAG_LENGTH : 0);
        start -= front;
        this.#cook(word, start, tagged);
        length += front;
        originalLength += front;
      } else if (ethernet && tagged && length >= ADDRESSES_LENGTH) {
        start -= TAG_LENGTH;
        this.#tag(word, start);
        length += TAG_LENGTH;
        originalLength += TAG_LENGTH;
      }
      starts[packet] = start;
      lengths[packet] = Math.min(length, limit);
      originalLengths[packet] = originalLength;
      at += next;
    }
    return { count, before, bytes: this.#bytes, words, ...this.#columns };
  }

  /** Moves a packet to the multiple of four before it: links whose headers have other lengths. */
  #align(start: number, length: number): number {
    const aligned = start - (start & 3);
    this.#bytes.copyWithin(aligned, start, start + length);
    return aligned;
  }

  /** The two addresses move to the front, and the tag comes behind them. */
  #tag(word: number, start: number): void {
    const words = this.#words;
    const to = start >>> 2;
    words[to] = words[to + 1] as number;
    words[to + 1] = words[to + 2] as number;
    words[to + 2] = words[to + 3] as number;
    words[to + 3] = swap16(this.#tpid(word)) | (swap16((words[word + FrameWord.vlanTci] as number) & 0xffff) << 16);
  }

  #tpid(word: number): number {
    const known = ((this.#words[word + FrameWord.status] as number) & RingStatus.vlanTpidValid) !== 0;
    return known ? (this.#words[word + FrameWord.vlanTpid] as number) & 0xffff : DEFAULT_TPID;
  }

  /**
   * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: protocol:2 reserved:2 ifindex:4 hatype:2 pkttype:1 halen:1
   * addr:8, numbers in network order. A tag makes the protocol that of the tag, and stands in front of the payload.
   */
  #cook(word: number, start: number, tagged: boolean): void {
    const words = this.#words;
    const to = start >>> 2;
    const protocol = (words[word + FrameWord.linkProtocol] as number) >>> 16;
    const linkType = words[word + FrameWord.linkType] as number;
    const [first, second] = [
      words[word + FrameWord.linkAddress] as number,
      words[word + FrameWord.linkAddress + 1] as number,
    ];
    const tag = swap16((words[word + FrameWord.vlanTci] as number) & 0xffff) | (protocol << 16);
    words[to] = tagged ? swap16(this.#tpid(word)) : protocol;
    words[to + 1] = swap32(words[word + FrameWord.linkIndex] as number);
    words[to + 2] = swap16(linkType & 0xffff) | (linkType & 0xffff0000);
    words[to + 3] = first;
    words[to + 4] = second;
    if (tagged) words[to + 5] = tag;
  }
}

interface Columns {
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly originalLengths: Uint32Array;
  readonly seconds: Uint32Array;
  readonly nanoseconds: Uint32Array;
  readonly flags: Uint8Array;
  readonly interfaces: Uint16Array;
}

function createColumns(room: number): Columns {
  return {
    starts: new Uint32Array(room),
    lengths: new Uint32Array(room),
    originalLengths: new Uint32Array(room),
    seconds: new Uint32Array(room),
    nanoseconds: new Uint32Array(room),
    flags: new Uint8Array(room),
    interfaces: new Uint16Array(room),
  };
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function swap32(value: number): number {
  return (swap16(value & 0xffff) << 16) | swap16(value >>> 16);
}
