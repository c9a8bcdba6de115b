/** What is known of the hosts of a trace, where somebody wants to know: nobody is asked about anything otherwise. */
import { AddressBook, type AddressFacts } from '../../src/sockaddr/address-book.js';
import { parseIP } from '../../src/sockaddr/ip.js';

export class HostFacts {
  readonly #book: AddressBook | undefined;

  constructor(wanted: { readonly names: boolean; readonly origins: boolean }, signal: AbortSignal) {
    this.#book = wanted.names || wanted.origins ? new AddressBook(wanted) : undefined;
    // Nobody waits for a name server who wants to get out.
    if (signal.aborted) this.close();
    else signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** What is known by now. */
  readonly of = (address: string): AddressFacts => this.#book?.facts(parseIP(address)) ?? {};

  /** Resolves when everything about them is known that can be. */
  async settled(addresses: readonly string[]): Promise<void> {
    const book = this.#book;
    if (book !== undefined) await Promise.all(addresses.map((address) => book.settled(parseIP(address))));
  }

  close(): void {
    this.#book?.close();
  }
}
