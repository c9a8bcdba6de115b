/** Packets out of what was captured: bytes of a link, and the records that `capture read --json` makes of them. */
import type { Timestamp } from '../../measure/clock.js';
import type { BuiltPacket } from './built-packet.js';

/**
 * A captured packet as one that can be sent: frames as they are; what has a header of the capture's own in front
 * (cooked captures, loopback of BSD) without it, as the IP packet that was on the link.
 *
 * @param linkType a LINKTYPE_ number (link-types.ts)
 * @returns undefined for a link whose packets can't be sent from here
 */
export declare function packetFromCapture(bytes: Uint8Array, linkType: number): BuiltPacket | undefined;

export interface RecordedPacket {
  readonly packet: BuiltPacket;
  /** Null where the record has none. */
  readonly time: Timestamp | null;
  /** The name of the interface, null where the record has none. */
  readonly interface: string | null;
  readonly number: number;
}

/**
 * The packet of a `packet` record, to the byte.
 *
 * @param record what JSON.parse has made of a line
 * @param number of the record, for errors about one that has no number of its own
 * @returns undefined for a record of another type (a summary, an event)
 * @throws UsageError naming the record and the field for one that does not say all the bytes: a packet that the capture
 *   has cut, a record that was changed so that its fields contradict each other
 */
export declare function packetFromRecord(record: unknown, number: number): RecordedPacket | undefined;
