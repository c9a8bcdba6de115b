/**
 * What name servers know of addresses: their names (reverse lookup, RFC 1035 section 3.5) and who announces the routes to
 * them (route-origin.ts). Beside resolve.ts the only file that asks a name service, and only for those who want to know.
 *
 * Nobody has to wait for it: what is not known yet can be asked for again, and each question is given up after a time.
 * It asks through Node's resolver (c-ares), with sockets of the loop's own: getnameinfo(3) would hold one of the few
 * threads that write to files and to stdout as long as a name server is silent.
 */
import { Resolver } from 'node:dns';
import { type IPAddress, tryParseIP } from './ip.js';
import { originName, type RouteOrigin, readOrigin } from './route-origin.js';

export interface AddressFacts {
  /** Its name; null where it has none that could be had, undefined while that is not known, and where nobody asked. */
  readonly name?: string | null;
  readonly origin?: RouteOrigin | null;
}

export interface AddressBookOptions {
  /** Whether names, and origins, are looked up. */
  readonly names?: boolean | undefined;
  readonly origins?: boolean | undefined;
  /** Milliseconds to wait for the answers about one address. */
  readonly timeoutMs?: number;
  /** Addresses that are asked about at the same time; the others wait for their turn. */
  readonly concurrency?: number;
}

const TIMEOUT_MS = 2500;
const CONCURRENCY = 32;
/** Addresses that are remembered: the oldest are forgotten for new ones. */
const ADDRESSES_MAX = 4096;
/** After what time an address whose question was not answered is asked about again. */
const AGAIN_MS = 60_000;

/** Codes of answers that say there is nothing; others say that nobody could be asked. */
const NOTHING = ['ENOTFOUND', 'ENODATA'];

interface Entry {
  facts: AddressFacts;
  /** When it was settled without an answer; undefined for what is known, or asked about. */
  failedAtMs?: number | undefined;
  settled: Promise<AddressFacts>;
}

export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #timeoutMs: number;
  readonly #resolver: Resolver;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;
  #closed = false;

  constructor(options: AddressBookOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#resolver = new Resolver({ timeout: Math.ceil(this.#timeoutMs / 2), tries: 2 });
  }

  /** What is known by now; asks where nobody has yet. */
  facts(address: IPAddress): AddressFacts {
    return this.#entry(address).facts;
  }

  /** What is known when the answers are there, or are not waited for any longer. Never rejects. */
  settled(address: IPAddress): Promise<AddressFacts> {
    return this.#entry(address).settled;
  }

  /** Gives up what is still asked; {@link settled} comes back with what is known. */
  close(): void {
    this.#closed = true;
    this.#resolver.cancel();
    for (const begin of this.#waiting.splice(0)) begin();
  }

  #entry(address: IPAddress): Entry {
    const { key } = address;
    const known = this.#entries.get(key);
    const again = known?.failedAtMs !== undefined && performance.now() - known.failedAtMs > AGAIN_MS;
    if (known !== undefined && !again) return known;
    const entry: Entry = { facts: known?.facts ?? {}, settled: Promise.resolve({}) };
    entry.settled = this.#ask(address, entry);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > ADDRESSES_MAX) this.#entries.delete(this.#entries.keys().next().value as string);
    return entry;
  }

  async #ask(address: IPAddress, entry: Entry): Promise<AddressFacts> {
    await this.#turn();
    const { names, origins } = this.#options;
    const add = (facts: AddressFacts) => {
      entry.facts = { ...entry.facts, ...facts };
    };
    const questions: Promise<void>[] = [];
    if (names === true) questions.push(this.#name(address).then((name) => add({ name })));
    if (origins === true) questions.push(this.#origin(address).then((origin) => add({ origin })));
    const results = await Promise.allSettled(questions);
    if (results.some(({ status }) => status === 'rejected')) {
      entry.failedAtMs = performance.now();
      entry.facts = {
        ...(names === true ? { name: null } : {}),
        ...(origins === true ? { origin: null } : {}),
        ...entry.facts,
      };
    }
    this.#asking--;
    this.#waiting.shift()?.();
    return entry.facts;
  }

  /** Waits until there are few enough questions under way. */
  async #turn(): Promise<void> {
    if (this.#asking >= (this.#options.concurrency ?? CONCURRENCY) && !this.#closed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#asking++;
  }

  async #name(address: IPAddress): Promise<string | null> {
    const plain = address.family === 'ipv6' ? address.withZone('') : address;
    const names = await this.#question<string>((done) => this.#resolver.reverse(plain.toString(), done));
    return names.find(isHostName) ?? null;
  }

  async #origin(address: IPAddress): Promise<RouteOrigin | null> {
    const name = originName(address);
    if (name === undefined) return null;
    // A record is in pieces of 255 bytes at most.
    const records = await this.#question<string[]>((done) => this.#resolver.resolveTxt(name, done));
    const texts = records.map((pieces) => pieces.join(''));
    return readOrigin(address, texts) ?? null;
  }

  /** The answers to one question, none where there are none. Rejects where nobody answers in time. */
  #question<Answer>(
    ask: (done: (error: NodeJS.ErrnoException | null, answers: Answer[]) => void) => void,
  ): Promise<Answer[]> {
    if (this.#closed) return Promise.reject(new Error('closed'));
    return new Promise((resolve, reject) => {
      // The resolver counts for each of its servers, and lets more time pass with each try.
      const timer = setTimeout(() => reject(new Error('no answer in time')), this.#timeoutMs);
      ask((error, answers) => {
        clearTimeout(timer);
        if (error === null) resolve(answers);
        else if (NOTHING.includes(error.code ?? '')) resolve([]);
        else reject(error);
      });
    });
  }
}

/**
 * Whether an answer is fit to be shown for the address: letters, digits, dashes, underlines and dots (RFC 952, RFC 1123
 * section 2.1, and what is in use). Whoever owns the address may have written anything there, another address too.
 */
function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_-]))*\.?$/.test(text) &&
    tryParseIP(text, { legacy: true }) === undefined
  );
}
