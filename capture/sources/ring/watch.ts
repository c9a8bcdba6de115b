/** Readiness of a packet socket, for whichever thread reads its ring. */
import { takeError } from '../../../src/socket/native/descriptor.js';
import type { Libc } from '../../../src/socket/native/libc.js';
import { DescriptorWatch } from '../../../src/socket/native/poller.js';

/** @param onReady called when a block may have been handed over */
export function watchRing(libc: Libc, fd: number, onReady: () => void): DescriptorWatch {
  return new DescriptorWatch(libc, fd, ({ readable }) => {
    // A link that goes down leaves ENETDOWN behind; what became of it is told by those who follow the kernel's news. As long
    // as the error is there, the socket is ready without end.
    if (!readable) takeError(libc, fd);
    onReady();
  });
}
