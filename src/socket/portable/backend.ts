/** The portable backend: node:net, node:dgram and raw-socket, where system calls can't be had or are not wanted. */
import type { Backend, OpenObserver } from '../port.js';
import { openPortableDatagram } from './datagram.js';
import { backendLimit } from './limits.js';
import { openPortableRaw } from './raw.js';
import { connectPortable, listenPortable } from './stream.js';

/** @throws UsageError BACKEND_LIMIT for an observer: Node does not show the options of its sockets */
export function portableBackend(onOpen?: OpenObserver): Backend {
  if (onOpen !== undefined) throw backendLimit("node does not show a socket's options");
  return {
    name: 'portable',
    alarm: () => undefined,
    listen: listenPortable,
    connect: connectPortable,
    datagram: openPortableDatagram,
    raw: openPortableRaw,
    ping: async () => {
      throw backendLimit('no ICMP datagram sockets');
    },
    frames: noPacketSockets,
    frameSender: noPacketSockets,
  };
}

async function noPacketSockets(): Promise<never> {
  throw backendLimit('no packet sockets');
}
