#!/usr/bin/env node
/** The command line's first lines: the program is loaded, run, and ended. */
import { loadProgram } from './load-program.js';
import { interruptSignal } from './signals.js';

// Node would open a port for its inspector; some commands answer it with how they stand (render/statistics-signal.ts).
process.on('SIGUSR1', () => undefined);

// Where the loop runs empty before the command has ended.
process.exitCode = 1;
void main();

async function main(): Promise<never> {
  const interrupt = interruptSignal();
  const { runCommandLine, exitProcess } = loadProgram().program;
  // stdin or a socket may still hold the loop; what the command has promised is done.
  return exitProcess(await runCommandLine(process.argv.slice(2), interrupt));
}
