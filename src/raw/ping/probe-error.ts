/** Errors about probes: of hosts and routers on the way, and of this machine, which has refused to send one. */
import { SocketError } from '../../errors.js';
import type { Timestamp } from '../../measure/clock.js';
import type { IPAddress } from '../../sockaddr/ip.js';
import { REFUSAL_ADVICE } from '../probes/refusal-advice.js';
import type { PingRoute } from './ledger.js';
import type { PingError } from './records.js';

export interface ErrorFacts {
  readonly address: string;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly message: string;
  readonly code?: string | undefined;
  readonly advice?: string | undefined;
  readonly mtu?: number | undefined;
  readonly gateway?: string | undefined;
  /** Whether it ends the wait for the probe. */
  readonly settles: boolean;
  readonly time: Timestamp;
}

/** What to try, for the codes that mean something else to a ping than they do elsewhere (raw(7), icmp(7)). */
const ADVICE: Readonly<Record<string, string>> = {
  ...REFUSAL_ADVICE,
  EACCES: 'a broadcast address takes --broadcast; what else forbids it: ip route get ADDRESS',
  EMSGSIZE: 'it is larger than the way there takes: send less (-s) or in fragments (-M dont); --pmtu-search finds out',
  ENOBUFS: 'the queue of the device is full, or it takes no packet of this size: go slower, or send less (-s)',
  EINVAL: 'the way there and the source do not go together: look at -S, -I, and ip route get ADDRESS',
};

/** The kernel's answer over IPv6 for one neighbour more than it remembers, in all namespaces together. */
const NEIGHBOURS = 'of many neighbours at once, the table of them is full: sysctl net.ipv6.neigh.default.gc_thresh3';

/** The error of this machine as it is told: about the host alone, ICMP having no ports, and to one who pings. */
export function refusalFacts(
  { syscall, code, errno, advice }: SocketError,
  to: IPAddress,
  time: Timestamp,
): ErrorFacts {
  const address = to.toString();
  const told = new SocketError({ syscall, code, errno, address, advice: adviceOn(code, to) ?? advice });
  return {
    address,
    icmpType: null,
    icmpCode: null,
    code,
    message: told.message,
    advice: told.advice,
    settles: true,
    time,
  };
}

function adviceOn(code: string, to: IPAddress): string | undefined {
  const advice = ADVICE[code];
  if (code !== 'EINVAL' || to.family === 'ipv4') return advice;
  // Of a link-local address it is mostly the zone that is missing, which the error says itself.
  return to.isLinkLocal ? undefined : `${advice}; ${NEIGHBOURS}`;
}

/** What there is to say of the probe that an error is about. */
export interface FailedProbe {
  readonly target: string;
  readonly sequence: number;
  readonly settles: boolean;
  readonly rttMs: number | null;
  readonly route: PingRoute;
}

export function errorRecord(facts: ErrorFacts, { target, sequence, settles, rttMs, route }: FailedProbe): PingError {
  const { time, address, icmpType, icmpCode, code, message, advice, mtu, gateway } = facts;
  return {
    type: 'ping.error',
    time,
    target,
    sequence,
    address,
    icmpType,
    icmpCode,
    ...(code === undefined ? {} : { code }),
    message,
    ...(advice === undefined ? {} : { advice }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(gateway === undefined ? {} : { gateway }),
    settles,
    rttMs,
    ...route,
  };
}
