/** NTP, and the head of HTTP. */
import { encodeHttp, type HttpMessage } from '../../../wire/application/http.js';
import { encodeNtp, type NtpMessage } from '../../../wire/application/ntp.js';
import { hexText, text } from '../kinds/bytes.js';
import { decimal, number, unsigned } from '../kinds/numbers.js';
import { listOf, record } from '../kinds/structures.js';
import { field, filled, given, joined, type LayerSpec } from './spec.js';

const NTP_PORT = 123;
const HTTP_PORT = 80;

const MODES = { active: 1, passive: 2, client: 3, server: 4, broadcast: 5, control: 6, private: 7 };
const timestamp = (...aliases: string[]) => field(hexText({ length: 8 }), aliases);

export const ntp: LayerSpec = {
  protocol: 'ntp',
  names: ['ntp'],
  fields: {
    leap: field(number(0, 3)),
    version: field(number(0, 7), ['ver'], '4'),
    mode: field(number(0, 7, { names: MODES }), [], 'client'),
    stratum: field(unsigned(8)),
    poll: field(number(-128, 127)),
    precision: field(number(-128, 127)),
    rootDelay: field(decimal(-32_768, 32_767.9999), ['delay']),
    rootDispersion: field(decimal(0, 65_535.9999), ['dispersion']),
    referenceId: field(text(15), ['refid', 'id']),
    referenceTime: timestamp('ref'),
    originateTime: timestamp('orig'),
    receiveTime: timestamp('recv'),
    transmitTime: timestamp('sent', 'xmt'),
  },
  numbers: () => ({ udp: { sourcePort: NTP_PORT, destinationPort: NTP_PORT } }),
  complete: (fields, place) => {
    const mode = given<number>(fields, 'mode') ?? MODES.client;
    const head = { leap: 0, version: 4, mode };
    // Of control and private messages only the first byte is one of NTP's own.
    if (mode < 1 || mode > 5) return filled(fields, head);
    const stratum = given<number>(fields, 'stratum') ?? 0;
    const id = given<string>(fields, 'referenceId');
    if (id !== undefined && stratum >= 2 && !/^\d+(\.\d+){3}$/.test(id)) {
      throw place.fault('the reference of stratum 2 and above is an IPv4 address', 'write referenceId=192.0.2.1');
    }
    if (id !== undefined && stratum < 2 && id.length > 4) {
      throw place.fault('the reference of stratum 0 and 1 has at most four characters', 'write referenceId=GPS');
    }
    return filled(fields, { ...head, stratum, poll: 0, precision: 0, referenceId: stratum < 2 ? '' : '0.0.0.0' });
  },
  encode: (fields: NtpMessage, inner) => joined(encodeNtp(fields), inner),
};

const header = record(
  'header',
  { name: field(text(0xffff)), value: field(text(0xffff)) },
  { complete: (fields) => ({ name: '', value: '', ...fields }) },
);

export const http: LayerSpec = {
  protocol: 'http',
  names: ['http'],
  fields: {
    method: field(text(64), [], 'GET'),
    target: field(text(0xffff), ['path', 'uri'], '/'),
    version: field(text(16), [], 'HTTP/1.1'),
    statusCode: field(number(100, 999), ['status'], 'none: a request'),
    reason: field(text(255)),
    headers: field(listOf(header), ['header'], 'none'),
  },
  numbers: (fields) => ({
    tcp: given(fields, 'statusCode') === undefined ? { destinationPort: HTTP_PORT } : { sourcePort: HTTP_PORT },
  }),
  complete: (fields) => {
    const response = given(fields, 'statusCode') !== undefined;
    const line = response ? { reason: '' } : { method: 'GET', target: '/' };
    return filled(fields, { ...line, version: 'HTTP/1.1', headers: [] });
  },
  encode: (fields: HttpMessage, inner) => joined(encodeHttp(fields), inner),
};
