/** The interfaces of a capture: what the kernel says of each, and under which place its packets are recorded. */
import type { LinkChange } from '../../../src/socket/native/link-monitor.js';
import type { LinkFacts } from '../../../src/socket/native/netlink/link.js';
import type { CaptureInterface, OtherOption } from '../../record.js';
import { interfaceDrops, systemNumber } from '../interface-drops.js';

/** What columns of packets hold (frames.ts). */
const MAX_PLACE = 0xffff;
/** Interfaces that are gone whose names are still known, for packets that have come before. */
const REMEMBERED = 1024;

/** By their numbers: those that are there, and those that were until a while ago. */
export class KnownLinks {
  readonly #there: ReadonlyMap<number, LinkFacts>;
  readonly #gone = new Map<number, LinkFacts>();

  /** @param there is kept up by whoever follows the kernel's news */
  constructor(there: ReadonlyMap<number, LinkFacts>) {
    this.#there = there;
  }

  get(index: number): LinkFacts | undefined {
    return this.#there.get(index) ?? this.#gone.get(index);
  }

  /** Of those that are there. */
  find(name: string): LinkFacts | undefined {
    for (const link of this.#there.values()) if (link.name === name) return link;
    return undefined;
  }

  names(): string[] {
    return Array.from(this.#there.values(), ({ name }) => name);
  }

  change({ kind, link }: LinkChange): void {
    this.#gone.delete(link.index);
    if (kind !== 'gone') return;
    this.#gone.set(link.index, link);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > REMEMBERED && oldest !== undefined) this.#gone.delete(oldest);
  }
}

/** The interfaces of a source, in the order in which their first packets came; the same one stands there once. */
export class InterfaceTable {
  readonly all: CaptureInterface[] = [];
  readonly #places = new Map<string, number>();

  /** @returns its place; the first where there are more than columns can tell apart */
  add(one: Omit<CaptureInterface, 'id'>): number {
    const key = JSON.stringify(one);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const id = this.all.length;
    if (id > MAX_PLACE) return 0;
    this.all.push({ id, ...one });
    this.#places.set(key, id);
    return id;
  }
}

/** Of pcapng's interface description: if_MACaddr, if_speed in bits a second. */
const HARDWARE_ADDRESS = 6;
const SPEED = 8;
const EUI48_LENGTH = 6;

/** What a capture file says of an interface. */
export function describeLink(link: LinkFacts): Pick<CaptureInterface, 'name' | 'description' | 'options'> {
  const options: OtherOption[] = [];
  if (link.address?.length === EUI48_LENGTH) options.push({ code: HARDWARE_ADDRESS, value: link.address.toBytes() });
  const speed = isShown(link) ? (systemNumber(link.name, 'speed') ?? 0) : 0;
  if (speed > 0) {
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(BigInt(speed) * 1_000_000n);
    options.push({ code: SPEED, value });
  }
  return { name: link.name, description: link.alias, options };
}

/** What the interface itself has dropped so far; null where the system does not say. */
export function linkDrops(link: LinkFacts): number | null {
  return isShown(link) ? interfaceDrops(link.name) : null;
}

/** /sys may be that of another network namespace (nsenter(1) without its mounts), with other interfaces of these names. */
function isShown({ name, index }: LinkFacts): boolean {
  return systemNumber(name, 'ifindex') === index;
}
