/** Bytes that arrive in pieces and are read as one run, and bytes that are put together. */

const EMPTY = new Uint8Array(0);
const SMALLEST = 256;

/**
 * The unread bytes of a stream. A piece that arrives when nothing is left over is used as it is, without a copy; views
 * handed out by {@link take} therefore live as long as the pieces pushed. Nothing handed out is ever overwritten.
 */
export class ByteWindow {
  #bytes: Uint8Array = EMPTY;
  #view: DataView = new DataView(EMPTY.buffer);
  #start = 0;
  #end = 0;
  #offset = 0;

  /** Unread bytes at hand. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Where the first unread byte stands in the stream. */
  get offset(): number {
    return this.#offset;
  }

  push(piece: Uint8Array): void {
    const left = this.length;
    if (left === 0) {
      this.#adopt(piece, 0, piece.length);
    } else if (this.#end + piece.length <= this.#bytes.length) {
      this.#bytes.set(piece, this.#end);
      this.#end += piece.length;
    } else {
      // Doubling what is really there keeps byte-by-byte arrival linear, and a lying length field free of cost.
      const grown = new Uint8Array(Math.max(left + piece.length, piece.length < left ? 2 * left : 0, SMALLEST));
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      grown.set(piece, left);
      this.#adopt(grown, 0, left + piece.length);
    }
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#start + at);
  }

  u16(at: number, littleEndian: boolean): number {
    return this.#view.getUint16(this.#start + at, littleEndian);
  }

  u32(at: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#start + at, littleEndian);
  }

  i64(at: number, littleEndian: boolean): bigint {
    return this.#view.getBigInt64(this.#start + at, littleEndian);
  }

  u64(at: number, littleEndian: boolean): bigint {
    return this.#view.getBigUint64(this.#start + at, littleEndian);
  }

  /** A view of `length` unread bytes from `at`, which stay unread. */
  peek(at: number, length: number): Uint8Array {
    const from = this.#bytes.byteOffset + this.#start + at;
    return new Uint8Array(this.#bytes.buffer, from, length);
  }

  skip(length: number): void {
    this.#start += length;
    this.#offset += length;
  }

  #adopt(bytes: Uint8Array, start: number, end: number): void {
    // What the spare room of a piece holds is not ours: only our own buffers are appended to.
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#start = start;
    this.#end = end;
  }
}

const UTF8 = new TextEncoder();

/** A growing little-endian buffer that is filled, handed over whole, and filled again. */
export class ByteWriter {
  #bytes: Uint8Array;
  #words: Int32Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 64 * 1024) {
    this.#bytes = new Uint8Array((capacity + 3) & ~3);
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** How many bytes it holds without growing. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /**
   * All of its memory, for those who write in place: they make room first ({@link reserve}), which may replace it, and say
   * afterwards how far they came ({@link advance}).
   */
  get memory(): { readonly bytes: Uint8Array; readonly words: Int32Array; readonly view: DataView } {
    return { bytes: this.#bytes, words: this.#words, view: this.#view };
  }

  /** What was written now ends at `length`. */
  advance(length: number): void {
    this.#length = length;
  }

  u8(value: number): void {
    this.reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  u16(value: number): void {
    this.reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  u64(value: bigint): void {
    this.reserve(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  utf8(text: string): void {
    this.bytes(UTF8.encode(text));
  }

  /** Zeros up to the next multiple of four, counted from the start of the buffer. */
  align4(): void {
    const padding = -this.#length & 3;
    this.reserve(padding);
    this.#bytes.fill(0, this.#length, this.#length + padding);
    this.#length += padding;
  }

  /** Overwrites the four bytes at `at`. */
  patch32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** A view of what was written, valid until {@link clear}. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Makes room for `more` bytes behind those that are written. */
  reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max((need + 3) & ~3, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#words = new Int32Array(grown.buffer);
    this.#view = new DataView(grown.buffer);
  }
}
