/**
 * A network of test/networks in virtual time, as ping and trace see the world: timeouts of seconds pass in the time that
 * it takes to work out what happens, and the same run gives the same records.
 */
import type { SocketError } from '../../src/errors.js';
import type { Timestamp } from '../../src/measure/clock.js';
import type {
  OutgoingProbe,
  ProbeAnswer,
  ProbeHandlers,
  ProbePort,
  ReportAnswer,
  SendOutcome,
} from '../../src/raw/probes/port.js';
import { IPv4Address, IPv6Address } from '../../src/sockaddr/ip.js';
import { formatIPv4, formatIPv6 } from '../../src/sockaddr/ip-text.js';
import { updateChecksum } from '../../src/wire/checksum.js';
import { encodeIPv4, IPV4_HEADER } from '../../src/wire/ipv4.js';
import { encodeIPv6, IPV6_HEADER } from '../../src/wire/ipv6.js';
import { IPProtocol } from '../../src/wire/numbers.js';
import { encodeUdp, UDP_HEADER } from '../../src/wire/udp.js';
import {
  addressOf,
  type Family,
  type IPPacket,
  isIcmpError,
  isSound,
  readPacket,
  sealTransport,
  trafficClassOf,
  ttlOf,
} from './network/packet.js';
import { VirtualTime } from './network/virtual-time.js';
import { type NetworkDescription, NetworkModel } from './network-model.js';

export interface SimulatedPortOptions {
  /** Default `raw`. `dgram` shows what unprivileged sockets do: echo replies, datagrams, and reports from the error queue. */
  readonly socket?: 'raw' | 'dgram';
  /** Default false. */
  readonly ownHeader?: boolean;
  /** Default 64. */
  readonly batch?: number;
  /** Both, where left out. */
  readonly family?: Family;
  /** Whether IPv4 packets leave with DF, as they do where path MTU discovery is on; default true. */
  readonly dontFragment?: boolean;
  /** How long it takes to send a probe; default 0. */
  readonly sendMs?: number;
  /** How long the process is busy with something else when an answer has arrived; default 0. */
  readonly busyMs?: number;
  /** Which probes the system refuses, counted from 1. */
  readonly refuse?: (probe: OutgoingProbe, number: number) => SocketError | undefined;
}

/** 2026-01-01T00:00:00Z */
const EPOCH_SECONDS = 1_767_225_600;
/** What the kernel puts into the echo requests of a ping socket, whatever they had (icmp(7)). */
const KERNEL_IDENTIFIER = 0x4b1d;

export class SimulatedNetwork {
  readonly model: NetworkModel;
  readonly #time = new VirtualTime();
  readonly #ports: SimulatedPort[] = [];

  constructor(description: NetworkDescription) {
    this.model = new NetworkModel(description, EPOCH_SECONDS * 1000);
  }

  /** Virtual milliseconds since the beginning. */
  get now(): number {
    return this.#time.now;
  }

  port(options: SimulatedPortOptions = {}): ProbePort {
    const port = new SimulatedPort(this.model, this.#time, (bytes) => this.#deliver(bytes), options);
    this.#ports.push(port);
    return port;
  }

  /** Does something at a time: what a user would do meanwhile, such as Ctrl-C. */
  at(time: number, callback: () => void): void {
    this.#time.schedule(time, callback);
  }

  /**
   * Lets time pass until `work` is settled.
   *
   * @throws Error when nothing is left that could ever happen
   */
  run<T>(work: Promise<T>): Promise<T> {
    return this.#time.run(work);
  }

  #deliver(bytes: Uint8Array): void {
    for (const port of this.#ports) port.arrived(bytes);
  }
}

class SimulatedPort implements ProbePort {
  readonly socket: 'raw' | 'dgram';
  readonly batch: number;
  readonly ownHeader: boolean;
  readonly #model: NetworkModel;
  readonly #time: VirtualTime;
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #options: SimulatedPortOptions;
  #handlers: ProbeHandlers | undefined;
  #pending: ProbeAnswer[] = [];
  #wake: (() => void) | undefined;
  #paused = false;
  #sent = 0;
  #identification = 1;

  constructor(
    model: NetworkModel,
    time: VirtualTime,
    deliver: (bytes: Uint8Array) => void,
    options: SimulatedPortOptions,
  ) {
    this.socket = options.socket ?? 'raw';
    this.batch = options.batch ?? 64;
    this.ownHeader = options.ownHeader ?? false;
    this.#model = model;
    this.#time = time;
    this.#deliver = deliver;
    this.#options = options;
  }

  now(): number {
    return this.#time.now;
  }

  wallClock(): Timestamp {
    const nanoseconds = Math.round(this.#time.now * 1e6);
    return { seconds: EPOCH_SECONDS + Math.floor(nanoseconds / 1e9), nanoseconds: nanoseconds % 1e9 };
  }

  send(probes: readonly OutgoingProbe[]): Promise<SendOutcome> {
    const times: Timestamp[] = [];
    for (const probe of probes) {
      const refused = this.#options.refuse?.(probe, ++this.#sent);
      if (refused !== undefined) return Promise.resolve({ times, refused });
      times.push(this.wallClock());
      for (const { bytes, at } of this.#model.handle(this.#packet(probe), this.#time.now)) {
        this.#time.schedule(at, () => this.#deliver(bytes));
      }
      this.#time.spend(this.#options.sendMs ?? 0);
    }
    return Promise.resolve({ times });
  }

  turn(): Promise<void> {
    this.#time.catchUp();
    return Promise.resolve();
  }

  receive(handlers: ProbeHandlers): void {
    this.#handlers = handlers;
  }

  wakeAt(time: number, callback: () => void): void {
    const wake = () => {
      if (this.#wake !== wake) return;
      this.#wake = undefined;
      callback();
    };
    this.#wake = wake;
    this.#time.schedule(time, wake);
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    this.#wake = undefined;
    return Promise.resolve();
  }

  /** A packet has come in; what comes at one time is handed over together. */
  arrived(bytes: Uint8Array): void {
    const packet = readPacket(bytes);
    if (packet === undefined || this.#handlers === undefined) return;
    if (this.#options.family !== undefined && packet.family !== this.#options.family) return;
    const answer = this.socket === 'raw' ? this.#asRaw(packet) : this.#asDatagram(packet);
    if (answer === undefined) return;
    this.#pending.push(answer);
    if (this.#pending.length > 1) return;
    this.#time.schedule(this.#time.now + (this.#options.busyMs ?? 0), () => this.#deliverPending());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#time.schedule(this.#time.now, () => this.#deliverPending());
  }

  #deliverPending(): void {
    if (!this.#paused) this.takeAnswers();
  }

  takeAnswers(): void {
    const batch = this.#pending;
    this.#pending = [];
    if (batch.length > 0) this.#handlers?.answers(batch);
  }

  #packet({ to, protocol, bytes, hopLimit, trafficClass = 0, identification = 0 }: OutgoingProbe): Uint8Array {
    const from = this.#model.topology.prober.addresses[to.family];
    if (from === undefined) throw new Error(`the prober has no address to send to ${to.toString()} from`);
    const body = this.socket === 'dgram' ? withKernelIdentifier(bytes, protocol) : bytes;
    const ttl = hopLimit === undefined ? {} : to.family === 'ipv4' ? { ttl: hopLimit } : { hopLimit };
    const six = to.family === 'ipv6';
    const packet = new Uint8Array((six ? IPV6_HEADER : IPV4_HEADER) + body.length);
    if (six) {
      const header = { source: formatIPv6(from, 0), destination: to.withZone('').toString(), nextHeader: protocol };
      packet.set(body, encodeIPv6({ ...header, ...ttl, trafficClass }, body.length, packet));
    } else {
      const header = { source: formatIPv4(from, 0), destination: to.toString(), protocolNumber: protocol, ...ttl };
      const chosen = this.ownHeader && identification !== 0 ? identification : this.#identification++ & 0xffff;
      const bits = { dscp: trafficClass >> 2, ecn: trafficClass & 3, identification: chosen };
      const dontFragment = this.#options.dontFragment ?? true;
      packet.set(body, encodeIPv4({ ...header, ...bits, dontFragment }, body.length, packet));
    }
    // RFC 3542 section 3.1: the kernel's.
    if (protocol === IPProtocol.icmpv6) sealTransport(readPacket(packet) as IPPacket);
    return packet;
  }

  #common(packet: IPPacket) {
    const time = this.wallClock();
    const source = addressOf(packet, 'source');
    return {
      time,
      timestampSource: 'kernel' as const,
      userTime: time,
      from: packet.family === 'ipv4' ? IPv4Address.fromBytes(source) : new IPv6Address(source),
      hopLimit: ttlOf(packet),
      trafficClass: trafficClassOf(packet),
    };
  }

  /** Raw sockets of ICMPv6 get nothing whose checksum is wrong (RFC 3542 section 3.1), others do (raw(7)). */
  #asRaw(packet: IPPacket): ProbeAnswer | undefined {
    const { family, protocol, bytes, at } = packet;
    if (protocol === IPProtocol.icmpv6 && !isSound(packet)) return undefined;
    const header = family === 'ipv4' ? { header: bytes.subarray(0, at) } : {};
    return { kind: 'packet', ...this.#common(packet), protocol, bytes: bytes.subarray(at), ...header };
  }

  #asDatagram(packet: IPPacket): ProbeAnswer | undefined {
    const { protocol, bytes, at } = packet;
    if (!isSound(packet)) return undefined;
    if (isIcmpError(packet)) return this.#report(packet);
    const isEchoReply = bytes[at] === (protocol === IPProtocol.icmp ? 0 : 129);
    const isIcmp = protocol === IPProtocol.icmp || protocol === IPProtocol.icmpv6;
    if (!(protocol === IPProtocol.udp || (isIcmp && isEchoReply))) return undefined;
    return { kind: 'packet', ...this.#common(packet), protocol, bytes: bytes.subarray(at) };
  }

  /** What the error queue tells: only of what this machine has sent. */
  #report(packet: IPPacket): ReportAnswer | undefined {
    const { bytes, view, at, family } = packet;
    const body = bytes.subarray(at + 8);
    // RFC 4884: extensions are found where the length of the quote is said.
    const length = family === 'ipv4' ? view.getUint8(at + 5) * 4 : view.getUint8(at + 4) * 8;
    const icmpType = view.getUint8(at);
    const tooBig = icmpType === (family === 'ipv4' ? 3 : 2) && (family === 'ipv6' || view.getUint8(at + 1) === 4);
    const extended = length > 0 && !tooBig && length < body.length;
    const quoted = readPacket(extended ? body.subarray(0, length) : body);
    const own = this.#model.topology.prober.addresses[family];
    if (quoted === undefined || own === undefined) return undefined;
    if (Buffer.compare(addressOf(quoted, 'source'), own) !== 0) return undefined;
    const destination = addressOf(quoted, 'destination');
    return {
      kind: 'report',
      ...this.#common(packet),
      to: family === 'ipv4' ? IPv4Address.fromBytes(destination) : new IPv6Address(destination),
      icmpType,
      icmpCode: view.getUint8(at + 1),
      ...(tooBig ? { mtu: family === 'ipv4' ? view.getUint16(at + 6) : view.getUint32(at + 4) } : {}),
      sent: shownByQueue(quoted),
      ...(extended ? { extensions: body.subarray(length) } : {}),
    };
  }
}

/** The error queue of a UDP socket has its payload and ports alone: the header of it is made up again. */
function shownByQueue({ protocol, bytes, at, view }: IPPacket): Uint8Array {
  if (protocol !== IPProtocol.udp || at + UDP_HEADER > bytes.length) return bytes.subarray(at);
  const ports = { sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2) };
  return encodeUdp(ports, bytes.subarray(at + UDP_HEADER));
}

function withKernelIdentifier(bytes: Uint8Array, protocol: number): Uint8Array {
  if (protocol !== IPProtocol.icmp && protocol !== IPProtocol.icmpv6) return bytes;
  const own = bytes.slice();
  const view = new DataView(own.buffer);
  view.setUint16(2, updateChecksum(view.getUint16(2), view.getUint16(4), KERNEL_IDENTIFIER));
  view.setUint16(4, KERNEL_IDENTIFIER);
  return own;
}
