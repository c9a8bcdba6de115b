/**
 * The part of this room that reads, filters and counts, without what takes packets apart and prints them: a command that
 * only counts starts twice as fast. index.ts has these names too.
 */
export { compileFilter, compileLiveFilter, type FilterOptions } from './filter/compile.js';
export { FilterError, KernelFilterError } from './filter/error.js';
export { checkExpression, resolveFilterHosts } from './filter/hosts.js';
export { type HostTable, ipProtocol } from './filter/names.js';
export { createPacketFilter, type PacketFilter } from './filter/packet-filter.js';
export { encodeProgram, type Instruction, type Program } from './filter/program/instruction.js';
export { runProgram } from './filter/program/interpret.js';
export { type CompiledProgram, compileProgram } from './filter/program/javascript.js';
export { type ListingForm, listProgram, parseListing } from './filter/program/listing.js';
export { findProgramFault } from './filter/program/validate.js';
export { type FilteredSocket, socketFilter } from './filter/socket-filter.js';
export { type CaptureEndReason, type CaptureSummary, type PipelineOptions, runPipeline } from './pipeline.js';
export type { CaptureSink, WriteLines } from './sink.js';
export { type CountSink, createCountSink } from './sinks/count.js';
export { type CaptureEvent, type CaptureSource, type CaptureStatistics, NO_STATISTICS } from './source.js';
export { type FileSource, openFileSource } from './sources/file.js';
export { mergeSources } from './sources/merge.js';
