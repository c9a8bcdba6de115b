/** The public names of this room: packets from a link or a file. */
export { type CaptureFormat, openReader, openWriter } from './format/open.js';
export type { SectionText } from './format/pcapng-writer.js';
export type { CaptureFault, CaptureReader, CaptureWriter } from './format/port.js';
export { type CaptureEndReason, type CaptureSummary, type PipelineOptions, runPipeline } from './pipeline.js';
export {
  type CapturedPacket,
  type CaptureInterface,
  type Direction,
  type PacketRecord,
  packetRecord,
} from './record.js';
export type { CaptureSink, WriteLines } from './sink.js';
export { type CountSink, createCountSink } from './sinks/count.js';
export { type FileSinkOptions, openFileSink } from './sinks/file.js';
export { createNdjsonSink } from './sinks/ndjson.js';
export { createTextSink, type TextOptions } from './sinks/text.js';
export type { CaptureEvent, CaptureSource, CaptureStatistics } from './source.js';
export type { CapOptions } from './sources/cap-options.js';
export { openCapSource } from './sources/cap-process.js';
export { type FileSource, openFileSource } from './sources/file.js';
export { mergeSources } from './sources/merge.js';
