/**
 * Where the frames of zstd data end (RFC 8878 section 3.1). Node's own decompressor, before 26, drops what stands behind a
 * frame in the same write: files of several frames, as `cat`, pzstd and captures in progress make them, would end early
 * without a word. It is given each frame in writes of its own.
 */

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
/** What comes next, and how many bytes of it have to be seen. */
type Part = 'magic' | 'frame header' | 'skippable size' | 'block header';

const LENGTH: Readonly<Record<Part, number>> = {
  magic: 4,
  'frame header': 1,
  'skippable size': 4,
  'block header': 3,
};

/** Cuts `chunks` where frames end, and nowhere else; what is no zstd is left as it is, for the decompressor to refuse. */
export async function* cutFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  const finder = new FrameFinder();
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = finder.next(chunk, 0); at < chunk.length; at = finder.next(chunk, at)) {
      if (at > from) yield chunk.subarray(from, at);
      from = at;
    }
    if (from < chunk.length) yield chunk.subarray(from);
  }
}

class FrameFinder {
  readonly #seen = new Uint8Array(4);
  #seenLength = 0;
  #part: Part = 'magic';
  /** Bytes that nobody has to look at. */
  #skip = 0;
  #checksum = 0;
  #lost = false;

  /** Goes on from `start` until a frame ends: where that is, or the end of the chunk. */
  next(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && !this.#lost) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else {
        this.#seen[this.#seenLength++] = chunk[at++] as number;
        if (this.#seenLength === LENGTH[this.#part]) this.#take();
      }
      // A frame is over where the next would begin and nothing of this one is left.
      if (this.#part === 'magic' && this.#seenLength === 0 && this.#skip === 0) return at;
    }
    return chunk.length;
  }

  #take(): void {
    const view = new DataView(this.#seen.buffer);
    this.#seenLength = 0;
    switch (this.#part) {
      case 'magic': {
        const magic = view.getUint32(0, true);
        if (magic === FRAME_MAGIC) this.#part = 'frame header';
        else if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) this.#part = 'skippable size';
        else this.#lost = true;
        return;
      }
      case 'skippable size':
        this.#skip = view.getUint32(0, true);
        this.#part = 'magic';
        return;
      case 'frame header': {
        const descriptor = view.getUint8(0);
        const single = (descriptor >> 5) & 1;
        const content = [single, 2, 4, 8][descriptor >> 6] as number;
        const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
        this.#checksum = (descriptor & 4) === 0 ? 0 : 4;
        this.#skip = 1 - single + dictionary + content;
        this.#part = 'block header';
        return;
      }
      default: {
        const header = view.getUint16(0, true) | (view.getUint8(2) << 16);
        const last = (header & 1) === 1;
        // A block of one byte, repeated, holds that byte.
        this.#skip = ((header >> 1) & 3) === 1 ? 1 : header >> 3;
        if (last) {
          this.#skip += this.#checksum;
          this.#part = 'magic';
        }
      }
    }
  }
}
