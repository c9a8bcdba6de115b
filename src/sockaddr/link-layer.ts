/**
 * Hardware addresses and the endpoints of packet(7), as immutable values, and their text: `aa:bb:cc:dd:ee:ff`, and
 * `link:eth0` or `link:eth0/aa:bb:cc:dd:ee:ff`.
 */
import { AddressError } from '../errors.js';

const ADDRESS_FORM = 'write two hex digits a byte: 02:00:5e:10:00:01';
const LINK_FORM = 'write link:INTERFACE or link:INTERFACE/02:00:5e:10:00:01';

/** MAX_ADDR_LEN of the kernel's netdevice.h: the longest hardware address of a Linux interface. */
const LENGTH_MAX = 32;

/** The address of an interface on its link, most often an EUI-48: 1 to 32 bytes. */
export class HardwareAddress {
  readonly #bytes: Uint8Array;

  /**
   * @param bytes in the order in which they go over the link; they are copied
   * @throws RangeError for none, and for more than 32
   */
  constructor(bytes: Uint8Array) {
    if (bytes.length < 1 || bytes.length > LENGTH_MAX) {
      throw new RangeError(`a hardware address has 1 to ${LENGTH_MAX} bytes, not ${bytes.length}`);
    }
    // Not slice, which for a Buffer shares the memory.
    this.#bytes = Uint8Array.from(bytes);
    Object.freeze(this);
  }

  /** In the order in which they go over the link, a copy. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** 1 to 32. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The group bit of IEEE 802, the lowest of the first byte; true of the broadcast address as well. */
  get isMulticast(): boolean {
    return ((this.#bytes[0] ?? 0) & 1) === 1;
  }

  /** All ones. */
  get isBroadcast(): boolean {
    return this.#bytes.every((byte) => byte === 0xff);
  }

  /** The bit of IEEE 802 for addresses that no manufacturer has given out, the second lowest of the first byte. */
  get isLocal(): boolean {
    return ((this.#bytes[0] ?? 0) & 2) === 2;
  }

  equals(other: HardwareAddress): boolean {
    return this.key === other.key;
  }

  /** Fit for the key of a Map: two addresses are equal exactly when their keys are. */
  get key(): string {
    return this.toString();
  }

  toString(): string {
    return Array.from(this.#bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  toJSON(): string {
    return this.toString();
  }
}

/**
 * Parses `aa:bb:cc:dd:ee:ff`, `aa-bb-cc-dd-ee-ff` or `aabb.ccdd.eeff`, in either case of letters.
 *
 * @throws AddressError saying which part is wrong
 */
export function parseHardwareAddress(text: string): HardwareAddress {
  return readHardwareAddress(text, 0);
}

/** Orders by bytes, and a shorter address before those that begin with it; fit for Array.sort. */
export function compareHardwareAddress(a: HardwareAddress, b: HardwareAddress): number {
  return Buffer.compare(a.toBytes(), b.toBytes());
}

/** Reads a hardware address that takes up the rest of `text` from `start`. */
function readHardwareAddress(text: string, start: number): HardwareAddress {
  const separator = /[:.-]/.exec(text.slice(start))?.[0];
  // The dotted form is that of Cisco: two bytes between its dots.
  const digits = separator === '.' ? 4 : 2;
  const bytes: number[] = [];
  let at = start;
  for (;;) {
    for (let end = at + digits; at < end; at++) {
      if (!/[0-9a-f]/i.test(text[at] ?? '')) {
        throw new AddressError(text, at, `expected ${digits} hex digits in each part`, ADDRESS_FORM);
      }
    }
    for (let byte = at - digits; byte < at; byte += 2) bytes.push(Number.parseInt(text.slice(byte, byte + 2), 16));
    if (bytes.length > LENGTH_MAX) throw new AddressError(text, at, `more than ${LENGTH_MAX} bytes`, ADDRESS_FORM);
    if (at === text.length) return new HardwareAddress(Uint8Array.from(bytes));
    if (text[at] !== separator) {
      const wanted = separator === undefined ? "':' and two hex digits" : `'${separator}'`;
      throw new AddressError(text, at, `expected ${wanted}`, ADDRESS_FORM);
    }
    at++;
  }
}

/** What sll_pkttype of packet(7) says about a packet that was received. */
export const PacketType = {
  PACKET_HOST: 0,
  PACKET_BROADCAST: 1,
  PACKET_MULTICAST: 2,
  PACKET_OTHERHOST: 3,
  PACKET_OUTGOING: 4,
} as const;

/** Where a packet socket is: struct sockaddr_ll of packet(7). */
export interface LinkEndpoint {
  readonly family: 'link';
  /** The interface by number; 0 for every interface, or for the one called `name`. 0 to 2147483647. */
  readonly index: number;
  /** The interface by name; empty where it is not known. */
  readonly name: string;
  /** The EtherType, 0 to 65535 in host order: 0x0800 for IPv4. 0 leaves it to the socket. */
  readonly protocol: number;
  /** The ARPHRD_ number of the kernel's if_arp.h, 0 to 65535: 1 for Ethernet. Set by the kernel on receiving. */
  readonly hardwareType: number;
  /** One of {@link PacketType}, 0 to 255. Set by the kernel on receiving. */
  readonly packetType: number;
  /** The address of the sender or the destination, where there is one. */
  readonly address: HardwareAddress | undefined;
}

/**
 * A link endpoint; what is left out is 0, empty or none.
 *
 * @throws RangeError for numbers that struct sockaddr_ll can't hold
 */
export function linkEndpoint(fields: Partial<Omit<LinkEndpoint, 'family'>>): LinkEndpoint {
  const { index = 0, name = '', protocol = 0, hardwareType = 0, packetType = 0, address } = fields;
  checkNumber('interface', index, 0x7fffffff);
  checkNumber('protocol', protocol, 0xffff);
  checkNumber('hardware type', hardwareType, 0xffff);
  checkNumber('packet type', packetType, 0xff);
  return Object.freeze({ family: 'link', index, name, protocol, hardwareType, packetType, address } as const);
}

function checkNumber(what: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${what} ${value} is outside 0 to ${max}`);
  }
}

/**
 * Parses `link:eth0` and `link:eth0/aa:bb:cc:dd:ee:ff`. Digits alone are the number of an interface.
 *
 * @throws AddressError saying which part is wrong
 */
export function parseLinkEndpoint(text: string): LinkEndpoint {
  if (!text.startsWith('link:')) throw new AddressError(text, 0, "expected 'link:'", LINK_FORM);
  const slash = text.indexOf('/');
  const name = text.slice(5, slash < 0 ? undefined : slash);
  if (name === '') throw new AddressError(text, 5, 'the interface is missing', LINK_FORM);
  // netdevice(7): IFNAMSIZ is 16 with the zero byte at its end; the kernel refuses '/', ':' and white space.
  const bad = name.search(/[\p{C}\s:]/u);
  if (bad >= 0) throw new AddressError(text, 5 + bad, 'an interface name cannot hold this character', LINK_FORM);
  if (Buffer.byteLength(name) > 15) {
    throw new AddressError(text, 5, 'an interface name has at most 15 bytes', LINK_FORM);
  }
  const address = slash < 0 ? undefined : readHardwareAddress(text, slash + 1);
  if (!/^\d+$/.test(name)) return linkEndpoint({ name, address });
  if (Number(name) > 0x7fffffff) throw new AddressError(text, 5, 'no interface number is above 2147483647', LINK_FORM);
  return linkEndpoint({ index: Number(name), address });
}

/** The text that {@link parseLinkEndpoint} reads: the interface, by name where it is known, and the address. */
export function formatLinkEndpoint(endpoint: LinkEndpoint): string {
  const link = `link:${endpoint.name === '' ? endpoint.index : endpoint.name}`;
  return endpoint.address === undefined ? link : `${link}/${endpoint.address.toString()}`;
}
