/** Several sources as one, in the order of their timestamps, as mergecap(1) does. */
import { setMaxListeners } from 'node:events';
import type { CapturedPacket, CaptureInterface, OtherBlock } from '../record.js';
import { addStatistics, type CaptureSource, type CaptureStatistics } from '../source.js';

/** Where one source stands: its present batch, and the packet in it that comes next. */
interface Cursor {
  readonly iterator: AsyncIterator<readonly CapturedPacket[]>;
  batch: readonly CapturedPacket[];
  index: number;
}

/**
 * Merges sources, each of which is in the order of time by itself (a file that is not, is merged as it stands). Packets
 * without a time come as soon as their source reaches them; equal times keep the order of the sources. Packets are
 * numbered anew, and so are the interfaces.
 *
 * A source that fails does not end the others: its error is thrown after their last packet.
 */
export function mergeSources(sources: readonly CaptureSource[]): CaptureSource {
  return new MergedSource(sources);
}

class MergedSource implements CaptureSource {
  readonly #sources: readonly CaptureSource[];
  readonly #interfaces: CaptureInterface[] = [];
  readonly #known = new Map<CaptureInterface, CaptureInterface>();
  #number = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(sources: readonly CaptureSource[]) {
    this.#sources = sources;
  }

  get timestampSource(): CaptureSource['timestampSource'] {
    return this.#sources[0]?.timestampSource ?? 'file';
  }

  get interfaces(): readonly CaptureInterface[] {
    for (const source of this.#sources) for (const one of source.interfaces) this.#renumber(one);
    return this.#interfaces;
  }

  async *packets(signal?: AbortSignal): AsyncGenerator<readonly CapturedPacket[], undefined> {
    // Each source listens to the signal, and takes its listener away: many of them are no leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    const cursors: Cursor[] = [];
    try {
      for (const source of this.#sources) {
        const iterator = source.packets(signal)[Symbol.asyncIterator]();
        const cursor: Cursor = { iterator, batch: [], index: 0 };
        cursors.push(cursor);
        if (!(await this.#advance(cursor))) cursors.pop();
      }
      let merged: CapturedPacket[] = [];
      while (cursors.length > 0) {
        const [next, limit] = earliest(cursors);
        this.#takeUntil(next, limit, merged);
        if (next.index < next.batch.length) continue;
        // The packets of a batch are ours until its source advances: hand them on first.
        yield merged;
        merged = [];
        if (!(await this.#advance(next))) cursors.splice(cursors.indexOf(next), 1);
      }
    } finally {
      for (const cursor of cursors) await cursor.iterator.return?.();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The packets of `cursor` that come before `limit`; at least one. */
  #takeUntil(cursor: Cursor, limit: CapturedPacket | undefined, merged: CapturedPacket[]): void {
    do {
      const packet = cursor.batch[cursor.index] as CapturedPacket;
      cursor.index += 1;
      this.#number += 1;
      merged.push({ ...packet, number: this.#number, interface: this.#renumber(packet.interface) });
    } while (
      cursor.index < cursor.batch.length &&
      (limit === undefined || compare(cursor.batch[cursor.index] as CapturedPacket, limit) < 0)
    );
  }

  async #advance(cursor: Cursor): Promise<boolean> {
    cursor.index = 0;
    try {
      do {
        const { done, value } = await cursor.iterator.next();
        if (done === true) return false;
        cursor.batch = value;
      } while (cursor.batch.length === 0);
      return true;
    } catch (error) {
      this.#failure ??= { error };
      return false;
    }
  }

  #renumber(original: CaptureInterface): CaptureInterface {
    let known = this.#known.get(original);
    if (known === undefined) {
      known = { ...original, id: this.#interfaces.length };
      this.#known.set(original, known);
      this.#interfaces.push(known);
    }
    return known;
  }

  get trailing(): readonly OtherBlock[] {
    return this.#sources.flatMap((source) => source.trailing ?? []);
  }

  statistics(): CaptureStatistics {
    return addStatistics(this.#sources.map((source) => source.statistics()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The cursor whose packet comes first, and the packet up to which it may run on. */
function earliest(cursors: readonly Cursor[]): [Cursor, CapturedPacket | undefined] {
  let first = cursors[0] as Cursor;
  let limit: CapturedPacket | undefined;
  for (const cursor of cursors.slice(1)) {
    const packet = cursor.batch[cursor.index] as CapturedPacket;
    const head = first.batch[first.index] as CapturedPacket;
    if (compare(packet, head) < 0) {
      limit = head;
      first = cursor;
    } else if (limit === undefined || compare(packet, limit) < 0) {
      limit = packet;
    }
  }
  return [first, limit];
}

function compare(a: CapturedPacket, b: CapturedPacket): number {
  const [x, y] = [a.timestamp, b.timestamp];
  if (x === null || y === null) return (x === null ? 0 : 1) - (y === null ? 0 : 1);
  return x.seconds - y.seconds || x.nanoseconds - y.nanoseconds;
}
