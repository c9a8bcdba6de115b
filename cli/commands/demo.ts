/** `demo`: a tour on loopback, every step done for real and its result checked. */
import { ExitCode, toSockctlError } from '../../src/errors.js';
import type { CommandContext } from '../context.js';
import { recordHead } from '../render/record.js';
import { datagramStep } from './demo/datagram.js';
import { echoStep } from './demo/echo.js';
import { CallTrace, type Outcome, type Step, type StepResult } from './demo/step.js';
import { streamStep } from './demo/stream.js';

const STEPS: readonly Step[] = [streamStep, datagramStep, echoStep];
/** Socket calls shown of a step; a bench of options would push the result off the screen. */
const MAX_CALLS = 24;

export async function run(_: [], flags: { readonly user?: string }, context: CommandContext): Promise<ExitCode> {
  // Its sockets are opened step by step: another user takes the whole tour.
  if (flags.user !== undefined) context.dropPrivileges();
  const outcomes: Outcome[] = [];
  const started = performance.now();
  for (const [i, step] of STEPS.entries()) {
    if (context.signal.aborted) break;
    outcomes.push(await runStep(step, `${i + 1} of ${STEPS.length}`, context));
  }
  const durationMs = Math.round(performance.now() - started);
  const count = (outcome: Outcome) => outcomes.filter((o) => o === outcome).length;
  const interrupted = context.interrupted();
  const failed = count('failed') > 0;
  context.summary({
    ...recordHead('demo.summary'),
    steps: STEPS.length,
    ok: count('ok'),
    skipped: count('skipped'),
    failed: count('failed'),
    durationMs,
    endReason: interrupted ? 'interrupted' : failed ? 'error' : 'eof',
  });
  if (!context.json) {
    await context.output.line(
      `\n${count('ok')} of ${STEPS.length} steps right, ${count('skipped')} skipped, ${count('failed')} failed, in ${(durationMs / 1000).toFixed(1)} s.`,
    );
  }
  if (interrupted) return ExitCode.interrupted;
  return failed ? ExitCode.failed : ExitCode.ok;
}

async function runStep(step: Step, position: string, context: CommandContext): Promise<Outcome> {
  const trace = new CallTrace();
  const started = performance.now();
  let result: StepResult;
  try {
    result = await step.run({ command: context, trace: (who) => trace.logger(who) });
  } catch (thrown) {
    const error = toSockctlError(thrown);
    result = { outcome: context.interrupted() ? 'skipped' : 'failed', lines: [error.message] };
  }
  const calls = trace.lines();
  if (context.json) {
    const { name, commands } = step;
    const durationMs = Math.round(performance.now() - started);
    const notes = trace.notes;
    void context.output.record({ ...recordHead('demo.step'), name, ...result, notes, commands, calls, durationMs });
    return result.outcome;
  }
  const shown =
    calls.length > MAX_CALLS ? [...calls.slice(0, MAX_CALLS), `… and ${calls.length - MAX_CALLS} more`] : calls;
  await context.output.write(
    [
      '',
      `${mark(result.outcome, context.color)} ${position}: ${step.title}`,
      ...step.commands.map((command) => `    $ ${command}`),
      '  socket calls',
      ...shown.map((line) => `    ${line}`),
      '  result',
      ...[...trace.notes, ...result.lines].map((line) => `    ${line}`),
      '',
    ].join('\n'),
  );
  return result.outcome;
}

function mark(outcome: Outcome, color: boolean): string {
  const [word, code] = { ok: ['[ ok ]', 32], skipped: ['[skip]', 33], failed: ['[FAIL]', 31] }[outcome] as [
    string,
    number,
  ];
  return color ? `\u001b[${code}m${word}\u001b[0m` : word;
}
