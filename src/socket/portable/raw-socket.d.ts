/** The part of the raw-socket package (1.8) in use; it brings no types of its own. */
declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events';

  interface RawSocket extends EventEmitter {
    send(
      buffer: Buffer,
      offset: number,
      length: number,
      address: string,
      before: () => void,
      done: (error: Error | null, bytes: number) => void,
    ): this;
    setOption(level: number, option: number, value: Buffer, length: number): void;
    /** The length of what the kernel has put into `value`. */
    getOption(level: number, option: number, value: Buffer, length: number): number;
    /** What it does when its descriptor is readable: one recvfrom(2), and 'message' or 'error' before it returns. */
    onRecvReady(): void;
    pauseRecv(): this;
    resumeRecv(): this;
    close(): this;
  }

  const rawSocket: {
    createSocket(options: { protocol: number; addressFamily: number; bufferSize: number }): RawSocket;
    AddressFamily: { IPv4: number; IPv6: number };
  };
  export default rawSocket;
  export type { RawSocket };
}
