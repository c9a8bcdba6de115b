/** The portable backend: node:net, node:dgram and raw-socket, where system calls can't be had or are not wanted. */
import type { Backend } from '../port.js';
import { openPortableDatagram } from './datagram.js';
import { backendLimit } from './limits.js';
import { openPortableRaw } from './raw.js';
import { connectPortable, listenPortable } from './stream.js';

export function portableBackend(): Backend {
  return {
    name: 'portable',
    listen: listenPortable,
    connect: connectPortable,
    datagram: openPortableDatagram,
    raw: openPortableRaw,
    ping: async () => {
      throw backendLimit('no ICMP datagram sockets');
    },
  };
}
