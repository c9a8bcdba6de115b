/** What a descriptor is of, for the calls that go without memory in between. */
import { fstatSync } from 'node:fs';

/** A regular file (sendfile(2)), a pipe (splice(2)), or anything else, no descriptor included. */
export function descriptorKind(fd: unknown): 'file' | 'pipe' | 'other' {
  if (typeof fd !== 'number') return 'other';
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? 'file' : stat.isFIFO() ? 'pipe' : 'other';
  } catch {
    return 'other';
  }
}
