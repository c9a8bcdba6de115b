/** Kinds of frames by their names: bits of IEEE 802.11's frame control, type in 0x0c and subtype in 0xf0 of the first byte. */

const TYPES: Readonly<Record<string, number>> = { mgt: 0x00, management: 0x00, ctl: 0x04, control: 0x04, data: 0x08 };

const MANAGEMENT: Readonly<Record<string, number>> = {
  assocreq: 0x00,
  'assoc-req': 0x00,
  assocresp: 0x10,
  'assoc-resp': 0x10,
  reassocreq: 0x20,
  'reassoc-req': 0x20,
  reassocresp: 0x30,
  'reassoc-resp': 0x30,
  probereq: 0x40,
  'probe-req': 0x40,
  proberesp: 0x50,
  'probe-resp': 0x50,
  beacon: 0x80,
  atim: 0x90,
  disassoc: 0xa0,
  disassociation: 0xa0,
  auth: 0xb0,
  authentication: 0xb0,
  deauth: 0xc0,
  deauthentication: 0xc0,
};

const CONTROL: Readonly<Record<string, number>> = {
  'ps-poll': 0xa0,
  rts: 0xb0,
  cts: 0xc0,
  ack: 0xd0,
  'cf-end': 0xe0,
  'cf-end-ack': 0xf0,
};

const DATA: Readonly<Record<string, number>> = {
  data: 0x00,
  'data-cf-ack': 0x10,
  'data-cf-poll': 0x20,
  'data-cf-ack-poll': 0x30,
  null: 0x40,
  'cf-ack': 0x50,
  'cf-poll': 0x60,
  'cf-ack-poll': 0x70,
  'qos-data': 0x80,
  'qos-data-cf-ack': 0x90,
  'qos-data-cf-poll': 0xa0,
  'qos-data-cf-ack-poll': 0xb0,
  qos: 0xc0,
  'qos-cf-poll': 0xe0,
  'qos-cf-ack-poll': 0xf0,
};

const SUBTYPES: readonly (readonly [number, Readonly<Record<string, number>>])[] = [
  [0x00, MANAGEMENT],
  [0x04, CONTROL],
  [0x08, DATA],
];

const DIRECTIONS: Readonly<Record<string, number>> = { nods: 0x00, tods: 0x01, fromds: 0x02, dstods: 0x03 };

const lookUp = (table: Readonly<Record<string, number>>, name: string): number | undefined => {
  const key = name.toLowerCase();
  return Object.hasOwn(table, key) ? table[key] : undefined;
};

/** The bits of a type, by name or as they are; undefined for what is none. */
export function frameType(name: string | number): number | undefined {
  if (typeof name === 'number') return (name & ~0x0c) === 0 ? name : undefined;
  return lookUp(TYPES, name);
}

/** The bits of a subtype of `type`. */
export function frameSubtype(type: number, name: string | number): number | undefined {
  if (typeof name === 'number') return (name & ~0xf0) === 0 ? name : undefined;
  const table = SUBTYPES.find(([bits]) => bits === type)?.[1];
  return table === undefined ? undefined : lookUp(table, name);
}

/** The bits of a subtype and of the type that has it; the first type, where a name is of several. */
export function frameTypeAndSubtype(name: string | number): number | undefined {
  if (typeof name === 'number') return undefined;
  for (const [bits, table] of SUBTYPES) {
    const subtype = lookUp(table, name);
    if (subtype !== undefined) return bits | subtype;
  }
  return undefined;
}

/** The bits of `dir`. */
export function frameDirection(name: string | number): number | undefined {
  return typeof name === 'number' ? name : lookUp(DIRECTIONS, name);
}
