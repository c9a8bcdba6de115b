/** zstd (RFC 8878) where Node has none of its own, which is before 22.15: fzstd, in JavaScript. */
import { Decompress } from 'fzstd';

/** Compressed bytes that are taken at once: four of them can stand for 128 KiB, which are held until they are asked for. */
const SLICE = 512;
/** fzstd's own number for input that ends before its data do. */
const UNEXPECTED_END = 5;

/**
 * The decompressed pieces of `chunks`.
 *
 * @throws Error with the codes that Node's own has: ZSTD_error_srcSize_wrong for data that end early,
 *   ZSTD_error_corruption for what is no zstd
 */
export async function* inflateZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  let pieces: Uint8Array[] = [];
  // What it hands out is its own window, which it goes on writing to.
  const inflate = new Decompress((piece) => {
    if (piece.length > 0) pieces.push(piece.slice());
  });
  const take = (part: Uint8Array, last: boolean): readonly Uint8Array[] => {
    attempt(() => inflate.push(part, last));
    const taken = pieces;
    pieces = [];
    return taken;
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += SLICE) yield* take(chunk.subarray(at, at + SLICE), false);
  }
  yield* take(new Uint8Array(0), true);
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    const name = code === UNEXPECTED_END ? 'ZSTD_error_srcSize_wrong' : 'ZSTD_error_corruption';
    throw Object.assign(new Error(message), { code: name });
  }
}
