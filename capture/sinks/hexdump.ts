/** Bytes as tcpdump(8) prints them with -x, -X and -A. */

const PER_LINE = 16;
/** Eight pairs with a space in front of each. */
const HEX_WIDTH = 40;

/** @param ascii adds the printable characters, as -X does */
export function hexDump(bytes: Uint8Array, ascii: boolean): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const row = bytes.subarray(at, at + PER_LINE);
    let hex = '';
    let characters = '';
    for (let index = 0; index < row.length; index++) {
      const byte = row[index] as number;
      hex += `${index % 2 === 0 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`;
      characters += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    const offset = at.toString(16).padStart(4, '0');
    text += ascii ? `\t0x${offset}: ${hex.padEnd(HEX_WIDTH)}  ${characters}\n` : `\t0x${offset}: ${hex}\n`;
  }
  return text;
}

/** Bytes as text, as -A prints them: what is not printable is a dot, but for tabs and the ends of lines. */
export function printableText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x0d && bytes[i + 1] === 0x0a) continue;
    text += (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09 ? String.fromCharCode(byte) : '.';
  }
  return text;
}
