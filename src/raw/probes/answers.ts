/** What sockets receive, as answers. */
import type { SocketError } from '../../errors.js';
import type { MessageFailure, MessageSocket, ReceivedMessage } from '../../socket/port.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { encodeUdp, UDP_HEADER } from '../../wire/udp.js';
import type { PacketAnswer, ProbeAnswer, ReportAnswer } from './port.js';
import { SOFT_ERRORS } from './soft-errors.js';

export type DeliverAnswers = (answers: readonly ProbeAnswer[]) => void;
export type Failed = (error: SocketError) => void;

/**
 * Starts reception of whole packets.
 *
 * @param protocol IP protocol number
 * @param withHeader whether they begin with their IPv4 header, as on raw sockets
 */
export function receivePackets(
  socket: MessageSocket,
  protocol: number,
  withHeader: boolean,
  deliver: DeliverAnswers,
  failed: Failed,
): void {
  socket.receive({
    messages: (batch) => deliver(packets(batch, protocol, withHeader, socket)),
    failure: (failure) => {
      const report = reportOf(failure, socket, (sent) => sent);
      if (report !== undefined) deliver([report]);
      else if (!SOFT_ERRORS.has(failure.error.code)) failed(failure.error);
    },
  });
}

function packets(
  batch: readonly ReceivedMessage[],
  protocol: number,
  withHeader: boolean,
  socket: MessageSocket,
): PacketAnswer[] {
  const userTime = socket.now();
  const answers: PacketAnswer[] = [];
  for (const { bytes, length, from, timestamp, timestampSource, hopLimit, trafficClass } of batch) {
    if (from === undefined || from.family === 'unix') continue;
    const skip = withHeader ? ((bytes[0] ?? 0) & 15) * 4 : 0;
    if (withHeader && (skip < IPV4_HEADER || skip > bytes.length)) continue;
    answers.push({
      kind: 'packet',
      protocol,
      bytes: skip === 0 ? bytes : bytes.subarray(skip),
      cut: length - bytes.length,
      header: skip === 0 ? undefined : bytes.subarray(0, skip),
      time: timestamp,
      timestampSource,
      userTime,
      from: from.address,
      hopLimit,
      trafficClass,
    });
  }
  return answers;
}

/**
 * Starts reception on a UDP socket, which shows neither headers nor checksums: what comes is given the ports that it
 * must have had.
 *
 * @param localPort its own
 */
export function receiveDatagrams(
  socket: MessageSocket,
  localPort: number,
  protocol: number,
  deliver: DeliverAnswers,
  failed: Failed,
): void {
  socket.receive({
    messages: (batch) => {
      const answers: PacketAnswer[] = [];
      for (const message of batch) {
        if (message.from === undefined || message.from.family === 'unix') continue;
        const ports = { sourcePort: message.from.port, destinationPort: localPort };
        const bytes = encodeUdp(ports, message.bytes);
        answers.push(...packets([{ ...message, bytes, length: UDP_HEADER + message.length }], protocol, false, socket));
      }
      deliver(answers);
    },
    failure: (failure) => {
      const { to } = failure;
      const destinationPort = to === undefined || to.family === 'unix' ? 0 : to.port;
      const withPorts = (sent: Uint8Array) => encodeUdp({ sourcePort: localPort, destinationPort }, sent);
      const report = reportOf(failure, socket, withPorts);
      if (report !== undefined) deliver([report]);
      else if (!SOFT_ERRORS.has(failure.error.code)) failed(failure.error);
    },
  });
}

/** @param whole what stood behind the IP header, from what the error queue has of it */
function reportOf(
  failure: MessageFailure,
  socket: MessageSocket,
  whole: (sent: Uint8Array) => Uint8Array,
): ReportAnswer | undefined {
  const { to, sent, icmpType, icmpCode, reporter, mtu, extensions, timestamp, hopLimit, trafficClass } = failure;
  if (icmpType === undefined || icmpCode === undefined || sent === undefined) return undefined;
  if (to === undefined || to.family === 'unix' || reporter === undefined) return undefined;
  const userTime = socket.now();
  return {
    kind: 'report',
    time: timestamp ?? userTime,
    timestampSource: timestamp === undefined ? 'user' : 'kernel',
    userTime,
    from: reporter,
    hopLimit: hopLimit ?? null,
    trafficClass: trafficClass ?? null,
    to: to.address.unmap(),
    icmpType,
    icmpCode,
    mtu,
    sent: whole(sent),
    extensions,
  };
}
