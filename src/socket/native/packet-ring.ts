/**
 * A packet socket with a ring of blocks that the kernel fills and this process reads in place: TPACKET_V3 of packet(7)
 * and the kernel's packet_mmap page. The blocks themselves are read through block-ring.ts.
 *
 * Ownership: the memory is the ring's. When the ring is closed it is not unmapped: empty pages take its place, so that a
 * view that outlived the ring reads zeros instead of ending the process, and a later ring of that size is mapped over them.
 */
import { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { levelNumber } from '../../options/row.js';
import { checkSettings, inPhase, LET_NOTHING_IN, type OptionSetting, setting } from '../../options/settings.js';
import { option } from '../../options/table.js';
import { linkEndpoint } from '../../sockaddr/link-layer.js';
import type { OpenObserver } from '../port.js';
import type { RingShape } from './block-ring.js';
import { Descriptor, lastFailure } from './descriptor.js';
import {
  HWTSTAMP_CONFIG_SIZE,
  HWTSTAMP_FILTER_ALL,
  HwtstampConfig,
  IFREQ_SIZE,
  Ifreq,
  PACKET_STATISTICS_SIZE,
} from './layout.js';
import { C, type Libc } from './libc.js';
import { acquireMemory, MAP_FAILED } from './memory.js';
import { getOption } from './sockopt.js';

export interface RingOptions {
  readonly shape: RingShape;
  /** Packets come without their link header (SOCK_DGRAM). */
  readonly cooked: boolean;
  /** Bytes kept free in front of each packet, beyond what the kernel keeps. */
  readonly reserve: number;
  /** The text of SO_ATTACH_FILTER; undefined for everything. */
  readonly filter: string | undefined;
  /** What the user sets beside. */
  readonly settings: readonly OptionSetting[];
  readonly logger: Logger;
  readonly onOpen?: OpenObserver | undefined;
}

/** Counters since the ring was opened. */
export interface RingCounters {
  /** Packets that passed the filter, those dropped included. */
  readonly received: number;
  /** Those that found no room. */
  readonly dropped: number;
}

const ETH_P_ALL = 3;
/** The value of PACKET_VERSION, linux/if_packet.h. */
const TPACKET_V3 = 2;
/** SOF_TIMESTAMPING_RAW_HARDWARE of linux/net_tstamp.h. */
const RAW_HARDWARE = 64;
const STATISTICS = option('PACKET_STATISTICS');
const FANOUT = option('PACKET_FANOUT');
/** PACKET_FANOUT_HASH with PACKET_FANOUT_FLAG_UNIQUEID: the kernel chooses the number. */
const FANOUT_NEW = 0x2000 << 16;
const SOL_PACKET = levelNumber(STATISTICS.level);

export class PacketRing {
  readonly descriptor: Descriptor;
  /** Where it is mapped, for threads that read it with a {@link BlockRing} of their own. */
  readonly address: bigint;
  readonly memory: ArrayBuffer;
  readonly #libc: Libc;
  readonly #region: Region;
  readonly #options: RingOptions;
  readonly #counters = new Uint8Array(PACKET_STATISTICS_SIZE);
  readonly #countersLength = new Uint32Array([PACKET_STATISTICS_SIZE]);
  #received = 0;
  #dropped = 0;
  #closed = false;

  private constructor(descriptor: Descriptor, region: Region, options: RingOptions) {
    this.descriptor = descriptor;
    this.#libc = descriptor.libc;
    this.#region = region;
    this.#options = options;
    this.address = region.address;
    this.memory = region.buffer;
  }

  /**
   * socket, setsockopt, mmap: a ring into which nothing comes before {@link bind}, and nothing that the filter keeps out.
   *
   * @throws UsageError BAD_OPTION for settings of other sockets; SocketError EPERM without CAP_NET_RAW; ENOMEM for a ring that there is no memory for
   */
  static open(libc: Libc, options: RingOptions): PacketRing {
    const { shape, cooked, reserve, filter, logger } = options;
    const { blockSize, blocks, timeoutMs } = shape;
    const type = cooked ? 'SOCK_DGRAM' : 'SOCK_RAW';
    checkSettings(options.settings, 'packet');
    // With a protocol it would take in packets of every interface from here on.
    const descriptor = Descriptor.open(
      libc,
      { family: 'AF_PACKET', type, protocol: 0, protocolName: '0', kind: 'packet' },
      logger,
    );
    descriptor.set(setting('PACKET_VERSION', TPACKET_V3));
    if (reserve > 0) descriptor.set(setting('PACKET_RESERVE', reserve));
    if (filter !== undefined) descriptor.set(setting('SO_ATTACH_FILTER', filter));
    descriptor.prepare(inPhase(options.settings, 'bind'), undefined);
    descriptor.set(setting('PACKET_RX_RING', `${blockSize}x${blocks}@${timeoutMs}`), '-B');
    const length = blockSize * blocks;
    const region = spareRegion(length);
    const { PROT_READ, PROT_WRITE, MAP_SHARED, MAP_FIXED } = C;
    const flags = region === undefined ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
    const address = libc.mmap(region?.address ?? null, length, PROT_READ | PROT_WRITE, flags, descriptor.fd, 0);
    if (BigInt.asUintN(64, address) === MAP_FAILED) {
      const failure = lastFailure(libc, `mmap(${length})`);
      logger.log('debug', { event: 'mmap', fd: descriptor.fd, bytes: length, failure });
      descriptor.close();
      throw new SocketError(failure);
    }
    logger.log('debug', { event: 'mmap', fd: descriptor.fd, bytes: length });
    return new PacketRing(descriptor, region ?? { address, buffer: libc.view(address, length) }, options);
  }

  /**
   * Takes in what comes through interface number `index` from here on, or through any for 0.
   *
   * @throws SocketError ENODEV
   */
  bind(index: number): void {
    this.descriptor.bind(linkEndpoint({ index, protocol: ETH_P_ALL }));
    for (const wanted of inPhase(this.#options.settings, 'connect')) this.descriptor.set(wanted);
    this.descriptor.show(this.#options.onOpen);
  }

  /**
   * The same for another interface, which has come in the place of one that is gone.
   *
   * @throws SocketError ENODEV where it is gone as well; the ring can be bound to the next one
   */
  bindAgain(index: number): void {
    this.descriptor.bindAgain(linkEndpoint({ index, protocol: ETH_P_ALL }));
  }

  /** Promiscuous mode for as long as this socket is open; a wish, for some links have no such thing. */
  promiscuous(index: number): void {
    this.descriptor.wish(setting('PACKET_ADD_MEMBERSHIP', `promisc@${index}`));
  }

  /**
   * Has the adapter take the timestamps: SIOCSHWTSTAMP of the kernel's timestamping page, then PACKET_TIMESTAMP.
   *
   * @throws SocketError EOPNOTSUPP for an adapter that can't, EPERM without CAP_NET_ADMIN
   */
  adapterTimestamps(device: string): void {
    const memory = acquireMemory(this.#libc, IFREQ_SIZE + HWTSTAMP_CONFIG_SIZE);
    const { bytes, view, address } = memory;
    bytes.fill(0, 0, IFREQ_SIZE + HWTSTAMP_CONFIG_SIZE);
    bytes.set(Buffer.from(device).subarray(0, Ifreq.nameLength - 1), Ifreq.name);
    view.setBigUint64(Ifreq.data, address + BigInt(IFREQ_SIZE), true);
    view.setInt32(IFREQ_SIZE + HwtstampConfig.receiveFilter, HWTSTAMP_FILTER_ALL, true);
    const result = this.#libc.ioctl(this.descriptor.fd, C.SIOCSHWTSTAMP, address);
    memory.release();
    if (result < 0) {
      const failure = lastFailure(this.#libc, 'ioctl(SIOCSHWTSTAMP)');
      this.close();
      const advice = `the adapter takes no timestamps of every packet (see: ethtool -T ${device}); use --timestamp-source kernel`;
      throw new SocketError({ ...failure, address: device, advice });
    }
    this.descriptor.set(setting('PACKET_TIMESTAMP', RAW_HARDWARE));
  }

  /**
   * Shares the packets of its interface with the other sockets of a group, flow by flow: PACKET_FANOUT of packet(7). Only
   * once it is bound, and it can't be bound again.
   *
   * @param group undefined for a new one
   * @returns the number of the group
   * @throws SocketError
   */
  share(group: number | undefined): number {
    // What the kernel makes of a new group is its number: nothing that a user would have to be told.
    const wanted = { option: FANOUT, value: group === undefined ? FANOUT_NEW : group & 0xffff };
    if (!this.descriptor.wish(wanted)) throw new SocketError(lastFailure(this.#libc, 'setsockopt(PACKET_FANOUT)'));
    const value = getOption(this.#libc, this.descriptor.fd, FANOUT);
    return Number(value ?? 0) & 0xffff;
  }

  /** What is let in from here on: the text of SO_ATTACH_FILTER, undefined for everything. */
  admit(filter: string | undefined): void {
    if (filter === undefined) this.descriptor.set(setting('SO_DETACH_FILTER', true));
    else this.descriptor.set(setting('SO_ATTACH_FILTER', filter));
  }

  /**
   * Lets nothing more in; what is in the ring stays there, and is handed over within the timeout.
   *
   * @returns false where the filter can't be changed (SO_LOCK_FILTER): then it goes on
   */
  quiesce(): boolean {
    return this.descriptor.wish(LET_NOTHING_IN);
  }

  /**
   * The counters, PACKET_STATISTICS: the kernel's own are of 32 bits and begin anew each time they are asked for, which must
   * be more often than four thousand million packets.
   */
  counters(): RingCounters {
    if (!this.#closed) {
      const { fd } = this.descriptor;
      this.#countersLength[0] = PACKET_STATISTICS_SIZE;
      const length = new Uint8Array(this.#countersLength.buffer);
      if (this.#libc.getsockopt(fd, SOL_PACKET, STATISTICS.number, this.#counters, length) === 0) {
        const view = new DataView(this.#counters.buffer);
        this.#received += view.getUint32(0, true);
        this.#dropped += view.getUint32(4, true);
      }
    }
    return { received: this.#received, dropped: this.#dropped };
  }

  /** Idempotent. The last counters stay. */
  close(): void {
    if (this.#closed) return;
    this.counters();
    this.#closed = true;
    const { address, buffer } = this.#region;
    const { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED } = C;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    const result = this.#libc.mmap(address, buffer.byteLength, PROT_READ | PROT_WRITE, flags, -1, 0);
    // Where that fails the ring stays mapped, and alive in the kernel, until the process ends.
    if (BigInt.asUintN(64, result) !== MAP_FAILED) keepRegion(this.#region);
    this.descriptor.close();
  }
}

/** Address space that was once a ring's. */
interface Region {
  readonly address: bigint;
  readonly buffer: ArrayBuffer;
}

/** By their lengths. */
const spare = new Map<number, Region[]>();

function spareRegion(length: number): Region | undefined {
  return spare.get(length)?.pop();
}

function keepRegion(region: Region): void {
  const length = region.buffer.byteLength;
  const same = spare.get(length);
  if (same === undefined) spare.set(length, [region]);
  else same.push(region);
}
