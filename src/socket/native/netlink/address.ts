/** What the kernel tells of an interface's addresses: RTM_NEWADDR and RTM_DELADDR of rtnetlink(7) as a value. */
import { type IPAddress, IPv4Address, IPv6Address } from '../../../sockaddr/ip.js';
import { AddressFamily } from '../../../sockaddr/struct.js';
import { IFADDRMSG_SIZE, Ifaddrmsg } from '../layout.js';
import { Attributes } from './message.js';

export interface AddressFacts {
  /** Of the interface that has it. */
  readonly index: number;
  readonly address: IPAddress;
  readonly prefixLength: number;
  /** global, site, link, host or nowhere, or the number of another scope. */
  readonly scope: string;
  /** The other end of a point-to-point link, where that is not in the prefix of {@link address}. */
  readonly peer: IPAddress | undefined;
  /** Those that are set, in the kernel's words without IFA_F_: permanent, tentative, deprecated, … */
  readonly flags: readonly string[];
}

const SCOPES: ReadonlyMap<number, string> = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);

/** IFA_F_ of linux/if_addr.h, by the number of the bit; the first means another thing for each family. */
const FLAG_NAMES = [
  'temporary',
  'nodad',
  'optimistic',
  'dadfailed',
  'homeaddress',
  'deprecated',
  'tentative',
  'permanent',
  'managetempaddr',
  'noprefixroute',
  'mcautojoin',
  'stable-privacy',
] as const;

/** The IFA_ attributes of linux/if_addr.h that are read. */
const Ifa = { address: 1, local: 2, flags: 8 } as const;

/** The address that the body of an RTM_NEWADDR or RTM_DELADDR is about; undefined for other families, or cut bytes. */
export function decodeAddress(body: Uint8Array): AddressFacts | undefined {
  if (body.length < IFADDRMSG_SIZE) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const family = view.getUint8(Ifaddrmsg.family);
  const index = view.getUint32(Ifaddrmsg.index, true);
  const attributes = new Attributes(body, IFADDRMSG_SIZE);
  const prefix = decodeIP(family, attributes.bytes(Ifa.address));
  // IPv6 has the own address in IFA_LOCAL only where there is a peer, IPv4 always.
  const address = decodeIP(family, attributes.bytes(Ifa.local)) ?? prefix;
  const prefixLength = view.getUint8(Ifaddrmsg.prefixLength);
  if (address === undefined || index === 0 || prefixLength > (address.family === 'ipv4' ? 32 : 128)) return undefined;
  const scope = view.getUint8(Ifaddrmsg.scope);
  const flags = attributes.u32(Ifa.flags) ?? view.getUint8(Ifaddrmsg.flags);
  return {
    index,
    address,
    prefixLength,
    scope: SCOPES.get(scope) ?? String(scope),
    peer: prefix === undefined || prefix.equals(address) ? undefined : prefix,
    flags: flagNames(flags, address.family === 'ipv4'),
  };
}

/** Tells an address of an interface from its others. */
export function addressKey({ index, address, prefixLength, peer }: AddressFacts): string {
  return `${index} ${address.key}/${prefixLength} ${peer?.key ?? ''}`;
}

export function sameAddress(a: AddressFacts, b: AddressFacts): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function decodeIP(family: number, bytes: Uint8Array | undefined): IPAddress | undefined {
  if (bytes === undefined) return undefined;
  if (family === AddressFamily.AF_INET && bytes.length === 4) return IPv4Address.fromBytes(bytes);
  if (family === AddressFamily.AF_INET6 && bytes.length === 16) return IPv6Address.fromBytes(bytes);
  return undefined;
}

function flagNames(flags: number, ipv4: boolean): string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (((flags >>> bit) & 1) === 0) continue;
    names.push(bit === 0 && ipv4 ? 'secondary' : (FLAG_NAMES[bit] ?? `0x${(2 ** bit).toString(16)}`));
  }
  return names;
}
