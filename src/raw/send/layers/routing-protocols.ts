/** What routers say to each other: OSPF and VRRP. */
import { IPProtocol } from '../../../wire/numbers.js';
import { encodeOspf, type OspfFields } from '../../../wire/ospf.js';
import { encodeVrrp, type VrrpFields } from '../../../wire/vrrp.js';
import { address } from '../kinds/addresses.js';
import { hexText } from '../kinds/bytes.js';
import { computedUnlessGiven } from '../kinds/kind.js';
import { number, unsigned } from '../kinds/numbers.js';
import { listOf, record } from '../kinds/structures.js';
import { field, filled, type Given, given, joined, type LayerSpec, type Place } from './spec.js';

const NONE = '0.0.0.0';
const checksum = () => field(computedUnlessGiven(unsigned(16)), ['chksum', 'sum', 'cksum'], 'computed');

const hello = record('hello', {
  networkMask: field(address('ipv4'), ['mask']),
  interfaceId: field(unsigned(32), ['interface']),
  helloInterval: field(unsigned(16), ['interval']),
  routerDeadInterval: field(unsigned(32), ['dead']),
  options: field(unsigned(24)),
  priority: field(unsigned(8), ['prio']),
  designatedRouter: field(address('ipv4'), ['dr', 'router']),
  backupDesignatedRouter: field(address('ipv4'), ['bdr', 'backup']),
  neighbors: field(listOf(address('ipv4')), ['neighbours']),
});

/** RFC 2328 appendix C.3. */
const HELLO = {
  helloInterval: 10,
  routerDeadInterval: 40,
  options: 2,
  priority: 1,
  designatedRouter: NONE,
  backupDesignatedRouter: NONE,
  neighbors: [],
};
const HELLO_TYPE = 1;

export const ospf: LayerSpec = {
  protocol: 'ospf',
  names: ['ospf'],
  fields: {
    version: field(number(2, 3), ['ver'], '2, over IPv6 3'),
    ospfType: field(
      unsigned(8, { names: { hello: 1, description: 2, request: 3, update: 4, acknowledgment: 5 } }),
      ['type'],
      'hello',
    ),
    routerId: field(address('ipv4'), ['router', 'src'], 'the IPv4 source, or 0.0.0.0'),
    areaId: field(address('ipv4'), ['area'], NONE),
    authenticationType: field(unsigned(16, { names: { none: 0, password: 1, cryptographic: 2 } }), ['authtype']),
    authentication: field(hexText({ length: 8 }), ['auth']),
    instanceId: field(unsigned(8), ['instance']),
    hello: field(hello, [], 'that of RFC 2328, appendix C.3'),
    length: field(computedUnlessGiven(unsigned(16)), ['len'], 'computed'),
    checksum: checksum(),
  },
  numbers: () => ({ ipProtocol: IPProtocol.ospf }),
  towards: (_, family) => ({ destination: family === 'ipv4' ? '224.0.0.5' : 'ff02::5', hopLimit: 1 }),
  complete: completeOspf,
  encode: (fields: OspfFields, inner, place) =>
    encodeOspf(fields, inner, place.family === 'ipv6' ? place.addresses : undefined),
};

function completeOspf(fields: Given, place: Place): Given {
  const version = given<number>(fields, 'version') ?? (place.family === 'ipv6' ? 3 : 2);
  const ospfType = given<number>(fields, 'ospfType') ?? HELLO_TYPE;
  const routerId = place.family === 'ipv4' ? place.network?.fields.source : NONE;
  const own = version === 2 ? { authenticationType: 0, authentication: '00'.repeat(8) } : { instanceId: 0 };
  const complete = filled(fields, { version, ospfType, routerId, areaId: NONE, ...own });
  if (ospfType !== HELLO_TYPE || (place.inner !== undefined && given(fields, 'hello') === undefined)) return complete;
  const extra = version === 2 ? { networkMask: '255.255.255.0' } : { interfaceId: 0 };
  const said = given<Given>(fields, 'hello') ?? {};
  const limits = version === 2 ? { options: 0xff } : { routerDeadInterval: 0xffff };
  for (const [name, most] of Object.entries(limits)) {
    if (Number(said[name] ?? 0) > most) throw place.fault(`${name} of version ${version} is at most ${most}`);
  }
  return { ...complete, hello: { ...HELLO, ...extra, ...said } };
}

export const vrrp: LayerSpec = {
  protocol: 'vrrp',
  names: ['vrrp'],
  fields: {
    version: field(number(2, 3), ['ver'], '3'),
    vrrpType: field(number(0, 15), ['type'], '1'),
    routerId: field(unsigned(8), ['vrid'], '1'),
    priority: field(unsigned(8), ['prio'], '100'),
    interval: field(number(0, 4095), ['adv'], '100, in version 2 1'),
    addresses: field(listOf(address('either'), 255), ['address']),
    authenticationType: field(unsigned(8), ['authtype']),
    authentication: field(hexText({ length: 8 }), ['auth']),
    checksum: checksum(),
  },
  numbers: () => ({ ipProtocol: IPProtocol.vrrp }),
  towards: (_, family) => ({ destination: family === 'ipv4' ? '224.0.0.18' : 'ff02::12', hopLimit: 255 }),
  complete: (fields, place) => {
    const version = given<number>(fields, 'version') ?? 3;
    const own = version === 2 ? { authenticationType: 0, authentication: '00'.repeat(8) } : {};
    const complete = filled(fields, {
      version,
      vrrpType: 1,
      routerId: 1,
      priority: 100,
      interval: version === 2 ? 1 : 100,
      addresses: [],
      ...own,
    });
    if (version === 2 && (complete.interval as number) > 255)
      throw place.fault('an interval of version 2 is at most 255');
    const six = place.family === 'ipv6';
    for (const one of complete.addresses as readonly string[]) {
      if (one.includes(':') !== six) throw place.fault(`${one} is not of the family that carries it`);
    }
    return complete;
  },
  encode: (fields: VrrpFields, inner, place) => joined(encodeVrrp(fields, place.addresses), inner),
};
