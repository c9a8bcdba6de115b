/**
 * What expressions leave open, looked up on this machine. Expressions ask at once, and what has to be looked up takes a
 * while: a packet that asks for something new is made again when that is known.
 */
import type { SockctlError } from '../../errors.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import type { HardwareAddress } from '../../sockaddr/link-layer.js';
import type { PacketDefaults } from './built-packet.js';

export interface MachineLookups {
  /** The own address towards a destination, or why there is none. */
  source(destination: IPAddress): Promise<IPAddress | SockctlError>;
  /** Of the interface that frames leave by; undefined where there is none, or it has none. */
  readonly hardware?: HardwareAddress | undefined;
  /** The hardware address of whoever takes packets to a destination; undefined where it can't be had. */
  nextHop(destination: IPAddress): Promise<HardwareAddress | undefined>;
}

/** Answers that are remembered of each kind. */
const REMEMBERED = 65_536;

export class MachineDefaults {
  readonly #lookups: MachineLookups;
  readonly #sources = new Map<string, IPAddress | SockctlError | undefined>();
  readonly #hops = new Map<string, HardwareAddress | undefined>();
  readonly #defaults: PacketDefaults;
  /** Looks up what was asked for and is not known. */
  #missing: (() => Promise<void>) | undefined;
  #identification: number;
  readonly #identifier: number;
  /** Packets so far. */
  #made = 0;
  /** Whether the last packet asked for a next hop that can't be had. */
  lacksHop = false;

  /** @param identification the first one that is given to a packet; the identifier of ICMP requests comes of it, too */
  constructor(lookups: MachineLookups, identification: number) {
    this.#lookups = lookups;
    this.#identification = identification;
    this.#identifier = identification >>> 16;
    this.#defaults = {
      sourceFor: (destination) => this.#known(this.#sources, destination, () => this.#lookups.source(destination)),
      sourceHardware: () => lookups.hardware,
      destinationHardware: (destination) => {
        const found = this.#known(this.#hops, destination, () => this.#lookups.nextHop(destination));
        this.lacksHop = found === undefined;
        return found;
      },
      nextIdentification: () => this.#identification,
      nextEcho: () => ({ identifier: this.#identifier, sequence: this.#made & 0xffff }),
    };
  }

  /** What `make` makes of the defaults; it may be called several times. */
  async make<Made>(make: (defaults: PacketDefaults) => Made): Promise<Made> {
    this.#made++;
    this.lacksHop = false;
    // Of IPv4 it has 16 bits, and the kernel fills in another one where they are 0 (raw(7)).
    do this.#identification = (this.#identification + 1) >>> 0;
    while ((this.#identification & 0xffff) === 0);
    for (;;) {
      this.#missing = undefined;
      let made: Made | undefined;
      let failure: unknown;
      try {
        made = make(this.#defaults);
      } catch (error) {
        failure = error;
      }
      const missing = this.#missing as (() => Promise<void>) | undefined;
      if (missing === undefined) {
        if (failure !== undefined) throw failure;
        return made as Made;
      }
      await missing();
    }
  }

  #known<Value>(
    answers: Map<string, Value | undefined>,
    { key }: IPAddress,
    look: () => Promise<Value | undefined>,
  ): Value | undefined {
    if (answers.has(key)) return answers.get(key);
    this.#missing = async () => {
      if (answers.size >= REMEMBERED) answers.clear();
      answers.set(key, await look());
    };
    return undefined;
  }
}
