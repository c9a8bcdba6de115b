/** A followed conversation: text with who says it, a hex dump, the bytes themselves, or records. */
import { endText, type FollowedPiece, type FollowedStream, printableText } from '../../capture/index.js';
import { formatTimestamp } from '../../src/measure/clock.js';
import { hexDumpLines } from './hex-dump.js';

export type FollowStyle = 'text' | 'hex' | 'raw';

export interface FollowRenderer {
  head(stream: FollowedStream): string;
  piece(piece: FollowedPiece, stream: FollowedStream): string | Uint8Array;
  end(): string;
}

export function createFollowRenderer(style: FollowStyle, json: boolean, color: boolean): FollowRenderer {
  if (json) return RECORDS;
  if (style === 'raw') return RAW;
  return style === 'hex' ? HEX : createTextRenderer(color);
}

const RECORDS: FollowRenderer = {
  head: () => '',
  end: () => '',
  piece: ({ side, timestamp, offset, length, bytes }, { a, b, stream }) => {
    const record = {
      type: bytes === null ? 'stream.gap' : 'stream.data',
      time: timestamp === null ? null : formatTimestamp(timestamp),
      stream,
      from: side === 0 ? a : b,
      to: side === 0 ? b : a,
      side: side === 0 ? 'a' : 'b',
      offset,
      length,
      ...(bytes === null
        ? {}
        : { data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') }),
    };
    return `${JSON.stringify(record)}\n`;
  },
};

const RAW: FollowRenderer = {
  head: () => '',
  end: () => '',
  // The packet's memory is its source's again before this is written.
  piece: ({ bytes }) => (bytes === null ? '' : bytes.slice()),
};

const gapText = (length: number): string => `[${length} bytes missing]`;
const arrow = (side: 0 | 1): string => (side === 0 ? '>' : '<');

const HEX: FollowRenderer = {
  head: ({ a, b }) => `> ${endText(a)}\n< ${endText(b)}\n`,
  end: () => '',
  piece: ({ side, offset, length, bytes }) => {
    if (bytes === null) return `${arrow(side)} ${gapText(length)}\n`;
    return hexDumpLines(bytes, offset)
      .map((line) => `${arrow(side)} ${line}\n`)
      .join('');
  },
};

/** Green and cyan, as two speakers are told apart. */
const COLORS = ['\u001b[32m', '\u001b[36m'] as const;
const PLAIN = '\u001b[0m';

/** Lines with an arrow in front; what a terminal would act upon is a dot. */
function createTextRenderer(color: boolean): FollowRenderer {
  let speaker: 0 | 1 | undefined;
  let inLine = false;
  const paint = (side: 0 | 1, text: string) => (color ? `${COLORS[side]}${text}${PLAIN}` : text);
  const breakLine = () => (inLine ? '\n' : '');
  return {
    head: ({ a, b }) => `${paint(0, `> ${endText(a)}`)}\n${paint(1, `< ${endText(b)}`)}\n`,
    end: breakLine,
    piece: ({ side, length, bytes }) => {
      let text = speaker !== side || bytes === null ? breakLine() : '';
      if (speaker !== side || bytes === null) inLine = false;
      speaker = side;
      if (bytes === null) return `${text}${arrow(side)} ${gapText(length)}\n`;
      const lines = printableText(bytes).split('\n');
      lines.forEach((line, i) => {
        const last = i === lines.length - 1;
        if (last && line === '') return;
        text += paint(side, `${inLine ? '' : `${arrow(side)} `}${line}`) + (last ? '' : '\n');
        inLine = last;
      });
      return text;
    },
  };
}
