/** One direction of a link: when what it carries arrives, and what becomes of it on the way. */
import { seeded } from '../../seeded.js';
import type { Impairment, LinkDescription, Pattern } from './description.js';
import { readPacket, sealTransport } from './packet.js';

/** What a direction of a link has done to the packets that it was given. */
export interface LinkLedger {
  readonly from: string;
  readonly to: string;
  /** Packets given to it. */
  carried: number;
  dropped: number;
  duplicated: number;
  corrupted: number;
  heldBack: number;
}

export interface Carried {
  readonly bytes: Uint8Array;
  /** When it arrives, in milliseconds. */
  readonly at: number;
}

export const DEFAULT_MTU = 1500;

export class Direction {
  readonly mtu: number;
  readonly ledger: LinkLedger;
  readonly #impairment: Impairment;
  readonly #delayMs: number;
  readonly #jitterMs: number;
  readonly #random: () => number;

  constructor(from: string, to: string, link: LinkDescription, impairment: Impairment = {}, seed: number) {
    this.mtu = link.mtu ?? DEFAULT_MTU;
    this.ledger = { from, to, carried: 0, dropped: 0, duplicated: 0, corrupted: 0, heldBack: 0 };
    this.#impairment = impairment;
    this.#delayMs = impairment.delayMs ?? link.delayMs ?? 0;
    this.#jitterMs = impairment.jitterMs ?? link.jitterMs ?? 0;
    this.#random = seeded(seed);
  }

  /** What comes out of the other end for a packet that goes in at `now`: nothing, it, or it and a copy. */
  carry(bytes: Uint8Array, now: number): Carried[] {
    const { drop, duplicate, corrupt, reorder } = this.#impairment;
    const { ledger } = this;
    ledger.carried++;
    if (this.#happens(drop)) {
      ledger.dropped++;
      return [];
    }
    if (corrupt !== undefined && this.#happens(corrupt.when) && turnOver(bytes, corrupt)) ledger.corrupted++;
    let at = now + this.#delayMs;
    if (this.#jitterMs > 0) at += this.#random() * this.#jitterMs;
    if (reorder !== undefined && this.#happens(reorder.when)) {
      ledger.heldBack++;
      at += reorder.byMs;
    }
    if (!this.#happens(duplicate)) return [{ bytes, at }];
    ledger.duplicated++;
    return [
      { bytes, at },
      { bytes: bytes.slice(), at },
    ];
  }

  /** Whether it happens to the packet that was counted last. */
  #happens(pattern: Pattern | undefined): boolean {
    return pattern !== undefined && happens(pattern, this.ledger.carried, this.#random);
  }
}

/** @param number of the packet, from 1 */
export function happens(pattern: Pattern, number: number, random: () => number): boolean {
  if (typeof pattern === 'number') return random() < pattern;
  return 'every' in pattern ? number % pattern.every === 0 : pattern.packets.includes(number);
}

/** False where the packet is too short for it. */
function turnOver(bytes: Uint8Array, { offset, checksum }: NonNullable<Impairment['corrupt']>): boolean {
  const packet = readPacket(bytes);
  if (packet === undefined || packet.at + offset >= bytes.length) return false;
  bytes[packet.at + offset] = (bytes[packet.at + offset] as number) ^ 0xff;
  if (checksum === 'mended') sealTransport(packet);
  return true;
}
