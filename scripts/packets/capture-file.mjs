/** Capture files of packets. */
import { writeFileSync } from 'node:fs';

/** A pcap file of packets of one link. */
export function writeCapture(path, packets, linkType) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0x40000, 16);
  head.writeUInt32LE(linkType, 20);
  const records = packets.flatMap(({ bytes }, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + i, 0);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return [record, bytes];
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
}
