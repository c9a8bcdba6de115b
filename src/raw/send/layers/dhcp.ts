/** DHCP, of IPv4. */
import { type DhcpMessage, encodeDhcp } from '../../../wire/application/dhcp.js';
import { address, hardware } from '../kinds/addresses.js';
import { hexText, text } from '../kinds/bytes.js';
import type { Field } from '../kinds/fields.js';
import { ofSender } from '../kinds/kind.js';
import { boolean, unsigned } from '../kinds/numbers.js';
import { listOf, type Variant, variants } from '../kinds/structures.js';
import { field, filled, given, joined, type LayerSpec } from './spec.js';

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const REQUEST = 1;
const REPLY = 2;

/** RFC 2132 section 9.6. */
const MESSAGES = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 };

const option = (code: number, name: string, kind: Field['kind'], empty: unknown, ...aliases: string[]): Variant => ({
  aliases,
  fields: { [name]: field(kind) },
  positional: name,
  make: (fields) => ({ code, [name]: empty, ...fields }),
});
const addresses = (code: number, ...aliases: string[]) =>
  option(code, 'addresses', listOf(address('ipv4'), 63), [], ...aliases);
const string = (code: number, ...aliases: string[]) => option(code, 'text', text(255), '', ...aliases);
const amount = (code: number, bits: 8 | 16 | 32, ...aliases: string[]) =>
  option(code, 'number', unsigned(bits), 0, ...aliases);
const bytes = (code: number, ...aliases: string[]) => option(code, 'data', hexText({ max: 255 }), '', ...aliases);

/** RFC 2132 and IANA's bootp-dhcp-parameters. */
const dhcpOption = variants('option of DHCP', {
  'message-type': option(53, 'number', unsigned(8, { names: MESSAGES }), 1, 'type'),
  'requested-address': addresses(50, 'requested'),
  'server-id': addresses(54),
  'client-id': bytes(61),
  'parameter-list': option(55, 'codes', listOf(unsigned(8), 255), [], 'parameters'),
  'host-name': string(12, 'hostname'),
  'subnet-mask': addresses(1, 'mask'),
  router: addresses(3, 'routers'),
  'dns-servers': addresses(6, 'dns'),
  domain: string(15),
  broadcast: addresses(28),
  'lease-time': amount(51, 32, 'lease'),
  'renewal-time': amount(58, 32),
  'rebinding-time': amount(59, 32),
  'max-size': amount(57, 16),
  mtu: amount(26, 16),
  message: string(56),
  'vendor-class': string(60),
  'ntp-servers': addresses(42),
  'tftp-server': string(66),
  'boot-file': string(67),
  'relay-agent': bytes(82),
  'search-list': bytes(119),
  'classless-routes': bytes(121),
  overload: amount(52, 8),
  option: {
    fields: { code: field(unsigned(8)), data: field(hexText({ max: 255 })) },
    make: (fields) => ({ code: 224, data: '', ...fields }),
  },
});

const NONE = '0.0.0.0';

export const dhcp: LayerSpec = {
  protocol: 'dhcp',
  names: ['dhcp', 'bootp'],
  fields: {
    operation: field(unsigned(8, { names: { request: REQUEST, reply: REPLY } }), ['op'], 'request'),
    transactionId: field(unsigned(32), ['xid']),
    seconds: field(unsigned(16), ['secs']),
    broadcast: field(boolean),
    clientAddress: field(ofSender(address('ipv4')), ['ciaddr']),
    yourAddress: field(address('ipv4'), ['yiaddr']),
    nextServer: field(address('ipv4'), ['siaddr']),
    relayAgent: field(address('ipv4'), ['giaddr']),
    clientHardware: field(ofSender(hardware(true)), ['chaddr'], 'that of the frame or the interface, or zeros'),
    hardwareType: field(unsigned(8), ['htype'], '1'),
    hardwareLength: field(unsigned(8), ['hlen'], 'that of clientHardware'),
    hops: field(unsigned(8)),
    serverName: field(text(64), ['sname']),
    bootFile: field(text(128), ['file']),
    options: field(listOf(dhcpOption), ['option'], 'none'),
  },
  numbers: (fields) => ({
    udp:
      given(fields, 'operation') === REPLY
        ? { sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT }
        : { sourcePort: CLIENT_PORT, destinationPort: SERVER_PORT },
  }),
  complete: (fields, place) => {
    const clientHardware =
      given<string>(fields, 'clientHardware') ??
      (place.outer('ethernet')?.fields.source as string | undefined) ??
      '00:00:00:00:00:00';
    const length = (clientHardware.length + 1) / 3;
    if (length > 16) throw place.fault(`a hardware address of ${length} bytes, and at most 16 fit`);
    return filled(fields, {
      operation: REQUEST,
      hardwareType: 1,
      hardwareLength: length,
      hops: 0,
      transactionId: 0,
      seconds: 0,
      broadcast: false,
      clientAddress: NONE,
      yourAddress: NONE,
      nextServer: NONE,
      relayAgent: NONE,
      clientHardware,
      serverName: '',
      bootFile: '',
      options: [],
    });
  },
  encode: (fields: DhcpMessage, inner) => joined(encodeDhcp(fields), inner),
};
