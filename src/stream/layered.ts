/** A connection inside another one: TLS, or what a proxy has joined on. */
import type { Duplex } from 'node:stream';
import type { TcpInfo } from '../options/tcp-info.js';
import type { Endpoint } from '../sockaddr/endpoint.js';
import type { BackendName, StreamConnection } from '../socket/port.js';

/** A duplex stream that counts what went through it, as Node's sockets do. */
export type CountingDuplex = Duplex & { readonly bytesRead: number; readonly bytesWritten: number };

/**
 * `inner` as a connection, on top of the one that carries it: what is sent and received is the inner stream's, the
 * addresses, the descriptor and the kernel's view are those of the carrier.
 *
 * What the kernel holds when the carrier fails can be rescued where the inner stream is the carrier's own, behind a
 * proxy's answer; through a layer that encrypts it means nothing.
 */
export class LayeredConnection implements StreamConnection {
  readonly pump: undefined;
  readonly duplex: CountingDuplex;
  readonly #carrier: StreamConnection;
  readonly #before: { readonly bytesIn: number; readonly bytesOut: number };

  /** @param before what the duplex had counted when its own payload began */
  constructor(carrier: StreamConnection, inner: CountingDuplex, before = { bytesIn: 0, bytesOut: 0 }) {
    this.#carrier = carrier;
    this.duplex = inner;
    this.#before = before;
  }

  get backend(): BackendName {
    return this.#carrier.backend;
  }

  get fd(): number | undefined {
    return this.#carrier.fd;
  }

  get local(): Endpoint {
    return this.#carrier.local;
  }

  get remote(): Endpoint {
    return this.#carrier.remote;
  }

  get bytesIn(): number {
    return this.duplex.bytesRead - this.#before.bytesIn;
  }

  get bytesOut(): number {
    return this.duplex.bytesWritten - this.#before.bytesOut;
  }

  get closed(): Promise<void> {
    return this.#carrier.closed;
  }

  info(): TcpInfo | undefined {
    return this.#carrier.info();
  }

  destroy(): void {
    this.duplex.destroy();
    this.#carrier.destroy();
  }

  reset(): void {
    this.#carrier.reset();
    this.duplex.destroy();
  }

  rescue(limit: number): Uint8Array {
    return this.duplex === this.#carrier.duplex ? this.#carrier.rescue(limit) : new Uint8Array(0);
  }
}
