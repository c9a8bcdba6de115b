/** What bridges say: the spanning tree and LLDP. */

import { LlcSap } from '../../../wire/llc.js';
import { encodeLldp, type LldpMessage, type LldpTlv } from '../../../wire/lldp.js';
import { EtherType } from '../../../wire/numbers.js';
import { BpduType, encodeStp, type StpMessage } from '../../../wire/stp.js';
import { hardware } from '../kinds/addresses.js';
import { hexText, text } from '../kinds/bytes.js';
import type { Field } from '../kinds/fields.js';
import { decimal, number, unsigned } from '../kinds/numbers.js';
import { listOf, record, type Variant, variants } from '../kinds/structures.js';
import { field, filled, given, joined, type LayerSpec, type Place } from './spec.js';

const bridge = (owner: string) =>
  record(
    owner,
    {
      priority: field(number(0, 0xf000, { multipleOf: 0x1000 })),
      systemId: field(unsigned(12), ['vlan']),
      address: field(hardware()),
    },
    { positional: 'address' },
  );

/** The largest number of 256ths in 16 bits. */
const seconds = () => decimal(0, 0xffff / 256);

export const stp: LayerSpec = {
  protocol: 'stp',
  names: ['stp', 'bpdu'],
  fields: {
    version: field(unsigned(8, { names: { stp: 0, rstp: 2, mstp: 3 } }), ['proto']),
    bpduType: field(
      unsigned(8, { names: { configuration: 0, rapid: 2, 'topology-change': BpduType.topologyChange } }),
      ['type'],
      'by the version',
    ),
    flags: field(unsigned(8)),
    root: field(bridge('root'), ['rootid'], 'priority 32768 and the source of the frame'),
    rootPathCost: field(unsigned(32), ['cost', 'pathcost']),
    bridge: field(bridge('bridge'), ['bridgeid'], 'as the root'),
    port: field(unsigned(16), ['portid'], '0x8001'),
    messageAge: field(seconds(), ['age']),
    maxAge: field(seconds(), [], '20'),
    helloTime: field(seconds(), ['hello'], '2'),
    forwardDelay: field(seconds(), ['delay'], '15'),
    version1Length: field(unsigned(8)),
    multiple: field(hexText()),
  },
  numbers: () => ({ llcSap: LlcSap.stp }),
  complete: completeStp,
  encode: (fields: StpMessage, inner) => joined(encodeStp(fields), inner),
};

function completeStp(fields: Readonly<Record<string, unknown>>, place: Place) {
  const version = given<number>(fields, 'version') ?? 0;
  const bpduType = given<number>(fields, 'bpduType') ?? (version < 2 ? BpduType.configuration : BpduType.rapid);
  if (bpduType === BpduType.topologyChange) return filled(fields, { version, bpduType });
  const own = {
    priority: 0x8000,
    systemId: 0,
    address: place.outer('ethernet')?.fields.source ?? '00:00:00:00:00:00',
  };
  const root = { ...own, ...given<object>(fields, 'root') };
  return {
    ...filled(fields, {
      version,
      bpduType,
      flags: 0,
      rootPathCost: 0,
      port: 0x8001,
      messageAge: 0,
      maxAge: 20,
      helloTime: 2,
      forwardDelay: 15,
      version1Length: version < 2 ? undefined : 0,
    }),
    root,
    bridge: { ...own, ...given<object>(fields, 'bridge') },
  };
}

/** Nine bits of length. */
const MAX_TLV = 511;
const make =
  (type: number, fixed: Partial<LldpTlv> = {}) =>
  (fields: object) => ({ type, ...fixed, ...fields });
const texts = (type: number): Variant => ({
  fields: { value: field(text(MAX_TLV)) },
  positional: 'value',
  make: make(type),
});
const value = (kind: Field['kind']): Pick<Variant, 'fields' | 'positional'> => ({
  fields: { value: field(kind) },
  positional: 'value',
});

const tlv = variants('element of LLDP', {
  'chassis-address': { ...value(hardware()), aliases: ['chassis'], make: make(1, { subtype: 4 }) },
  'chassis-name': { ...value(text(255)), make: make(1, { subtype: 7 }) },
  'port-address': { ...value(hardware()), make: make(2, { subtype: 3 }) },
  'port-name': { ...value(text(255)), aliases: ['port'], make: make(2, { subtype: 5 }) },
  ttl: { fields: { ttl: field(unsigned(16)) }, positional: 'ttl', make: make(3, { ttl: 120 }) },
  'port-description': texts(4),
  'system-name': texts(5),
  'system-description': texts(6),
  capabilities: {
    fields: { capabilities: field(unsigned(16)), enabled: field(unsigned(16)) },
    make: make(7, { capabilities: 0, enabled: 0 }),
  },
  organization: {
    fields: {
      organization: field(unsigned(24), ['oui']),
      subtype: field(unsigned(8)),
      data: field(hexText({ max: MAX_TLV - 4 })),
    },
    make: make(127, { organization: 0, subtype: 0, data: '' }),
  },
  tlv: {
    fields: { type: field(number(0, 127)), data: field(hexText({ max: MAX_TLV })) },
    make: (fields) => ({ type: 0, ...fields }),
  },
  end: { make: make(0) },
});

export const lldp: LayerSpec = {
  protocol: 'lldp',
  names: ['lldp'],
  fields: { tlvs: field(listOf(tlv), ['tlv'], 'the source of the frame, port 1 and 120 seconds') },
  positional: 'tlvs',
  numbers: () => ({ etherType: EtherType.lldp }),
  complete: (fields, place) => {
    const chassis = place.outer('ethernet')?.fields.source;
    const tlvs = given<readonly LldpTlv[]>(fields, 'tlvs') ?? [
      { type: 1, subtype: 4, value: chassis ?? '00:00:00:00:00:00' },
      { type: 2, subtype: 5, value: '1' },
      { type: 3, ttl: 120 },
    ];
    return { tlvs: tlvs.at(-1)?.type === 0 ? tlvs : [...tlvs, { type: 0 }] };
  },
  encode: (fields: LldpMessage, inner) => joined(encodeLldp(fields), inner),
};
