/** The public names of this room: packets from a link or a file. */
export { Defragmenter } from './analysis/defragment.js';
export { endText, type FlowEnd } from './analysis/flow.js';
export { type FollowedPiece, type FollowedStream, StreamFollower } from './analysis/follow.js';
export { type CaptureInfo, CaptureInfoCollector } from './analysis/info.js';
export {
  type ConversationOrder,
  type ConversationTraffic,
  LiveTraffic,
  type LiveTrafficOptions,
  type ProtocolTraffic,
  type TrafficCount,
  type TrafficRate,
} from './analysis/live-traffic.js';
export {
  CaptureStatisticsCollector,
  type Conversation,
  type EndpointCount,
  type ProtocolCount,
  type RatePoint,
} from './analysis/statistics.js';
export { type CaptureFormat, openReader, openWriter } from './format/open.js';
export type { InterfaceText, SectionText } from './format/pcapng-writer.js';
export type { CaptureDetails, CaptureFault, CaptureReader, CaptureWriter } from './format/port.js';
export * from './reading.js';
export {
  ANY_INTERFACE,
  type CapturedPacket,
  type CaptureInterface,
  type Direction,
  type OtherBlock,
  type PacketRecord,
  packetRecord,
} from './record.js';
export { createDetailSink } from './sinks/detail.js';
export { createFieldsSink } from './sinks/fields.js';
export type { FileCompression } from './sinks/file/compression.js';
export type { Rotation } from './sinks/file/names.js';
export { type FileSinkOptions, thisMachine } from './sinks/file/options.js';
export { openFileSink } from './sinks/file.js';
export { printableText } from './sinks/hexdump.js';
export { createNdjsonSink } from './sinks/ndjson.js';
export { createParallelSink } from './sinks/parallel.js';
export type { RenderSpec } from './sinks/render.js';
export { createTextSink } from './sinks/text.js';
export { createTimeText, type TextOptions, type TimeStyle } from './sinks/text-line.js';
export type { CapOptions } from './sources/cap-options.js';
export { openCapSource } from './sources/cap-process.js';
export { type DeviceLink, describeDevice, deviceFilterOptions, liveFilterOptions } from './sources/device-link.js';
export type { RingSourceOptions } from './sources/ring/options.js';
export { openRingSource } from './sources/ring.js';
