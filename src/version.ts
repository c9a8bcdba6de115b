/** Which sockctl this is. */
import { readFileSync } from 'node:fs';

/** package.json stands two folders up from dist/src and from dist/cli, and one up from src. */
export function packageVersion(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (name === 'sockctl') return version;
    } catch {
      // Not there: the other place.
    }
  }
  return 'unknown';
}
