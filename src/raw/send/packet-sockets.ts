/**
 * The sockets that packets leave by, and that answers come to: packets of IP go through raw sockets with their own header,
 * frames through a packet socket.
 */
import { type SockctlError, SocketError, toSockctlError, UsageError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import type { Timestamp } from '../../measure/clock.js';
import { type OptionSetting, setting } from '../../options/settings.js';
import { inetEndpoint } from '../../sockaddr/endpoint.js';
import type { IPFamily } from '../../sockaddr/ip.js';
import {
  type Backend,
  IPPROTO_RAW,
  type MessageHandlers,
  type OutgoingMessage,
  type RawSocket,
  type ReceivedMessage,
} from '../../socket/port.js';
import { encodeIPv6, IPV6_HEADER } from '../../wire/ipv6.js';
import { LinkType } from '../../wire/link-types.js';
import { IPProtocol } from '../../wire/numbers.js';
import { REFUSAL_ADVICE } from '../probes/refusal-advice.js';
import type { BuiltPacket, PacketLink } from './built-packet.js';

/** Of each socket that answers come to. */
const RECEIVE_BUFFER = 4 << 20;

export interface PacketSocketOptions {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly settings: readonly OptionSetting[];
  /** Frames leave by it, and come from it; packets of IP as well where it is given. */
  readonly interface?: string | undefined;
}

/** What answers are listened for. */
export interface AnswerProtocol {
  readonly family: IPFamily;
  /** Of IP; ICMP is not needed: it is always heard. */
  readonly protocol: number;
}

/** A packet that has come in, which may be an answer. */
export interface ArrivedPacket {
  /** From its link header on, or from its IP header; valid until the handler returns. */
  readonly bytes: Uint8Array;
  readonly linkType: number;
  readonly timestamp: Timestamp;
  readonly timestampSource: 'kernel' | 'user';
}

/** How far a run of packets got. */
export interface SendOutcome {
  /** How many the kernel has taken, from the first on. */
  readonly sent: number;
  /** The wall clock just before the last call that it took. */
  readonly time: Timestamp;
  /** Why it took no more. */
  readonly refused: SockctlError | undefined;
}

export class PacketSockets {
  readonly #options: PacketSocketOptions;
  readonly #senders = new Map<PacketLink, RawSocket>();
  readonly #receivers: RawSocket[] = [];
  /** IPv6 may be turned off on a machine; that matters when a packet of it comes. */
  readonly #unavailable = new Map<PacketLink, SockctlError>();
  readonly #arrived: ((packet: ArrivedPacket) => void) | undefined;

  /** @param arrived is given what comes in; without it nothing is listened for */
  private constructor(options: PacketSocketOptions, arrived: ((packet: ArrivedPacket) => void) | undefined) {
    this.#options = options;
    this.#arrived = arrived;
  }

  /**
   * Opens what is needed for packets of these links.
   *
   * @param answers what is listened for, beside frames; for packets of IP, ICMP in any case
   * @throws SocketError EPERM without CAP_NET_RAW, ENODEV for an interface that is not there; UsageError BACKEND_LIMIT
   */
  static async open(
    links: readonly PacketLink[],
    options: PacketSocketOptions,
    answers?: { readonly protocols: readonly AnswerProtocol[]; readonly arrived: (packet: ArrivedPacket) => void },
  ): Promise<PacketSockets> {
    const sockets = new PacketSockets(options, answers?.arrived);
    try {
      // First those that listen: nothing is missed.
      if (answers !== undefined) await sockets.#listen(links, answers.protocols);
      for (const link of links) await sockets.#openSender(link, links.length > 1);
    } catch (error) {
      await sockets.close();
      throw error;
    }
    return sockets;
  }

  /**
   * Sends in order, waiting for room.
   *
   * @param packets all of one link
   */
  async send(packets: readonly BuiltPacket[]): Promise<SendOutcome> {
    const link = packets[0]?.link ?? 'ipv4';
    const socket = this.#senders.get(link);
    if (socket === undefined) return { sent: 0, time: this.now(), refused: this.#missing(link) };
    const messages: OutgoingMessage[] = [];
    let refused: SockctlError | undefined;
    for (const { bytes, destination } of packets) {
      if (link === 'ethernet') messages.push({ bytes });
      else if (destination?.family === link) messages.push({ bytes, to: inetEndpoint(destination, 0) });
      else {
        refused = new UsageError('a packet without a destination', 'send it as a frame: eth(dst=…)/…');
        break;
      }
    }
    const before = socket.sent;
    let time = socket.now();
    try {
      time = await socket.send(messages);
    } catch (error) {
      refused = advised(toSockctlError(error));
    }
    return { sent: socket.sent - before, time, refused };
  }

  /** Has the memory for what is sent made, which the first packet would otherwise be late for. */
  async prepare(): Promise<void> {
    for (const socket of this.#senders.values()) await socket.send([]);
    this.now();
  }

  now(): Timestamp {
    for (const socket of this.#senders.values()) return socket.now();
    return { seconds: 0, nanoseconds: 0 };
  }

  async close(): Promise<void> {
    for (const socket of [...this.#senders.values(), ...this.#receivers]) await socket.close();
  }

  #missing(link: PacketLink): SockctlError {
    if (link === 'ethernet') return withoutInterface();
    return (
      this.#unavailable.get(link) ??
      new SocketError({ syscall: 'sendmmsg', code: 'EAFNOSUPPORT', errno: 97, address: link })
    );
  }

  /** @param optional another link may do: it is an error only when a packet of this one comes */
  async #openSender(link: PacketLink, optional: boolean): Promise<void> {
    try {
      this.#senders.set(link, link === 'ethernet' ? await this.#openFrames() : await this.#openPackets(link));
    } catch (error) {
      const known = toSockctlError(error);
      if (!optional || (known.code !== 'EAFNOSUPPORT' && known.code !== 'BACKEND_LIMIT')) throw error;
      this.#unavailable.set(link, known);
    }
  }

  #openPackets(family: IPFamily): Promise<RawSocket> {
    const { backend, logger } = this.#options;
    const settings = family === 'ipv4' ? [setting('SO_BROADCAST', true), ...this.#bound()] : this.#bound();
    return backend.raw({ family, protocol: IPPROTO_RAW, ownHeader: true, settings, logger });
  }

  async #openFrames(): Promise<RawSocket> {
    const { backend, logger, settings, interface: name } = this.#options;
    if (name === undefined) throw withoutInterface();
    const receive = this.#arrived !== undefined;
    const options = { interface: name, receive, settings, logger };
    const socket = await backend.frames(receive ? { ...options, receiveBuffer: RECEIVE_BUFFER } : options);
    if (receive) socket.receive(this.#handlers((message) => message.bytes, LinkType.ETHERNET));
    return socket;
  }

  async #listen(links: readonly PacketLink[], protocols: readonly AnswerProtocol[]): Promise<void> {
    const wanted: AnswerProtocol[] = [];
    if (links.includes('ipv4')) wanted.push({ family: 'ipv4', protocol: IPProtocol.icmp });
    if (links.includes('ipv6')) wanted.push({ family: 'ipv6', protocol: IPProtocol.icmpv6 });
    for (const one of protocols) {
      const known = wanted.some(({ family, protocol }) => family === one.family && protocol === one.protocol);
      if (!known) wanted.push(one);
    }
    const { backend, logger } = this.#options;
    for (const { family, protocol } of wanted) {
      if (family === 'ipv6' && backend.name === 'portable') {
        const what = 'portable backend: IPv6 packets come without the address that they were sent to';
        throw new UsageError(what, 'use --backend native, or leave out --answer', 'BACKEND_LIMIT');
      }
      const socket = await backend.raw({
        family,
        protocol,
        settings: this.#bound(),
        logger,
        receiveBuffer: RECEIVE_BUFFER,
      });
      this.#receivers.push(socket);
      const whole = family === 'ipv4' ? (message: ReceivedMessage) => message.bytes : withHeader(protocol);
      socket.receive(this.#handlers(whole, LinkType.RAW));
    }
  }

  #handlers(whole: (message: ReceivedMessage) => Uint8Array | undefined, linkType: number): MessageHandlers {
    return {
      messages: (batch) => {
        for (const message of batch) {
          const bytes = whole(message);
          if (bytes === undefined) continue;
          this.#arrived?.({ bytes, linkType, timestamp: message.timestamp, timestampSource: message.timestampSource });
        }
      },
      failure: ({ error }) => {
        this.#options.logger.log('debug', { event: 'notice', message: `listening for answers: ${error.message}` });
      },
    };
  }

  #bound(): OptionSetting[] {
    const { settings, interface: name } = this.#options;
    return name === undefined ? [...settings] : [setting('SO_BINDTODEVICE', name), ...settings];
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ...REFUSAL_ADVICE,
  EINVAL:
    'the header, or the way there, is none that the kernel takes: ip route get ADDRESS; frames it takes as they are',
};

function advised(error: SockctlError): SockctlError {
  const advice = ADVICE[error.code];
  if (advice === undefined || !(error instanceof SocketError)) return error;
  const { syscall, code, errno, address } = error;
  return new SocketError({ syscall, code, errno, address, advice });
}

function withoutInterface(): UsageError {
  return new UsageError('a frame leaves by an interface', 'name it with --interface');
}

/** IPv6 packets come without their header (ipv6(7)): it is made from what the kernel tells of it. */
function withHeader(protocol: number): (message: ReceivedMessage) => Uint8Array | undefined {
  return ({ bytes, from, destination, hopLimit, trafficClass }) => {
    if (from === undefined || from.family === 'unix' || destination === null) return undefined;
    const whole = new Uint8Array(IPV6_HEADER + bytes.length);
    const header = {
      source: withoutZone(from.address.toString()),
      destination: withoutZone(destination.toString()),
      nextHeader: protocol,
      hopLimit: hopLimit ?? 0,
      trafficClass: trafficClass ?? 0,
    };
    encodeIPv6(header, bytes.length, whole);
    whole.set(bytes, IPV6_HEADER);
    return whole;
  };
}

function withoutZone(address: string): string {
  return address.split('%', 1)[0] as string;
}
