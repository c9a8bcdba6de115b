/**
 * The program as one script that lies beside this file, with what V8 has made of it when it was built (its code cache): a
 * start neither looks for a hundred modules nor compiles them. Another version of V8 takes no notice of the cache.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const SCRIPT = new URL('./sockctl.cjs', import.meta.url);
/** For scripts/code-cache.mjs, which makes it. */
export const CACHE = new URL('./sockctl.cache', import.meta.url);

export interface LoadedProgram {
  readonly program: typeof import('./process.js');
  /** For whoever makes the cache. */
  readonly script: Script;
}

export function loadProgram(): LoadedProgram {
  const filename = fileURLToPath(SCRIPT);
  // One function, see scripts/bundle.mjs. The build writes ASCII alone.
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: readCache() });
  const module = { exports: {} };
  const start = script.runInThisContext() as (...given: unknown[]) => void;
  start(module.exports, createRequire(SCRIPT), module, filename, dirname(filename), SCRIPT.href);
  return { program: module.exports as LoadedProgram['program'], script };
}

function readCache(): Buffer | undefined {
  try {
    return readFileSync(CACHE);
  } catch {
    return undefined;
  }
}
