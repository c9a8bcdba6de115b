/** Routing and redundancy protocols, SCTP and those of the link, in a line. */
import type { LldpMessage } from './lldp.js';
import type { OspfMessage } from './ospf.js';
import type { PppControlMessage } from './ppp.js';
import type { PppoeMessage } from './pppoe.js';
import type { SctpMessage } from './sctp.js';
import type { BridgeId, StpMessage } from './stp.js';
import type { VrrpMessage } from './vrrp.js';

const OSPF_TYPES = ['', 'Hello', 'Database Description', 'LS-Request', 'LS-Update', 'LS-Ack'];

export function ospfText({ version, ospfType, routerId, areaId, length }: OspfMessage): string {
  const area = areaId === '0.0.0.0' ? 'Backbone Area' : `Area ${areaId}`;
  return `OSPFv${version}, ${OSPF_TYPES[ospfType] ?? `type ${ospfType}`}, length ${length}, Router-ID ${routerId}, ${area}`;
}

export function vrrpText({ version, vrrpType, routerId, priority, interval, addresses }: VrrpMessage): string {
  const kind = vrrpType === 1 ? 'Advertisement' : `type ${vrrpType}`;
  const every = version === 2 ? `${interval}s` : `${interval}cs`;
  return `VRRPv${version}, ${kind}, vrid ${routerId}, prio ${priority}, intvl ${every}, addrs ${addresses.join(',')}`;
}

const CHUNKS: Readonly<Record<number, string>> = {
  0: 'DATA',
  1: 'INIT',
  2: 'INIT ACK',
  3: 'SACK',
  4: 'HB REQ',
  5: 'HB ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN ACK',
  9: 'OP ERR',
  10: 'COOKIE ECHO',
  11: 'COOKIE ACK',
  12: 'ECNE',
  13: 'CWR',
  14: 'SHUTDOWN COMPLETE',
  192: 'FORWARD TSN',
};

export function sctpText({ chunks }: SctpMessage): string {
  const texts = chunks.map((chunk) => {
    const name = CHUNKS[chunk.type] ?? `chunk ${chunk.type}`;
    if (chunk.type === 0 && chunk.tsn !== undefined) {
      return `[${name}] [TSN: ${chunk.tsn}] [SID: ${chunk.streamId}] [SSEQ ${chunk.streamSequence}] [PPID 0x${(chunk.payloadProtocol ?? 0).toString(16)}]`;
    }
    if (chunk.initiateTag !== undefined) {
      return `[${name}] [init tag: ${chunk.initiateTag}] [rwnd: ${chunk.receiverWindow}] [OS: ${chunk.outboundStreams}] [MIS: ${chunk.inboundStreams}] [init TSN: ${chunk.initialTsn}]`;
    }
    if (chunk.type === 3 && chunk.cumulativeTsn !== undefined) {
      return `[${name}] [cum ack ${chunk.cumulativeTsn}] [a_rwnd ${chunk.receiverWindow}] [#gap acks ${chunk.gaps?.length ?? 0}] [#dup tsns ${chunk.duplicates?.length ?? 0}]`;
    }
    return `[${name}]`;
  });
  return `sctp${texts.map((text, i) => ` (${i + 1}) ${text}`).join('')}`;
}

const STP_VERSIONS = ['802.1d', '802.1d', '802.1w', '802.1s'];

export function stpText({ version, bpduType, bridge, root, port, rootPathCost }: StpMessage): string {
  const name = `STP ${STP_VERSIONS[version] ?? `version ${version}`}`;
  if (bpduType === 0x80) return `${name}, Topology Change`;
  const kind = bpduType === 0 ? 'Config' : bpduType === 2 ? 'Rapid' : `type ${bpduType}`;
  if (bridge === undefined || root === undefined) return `${name}, ${kind}`;
  const portText = (port ?? 0).toString(16).padStart(4, '0');
  return `${name}, ${kind}, bridge-id ${bridgeText(bridge)}.${portText}, root ${bridgeText(root)}, pathcost ${rootPathCost}`;
}

const bridgeText = ({ priority, systemId, address }: BridgeId): string =>
  `${(priority + systemId).toString(16).padStart(4, '0')}.${address}`;

export function lldpText({ tlvs }: LldpMessage): string {
  const name = tlvs.find(({ type }) => type === 5)?.value;
  const port = tlvs.find(({ type }) => type === 2)?.value;
  return `LLDP${name === undefined ? '' : `, ${name}`}${port === undefined ? '' : `, port ${port}`}`;
}

const PPPOE_CODES: Readonly<Record<number, string>> = { 7: 'PADO', 9: 'PADI', 25: 'PADR', 101: 'PADS', 167: 'PADT' };

export function pppoeText({ code, sessionId }: PppoeMessage): string {
  const session = sessionId === 0 ? '' : ` [ses 0x${sessionId.toString(16)}]`;
  return `PPPoE${code === 0 ? '' : ` ${PPPOE_CODES[code] ?? `code ${code}`}`}${session}`;
}

const PPP_CODES = [
  '',
  'Conf-Request',
  'Conf-Ack',
  'Conf-Nack',
  'Conf-Reject',
  'Term-Request',
  'Term-Ack',
  'Code-Reject',
  'Prot-Reject',
  'Echo-Request',
  'Echo-Reply',
];

export function pppControlText({ protocol, code, identifier, length }: PppControlMessage): string {
  const name = protocol === 'pap' || protocol === 'chap' ? undefined : PPP_CODES[code];
  return `${protocol.toUpperCase()}, ${name ?? `code ${code}`}, id ${identifier}, length ${length}`;
}
