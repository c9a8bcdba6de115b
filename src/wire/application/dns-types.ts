/** Names of DNS numbers (IANA), both ways; what has no name here is written as RFC 3597 section 5 has it. */

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  10: 'NULL',
  12: 'PTR',
  13: 'HINFO',
  15: 'MX',
  16: 'TXT',
  17: 'RP',
  18: 'AFSDB',
  24: 'SIG',
  25: 'KEY',
  28: 'AAAA',
  29: 'LOC',
  33: 'SRV',
  35: 'NAPTR',
  36: 'KX',
  37: 'CERT',
  39: 'DNAME',
  41: 'OPT',
  42: 'APL',
  43: 'DS',
  44: 'SSHFP',
  45: 'IPSECKEY',
  46: 'RRSIG',
  47: 'NSEC',
  48: 'DNSKEY',
  49: 'DHCID',
  50: 'NSEC3',
  51: 'NSEC3PARAM',
  52: 'TLSA',
  53: 'SMIMEA',
  55: 'HIP',
  59: 'CDS',
  60: 'CDNSKEY',
  61: 'OPENPGPKEY',
  62: 'CSYNC',
  63: 'ZONEMD',
  64: 'SVCB',
  65: 'HTTPS',
  99: 'SPF',
  108: 'EUI48',
  109: 'EUI64',
  249: 'TKEY',
  250: 'TSIG',
  251: 'IXFR',
  252: 'AXFR',
  255: 'ANY',
  256: 'URI',
  257: 'CAA',
  32768: 'TA',
  32769: 'DLV',
};

const CLASSES: Readonly<Record<number, string>> = { 1: 'IN', 3: 'CH', 4: 'HS', 254: 'NONE', 255: 'ANY' };

const RESPONSE_CODES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
  11: 'DSOTYPENI',
  16: 'BADVERS',
  17: 'BADKEY',
  18: 'BADTIME',
  19: 'BADMODE',
  20: 'BADNAME',
  21: 'BADALG',
  22: 'BADTRUNC',
  23: 'BADCOOKIE',
};

const TYPE_NUMBERS = new Map(Object.entries(TYPES).map(([number, name]) => [name, Number(number)]));
const CLASS_NUMBERS = new Map(Object.entries(CLASSES).map(([number, name]) => [name, Number(number)]));

/** `A`, or `TYPE4711`. */
export const dnsTypeName = (number: number): string => TYPES[number] ?? `TYPE${number}`;
/** `IN`, or `CLASS4711`. */
export const dnsClassName = (number: number): string => CLASSES[number] ?? `CLASS${number}`;
/** `NXDOMAIN`, or `RCODE4711`. */
export const dnsResponseName = (number: number): string => RESPONSE_CODES[number] ?? `RCODE${number}`;

/** @throws RangeError for a name that is none */
export function dnsTypeNumber(name: string): number {
  return numberOf(name, TYPE_NUMBERS, 'TYPE');
}

/** @throws RangeError for a name that is none */
export function dnsClassNumber(name: string): number {
  return numberOf(name, CLASS_NUMBERS, 'CLASS');
}

function numberOf(name: string, names: ReadonlyMap<string, number>, prefix: string): number {
  const known = names.get(name.toUpperCase());
  if (known !== undefined) return known;
  const number = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
  if (!(number >= 0 && number <= 0xffff)) throw new RangeError(`no DNS ${prefix.toLowerCase()} '${name}'`);
  return number;
}
