/** One interface of a capture through rings, or all of them (`any`): its sockets, their rings, and what becomes of the link. */
import { readFileSync } from 'node:fs';
import type { Logger } from '../../../src/log/events.js';
import { interfaceIndex, interfaceName } from '../../../src/sockaddr/interfaces.js';
import type { Libc } from '../../../src/socket/native/libc.js';
import { PacketRing, type RingCounters } from '../../../src/socket/native/packet-ring.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { DEFAULT_SNAPSHOT_LENGTH } from '../../filter/compile.js';
import type { FrameBatch } from '../../frames.js';
import { ANY_INTERFACE, type CaptureInterface, type OtherOption } from '../../record.js';
import type { CaptureStatistics } from '../../source.js';
import { interfaceDrops } from '../cap-errors.js';
import { type DeviceLink, describeDevice } from '../device-link.js';
import { RESERVE } from './block.js';
import { type Lane, type LaneOptions, LocalLane, ThreadLane } from './lane.js';
import { type RingSourceOptions, ringFilter, ringShape } from './options.js';

/** What columns of packets hold. */
const MAX_PLACE = 0xffff;

/** The interfaces of a source, in the order in which they were first seen. */
export class InterfaceTable {
  readonly all: CaptureInterface[] = [];

  /** By what is known of them. */
  readonly #known = new Map<string, number>();

  /**
   * @returns its place: that of the same one, where it was there before; the first for what is beyond the limit, which a
   *   machine that makes and deletes interfaces for years may come to
   */
  add(one: Omit<CaptureInterface, 'id'>): number {
    const key = JSON.stringify(one);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.all.length;
    if (id > MAX_PLACE) return 0;
    this.all.push({ id, ...one });
    this.#known.set(key, id);
    return id;
  }
}

export class RingLink {
  /** As it was asked for. */
  readonly device: string;
  /** Whether it can take in packets of another interface than it began with. */
  readonly rebindable: boolean;
  readonly #link: DeviceLink;
  readonly #rings: PacketRing[] = [];
  readonly #lanes: Lane[] = [];
  readonly #table: InterfaceTable;
  readonly #snapshotLength: number;
  readonly #promiscuous: boolean;
  /** By interface number: of `any`, and of one interface that may have been made anew. */
  readonly #places = new Map<number, number>();
  #dropsBefore: number | null = null;
  #dropsSeen = 0;
  #taken = 0;
  #lane = 0;
  #place: number;
  #index = 0;

  /**
   * Opens the rings, into which nothing comes before {@link start}.
   *
   * @throws SocketError ENODEV, EPERM, ENOMEM, EOPNOTSUPP; FilterError
   */
  constructor(
    libc: Libc,
    device: string,
    options: RingSourceOptions & { readonly logger: Logger },
    table: InterfaceTable,
    onReady: () => void,
  ) {
    this.device = device;
    const { workers = 1 } = options;
    const any = device === ANY_INTERFACE;
    const index = any ? 0 : interfaceIndex(device);
    this.#link = describeDevice(device);
    this.#snapshotLength = options.snapshotLength || DEFAULT_SNAPSHOT_LENGTH;
    this.#table = table;
    this.#place = this.#describe(device);
    this.#promiscuous = options.promiscuous !== false && !any;
    this.rebindable = workers === 1;
    const filter = ringFilter(options, device, this.#link, any ? loopbackIndex() : undefined);
    const header = this.#link.cooked ? 'cooked' : this.#link.linkType === LinkType.ETHERNET ? 'ethernet' : 'other';
    const shape = ringShape(options.bufferSize, options.prompt);
    try {
      for (let i = 0; i < workers; i++) {
        this.#rings.push(
          PacketRing.open(libc, {
            shape,
            cooked: this.#link.cooked,
            reserve: RESERVE[header],
            // Sockets that are to share must not take in anything before all of them do.
            filter: workers === 1 ? filter : CLOSED,
            settings: options.settings ?? [],
            logger: options.logger,
            onOpen: options.onOpen,
          }),
        );
      }
      this.#start(index, filter, options.timestamps === 'adapter');
    } catch (error) {
      for (const ring of this.#rings) ring.close();
      throw error;
    }
    const lane: LaneOptions = {
      shape,
      layout: { header, snapshotLength: this.#snapshotLength },
      interfaceOf: (at) => {
        const known = this.#places.get(at);
        if (known !== undefined) return known;
        return any ? this.appeared(at, interfaceName(at) ?? String(at)) : this.#place;
      },
      onReady,
    };
    for (const ring of this.#rings) {
      this.#lanes.push(workers === 1 ? new LocalLane(ring, lane) : new ThreadLane(ring, lane));
    }
  }

  /** From here on packets come in. */
  #start(index: number, filter: string | undefined, adapter: boolean): void {
    const [first] = this.#rings;
    if (adapter) for (const ring of this.#rings) ring.adapterTimestamps(this.device);
    if (this.#promiscuous) first?.promiscuous(this.device);
    for (const ring of this.#rings) ring.bind(index);
    this.#bound(index);
    this.#dropsBefore = index === 0 ? null : interfaceDrops(this.device);
    if (this.rebindable) return;
    let group: number | undefined;
    for (const ring of this.#rings) group = ring.share(group);
    for (const ring of this.#rings) ring.admit(filter);
  }

  /** The number of the interface that packets come through now; 0 for any, and for one that is gone. */
  get index(): number {
    return this.#index;
  }

  /** That interface as packets have it; `any` itself where it is that. */
  get interface(): CaptureInterface {
    return this.#table.all[this.#place] as CaptureInterface;
  }

  get name(): string {
    return this.interface.name ?? this.device;
  }

  /**
   * The packets of the next block, where one has been handed over: valid until {@link release}.
   *
   * @throws SockctlError CAPTURE_DIED when a thread that reads has ended
   */
  take(before: number): FrameBatch | undefined {
    for (let tries = 0; tries < this.#lanes.length; tries++) {
      this.#lane = (this.#lane + 1) % this.#lanes.length;
      const batch = this.#lanes[this.#lane]?.take(before);
      if (batch === undefined) continue;
      this.#taken += batch.count;
      return batch;
    }
    return undefined;
  }

  release(): void {
    this.#lanes[this.#lane]?.release();
  }

  /** Whether to be told when there is something to take. */
  want(readable: boolean): void {
    for (const lane of this.#lanes) lane.want(readable);
  }

  /** Lets nothing more in. */
  quiesce(): void {
    for (const ring of this.#rings) ring.quiesce();
  }

  /** Whether everything that came in has been taken. */
  get drained(): boolean {
    const { received, dropped } = this.#counters();
    return received - dropped <= this.#taken;
  }

  /** Packets dropped since this was last asked, and in all. */
  drops(): { readonly more: number; readonly dropped: number } {
    const { dropped } = this.#counters();
    const more = dropped - this.#dropsSeen;
    this.#dropsSeen = dropped;
    return { more, dropped };
  }

  statistics(): CaptureStatistics {
    const { received, dropped } = this.#counters();
    const drops = this.#dropsBefore === null ? null : interfaceDrops(this.name);
    return {
      received,
      droppedKernel: dropped,
      // An interface that was made anew counts from 0.
      droppedInterface: drops === null ? null : Math.max(0, drops - (this.#dropsBefore ?? 0)),
      droppedApplication: 0,
    };
  }

  /** The interface has another name now. */
  renamed(name: string): void {
    this.#place = this.#describe(name);
    this.#places.set(this.#index, this.#place);
  }

  /** For `any`: interface number `index` is called `name`. */
  appeared(index: number, name: string): number {
    const place = this.#describe(name);
    this.#places.set(index, place);
    return place;
  }

  /** The interface is gone: nothing comes through any more. */
  gone(): void {
    this.#index = 0;
  }

  /**
   * There is an interface of that name again: takes in what comes through it.
   *
   * @returns false where it is a link of another kind, for which the ring and the filter are not made
   * @throws SocketError where it is gone again already
   */
  returned(index: number, name: string): boolean {
    const { linkType, cooked } = describeDevice(name);
    if (linkType !== this.#link.linkType || cooked !== this.#link.cooked) return false;
    for (const ring of this.#rings) {
      if (this.#promiscuous) ring.promiscuous(name);
      ring.bind(index);
    }
    this.#place = this.#describe(name);
    this.#bound(index);
    return true;
  }

  #bound(index: number): void {
    this.#index = index;
    if (index !== 0) this.#places.set(index, this.#place);
  }

  /** Idempotent. */
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

  #describe(name: string): number {
    return this.#table.add({
      name,
      linkType: this.#link.linkType,
      snapshotLength: this.#snapshotLength,
      description: systemText(name, 'ifalias'),
      options: interfaceOptions(name),
    });
  }
}

/** `ret #0` */
const CLOSED = '1,6 0 0 0';

/** Of pcapng's interface description: if_MACaddr, if_speed in bits a second. */
const HARDWARE_ADDRESS = 6;
const SPEED = 8;

function interfaceOptions(name: string): OtherOption[] {
  const options: OtherOption[] = [];
  const address = systemText(name, 'address') ?? '';
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address)) {
    options.push({ code: HARDWARE_ADDRESS, value: Buffer.from(address.replaceAll(':', ''), 'hex') });
  }
  const speed = Number(systemText(name, 'speed'));
  if (speed > 0) {
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(BigInt(speed) * 1_000_000n);
    options.push({ code: SPEED, value });
  }
  return options;
}

/** What the system says of an interface; undefined where it says nothing. */
function systemText(name: string, fact: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/${fact}`, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

function loopbackIndex(): number | undefined {
  try {
    return interfaceIndex('lo');
  } catch {
    return undefined;
  }
}
