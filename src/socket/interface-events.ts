/** What a change of an interface is called: the `interface.event` records. */
import {
  hardwareAddressText,
  type InterfaceAddress,
  type InterfaceState,
  interfaceAddress,
  interfaceState,
  masterName,
} from './interfaces.js';
import type { AddressChange, LinkChange } from './native/link-monitor.js';
import type { LinkFacts } from './native/netlink/link.js';

interface About {
  readonly name: string;
  readonly index: number;
}

export type InterfaceEvent =
  | (About & { readonly event: 'created'; readonly state: InterfaceState; readonly kind: string | null })
  | (About & { readonly event: 'gone' })
  | (About & { readonly event: 'up' | 'down'; readonly state: InterfaceState; readonly before: InterfaceState })
  | (About & { readonly event: 'renamed'; readonly before: string })
  | (About & { readonly event: 'mtu'; readonly mtu: number; readonly before: number })
  | (About & {
      readonly event: 'hardware-address';
      readonly hardwareAddress: string | null;
      readonly before: string | null;
    })
  /** A port of another bridge or bond, or of none. */
  | (About & { readonly event: 'master'; readonly master: string | null; readonly before: string | null })
  /** Those beside what `up` and `down` say. */
  | (About & { readonly event: 'flags'; readonly added: readonly string[]; readonly removed: readonly string[] })
  | (About & InterfaceAddress & { readonly event: 'address-added' | 'address-removed' | 'address-changed' });

const STATE_FLAGS = ['UP', 'RUNNING', 'LOWER_UP'];

type Links = ReadonlyMap<number, LinkFacts>;

/** One change of the kernel's may be several events, or none that has a name. */
export function linkEvents(change: LinkChange, links: Links): InterfaceEvent[] {
  const { link } = change;
  const about = { name: link.name, index: link.index };
  if (change.kind === 'gone') return [{ ...about, event: 'gone' }];
  const state = interfaceState(link);
  if (change.kind === 'new') return [{ ...about, event: 'created', state, kind: link.kind ?? null }];
  const { before } = change;
  const events: InterfaceEvent[] = [];
  if (before.name !== link.name) events.push({ ...about, event: 'renamed', before: before.name });
  const stateBefore = interfaceState(before);
  if (stateBefore !== state) {
    events.push({ ...about, event: state === 'up' ? 'up' : 'down', state, before: stateBefore });
  }
  if (before.mtu !== link.mtu) events.push({ ...about, event: 'mtu', mtu: link.mtu, before: before.mtu });
  const [hardwareBefore, hardwareAddress] = [hardwareAddressText(before), hardwareAddressText(link)];
  if (hardwareBefore !== hardwareAddress) {
    events.push({ ...about, event: 'hardware-address', hardwareAddress, before: hardwareBefore });
  }
  if (before.master !== link.master) {
    const master = masterName(link, links);
    events.push({ ...about, event: 'master', master, before: masterName(before, links) });
  }
  const added = flagsBeside(link, before);
  const removed = flagsBeside(before, link);
  if (added.length + removed.length > 0) events.push({ ...about, event: 'flags', added, removed });
  return events;
}

export function addressEvent({ kind, address }: AddressChange, links: Links): InterfaceEvent {
  const event = { new: 'address-added', gone: 'address-removed', changed: 'address-changed' } as const;
  // The interface may be gone by now; the kernel tells of its addresses first.
  const name = links.get(address.index)?.name ?? String(address.index);
  return { event: event[kind], name, index: address.index, ...interfaceAddress(address, name) };
}

function flagsBeside({ flags }: LinkFacts, other: LinkFacts): string[] {
  return flags.filter((flag) => !other.flags.includes(flag) && !STATE_FLAGS.includes(flag));
}
