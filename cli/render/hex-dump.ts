/** What goes through a connection in hex, each direction with its own offsets: `>` is sent, `<` received. */

const PER_LINE = 16;
/** Sixteen bytes of three characters each, and a gap in the middle. */
const HEX_WIDTH = PER_LINE * 3 + 1;
const MARK = { in: '<', out: '>' } as const;

/** Lines as hexdump(1) -C has them; the first byte has the number `offset`. */
export function hexDumpLines(bytes: Uint8Array, offset: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const row = bytes.subarray(at, at + PER_LINE);
    let hex = '';
    let characters = '';
    for (let index = 0; index < row.length; index++) {
      const byte = row[index] as number;
      hex += `${index === PER_LINE / 2 ? ' ' : ''} ${byte.toString(16).padStart(2, '0')}`;
      characters += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    lines.push(`${(offset + at).toString(16).padStart(8, '0')} ${hex.padEnd(HEX_WIDTH)}  |${characters}|`);
  }
  return lines;
}

export class HexDump {
  readonly #write: (text: string) => void;
  readonly #offset = { in: 0, out: 0 };

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** The lines of `chunk`, with the offset within the whole direction. */
  add(direction: 'in' | 'out', chunk: Uint8Array): void {
    const lines = hexDumpLines(chunk, this.#offset[direction]);
    this.#offset[direction] += chunk.length;
    this.#write(lines.map((line) => `${MARK[direction]} ${line}\n`).join(''));
  }
}
