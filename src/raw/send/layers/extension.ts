/** Extension headers of IPv6, and ESP. */
import { type EspMessage, encodeEsp } from '../../../wire/esp.js';
import { type ExtensionFields, encodeExtension } from '../../../wire/ipv6-extension.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { address } from '../kinds/addresses.js';
import { hexText } from '../kinds/bytes.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, variants } from '../kinds/structures.js';
import { numberOfInner, PROTOCOLS } from './numbers.js';
import { field, filled, type Given, given, headed, type LayerSpec, type Place } from './spec.js';

const nextHeader = () => field(unsigned(8, { names: PROTOCOLS }), ['nh', 'protocol', 'proto'], 'by what follows');
const length = (unit: number, most: number) =>
  field(computedUnlessGiven(number(unit, most, { multipleOf: unit, unit: 'bytes' })), ['len'], 'computed');

const next = (fields: Given, place: Place): number =>
  given<number>(fields, 'nextHeader') ??
  numberOfInner(place, 'ipProtocol', 'nextHeader', '253', IPProtocol.noNextHeader);

const ipv6Option = variants('option of IPv6', {
  pad1: { make: () => ({ kind: 'pad1' }) },
  padn: {
    fields: { length: field(unsigned(8)) },
    positional: 'length',
    make: (fields) => ({ kind: 'padN', length: 0, ...fields }),
  },
  'router-alert': {
    fields: { value: field(unsigned(16, { names: { mld: 0, rsvp: 1 } })) },
    positional: 'value',
    make: (fields) => ({ kind: 'routerAlert', value: 0, ...fields }),
  },
  jumbo: {
    fields: { length: field(unsigned(32)) },
    positional: 'length',
    make: (fields) => ({ kind: 'jumboPayload', length: 0, ...fields }),
  },
  option: {
    fields: { type: field(unsigned(8)), data: field(hexText({ max: 255 })) },
    make: (fields) => ({ kind: 'unknown', type: 0x1e, data: '', ...fields }),
  },
});

function optionsHeader(
  protocol: 'ipv6-hop-by-hop' | 'ipv6-destination',
  names: readonly string[],
  of: number,
): LayerSpec {
  return {
    protocol,
    names,
    fields: { nextHeader: nextHeader(), length: length(8, 2048), options: field(listOf(ipv6Option)) },
    positional: 'options',
    numbers: () => ({ ipProtocol: of }),
    complete: (fields, place) => filled(fields, { nextHeader: next(fields, place), options: [] }),
    encode: (fields: Omit<ExtensionFields, 'protocol'>, inner) =>
      headed(inner, (into) => encodeExtension({ ...fields, protocol } as ExtensionFields, into)),
  };
}

export const hopByHop = optionsHeader('ipv6-hop-by-hop', ['hop-by-hop', 'hbh', 'ipv6-hop-by-hop'], IPProtocol.hopByHop);
export const destination = optionsHeader(
  'ipv6-destination',
  ['destination-options', 'dstopts', 'ipv6-destination'],
  IPProtocol.destinationOptions,
);

const SEGMENTS = 4;

export const routing: LayerSpec = {
  protocol: 'ipv6-routing',
  names: ['routing', 'srh', 'ipv6-routing'],
  fields: {
    nextHeader: nextHeader(),
    length: length(8, 2048),
    routingType: field(
      unsigned(8, { names: { source: 0, mobile: 2, rpl: 3, segments: SEGMENTS } }),
      ['type'],
      'segments',
    ),
    segmentsLeft: field(unsigned(8), ['left', 'segleft'], 'all of them'),
    addresses: field(listOf(address('ipv6'), 127), ['segments']),
    lastEntry: field(unsigned(8), ['last'], 'by the segments'),
    flags: field(unsigned(8)),
    tag: field(unsigned(16)),
    data: field(hexText({ max: 2044 })),
  },
  positional: 'addresses',
  numbers: () => ({ ipProtocol: IPProtocol.routing }),
  complete: (fields, place) => {
    const routingType = given<number>(fields, 'routingType') ?? SEGMENTS;
    const count = given<readonly string[]>(fields, 'addresses')?.length ?? 0;
    const last = Math.max(0, count - 1);
    const common = { nextHeader: next(fields, place), routingType };
    // RFC 8754 section 4.1: the first segment is where the packet goes already.
    if (routingType === SEGMENTS) {
      return filled(fields, { ...common, segmentsLeft: last, lastEntry: last, flags: 0, tag: 0, addresses: [] });
    }
    return filled(fields, { ...common, segmentsLeft: count, addresses: routingType === 3 ? undefined : [] });
  },
  encode: (fields: Omit<ExtensionFields, 'protocol'>, inner) =>
    headed(inner, (into) => encodeExtension({ ...fields, protocol: 'ipv6-routing' } as ExtensionFields, into)),
};

export const fragment: LayerSpec = {
  protocol: 'ipv6-fragment',
  names: ['fragment', 'frag', 'ipv6-fragment'],
  fields: {
    nextHeader: nextHeader(),
    fragmentOffset: field(number(0, 0xfff8, { multipleOf: 8, unit: 'bytes' }), ['offset', 'frag']),
    moreFragments: field(boolean, ['mf', 'm', 'more']),
    identification: field(unsigned(32), ['id'], 'the next one'),
  },
  numbers: () => ({ ipProtocol: IPProtocol.fragment }),
  complete: (fields, place) =>
    filled(fields, {
      nextHeader: next(fields, place),
      fragmentOffset: 0,
      moreFragments: false,
      identification: place.defaults.nextIdentification() >>> 0,
    }),
  encode: (fields: Omit<ExtensionFields, 'protocol'>, inner) =>
    headed(inner, (into) => encodeExtension({ ...fields, protocol: 'ipv6-fragment' } as ExtensionFields, into)),
};

/** In bytes, as of HMAC-SHA-1-96 (RFC 2404). */
const CHECK_LENGTH = 12;

export const authentication: LayerSpec = {
  protocol: 'ah',
  names: ['ah'],
  fields: {
    nextHeader: nextHeader(),
    length: length(4, 1028),
    spi: field(unsigned(32), [], '1'),
    sequence: field(unsigned(32), ['seq'], '1'),
    check: field(hexText({ max: 1016, unit: 4 }), ['icv'], '12 zeros'),
  },
  numbers: () => ({ ipProtocol: IPProtocol.authentication }),
  complete: (fields, place) => {
    const check = given<string>(fields, 'check') ?? '00'.repeat(CHECK_LENGTH);
    // RFC 4302 section 3.3.3.2.1: a multiple of eight bytes over IPv6.
    const unit = place.family === 'ipv6' ? 8 : 4;
    const whole = Math.ceil((CHECK_LENGTH + check.length / 2) / unit) * unit;
    const padded = check.padEnd(2 * (whole - CHECK_LENGTH), '0');
    return {
      ...filled(fields, { nextHeader: next(fields, place), length: whole, spi: 1, sequence: 1 }),
      check: padded,
    };
  },
  encode: ({ length: said, ...fields }: { readonly length: number; readonly check: string }, inner) =>
    headed(inner, (into) => {
      const whole = CHECK_LENGTH + fields.check.length / 2;
      const end = encodeExtension({ ...fields, length: whole, protocol: 'ah' } as never, into);
      into[1] = said / 4 - 2;
      return end;
    }),
};

export const esp: LayerSpec = {
  protocol: 'esp',
  names: ['esp'],
  fields: { spi: field(unsigned(32), [], '1'), sequence: field(unsigned(32), ['seq'], '1') },
  numbers: () => ({ ipProtocol: IPProtocol.esp }),
  complete: (fields) => filled(fields, { spi: 1, sequence: 1 }),
  encode: (fields: EspMessage, inner) => headed(inner, (into) => encodeEsp(fields, into)),
};
