/** The public names of the library. */

export type { ReceivedProbe } from './datagram/probe.js';
export type { ProbeReport } from './datagram/probe-report.js';
export type { TwoWayCounts } from './datagram/probe-sender.js';
export {
  type ReceiveInterval,
  type ReceiveOptions,
  type ReceiveSummary,
  receiveDatagrams,
} from './datagram/receive.js';
export {
  type ReceivedTransfer,
  type ReceiveReliableOptions,
  type ReceiveReliableSummary,
  receiveReliable,
} from './datagram/reliable/receive.js';
export {
  type SendReliableOptions,
  type SendReliableSummary,
  sendReliable,
  type TransferProgress,
} from './datagram/reliable/send.js';
export { fileSink, type ReliableSink, streamSink } from './datagram/reliable/sink.js';
export { fileSource, type ReliableSource, streamSource } from './datagram/reliable/source.js';
export {
  type Payload,
  type PayloadRun,
  type SendDatagramsOptions,
  type SendInterval,
  type SendSummary,
  sendDatagrams,
} from './datagram/send.js';
export { AddressError, describeCode, ERROR_TABLE, ExitCode, SockctlError, SocketError, UsageError } from './errors.js';
export { describeEvent } from './log/describe.js';
export { type LogEvent, type Logger, type LogLevel, silentLogger } from './log/events.js';
export { createLogger, type LoggerSettings } from './log/pino.js';
export { formatTimestamp, type Timestamp } from './measure/clock.js';
export type { DistributionMs, HistogramBucket } from './measure/histogram.js';
export { SOCKET_KINDS, type SocketKind, type SocketOption } from './options/row.js';
export { type OptionSetting, parseSetting, setting } from './options/settings.js';
export { findOption, SOCKET_OPTIONS } from './options/table.js';
export { decodeTcpInfo, formatTcpInfo, type TcpInfo } from './options/tcp-info.js';
export type { PingOptions, PingPlan, PingSocketOptions } from './raw/ping/options.js';
export { ping, pingBatches } from './raw/ping/ping.js';
export type {
  PathMtu,
  PingClocks,
  PingCounts,
  PingEndReason,
  PingError,
  PingRecord,
  PingReply,
  PingStanding,
  PingSummary,
  PingTimeout,
  PingTotal,
} from './raw/ping/records.js';
export { type PingBlock, type PingTarget, TargetSet } from './raw/ping/targets.js';
export type { BuiltPacket, PacketDefaults, PacketLink } from './raw/send/built-packet.js';
export { fragmentPacket, type PacketExpression, PacketExpressionError, parsePacket } from './raw/send/expression.js';
export { packetFromCapture, packetFromRecord } from './raw/send/from-record.js';
export type { Pace } from './raw/send/pace.js';
export { type CapturedFrame, type ReplayOptions, replayFrames } from './raw/send/replay.js';
export {
  type OutgoingPacket,
  type PacketAnswer,
  type SendPacketsOptions,
  type SendPacketsSummary,
  sendPackets,
} from './raw/send/send.js';
export {
  type SniffDrops,
  type SniffedPacket,
  type SniffOptions,
  type SniffProtocol,
  type SniffState,
  sniff,
  sniffBatches,
} from './raw/sniff.js';
export { unreachableMark } from './raw/trace/marks.js';
export type { TraceMultipath, TraceOpened, TraceOptions, TraceProtocol, TraceTarget } from './raw/trace/options.js';
export type {
  AnsweredProbe,
  QuotedHeader,
  TraceEndReason,
  TraceHop,
  TraceProbe,
  TraceRecord,
  TraceRefusal,
  TraceSummary,
  UnansweredProbe,
} from './raw/trace/records.js';
export { type TraceAddress, TraceControl, type TraceRow, TraceTable } from './raw/trace/table.js';
export { trace } from './raw/trace/trace.js';
export {
  compareEndpoints,
  type Endpoint,
  endpointKey,
  equalEndpoints,
  formatEndpoint,
  type InetEndpoint,
  inetEndpoint,
  type SocketAddress,
} from './sockaddr/endpoint.js';
export {
  compareIP,
  type IPAddress,
  type IPFamily,
  IPv4Address,
  IPv6Address,
  type ParseIPOptions,
  parseIP,
  tryParseIP,
} from './sockaddr/ip.js';
export {
  compareHardwareAddress,
  HardwareAddress,
  type LinkEndpoint,
  linkEndpoint,
  PacketType,
  parseHardwareAddress,
  parseLinkEndpoint,
} from './sockaddr/link-layer.js';
export { comparePrefix, IPPrefix, type ParsePrefixOptions, parsePrefix } from './sockaddr/prefix.js';
export { resolveEndpoint, resolveHost } from './sockaddr/resolve.js';
export { type ByteOrder, decodeSockaddr, decodeSocketAddress, encodeSockaddr } from './sockaddr/struct.js';
export { UnixEndpoint, unixEndpoint } from './sockaddr/unix.js';
export { type BackendChoice, selectBackend } from './socket/open.js';
export type { Backend, MessageSocket, StreamConnection, StreamListener } from './socket/port.js';
export {
  type BenchInterval,
  type BenchOptions,
  type BenchSummary,
  benchStream,
} from './stream/bench.js';
export { connectStream } from './stream/connect.js';
export { type Dialed, type DialOptions, dialStream } from './stream/dial.js';
export {
  type ConnectionHandler,
  discard,
  echo,
  generate,
  proxyTo,
  runCommand,
  saveTo,
  sendFile,
} from './stream/handlers.js';
export {
  type HandshakeOptions,
  type HandshakeRecord,
  type HandshakeTarget,
  pingPorts,
} from './stream/ping.js';
export { type ProxyRoute, parseProxyRoute } from './stream/proxy-route.js';
export { selfSigned } from './stream/self-signed.js';
export { type ServeOptions, type StreamServer, serve } from './stream/serve.js';
export { type TlsIdentity, type TlsServerOptions, tlsServer } from './stream/tls.js';
export { type CertificateFacts, describeTls, type TlsFacts } from './stream/tls-facts.js';
export { receiveAll, sendAll } from './stream/transfer.js';
export { type Dissection, dissect } from './wire/dissect.js';
export { encodePacket, type Kept, type PacketLayers } from './wire/encode.js';
export { dissectExactly, type ExactDissection } from './wire/exact.js';
export { summarize } from './wire/summary.js';
