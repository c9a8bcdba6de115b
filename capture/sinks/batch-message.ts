/** What threads that work out lines are told, and say: batches as memory that is handed over. */
import type { CapturedPacket, CaptureInterface, Direction } from '../record.js';
import type { RecordBatch } from '../source.js';

export interface BatchMessage {
  readonly id: number;
  /** For the lines. */
  readonly output?: ArrayBuffer | undefined;
  /** Eight numbers for each packet; see {@link packBatch}. */
  readonly columns: Float64Array;
  readonly bytes: Uint8Array;
  /** Those that no earlier batch has described, in the order of their numbers. */
  readonly interfaces: readonly CaptureInterface[];
  /** Of the few packets that have any. */
  readonly comments: ReadonlyMap<number, readonly string[]>;
}

const WIDTH = 8;
const DIRECTIONS: readonly (Direction | null)[] = [null, 'in', 'out'];

/** Packs batches; knows which interfaces it has described. */
export class BatchPacker {
  readonly #known = new Map<CaptureInterface, number>();

  pack(id: number, batch: readonly CapturedPacket[]): BatchMessage {
    let length = 0;
    for (const packet of batch) length += packet.bytes.length;
    const bytes = new Uint8Array(length);
    const columns = new Float64Array(WIDTH * batch.length);
    const interfaces: CaptureInterface[] = [];
    const comments = new Map<number, readonly string[]>();
    let at = 0;
    for (let i = 0; i < batch.length; i++) {
      const packet = batch[i] as CapturedPacket;
      let number = this.#known.get(packet.interface);
      if (number === undefined) {
        number = this.#known.size;
        this.#known.set(packet.interface, number);
        interfaces.push(packet.interface);
      }
      const row = i * WIDTH;
      columns[row] = packet.bytes.length;
      columns[row + 1] = packet.originalLength;
      columns[row + 2] = packet.number;
      columns[row + 3] = packet.timestamp?.seconds ?? 0;
      columns[row + 4] = packet.timestamp?.nanoseconds ?? -1;
      columns[row + 5] = number;
      columns[row + 6] = DIRECTIONS.indexOf(packet.direction);
      bytes.set(packet.bytes, at);
      at += packet.bytes.length;
      if (packet.comments !== undefined) comments.set(i, packet.comments);
    }
    return { id, columns, bytes, interfaces, comments };
  }
}

/** @param interfaces all that were described so far; those of the batch are added */
export function unpackBatch(message: BatchMessage, interfaces: CaptureInterface[]): CapturedPacket[] {
  const { columns, bytes, comments } = message;
  interfaces.push(...message.interfaces);
  const packets: CapturedPacket[] = [];
  let at = 0;
  for (let i = 0; i * WIDTH < columns.length; i++) {
    const row = i * WIDTH;
    const length = columns[row] as number;
    const nanoseconds = columns[row + 4] as number;
    const told = comments.size === 0 ? undefined : comments.get(i);
    packets.push({
      number: columns[row + 2] as number,
      timestamp: nanoseconds < 0 ? null : { seconds: columns[row + 3] as number, nanoseconds },
      interface: interfaces[columns[row + 5] as number] as CaptureInterface,
      direction: DIRECTIONS[columns[row + 6] as number] ?? null,
      originalLength: columns[row + 1] as number,
      bytes: bytes.subarray(at, at + length),
      ...(told === undefined ? {} : { comments: told }),
    });
    at += length;
  }
  return packets;
}

/** Records for a thread. */
export interface RecordsMessage extends Omit<RecordBatch, 'originalBytes'> {
  readonly id: number;
  /** For the lines. */
  readonly output?: ArrayBuffer | undefined;
}

/** Lines from a thread, with the memory that the records were in. */
export interface WorkResult {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly memory?: ArrayBuffer;
}

/** What a thread says when it can be given work. */
export const READY = 'ready';
