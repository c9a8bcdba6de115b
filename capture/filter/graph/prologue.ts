/** What stands in front of a program: where the headers are that its tests need, found out once. */
import type { Cell } from '../conditions/condition.js';
import { Ether, KERNEL_LINK, Kernel, PACKET_OUTGOING } from '../conditions/numbers.js';
import { Alu, Class, Mode, Size, Source } from '../program/instruction.js';
import { type Block, JUMP_ANY, JUMP_EQUAL, type Statement, statement } from './block.js';
import { ALU, type Builder, LD, LDX, TAX, TXA } from './builder.js';

/** What fills the cells that something uses, in front of `root`. */
export function addPrologue(builder: Builder, root: Block, reject: Block): Block {
  const { prefixCell, wirelessCell, foundCells, prefix, lengthCell, protocolCell } = builder.state;
  let begin = root;
  if (lengthCell?.used === true) begin = packetLength(builder, lengthCell, begin);
  if (protocolCell?.used === true) begin = cookedProtocol(builder, protocolCell, begin);
  if (foundCells.length > 0) {
    // The kernel takes no program that may read what nothing has written.
    const zero = foundCells.map((cell) => builder.storeCell(cell));
    begin = builder.always([statement(LD | Mode.imm, 0), ...zero], begin);
  }
  if (wirelessCell?.used === true) begin = wirelessLength(builder, wirelessCell, prefixCell, begin);
  if (prefixCell?.used === true) {
    begin = prefixLength(builder, prefixCell, begin);
  }
  if (prefix === 'ppi') {
    // The link type of what is within, in the order of the least significant byte first: IEEE 802.11.
    begin = builder.block([statement(LD | Mode.abs | Size.w, 4)], JUMP_EQUAL, 0x6900_0000, begin, reject);
  }
  return begin;
}

/** RFC 791 and RFC 8200 section 3: IPv4 counts its header, IPv6 what stands behind its 40 bytes. */
function packetLength(builder: Builder, cell: Cell, next: Block): Block {
  const at = builder.state.header.constant;
  const store = builder.storeCell(cell);
  const v6 = builder.always([statement(LD | Mode.abs | Size.h, at + 4), statement(ALU | Alu.add, 40), store], next);
  const v4 = builder.always([statement(LD | Mode.abs | Size.h, at + 2), store], next);
  const version = [statement(LD | Mode.abs | Size.b, at), statement(ALU | Alu.and, 0xf0)];
  return builder.block(version, JUMP_EQUAL, 0x60, v6, v4);
}

/**
 * What a cooked packet carries, as its header has it later. A frame that goes out with its VLAN tag in it, since the card
 * takes none from the kernel, is shown from the network's header on; the kernel's number is that of the tag still, and
 * what the tag carries stands in the link's header. Two tags are looked behind, and no third.
 */
function cookedProtocol(builder: Builder, cell: Cell, next: Block): Block {
  const store = builder.storeCell(cell);
  const behindTag = (offset: number) => [statement(LD | Mode.abs | Size.h, KERNEL_LINK + offset), store];
  const second = isVlan(builder, behindTag(16), builder.always(behindTag(20), next), next);
  const packetType = [statement(LD | Mode.abs | Size.h, Kernel.packetType)];
  const outgoing = builder.block(packetType, JUMP_EQUAL, PACKET_OUTGOING, second, next);
  return isVlan(builder, [statement(LD | Mode.abs | Size.h, Kernel.protocol), store], outgoing, next);
}

/** Whether the accumulator has the type of a tag that the kernel takes out of packets. */
export function isVlan(builder: Builder, statements: Statement[], is: Block, isNot: Block): Block {
  const service = builder.block([], JUMP_EQUAL, Ether.serviceVlan, is, isNot);
  return builder.block(statements, JUMP_EQUAL, Ether.vlan, is, service);
}

function prefixLength(builder: Builder, cell: Cell, next: Block): Block {
  const store = builder.storeCell(cell);
  switch (builder.state.prefix) {
    case 'avs':
      return builder.always([statement(LD | Mode.abs | Size.w, 4), store], next);
    case 'prism': {
      // Some drivers put AVS's header where they say Prism's; that one is always 144 bytes long.
      const avs = builder.always([statement(LD | Mode.abs | Size.w, 4), store], next);
      const prism = builder.always([statement(LD | Mode.imm, 144), store], next);
      const isAvs = [statement(LD | Mode.abs | Size.w, 0), statement(ALU | Alu.and, 0xffff_f000)];
      return builder.block(isAvs, JUMP_EQUAL, 0x8021_1000, avs, prism);
    }
    default:
      // Radiotap, and PPI alike: two bytes, the least significant first.
      return builder.always(
        [
          statement(LD | Mode.abs | Size.b, 3),
          statement(ALU | Alu.lsh, 8),
          statement(TAX),
          statement(LD | Mode.abs | Size.b, 2),
          statement(ALU | Alu.or | Source.x),
          store,
        ],
        next,
      );
  }
}

/** IEEE 802.11: 24 bytes, two more with quality of service, and filling where radiotap says so. */
function wirelessLength(builder: Builder, cell: Cell, prefix: Cell | undefined, next: Block): Block {
  const word = builder.wordOf(cell);
  const [load, store] = [statement(LD | Mode.mem, word), statement(Class.st, word)];
  let done = next;
  if (builder.state.prefix === 'radiotap') {
    // Of the fields that may be present, the time (bit 0) stands before the flags (bit 1), in which 0x20 means filling.
    const fill = builder.always(
      [load, statement(ALU | Alu.add, 3), statement(ALU | Alu.and, 0xffff_fffc), store],
      next,
    );
    const flags = (at: number) => builder.block([statement(LD | Mode.abs | Size.b, at)], JUMP_ANY, 0x20, fill, next);
    const hasTime = builder.block([], JUMP_ANY, 0x0100_0000, flags(16), flags(8));
    const hasMore = builder.block([], JUMP_ANY, 0x0000_0080, next, hasTime);
    done = builder.block([statement(LD | Mode.abs | Size.w, 4)], JUMP_ANY, 0x0200_0000, hasMore, next);
  }
  const quality = builder.always([load, statement(ALU | Alu.add, 2), store], done);
  const hasQuality = builder.block([], JUMP_ANY, 0x80, quality, done);
  const isControl = builder.block([], JUMP_ANY, 0x04, next, hasQuality);
  const begin = prefix === undefined ? statement(LDX | Mode.imm, 0) : builder.loadCell(LDX, prefix);
  return builder.block(
    [begin, statement(TXA), statement(ALU | Alu.add, 24), store, statement(LD | Mode.ind | Size.b, 0)],
    JUMP_ANY,
    0x08,
    isControl,
    next,
  );
}
