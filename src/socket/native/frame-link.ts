/** What has to be known of an interface to send frames by it: its address, and those of whoever is behind it. */
import type { SocketError } from '../../errors.js';
import type { Logger } from '../../log/events.js';
import { noSuchInterface } from '../../sockaddr/interfaces.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import { HardwareAddress } from '../../sockaddr/link-layer.js';
import { type Libc, loadLibc } from './libc.js';
import { openLinkMonitor } from './link-monitor.js';
import type { LinkFacts } from './netlink/link.js';
import { type NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLMSG_ERROR } from './netlink/message.js';
import {
  decodeGateway,
  decodeNeighbor,
  encodeNeighbor,
  encodeRouteRequest,
  type NeighborFacts,
  RTM_GETNEIGH,
  RTM_GETROUTE,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTMGRP_NEIGH,
} from './netlink/neighbor.js';
import { NetlinkSocket } from './netlink/socket.js';

/** The kernel asks three times, a second apart (mcast_solicit and retrans_time of arp(7)), and then gives up. */
const SEARCH_MS = 4000;
/** An answer of the kernel's own tables comes at once. */
const LOOKUP_MS = 2000;

/** ARPHRD_ETHER and ARPHRD_LOOPBACK of linux/if_arp.h: links whose frames begin with an Ethernet header. */
const ETHERNET_LIKE = [1, 772];

export interface FrameLink {
  readonly facts: LinkFacts;
  /** Whether its frames are those of Ethernet. */
  readonly ethernet: boolean;
  /**
   * The hardware address of whoever takes packets to `destination` on this link: its own, or the gateway's.
   *
   * @param search has the kernel look for it on the link where it does not know it (which takes CAP_NET_ADMIN); otherwise
   *   nothing is sent
   * @returns undefined where it can't be had
   */
  nextHop(destination: IPAddress, search: boolean): Promise<HardwareAddress | undefined>;
  close(): void;
}

/**
 * @throws SockctlError BACKEND_MISSING where system calls can't be had; SocketError ENODEV, which names the interfaces
 *   that there are
 */
export async function openFrameLink(name: string, logger: Logger): Promise<FrameLink> {
  const libc = await loadLibc();
  const monitor = await openLinkMonitor(libc, { logger, onChange: () => undefined });
  const links = [...monitor.links.values()];
  monitor.close();
  const facts = links.find((link) => link.name === name);
  if (facts === undefined) {
    throw noSuchInterface(
      name,
      undefined,
      links.map((link) => link.name),
    );
  }
  return new Neighbors(libc, facts, logger);
}

class Neighbors implements FrameLink {
  readonly facts: LinkFacts;
  readonly ethernet: boolean;
  readonly #libc: Libc;
  readonly #logger: Logger;
  #socket: NetlinkSocket | undefined;
  #failed = false;
  /** Whether the message is what is waited for; takes what it needs from it. */
  #waiter: ((message: NetlinkMessage | undefined) => void) | undefined;

  constructor(libc: Libc, facts: LinkFacts, logger: Logger) {
    this.facts = facts;
    this.ethernet = ETHERNET_LIKE.includes(facts.hardwareType);
    this.#libc = libc;
    this.#logger = logger;
  }

  async nextHop(destination: IPAddress, search: boolean): Promise<HardwareAddress | undefined> {
    // Nobody else is on it: frames come back whatever their address is.
    if (this.facts.flags.includes('LOOPBACK')) return new HardwareAddress(new Uint8Array(6));
    const { index } = this.facts;
    const gateway = await this.#ask(RTM_GETROUTE, encodeRouteRequest(index, destination), (message) =>
      message.type === RTM_NEWROUTE ? decodeGateway(message.body) : undefined,
    );
    const hop = gateway ?? destination;
    const known = await this.#ask(RTM_GETNEIGH, encodeNeighbor(index, hop, false), neighborOf);
    return known?.hardware ?? (search ? this.#search(hop) : undefined);
  }

  close(): void {
    this.#socket?.close();
    this.#failed = true;
    this.#waiter?.(undefined);
  }

  /** One request, and what its answer says: undefined also for an error, which says that there is none. */
  #ask<Found>(
    type: number,
    body: Uint8Array,
    read: (message: NetlinkMessage) => Found | undefined,
  ): Promise<Found | undefined> {
    const sequence = this.#open()?.request(type, 0, body);
    if (sequence === undefined) return Promise.resolve(undefined);
    return this.#until(LOOKUP_MS, (message) =>
      message.sequence === sequence && message.port === this.#socket?.port ? { found: read(message) } : undefined,
    );
  }

  /** Has the kernel look for a neighbour, and waits for the news of it. */
  #search(hop: IPAddress): Promise<HardwareAddress | undefined> {
    const { index } = this.facts;
    const flags = NLM_F_ACK | NLM_F_CREATE;
    const sequence = this.#open()?.request(RTM_NEWNEIGH, flags, encodeNeighbor(index, hop, true));
    if (sequence === undefined) return Promise.resolve(undefined);
    return this.#until(SEARCH_MS, (message) => {
      if (message.type === NLMSG_ERROR && message.sequence === sequence) {
        return errnoOf(message) === 0 ? undefined : { found: undefined };
      }
      const news = neighborOf(message);
      const ours = news?.index === index && news.address.equals(hop);
      return ours && (news.hardware !== undefined || news.failed) ? { found: news.hardware } : undefined;
    });
  }

  #until<Found>(
    milliseconds: number,
    read: (message: NetlinkMessage) => { readonly found: Found | undefined } | undefined,
  ): Promise<Found | undefined> {
    return new Promise((resolve) => {
      const done = (found: Found | undefined) => {
        clearTimeout(timer);
        this.#waiter = undefined;
        resolve(found);
      };
      const timer = setTimeout(() => done(undefined), milliseconds);
      this.#waiter = (message) => {
        const answer = message === undefined ? { found: undefined } : read(message);
        if (answer !== undefined) done(answer.found);
      };
    });
  }

  #open(): NetlinkSocket | undefined {
    if (this.#failed) return undefined;
    this.#socket ??= new NetlinkSocket(this.#libc, [RTMGRP_NEIGH], this.#logger, {
      message: (message) => this.#waiter?.(message),
      lost: () => undefined,
      drained: () => undefined,
      failed: (error) => this.#fail(error),
    });
    return this.#socket;
  }

  #fail(error: SocketError): void {
    this.#logger.log('debug', { event: 'notice', message: `neighbours can't be looked up: ${error.message}` });
    this.close();
  }
}

function neighborOf(message: NetlinkMessage): NeighborFacts | undefined {
  return message.type === RTM_NEWNEIGH ? decodeNeighbor(message.body) : undefined;
}

function errnoOf({ body }: NetlinkMessage): number {
  return body.length < 4 ? 0 : -new DataView(body.buffer, body.byteOffset).getInt32(0, true);
}
