/** The bodies of pcapng blocks that are read: interfaces, packets, counters. */
import {
  type CapturedPacket,
  type CaptureInterface,
  type Direction,
  loopbackOrder,
  type OtherOption,
} from '../record.js';
import { type CaptureStatistics, NO_STATISTICS } from '../source.js';
import type { ByteWindow } from './bytes.js';
import {
  BlockClock,
  type BlockOption,
  BlockType,
  FLAG_INBOUND,
  FLAG_OUTBOUND,
  OptionCode,
  optionText,
  readOptions,
} from './pcapng-blocks.js';
import { carriedOption } from './pcapng-other.js';
import type { SectionDetails } from './port.js';

/** A whole block at the start of `window`; `end` is where its trailing length stands. */
export interface Block {
  readonly window: ByteWindow;
  readonly end: number;
  readonly littleEndian: boolean;
}

export interface SectionInterface {
  readonly value: CaptureInterface;
  readonly clock: BlockClock;
}

/** Where a block's body begins. */
const BODY = 8;

/** What a section header says besides its byte order. */
export function readSection({ window, end, littleEndian }: Block): SectionDetails {
  const { hardware, operatingSystem, application } = OptionCode.section;
  const texts: { -readonly [Key in keyof SectionDetails]: SectionDetails[Key] } & { comments: string[] } = {
    comments: [],
  };
  for (const option of readOptions(window, BODY + 16, end, littleEndian)) {
    const text = () => optionText(window, option);
    if (option.code === OptionCode.comment) texts.comments.push(text());
    else if (option.code === hardware) texts.hardware = text();
    else if (option.code === operatingSystem) texts.operatingSystem = text();
    else if (option.code === application) texts.application = text();
  }
  return texts;
}

/** Interface Description Block; text is what is wrong with it. */
export function describeInterface(block: Block, id: number): SectionInterface | string {
  const { window, end, littleEndian } = block;
  if (end < BODY + 8) return 'an interface description that is too short';
  let resolution = 6;
  let offset = 0n;
  const text: { -readonly [K in keyof CaptureInterface]?: CaptureInterface[K] } = {};
  const options: OtherOption[] = [];
  for (const option of readOptions(window, BODY + 8, end, littleEndian)) {
    const { name, description, operatingSystem, hardware, ...numbers } = OptionCode.interface;
    if (option.code === name) text.name = optionText(window, option);
    else if (option.code === description) text.description = optionText(window, option);
    else if (option.code === operatingSystem) text.operatingSystem = optionText(window, option);
    else if (option.code === hardware) text.hardware = optionText(window, option);
    else if (option.code === numbers.resolution && option.length >= 1) resolution = window.u8(option.at);
    else if (option.code === numbers.offset && option.length >= 8) offset = window.i64(option.at, littleEndian);
    else keepOption(options, 'interface', block, option);
  }
  const linkType = window.u16(BODY, littleEndian);
  const value: CaptureInterface = {
    id,
    name: null,
    linkType,
    ...loopbackOrder(linkType, littleEndian),
    snapshotLength: window.u32(BODY + 4, littleEndian),
    ...text,
    ...(options.length === 0 ? {} : { options }),
  };
  return { value, clock: new BlockClock(resolution, offset) };
}

function keepOption(into: OtherOption[], of: 'packet' | 'interface', block: Block, option: BlockOption): void {
  const value = block.window.peek(option.at, option.length).slice();
  const carried = carriedOption(of, option.code, value, block.littleEndian);
  if (carried !== undefined) into.push(carried);
}

/** Enhanced, simple and obsolete packet blocks; text is what is wrong with it. */
export function readPacket(
  type: number,
  block: Block,
  section: readonly SectionInterface[],
): Omit<CapturedPacket, 'number'> | string {
  if (type === BlockType.simplePacket) return readSimplePacket(block, section);
  const { window, end, littleEndian } = block;
  const dataAt = BODY + 20;
  if (end < dataAt) return 'a packet block that is too short';
  const index = type === BlockType.packet ? window.u16(BODY, littleEndian) : window.u32(BODY, littleEndian);
  const from = section[index];
  if (from === undefined) return `a packet of interface ${index}, which the section does not describe,`;
  const captured = window.u32(BODY + 12, littleEndian);
  if (captured > end - dataAt) return `a packet of ${captured} bytes in a block with room for ${end - dataAt}`;
  const optionsAt = dataAt + ((captured + 3) & ~3);
  return {
    timestamp: from.clock.at(window.u32(BODY + 4, littleEndian), window.u32(BODY + 8, littleEndian)),
    interface: from.value,
    originalLength: window.u32(BODY + 16, littleEndian),
    bytes: window.peek(dataAt, captured),
    ...packetOptions(block, optionsAt),
  };
}

/** No time, no captured length: interface 0, and as much as its snapshot length and the block allow. */
function readSimplePacket(block: Block, section: readonly SectionInterface[]): Omit<CapturedPacket, 'number'> | string {
  const { window, end, littleEndian } = block;
  const from = section[0]?.value;
  if (from === undefined) return 'a simple packet block before any interface description';
  if (end < BODY + 4) return 'a packet block that is too short';
  const originalLength = window.u32(BODY, littleEndian);
  const captured = Math.min(originalLength, from.snapshotLength || originalLength);
  if (captured > end - (BODY + 4)) return `a packet of ${captured} bytes in a block with room for ${end - (BODY + 4)}`;
  const bytes = window.peek(BODY + 4, captured);
  return { timestamp: null, interface: from, direction: null, originalLength, bytes };
}

type PacketOptions = Pick<CapturedPacket, 'direction' | 'flags' | 'comments' | 'options'>;

const NO_OPTIONS: PacketOptions = { direction: null };

function packetOptions(block: Block, at: number): PacketOptions {
  const { window, end, littleEndian } = block;
  if (at + 4 > end) return NO_OPTIONS;
  const options: OtherOption[] = [];
  let flags: number | undefined;
  const comments: string[] = [];
  for (const option of readOptions(window, at, end, littleEndian)) {
    if (option.code === OptionCode.comment) comments.push(optionText(window, option));
    else if (option.code === OptionCode.packet.flags && option.length >= 4) flags = window.u32(option.at, littleEndian);
    else keepOption(options, 'packet', block, option);
  }
  return {
    direction: flags === undefined ? null : directionOf(flags),
    ...(flags === undefined ? {} : { flags }),
    ...(comments.length === 0 ? {} : { comments }),
    ...(options.length === 0 ? {} : { options }),
  };
}

function directionOf(flags: number): Direction | null {
  if ((flags & 3) === FLAG_INBOUND) return 'in';
  return (flags & 3) === FLAG_OUTBOUND ? 'out' : null;
}

/** Interface Statistics Block. */
export function readStatistics(
  block: Block,
  section: readonly SectionInterface[],
): { readonly interface: CaptureInterface; readonly statistics: CaptureStatistics } | undefined {
  const { window, end, littleEndian } = block;
  const from = end < BODY + 12 ? undefined : section[window.u32(BODY, littleEndian)];
  if (from === undefined) return undefined;
  const { received, droppedInterface, droppedKernel } = OptionCode.statistics;
  const counters = new Map<number, number>();
  for (const option of readOptions(window, BODY + 12, end, littleEndian)) {
    if (option.length >= 8) counters.set(option.code, Number(window.u64(option.at, littleEndian)));
  }
  return {
    interface: from.value,
    statistics: {
      ...NO_STATISTICS,
      received: counters.get(received) ?? null,
      droppedInterface: counters.get(droppedInterface) ?? null,
      droppedKernel: counters.get(droppedKernel) ?? null,
    },
  };
}
