/** What applications say, in a few words behind those of TCP and UDP, as tcpdump(1) has them where it knows them. */
import type { DhcpMessage } from './application/dhcp.js';
import type { Dhcpv6Message } from './application/dhcpv6.js';
import type { DnsMessage, DnsRecord } from './application/dns.js';
import { dnsDataText } from './application/dns-data.js';
import { dnsResponseName } from './application/dns-types.js';
import type { HttpMessage } from './application/http.js';
import type { NtpMessage } from './application/ntp.js';
import type { QuicMessage } from './application/quic.js';
import { type TlsMessage, tlsVersionName } from './application/tls.js';
import type { Layer } from './layer.js';

/** Undefined for layers that are no application's. */
export function applicationText(layer: Layer | undefined, length: number): string | undefined {
  switch (layer?.protocol) {
    case 'dns':
    case 'mdns':
      return `${dnsText(layer)} (${length})`;
    case 'dhcp':
      return `${dhcpText(layer)}, length ${length}`;
    case 'dhcpv6':
      return dhcpv6Text(layer);
    case 'ntp':
      return `${ntpText(layer)}, length ${length}`;
    case 'quic':
      return `${quicText(layer)}, length ${length}`;
    case 'http':
      return httpText(layer);
    case 'tls':
      return tlsText(layer);
    default:
      return undefined;
  }
}

function dnsText(dns: DnsMessage): string {
  const { id, questions, answers, authorities, additionals, extension } = dns;
  const [question] = questions;
  const asked = question === undefined ? '' : ` ${question.type}? ${question.name === '.' ? '.' : `${question.name}.`}`;
  if (!dns.response) {
    const more = extension === undefined ? '' : ' [1au]';
    const counts = answers.length > 0 || authorities.length > 0 ? ` [${answers.length}a] [${authorities.length}n]` : '';
    return `${id}${dns.recursionDesired ? '+' : ''}${dns.authenticData ? '$' : ''}${counts}${more}${asked}`;
  }
  const code = dns.responseCode + 16 * (extension?.extendedResponseCode ?? 0);
  const marks = `${dns.authoritative ? '*' : ''}${dns.recursionAvailable ? '' : '-'}${dns.truncated ? '|' : ''}`;
  const all = additionals.length + (extension === undefined ? 0 : 1);
  const records = answers.map((record) => ` ${recordText(record)}`).join(',');
  return `${id}${code === 0 ? '' : ` ${dnsResponseName(code)}`}${marks} ${answers.length}/${authorities.length}/${all}${records}`;
}

function recordText({ name: _name, type, class: _class, ttl: _ttl, cacheFlush: _flush, ...data }: DnsRecord): string {
  return `${type} ${dnsDataText(type, data)}`;
}

const DHCP_TYPES = ['', 'Discover', 'Offer', 'Request', 'Decline', 'ACK', 'NAK', 'Release', 'Inform'];

function dhcpText({ operation, clientHardware, options, yourAddress }: DhcpMessage): string {
  const type = options?.find(({ code }) => code === 53)?.number;
  const name = type === undefined ? '' : ` ${DHCP_TYPES[type] ?? `type ${type}`}`;
  const given = yourAddress === '0.0.0.0' ? '' : `, ${yourAddress}`;
  const what = operation === 1 ? 'Request' : operation === 2 ? 'Reply' : `op ${operation}`;
  return `BOOTP/DHCP, ${what}${operation === 1 ? ` from ${clientHardware}` : given}${name === '' ? '' : `, DHCP${name}`}`;
}

const DHCPV6_TYPES = [
  '',
  'solicit',
  'advertise',
  'request',
  'confirm',
  'renew',
  'rebind',
  'reply',
  'release',
  'decline',
  'reconfigure',
  'inf-req',
  'relay-fwd',
  'relay-reply',
];

function dhcpv6Text({ messageType, transactionId, linkAddress }: Dhcpv6Message): string {
  const name = DHCPV6_TYPES[messageType] ?? `type ${messageType}`;
  return transactionId === undefined
    ? `dhcp6 ${name} link ${linkAddress}`
    : `dhcp6 ${name} (xid=${transactionId.toString(16)})`;
}

const NTP_MODES = [
  'unspecified',
  'symmetric active',
  'symmetric passive',
  'Client',
  'Server',
  'Broadcast',
  'Control',
  'Private',
];

function ntpText({ version, mode, stratum }: NtpMessage): string {
  return `NTPv${version}, ${NTP_MODES[mode]}${stratum === undefined || mode === 3 ? '' : `, stratum ${stratum}`}`;
}

function quicText({ packetType, version, destinationConnectionId, sourceConnectionId }: QuicMessage): string {
  const source = sourceConnectionId === '' ? '' : `, scid ${sourceConnectionId}`;
  return `quic, ${packetType}, v${version.toString(16)}, dcid ${destinationConnectionId}${source}`;
}

function httpText(http: HttpMessage): string {
  if (http.method === undefined) return `HTTP: ${http.version} ${http.statusCode} ${http.reason}`;
  return `HTTP: ${http.method} ${http.target} ${http.version}`;
}

const RECORD_TYPES: Readonly<Record<number, string>> = {
  20: 'change cipher spec',
  21: 'alert',
  22: 'handshake',
  23: 'application data',
};

function tlsText({ records, clientHello, serverHello }: TlsMessage): string {
  const hello = clientHello ?? serverHello;
  if (hello === undefined) {
    const kinds = records.map(({ contentType }) => RECORD_TYPES[contentType]);
    return `TLS: ${kinds.filter((kind, i) => kind !== kinds[i - 1]).join(', ')}`;
  }
  const versions = hello.supportedVersions?.filter((version) => version <= 0x304) ?? [];
  const version = tlsVersionName(versions.length > 0 ? Math.max(...versions) : hello.version);
  if (clientHello === undefined) return `TLS: ServerHello, ${version}`;
  const name = hello.serverName === undefined ? '' : `, ${hello.serverName}`;
  return `TLS: ClientHello, ${version}${name}${hello.alpn === undefined ? '' : `, ALPN ${hello.alpn.join(' ')}`}`;
}
