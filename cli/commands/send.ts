/** `raw send`: packets of an expression, of records or of a capture, sent as they are. */
import type { ExitCode } from '../../src/errors.js';
import { checkSendFlags, type SendFlags } from '../args/send-flags.js';
import type { CommandContext } from '../context.js';
import { sendCapture } from './send-capture.js';
import { showLayers } from './send-layers.js';
import { expressionPlan, frameLink, recordPlan } from './send-plan.js';
import { sendPlan, showPlan } from './send-run.js';

export async function run([text]: [string | undefined], flags: SendFlags, context: CommandContext): Promise<ExitCode> {
  if (flags.layers !== undefined) return showLayers(flags.layers === true ? text : String(flags.layers), context);
  checkSendFlags(text, flags, context);
  if (flags.file !== undefined) return sendCapture(flags.file, flags, context);
  const link = await frameLink(flags, context);
  try {
    const plan =
      text === undefined
        ? recordPlan(flags.fromJson ?? '-', flags, context)
        : await expressionPlan(text, link, flags, context);
    return flags.dryRun === true ? await showPlan(plan, flags, context) : await sendPlan(plan, flags, context);
  } finally {
    link?.close();
  }
}
