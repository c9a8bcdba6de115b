/** Bytes and text from outside, fit for a terminal: nothing that it would take as a command gets through. */

/** The text of a payload on one line: valid UTF-8 as it is, control characters and stray bytes as \xNN. */
export function printablePayload(bytes: Uint8Array, limit = 160): string {
  const shown = bytes.subarray(0, limit);
  const text = new TextDecoder('utf-8', { fatal: false }).decode(shown);
  const safe = text.includes('\ufffd') ? escapeBytes(shown) : escapeAsBytes(text);
  return bytes.length > limit ? `${safe}…` : safe;
}

/** Text as printable ASCII, every character of it a column wide: what is none is a question mark. */
export function printableText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

function escapeAsBytes(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\\]/gu, (c) => {
    const known: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
    return known[c] ?? [...new TextEncoder().encode(c)].map(hexEscape).join('');
  });
}

function escapeBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes)
    text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : hexEscape(byte);
  return text;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
