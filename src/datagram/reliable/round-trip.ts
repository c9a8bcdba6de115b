/** The retransmission timeout of RFC 6298. All times in milliseconds. */

/** Clock granularity G of RFC 6298, that of Node's timers. */
const GRANULARITY = 1;
/** Before the first measurement (RFC 6298 section 2.1). */
const INITIAL_RTO = 1000;
/**
 * RFC 6298 asks for a minimum of one second, because of acknowledgements that TCP delays by up to half a second. This
 * protocol delays none by more than a turn of the event loop, and a timeout costs two datagrams; see RFC 8961 (4).
 */
const MIN_RTO = 25;
/**
 * Section 2.5 allows a maximum from 60 s up. Two datagrams in two seconds are no load for any path, and what is heard
 * of one that comes back late is heard two seconds later at most.
 */
const MAX_RTO = 2000;

export class RoundTrip {
  #smoothed: number | undefined;
  #variation = 0;
  #latest = 0;
  #backoff = 1;

  /** SRTT; undefined before the first measurement. */
  get smoothed(): number | undefined {
    return this.#smoothed;
  }

  get latest(): number {
    return this.#latest;
  }

  /** RTO with its backoff. */
  get timeout(): number {
    const base =
      this.#smoothed === undefined
        ? INITIAL_RTO
        : Math.max(MIN_RTO, this.#smoothed + Math.max(GRANULARITY, 4 * this.#variation));
    return Math.min(MAX_RTO, base * this.#backoff);
  }

  /** Section 2.2 and 2.3: takes in a measurement, which ends a backoff. */
  measured(rtt: number): void {
    this.#latest = rtt;
    this.#backoff = 1;
    if (this.#smoothed === undefined) {
      this.#smoothed = rtt;
      this.#variation = rtt / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smoothed - rtt) - this.#variation) / 4;
    this.#smoothed += (rtt - this.#smoothed) / 8;
  }

  /** Section 5.5: the timer has expired. */
  backOff(): void {
    this.#backoff = Math.min(this.#backoff * 2, 256);
  }
}
