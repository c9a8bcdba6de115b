/** PPP over Ethernet, PPP, and its control protocols. */
import { EtherType } from '../../../wire/numbers.js';
import { encodePpp, encodePppControl, type PppControlFields, type PppMessage, PppProtocol } from '../../../wire/ppp.js';
import { encodePppoe, type PppoeFields } from '../../../wire/pppoe.js';
import { hexText } from '../kinds/bytes.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, record, type Variant, variants } from '../kinds/structures.js';
import { numberOfInner } from './numbers.js';
import { field, filled, type Given, given, headed, joined, type LayerSpec } from './spec.js';

const CODES = { session: 0, padi: 0x09, pado: 0x07, padr: 0x19, pads: 0x65, padt: 0xa7 };
const tag = (type: number): Variant => ({
  fields: { data: field(hexText()) },
  positional: 'data',
  make: (fields) => ({ type, data: '', ...fields }),
});

/** RFC 2516 appendix A. */
const pppoeTag = variants('tag of PPPoE', {
  'service-name': tag(0x0101),
  'ac-name': tag(0x0102),
  'host-uniq': tag(0x0103),
  'ac-cookie': tag(0x0104),
  'relay-session-id': tag(0x0110),
  'service-name-error': tag(0x0201),
  'ac-system-error': tag(0x0202),
  'generic-error': tag(0x0203),
  'end-of-list': { make: () => ({ type: 0, data: '' }) },
  tag: {
    fields: { type: field(unsigned(16)), data: field(hexText()) },
    make: (fields) => ({ type: 0, data: '', ...fields }),
  },
});

/** Discovery, but for a session: what carries it says which. */
const codeOf = (fields: Given): number =>
  given<number>(fields, 'code') ?? (given(fields, 'tags') === undefined ? CODES.session : CODES.padi);

export const pppoe: LayerSpec = {
  protocol: 'pppoe',
  names: ['pppoe', 'pppoed'],
  fields: {
    code: field(unsigned(8, { names: CODES }), [], 'session, or padi with tags'),
    sessionId: field(unsigned(16), ['session', 'sid']),
    tags: field(listOf(pppoeTag), ['tag']),
    version: field(number(0, 15), ['ver'], '1'),
    pppoeType: field(number(0, 15), ['type'], '1'),
    payloadLength: field(computedUnlessGiven(unsigned(16)), ['length', 'len'], 'computed'),
  },
  numbers: (fields) => ({
    etherType: codeOf(fields) === CODES.session ? EtherType.pppoeSession : EtherType.pppoeDiscovery,
  }),
  complete: (fields) => {
    const code = codeOf(fields);
    const tags = code === CODES.session ? undefined : [];
    return filled(fields, { code, sessionId: 0, version: 1, pppoeType: 1, tags });
  },
  encode: (fields: PppoeFields, inner) => {
    // Tags may take more than a header does.
    const into = new Uint8Array(6 + (fields.tags ?? []).reduce((sum, { data }) => sum + 4 + data.length / 2, 0));
    encodePppoe(fields, into, 0, inner.length);
    return joined(into, inner);
  },
};

const PROTOCOLS = {
  ip: PppProtocol.ipv4,
  ip6: PppProtocol.ipv6,
  ipcp: PppProtocol.ipcp,
  ipv6cp: PppProtocol.ipv6cp,
  lcp: PppProtocol.lcp,
  pap: PppProtocol.pap,
  chap: PppProtocol.chap,
  mpls: PppProtocol.mpls,
};

/** What GRE calls it (RFC 2637 section 4.1). */
const ETHER_TYPE_PPP = 0x880b;

export const ppp: LayerSpec = {
  protocol: 'ppp',
  names: ['ppp'],
  fields: {
    protocolId: field(unsigned(16, { names: PROTOCOLS }), ['protocol', 'proto'], 'by what follows'),
    framed: field(boolean),
    compressed: field(boolean),
  },
  numbers: () => ({ etherType: ETHER_TYPE_PPP }),
  complete: (fields, place) => {
    const protocolId = given<number>(fields, 'protocolId') ?? numberOfInner(place, 'pppProtocol', 'protocol', '0x0021');
    const complete = filled(fields, { protocolId, framed: false, compressed: false });
    if (complete.compressed === true && (protocolId > 255 || protocolId % 2 === 0)) {
      throw place.fault(
        `protocol 0x${protocolId.toString(16)} has no compressed form`,
        'it is of odd numbers below 256',
      );
    }
    return complete;
  },
  encode: (fields: PppMessage, inner) => headed(inner, (into) => encodePpp(fields, into)),
};

const CONTROL_CODES = {
  'configure-request': 1,
  'configure-ack': 2,
  'configure-nak': 3,
  'configure-reject': 4,
  'terminate-request': 5,
  'terminate-ack': 6,
  'code-reject': 7,
  'protocol-reject': 8,
  'echo-request': 9,
  'echo-reply': 10,
  'discard-request': 11,
};
const PAP_CODES = { 'authenticate-request': 1, 'authenticate-ack': 2, 'authenticate-nak': 3 };
const CHAP_CODES = { challenge: 1, response: 2, success: 3, failure: 4 };

const controlOption = record(
  'option',
  { type: field(unsigned(8)), data: field(hexText({ max: 253 })) },
  { complete: (fields) => ({ type: 0, data: '', ...fields }) },
);

type ControlProtocol = 'lcp' | 'ipcp' | 'ipv6cp' | 'pap' | 'chap';

function control(protocol: ControlProtocol, codes: Readonly<Record<string, number>>): LayerSpec {
  const configures = codes === CONTROL_CODES;
  return {
    protocol,
    names: [protocol],
    fields: {
      code: field(unsigned(8, { names: codes }), [], '1'),
      identifier: field(unsigned(8), ['id']),
      length: field(computedUnlessGiven(unsigned(16)), ['len'], 'computed'),
      ...(configures ? { options: field(listOf(controlOption), ['option']) } : {}),
      data: field(hexText()),
    },
    numbers: () => ({ pppProtocol: PppProtocol[protocol] }),
    complete: (fields) => {
      const code = given<number>(fields, 'code') ?? 1;
      const options = configures && code <= 4 && given(fields, 'data') === undefined ? [] : undefined;
      return filled(fields, { code, identifier: 0, options });
    },
    encode: (fields: PppControlFields, inner) => joined(encodePppControl(fields), inner),
  };
}

export const lcp = control('lcp', CONTROL_CODES);
export const ipcp = control('ipcp', CONTROL_CODES);
export const ipv6cp = control('ipv6cp', CONTROL_CODES);
export const pap = control('pap', PAP_CODES);
export const chap = control('chap', CHAP_CODES);
