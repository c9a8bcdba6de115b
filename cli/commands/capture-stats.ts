/** `capture stats`: protocols, conversations, endpoints and the rate of capture files. */
import { CaptureStatisticsCollector, runPipeline } from '../../capture/index.js';
import { ExitCode } from '../../src/errors.js';
import { openFiles } from '../capture-files.js';
import type { CommandContext } from '../context.js';
import { interruptedExit } from '../exit-codes.js';
import { renderStatistics, type StatisticsView, statisticsRecords, statisticsTable } from '../render/capture-stats.js';
import { recordHead } from '../render/record.js';

interface StatsFlags {
  readonly protocols?: boolean;
  readonly conversations?: boolean;
  readonly endpoints?: boolean;
  readonly rate?: boolean;
  readonly interval?: number;
  readonly top: number;
  readonly format?: 'csv' | 'tsv';
}

const VIEWS = ['protocols', 'conversations', 'endpoints', 'rate'] as const;

export async function run([files]: [string[]], flags: StatsFlags, context: CommandContext): Promise<ExitCode> {
  const source = await openFiles(files, context.signal);
  context.dropPrivileges();
  const collector = new CaptureStatisticsCollector({ intervalMs: flags.interval });
  const summary = await runPipeline({
    source,
    sinks: [],
    signal: context.signal,
    onPacket: (packet) => collector.add(packet),
  });
  const chosen = VIEWS.filter((view) => flags[view] === true);
  const views: readonly StatisticsView[] = chosen.length > 0 ? chosen : VIEWS;
  const { output, json } = context;
  if (json) for (const record of statisticsRecords(collector, views, flags.top)) await output.record(record);
  else if (flags.format !== undefined) {
    await output.write(statisticsTable(collector, chosen[0] ?? 'conversations', flags.top, flags.format));
  } else await output.write(renderStatistics(collector, views, flags.top, process.stdout.columns));
  const { endReason, error } = summary;
  context.summary({
    ...recordHead('capture.stats'),
    ...collector.totals,
    endReason,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  });
  const { uncounted } = collector.totals;
  if (uncounted > 0) {
    context.logger.log('warn', {
      event: 'notice',
      message: `${uncounted} packets of further conversations: too many to tell apart`,
    });
  }
  if (error !== undefined) throw error;
  return endReason === 'interrupted' ? interruptedExit(summary.captured > 0) : ExitCode.ok;
}
