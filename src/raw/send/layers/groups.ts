/** IGMP, and the records that it shares with listeners of IPv6. */
import type { IPFamily } from '../../../sockaddr/ip.js';
import { compressCode, expandCode } from '../../../wire/float-code.js';
import { encodeIgmp, type IgmpFields, IgmpType } from '../../../wire/igmp.js';
import { IPProtocol } from '../../../wire/numbers.js';
import { address } from '../kinds/addresses.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { boolean, number, unsigned } from '../kinds/numbers.js';
import { listOf, type Variant, variants } from '../kinds/structures.js';
import { field, filled, type Given, given, joined, type LayerSpec, type Place, type Towards } from './spec.js';

/** RFC 3376 section 4.2.12. */
const RECORDS = { include: 1, exclude: 2, 'to-include': 3, 'to-exclude': 4, allow: 5, block: 6 };

/** `exclude=224.1.1.1`, `allow(group=224.1.1.1,sources=(192.0.2.1))`. */
export function groupRecord(family: IPFamily): ReturnType<typeof variants> {
  const common = { group: field(address(family)), sources: field(listOf(address(family))) };
  const none = family === 'ipv4' ? '0.0.0.0' : '::';
  const table: Record<string, Variant> = {};
  for (const [name, recordType] of Object.entries(RECORDS)) {
    table[name] = {
      fields: common,
      positional: 'group',
      make: (fields) => ({ recordType, group: none, sources: [], ...fields }),
    };
  }
  table.record = {
    fields: { type: field(unsigned(8)), ...common },
    make: ({ type: recordType = 0, ...fields }) => ({ recordType, group: none, sources: [], ...fields }),
  };
  return variants('record of a group', table);
}

const { query, reportV1, reportV2, leave, reportV3 } = IgmpType;
const TYPES = { query, 'report-v1': reportV1, report: reportV2, 'report-v2': reportV2, leave, 'report-v3': reportV3 };
const QUERY_V3 = ['suppress', 'robustness', 'queryInterval', 'sources'];

const typeOf = (fields: Given): number =>
  given<number>(fields, 'igmpType') ?? (given(fields, 'records') === undefined ? query : reportV3);

export const igmp: LayerSpec = {
  protocol: 'igmp',
  names: ['igmp'],
  fields: {
    igmpType: field(unsigned(8, { names: TYPES }), ['type'], 'query, or report-v3 with records'),
    version: field(number(1, 3), [], 'by the other fields'),
    maxResponseTime: field(
      number(0, 31_744, { unit: 'tenths of a second' }),
      ['mrt', 'maxresp', 'mrcode'],
      '100 in queries',
    ),
    checksum: field(computedUnlessGiven(unsigned(16)), ['chksum', 'sum', 'cksum'], 'computed'),
    group: field(address('ipv4'), ['gaddr'], '0.0.0.0'),
    suppress: field(boolean, ['s']),
    robustness: field(number(0, 7), ['qrv'], '2'),
    queryInterval: field(number(0, 31_744, { unit: 'seconds' }), ['qqi'], '125'),
    sources: field(listOf(address('ipv4'))),
    records: field(listOf(groupRecord('ipv4')), ['record']),
  },
  numbers: () => ({ ipProtocol: IPProtocol.igmp }),
  towards: towardsGroup,
  complete: completeIgmp,
  encode: ({ version: _, ...fields }: IgmpFields & { readonly version?: number }, inner) =>
    joined(encodeIgmp(fields), inner),
};

/** RFC 2236 section 9, RFC 3376 sections 4.1.12 and 4.2.14. */
function towardsGroup(fields: Given): Towards | undefined {
  const group = given<string>(fields, 'group') ?? '0.0.0.0';
  switch (typeOf(fields)) {
    case query:
      return { destination: group === '0.0.0.0' ? '224.0.0.1' : group, hopLimit: 1 };
    case leave:
      return { destination: '224.0.0.2', hopLimit: 1 };
    case reportV3:
      return { destination: '224.0.0.22', hopLimit: 1 };
    case reportV1:
    case reportV2:
      return group === '0.0.0.0' ? { hopLimit: 1 } : { destination: group, hopLimit: 1 };
    default:
      return undefined;
  }
}

function completeIgmp(fields: Given, place: Place): Given {
  const igmpType = typeOf(fields);
  const asked = given<number>(fields, 'version');
  if (igmpType !== query) {
    if (igmpType !== reportV3 && (given<number>(fields, 'maxResponseTime') ?? 0) > 255) {
      throw place.fault('a response time above 255 tenths is for queries of version 3');
    }
    return filled(fields, { igmpType, maxResponseTime: 0 });
  }
  const third = asked === 3 || QUERY_V3.some((name) => given(fields, name) !== undefined);
  if (third && asked !== undefined && asked < 3) throw place.fault(`version ${asked} of IGMP has no sources`);
  const maxResponseTime = given<number>(fields, 'maxResponseTime') ?? (asked === 1 ? 0 : 100);
  if (third) {
    const complete = filled(fields, {
      igmpType,
      maxResponseTime,
      suppress: false,
      robustness: 2,
      queryInterval: 125,
      sources: [],
    });
    checkCode(complete, 'maxResponseTime', 8, place);
    checkCode(complete, 'queryInterval', 8, place);
    return complete;
  }
  if (maxResponseTime > 255)
    throw place.fault(`a response time of ${maxResponseTime} tenths is above 255`, 'version=3 can say it');
  return filled(fields, { igmpType, maxResponseTime });
}

/**
 * Long times have few digits on the wire (float-code.ts); one that can't be said is no other one.
 *
 * @throws PacketExpressionError naming the next one
 */
export function checkCode(fields: Given, name: string, width: 8 | 16, place: Place): void {
  const value = fields[name] as number;
  const next = expandCode(compressCode(value, width), width);
  if (next !== value) throw place.fault(`${name}=${value} can't be said on the wire`, `the next one is ${next}`);
}
