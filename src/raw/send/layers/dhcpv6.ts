/** DHCPv6 (RFC 8415). */
import { type Dhcpv6Body, encodeDhcpv6 } from '../../../wire/application/dhcpv6.js';
import { address } from '../kinds/addresses.js';
import { domainName, hexText, text } from '../kinds/bytes.js';
import type { Field, Fields } from '../kinds/fields.js';
import type { Kind } from '../kinds/kind.js';
import { number, unsigned } from '../kinds/numbers.js';
import { listOf, type Variant, variants } from '../kinds/structures.js';
import { field, filled, given, joined, type LayerSpec } from './spec.js';

const SERVER_PORT = 547;
const CLIENT_PORT = 546;

const MESSAGES = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  'information-request': 11,
  'relay-forward': 12,
  'relay-reply': 13,
};
/** From servers to clients. */
const FROM_SERVER: ReadonlySet<number> = new Set([2, 7, 10, 13]);
const STATUS = {
  success: 0,
  'unspec-fail': 1,
  'no-addresses': 2,
  'no-binding': 3,
  'not-on-link': 4,
  'use-multicast': 5,
};

const option = (code: number, name: string, kind: Kind, empty: unknown, ...aliases: string[]): Variant => ({
  aliases,
  fields: { [name]: field(kind) },
  positional: name,
  make: (fields) => ({ code, [name]: empty, ...fields }),
});

const u32 = (...aliases: string[]): Field => field(unsigned(32), aliases);
const lifetimes = { preferredLifetime: u32('preferred'), validLifetime: u32('valid') };
const LIFETIMES = { preferredLifetime: 3600, validLifetime: 7200 };

/** Options hold options: the list is looked up when it is read. */
const nested: Kind = {
  expects: 'a list in parentheses of options of DHCPv6',
  read: (node, reading) => options.read(node, reading),
};

const association = (code: number, times: boolean): Variant => ({
  fields: {
    iaid: u32(),
    ...(times ? { t1: u32(), t2: u32() } : {}),
    options: field(nested, ['option']),
  } as Fields,
  positional: 'iaid',
  make: (fields) => ({ code, iaid: 1, ...(times ? { t1: 0, t2: 0 } : {}), options: [], ...fields }),
});

const dhcpv6Option = variants('option of DHCPv6', {
  'client-id': option(1, 'duid', hexText(), ''),
  'server-id': option(2, 'duid', hexText(), ''),
  'ia-na': association(3, true),
  'ia-ta': association(4, false),
  'ia-pd': association(25, true),
  address: {
    fields: { address: field(address('ipv6')), ...lifetimes, options: field(nested) },
    positional: 'address',
    make: (fields) => ({ code: 5, address: '::', ...LIFETIMES, options: [], ...fields }),
  },
  prefix: {
    fields: {
      address: field(address('ipv6')),
      prefixLength: field(number(0, 128), ['length']),
      ...lifetimes,
      options: field(nested),
    },
    positional: 'address',
    make: (fields) => ({ code: 26, address: '::', prefixLength: 64, ...LIFETIMES, options: [], ...fields }),
  },
  'option-request': option(6, 'codes', listOf(unsigned(16)), [], 'oro'),
  preference: option(7, 'number', unsigned(8), 0),
  'elapsed-time': option(8, 'number', unsigned(16), 0),
  'relay-message': option(9, 'data', hexText(), '00000000'),
  status: {
    fields: { number: field(unsigned(16, { names: STATUS })), text: field(text(0xffff)) },
    positional: 'number',
    make: (fields) => ({ code: 13, number: 0, text: '', ...fields }),
  },
  'rapid-commit': { make: () => ({ code: 14, data: '' }) },
  'dns-servers': option(23, 'addresses', listOf(address('ipv6')), []),
  'search-list': option(24, 'domains', listOf(domainName), []),
  'ntp-servers': option(31, 'addresses', listOf(address('ipv6')), [], 'sntp-servers'),
  'refresh-time': option(32, 'number', unsigned(32), 86_400),
  option: {
    fields: { code: field(unsigned(16)), data: field(hexText()) },
    make: (fields) => ({ code: 65_000, data: '', ...fields }),
  },
});

const options = listOf(dhcpv6Option);
const isRelay = (type: number): boolean => type === MESSAGES['relay-forward'] || type === MESSAGES['relay-reply'];

export const dhcpv6: LayerSpec = {
  protocol: 'dhcpv6',
  names: ['dhcpv6', 'dhcp6'],
  fields: {
    messageType: field(unsigned(8, { names: MESSAGES }), ['type', 'msgtype'], 'solicit'),
    transactionId: field(unsigned(24), ['xid', 'trid']),
    hopCount: field(unsigned(8), ['hops']),
    linkAddress: field(address('ipv6'), ['link']),
    peerAddress: field(address('ipv6'), ['peer']),
    options: field(options, ['option'], 'none'),
  },
  numbers: (fields) => ({
    udp: FROM_SERVER.has(given<number>(fields, 'messageType') ?? MESSAGES.solicit)
      ? { sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT }
      : { sourcePort: CLIENT_PORT, destinationPort: SERVER_PORT },
  }),
  // RFC 8415 section 7.1: all servers and relays.
  towards: (fields) =>
    FROM_SERVER.has(given<number>(fields, 'messageType') ?? MESSAGES.solicit)
      ? undefined
      : { destination: 'ff02::1:2' },
  complete: (fields) => {
    const messageType = given<number>(fields, 'messageType') ?? MESSAGES.solicit;
    const own = isRelay(messageType) ? { hopCount: 0, linkAddress: '::', peerAddress: '::' } : { transactionId: 0 };
    return filled(fields, { messageType, ...own, options: [] });
  },
  encode: ({ transactionId, hopCount, linkAddress, peerAddress, ...fields }: Dhcpv6Body, inner) => {
    const own = isRelay(fields.messageType)
      ? { hopCount: hopCount ?? 0, linkAddress: linkAddress ?? '::', peerAddress: peerAddress ?? '::' }
      : { transactionId: transactionId ?? 0 };
    return joined(encodeDhcpv6({ ...fields, ...own }), inner);
  },
};
