/** Who talks to whom in a packet: addresses and ports of its outermost IP header, or the link's where there is none. */
import type { Dissection, Layer } from '../../src/wire/layer.js';
import type { TcpMessage } from '../../src/wire/tcp.js';

export type FlowProtocol = 'tcp' | 'udp' | 'sctp' | 'ip' | 'ethernet';

export interface FlowEnd {
  readonly address: string;
  /** Null where the protocol has none. */
  readonly port: number | null;
}

export interface Flow {
  readonly protocol: FlowProtocol;
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
  /** Where the layer with the ports stands among the layers; -1 for none. */
  readonly at: number;
}

/** Undefined where nothing is said of ends. */
export function flowOf({ layers }: Dissection): Flow | undefined {
  for (let i = 0; i < layers.length; i++) {
    const layer = layers[i] as Layer;
    if (layer.protocol !== 'ipv4' && layer.protocol !== 'ipv6') continue;
    for (let at = i + 1; at < layers.length; at++) {
      const upper = layers[at] as Layer;
      if (upper.protocol === 'tcp' || upper.protocol === 'udp' || upper.protocol === 'sctp') {
        return {
          protocol: upper.protocol,
          source: { address: layer.source, port: upper.sourcePort },
          destination: { address: layer.destination, port: upper.destinationPort },
          at,
        };
      }
      if (!upper.protocol.startsWith('ipv6-') && upper.protocol !== 'ah') break;
    }
    const ends = {
      source: { address: layer.source, port: null },
      destination: { address: layer.destination, port: null },
    };
    return { protocol: 'ip', ...ends, at: -1 };
  }
  const [link] = layers;
  if (link?.protocol !== 'ethernet') return undefined;
  const ends = { source: { address: link.source, port: null }, destination: { address: link.destination, port: null } };
  return { protocol: 'ethernet', ...ends, at: -1 };
}

/** The TCP header of a flow; undefined for others. */
export function tcpOf(flow: Flow, { layers }: Dissection): TcpMessage | undefined {
  const layer = layers[flow.at];
  return layer?.protocol === 'tcp' ? layer : undefined;
}

export const endText = ({ address, port }: FlowEnd): string => {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
};

/** The same for both directions, and whether the packet goes from the first end of it to the second. */
export function flowKey({ protocol, source, destination }: Flow): { readonly key: string; readonly forward: boolean } {
  const from = `${source.address} ${source.port}`;
  const to = `${destination.address} ${destination.port}`;
  const forward = from <= to;
  return { key: forward ? `${protocol} ${from} ${to}` : `${protocol} ${to} ${from}`, forward };
}
