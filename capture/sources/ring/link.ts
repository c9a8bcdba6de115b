/** One interface of a capture through rings, or all of them (`any`): its sockets, their rings, and where packets belong. */
import type { Logger } from '../../../src/log/events.js';
import type { RingShape } from '../../../src/socket/native/block-ring.js';
import type { Libc } from '../../../src/socket/native/libc.js';
import type { LinkFacts } from '../../../src/socket/native/netlink/link.js';
import { PacketRing, type RingCounters } from '../../../src/socket/native/packet-ring.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { DEFAULT_SNAPSHOT_LENGTH } from '../../filter/compile.js';
import type { FrameBatch } from '../../frames.js';
import { ANY_INTERFACE, type CaptureInterface } from '../../record.js';
import type { CaptureStatistics } from '../../source.js';
import { type DeviceLink, describeHardware } from '../device-link.js';
import { RESERVE } from './block.js';
import { describeLink, type InterfaceTable, type KnownLinks, linkDrops } from './interfaces.js';
import { type Lane, type LaneOptions, LocalLane, ThreadLane } from './lane.js';
import { type RingSourceOptions, ringFilter } from './options.js';

/** What links of one source have in common. */
export interface LinkContext {
  readonly libc: Libc;
  readonly options: RingSourceOptions & { readonly logger: Logger };
  readonly shape: RingShape;
  readonly known: KnownLinks;
  readonly table: InterfaceTable;
  /** Called when there is something to {@link RingLink.take}. */
  readonly onReady: () => void;
}

/** Interfaces whose places are at hand; more are worked out anew. */
const PLACES_MAX = 4096;
/** `ret #0` */
const CLOSED = '1,6 0 0 0';

export class RingLink {
  /** As it was asked for. */
  readonly device: string;
  /** Whether the kernel runs the filter. */
  readonly filters: boolean;
  readonly #context: LinkContext;
  readonly #kind: DeviceLink;
  readonly #snapshotLength: number;
  readonly #workers: number;
  readonly #rings: PacketRing[] = [];
  readonly #lanes: Lane[] = [];
  /** By interface number. */
  readonly #places = new Map<number, number>();
  /** Where its packets belong; `any` itself where it is that. */
  #place: number;
  /** Whether its packets belong to one place: then the counters of the rings are those of that place. */
  #single = true;
  #index: number;
  #dropsBase: number | null = null;
  #dropsOfOthers = 0;
  #dropsTold = 0;
  #taken = 0;
  #abandoned = 0;
  #lane = 0;

  /**
   * Opens the rings and takes in what comes from here on.
   *
   * @param link the interface that is called `device`; undefined for `any`
   * @throws SocketError EPERM, ENOMEM, ENODEV for one that is gone already, EOPNOTSUPP; FilterError
   */
  constructor(context: LinkContext, device: string, link: LinkFacts | undefined) {
    const { libc, options, shape } = context;
    this.device = device;
    this.#context = context;
    this.#kind = describeHardware(device, link?.hardwareType);
    this.#snapshotLength = options.snapshotLength || DEFAULT_SNAPSHOT_LENGTH;
    this.#workers = options.workers ?? 1;
    this.#index = link?.index ?? 0;
    this.#place = this.#describe(link);
    const loopback = link === undefined ? context.known.find('lo')?.index : undefined;
    const { filter, inKernel } = ringFilter(options, this.#kind, loopback);
    this.filters = inKernel;
    const header = this.#kind.cooked ? 'cooked' : this.#kind.linkType === LinkType.ETHERNET ? 'ethernet' : 'other';
    const lane: LaneOptions = {
      shape,
      layout: { header, snapshotLength: this.#snapshotLength },
      interfaceOf: (index) => this.#placeOf(index),
      onReady: context.onReady,
    };
    try {
      for (let i = 0; i < this.#workers; i++) {
        const ring = PacketRing.open(libc, {
          shape,
          cooked: this.#kind.cooked,
          reserve: RESERVE[header],
          // Sockets that are to share must not take in anything before all of them do.
          filter: this.#workers === 1 ? filter : CLOSED,
          settings: options.settings ?? [],
          logger: options.logger,
          onOpen: options.onOpen,
        });
        this.#rings.push(ring);
      }
      this.#start(link, filter);
      for (const ring of this.#rings) {
        this.#lanes.push(this.#workers === 1 ? new LocalLane(ring, lane) : new ThreadLane(ring, lane));
      }
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  #start(link: LinkFacts | undefined, filter: string | undefined): void {
    for (const ring of this.#rings) {
      if (link !== undefined) this.#enter(ring, link);
      ring.bind(this.#index);
    }
    this.#dropsBase = link === undefined ? null : linkDrops(link);
    if (this.rebindable) return;
    let group: number | undefined;
    for (const ring of this.#rings) group = ring.share(group);
    for (const ring of this.#rings) ring.admit(filter);
  }

  /** What is asked of an interface, and of one that has come in its place again. */
  #enter(ring: PacketRing, { index, name }: LinkFacts): void {
    const { promiscuous, timestamps } = this.#context.options;
    if (timestamps === 'adapter') ring.adapterTimestamps(name);
    if (promiscuous !== false) ring.promiscuous(index);
  }

  /** Whether it can take in packets of another interface than it began with: not when several sockets share them. */
  get rebindable(): boolean {
    return this.#workers === 1;
  }

  /** The number of the interface that packets come through now; 0 for any, and for one that is gone. */
  get index(): number {
    return this.#index;
  }

  /** That interface, or the last one, as packets have it; `any` itself where it is that. */
  get interface(): CaptureInterface {
    return this.#context.table.all[this.#place] as CaptureInterface;
  }

  get name(): string {
    return this.interface.name ?? this.device;
  }

  /** The interface that has the name now which this one was asked for by, or had last. */
  successor(): LinkFacts | undefined {
    if (this.device === ANY_INTERFACE) return undefined;
    const { known } = this.#context;
    return known.find(this.device) ?? known.find(this.name);
  }

  /**
   * The packets of the next block, where one has been handed over; each is given back by {@link release}, before the next
   * is taken.
   *
   * @param before packets of the source before these
   * @throws SockctlError CAPTURE_DIED when a thread that reads has ended, after the packets of the others
   */
  take(before: number): FrameBatch | undefined {
    let failure: unknown;
    for (let tries = 0; tries < this.#lanes.length; tries++) {
      this.#lane = (this.#lane + 1) % this.#lanes.length;
      const lane = this.#lanes[this.#lane];
      const batch = lane?.take(before);
      failure ??= lane?.failure;
      if (batch === undefined) continue;
      this.#taken += batch.count;
      return batch;
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  release(): void {
    this.#lanes[this.#lane]?.release();
  }

  /** Whether to be told when there is something to take. */
  want(readable: boolean): void {
    for (const lane of this.#lanes) lane.want(readable);
  }

  /** Lets nothing more in. @returns false where the socket does not let its filter be changed (SO_LOCK_FILTER) */
  quiesce(): boolean {
    return this.#rings.map((ring) => ring.quiesce()).every((quiet) => quiet);
  }

  /** Whether everything that came in has been taken. */
  get drained(): boolean {
    const { received, dropped } = this.#counters();
    return received - dropped <= this.#taken;
  }

  /** Packets dropped since this was last asked, and in all. */
  drops(): { readonly more: number; readonly dropped: number } {
    const { dropped } = this.#counters();
    const more = dropped - this.#dropsTold;
    this.#dropsTold = dropped;
    return { more, dropped };
  }

  statistics(): CaptureStatistics {
    const { received, dropped } = this.#counters();
    return {
      received,
      droppedKernel: dropped,
      droppedInterface: this.#interfaceDrops(),
      droppedApplication: this.#abandoned,
    };
  }

  /** What has come in and was not taken is not going to be. */
  abandon(): void {
    const { received, dropped } = this.#counters();
    this.#abandoned = Math.max(0, received - dropped - this.#taken);
  }

  /** Whether {@link statistics} are those of {@link interface} alone. */
  get single(): boolean {
    return this.#single;
  }

  /** The interface has another name now. */
  renamed(link: LinkFacts): void {
    this.#move(link);
  }

  /** Of `any`: that interface is another one now, or has another name. */
  forget(index: number): void {
    this.#places.delete(index);
  }

  /** The interface is gone: nothing comes through any more. */
  gone(): void {
    this.#dropsOfOthers = this.#interfaceDrops() ?? this.#dropsOfOthers;
    this.#dropsBase = null;
    this.#index = 0;
  }

  /**
   * There is an interface of that name again: takes in what comes through it.
   *
   * @returns false where it is a link of another kind, for which the ring and the filter are not made
   * @throws SocketError where it is gone again already; the next one can be tried
   */
  returned(link: LinkFacts): boolean {
    const { linkType, cooked } = describeHardware(link.name, link.hardwareType);
    if (linkType !== this.#kind.linkType || cooked !== this.#kind.cooked) return false;
    for (const ring of this.#rings) {
      ring.bindAgain(link.index);
      this.#enter(ring, link);
    }
    this.#index = link.index;
    this.#dropsBase = linkDrops(link) === null ? null : 0;
    this.#move(link);
    return true;
  }

  /** Idempotent; resolves when nobody reads the rings any more. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    for (const ring of this.#rings) ring.close();
  }

  #counters(): RingCounters {
    let [received, dropped] = [0, 0];
    for (const ring of this.#rings) {
      const counters = ring.counters();
      received += counters.received;
      dropped += counters.dropped;
    }
    return { received, dropped };
  }

  /** Since the capture began, of all interfaces that it followed. */
  #interfaceDrops(): number | null {
    const link = this.#context.known.get(this.#index);
    const now = link === undefined || this.#dropsBase === null ? null : linkDrops(link);
    if (now === null) return this.#index === 0 && this.#dropsOfOthers > 0 ? this.#dropsOfOthers : null;
    return this.#dropsOfOthers + Math.max(0, now - (this.#dropsBase ?? 0));
  }

  #move(link: LinkFacts): void {
    const place = this.#describe(link);
    this.#single &&= place === this.#place;
    this.#place = place;
    this.#places.set(link.index, place);
  }

  /** The place of interface number `index` among those of the source. */
  #placeOf(index: number): number {
    const found = this.#places.get(index);
    if (found !== undefined) return found;
    const link = this.#context.known.get(index);
    const place = link === undefined && this.device !== ANY_INTERFACE ? this.#place : this.#describe(link, index);
    if (this.#places.size >= PLACES_MAX) this.#places.clear();
    this.#places.set(index, place);
    return place;
  }

  #describe(link: LinkFacts | undefined, index?: number): number {
    const named = link === undefined ? { name: index === undefined ? this.device : String(index) } : describeLink(link);
    return this.#context.table.add({
      ...named,
      linkType: this.#kind.linkType,
      snapshotLength: this.#snapshotLength,
    });
  }
}
