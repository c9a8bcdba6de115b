/** Packets and their lengths on the link, counted together on their way to a file. */
export class Tally {
  packets = 0;
  bytes = 0;

  add(packets: number, bytes: number): void {
    this.packets += packets;
    this.bytes += bytes;
  }

  /** All of them, which are none afterwards. */
  take(): Pick<Tally, 'packets' | 'bytes'> {
    const { packets, bytes } = this;
    this.packets = 0;
    this.bytes = 0;
    return { packets, bytes };
  }
}
