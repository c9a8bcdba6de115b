/** Who has answered at a hop, as text: names and autonomous systems where they were asked for, and what routers add. */
import type { AddressFacts } from '../../src/sockaddr/address-book.js';
import type { IcmpExtension } from '../../src/wire/icmp-extension.js';

/** What is known of an address by now. */
export type FactsOf = (address: string) => AddressFacts;

/** `name (address) [AS64500]`, of which there is what is known; `[*]` for an address that is of no public route. */
export function hostText(address: string, { name, origin }: AddressFacts): string {
  const host = name === undefined || name === null ? address : `${name} (${address})`;
  return origin === undefined ? host : `${host} ${originText(origin)}`;
}

function originText(origin: AddressFacts['origin']): string {
  if (origin === undefined || origin === null) return '[*]';
  return `[${origin.systems.map((system) => `AS${system}`).join(' ')}]`;
}

/** Labels, and bytes of what nobody knows, that are shown: a packet may bring hundreds. */
const LABELS_MAX = 8;
const BYTES_MAX = 32;

const ROLES: Readonly<Record<string, string>> = {
  incoming: 'incoming interface',
  'sub-ip': 'incoming interface below IP',
  outgoing: 'outgoing interface',
  'next-hop': 'next hop',
};

/**
 * What an answer carries beside the quote, as traceroute(8) has it: `MPLS: label 300016 tc 0 ttl 1`,
 * `incoming interface: eth0, index 2, 10.0.0.1, mtu 1500`. Undefined for what is not known, unless `all` is asked for.
 */
export function extensionText(extension: IcmpExtension, all: boolean): string | undefined {
  switch (extension.kind) {
    case 'mpls': {
      const { labels } = extension;
      const texts = labels
        .slice(0, LABELS_MAX)
        .map((one) => `label ${one.label} tc ${one.trafficClass} ttl ${one.ttl}`);
      const more = labels.length - texts.length;
      return `MPLS: ${texts.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
    }
    case 'interface':
      return `${ROLES[extension.role]}: ${interfaceText(extension)}`;
    case 'interface-identification':
      return `interface: ${interfaceText(extension)}`;
    case 'unknown':
      return all ? unknownText(extension) : undefined;
  }
}

function unknownText({ class: objectClass, type, data }: Extract<IcmpExtension, { kind: 'unknown' }>): string {
  const shown = data.length > 2 * BYTES_MAX ? `${data.slice(0, 2 * BYTES_MAX)}, ${data.length / 2} bytes` : data;
  return `extension: class ${objectClass} type ${type} ${shown}`.trimEnd();
}

interface InterfaceFacts {
  readonly name?: string;
  readonly index?: number;
  readonly address?: string;
  readonly mtu?: number;
}

function interfaceText({ name, index, address, mtu }: InterfaceFacts): string {
  const parts = [
    name,
    index === undefined ? undefined : `index ${index}`,
    address,
    mtu === undefined ? undefined : `mtu ${mtu}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
