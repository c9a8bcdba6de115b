/** The part of the cap package (0.2) in use; it brings no types of its own. */
declare module 'cap' {
  import type { EventEmitter } from 'node:events';

  class Cap extends EventEmitter {
    /** Returns the link type's name. Keeps a bare pointer to `buffer`. */
    open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
    close(): boolean;
  }

  const cap: { Cap: typeof Cap & { deviceList(): { name: string }[] } };
  export default cap;
  export type { Cap };
}
