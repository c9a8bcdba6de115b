/**
 * The interfaces of this network namespace and each change of them, as the kernel tells it (rtnetlink(7)): nothing is
 * polled, nothing needs a privilege. A carrier that comes is told by the kernel up to a second later, one that goes at once.
 */
import type { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { IFADDRMSG_SIZE, IFINFOMSG_SIZE } from './layout.js';
import type { Libc } from './libc.js';
import { type AddressFacts, addressKey, decodeAddress, sameAddress } from './netlink/address.js';
import { decodeLink, type LinkFacts, sameLink } from './netlink/link.js';
import { Mirror, type Table } from './netlink/mirror.js';

export type LinkChange =
  | { readonly kind: 'new'; readonly link: LinkFacts }
  | { readonly kind: 'changed'; readonly link: LinkFacts; readonly before: LinkFacts }
  /** As it was last; another may have its index or its name by the next change. */
  | { readonly kind: 'gone'; readonly link: LinkFacts };

/** Of an address that an interface has; {@link before} only for one that is there still, with other flags. */
export type AddressChange =
  | { readonly kind: 'new' | 'gone'; readonly address: AddressFacts }
  | { readonly kind: 'changed'; readonly address: AddressFacts; readonly before: AddressFacts };

export interface LinkMonitorOptions {
  readonly logger: Logger;
  /** Told of each change once the monitor is open, in the kernel's order. */
  onChange(change: LinkChange): void;
  /** The same of addresses, which are read only for who wants to know. */
  onAddress?(change: AddressChange): void;
  /** The socket has failed; nothing is told any more. */
  onFailure?(error: SocketError): void;
  /** Whether the process runs on for the monitor alone; false unless given. */
  readonly keepAlive?: boolean;
}

export interface LinkMonitor {
  /** By index; as last told. */
  readonly links: ReadonlyMap<number, LinkFacts>;
  /** Empty without {@link LinkMonitorOptions.onAddress}. */
  addresses(): Iterable<AddressFacts>;
  /** Reads everything again, for the counters. @throws SocketError when the socket fails meanwhile */
  refresh(): Promise<void>;
  /**
   * Whether changes are told, which they are at first: for an owner that can't take more of them now. What it has missed
   * in between is told as one change.
   */
  follow(wanted: boolean): void;
  /** Idempotent. */
  close(): void;
}

/** rtnetlink(7) */
const RTM = { newLink: 16, delLink: 17, getLink: 18, newAddr: 20, delAddr: 21, getAddr: 22 } as const;
const RTMGRP_LINK = { bit: 0x1, name: 'RTMGRP_LINK' };
const RTMGRP_IPV4_IFADDR = { bit: 0x10, name: 'RTMGRP_IPV4_IFADDR' };
const RTMGRP_IPV6_IFADDR = { bit: 0x100, name: 'RTMGRP_IPV6_IFADDR' };

/**
 * Resolves when all interfaces are known; from then on each change is told. Of many changes at once steps may be left
 * out, never the last one.
 *
 * @throws SocketError where netlink can't be had
 */
export async function openLinkMonitor(libc: Libc, options: LinkMonitorOptions): Promise<LinkMonitor> {
  const links = new Map<number, LinkFacts>();
  const addresses = new Map<string, AddressFacts>();
  const { onAddress } = options;
  const linkTable: Table<number, LinkFacts> = {
    groups: [RTMGRP_LINK],
    get: RTM.getLink,
    there: RTM.newLink,
    gone: RTM.delLink,
    request: new Uint8Array(IFINFOMSG_SIZE),
    decode: decodeLink,
    key: ({ index }) => index,
    same: sameLink,
    onChange: (before, after) => {
      if (after !== undefined)
        options.onChange(
          before === undefined ? { kind: 'new', link: after } : { kind: 'changed', link: after, before },
        );
      else if (before !== undefined) options.onChange({ kind: 'gone', link: before });
    },
    entries: links,
  };
  const addressTable: Table<string, AddressFacts> = {
    groups: [RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR],
    get: RTM.getAddr,
    there: RTM.newAddr,
    gone: RTM.delAddr,
    // Of all families.
    request: new Uint8Array(IFADDRMSG_SIZE),
    decode: decodeAddress,
    key: addressKey,
    same: sameAddress,
    onChange: (before, after) => {
      if (after !== undefined)
        onAddress?.(
          before === undefined ? { kind: 'new', address: after } : { kind: 'changed', address: after, before },
        );
      else if (before !== undefined) onAddress?.({ kind: 'gone', address: before });
    },
    entries: addresses,
  };
  const tables = onAddress === undefined ? [linkTable] : [linkTable, addressTable];
  const mirror = await Mirror.open(libc, tables, {
    logger: options.logger,
    keepAlive: options.keepAlive === true,
    onFailure: (error) => options.onFailure?.(error),
  });
  return {
    links,
    addresses: () => addresses.values(),
    refresh: () => mirror.refresh(),
    follow: (wanted) => mirror.follow(wanted),
    close: () => mirror.close(),
  };
}
