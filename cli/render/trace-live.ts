/** `raw trace --live`: the view while it goes on, and the figures when it is over. */
import type { Logger } from '../../src/log/events.js';
import type { TraceControl } from '../../src/raw/trace/table.js';
import { liveTerminal } from './live-terminal.js';
import { printableText } from './printable.js';
import { TableView } from './table-view.js';
import { type TraceSink, type TraceSinkOptions, writeReport } from './trace-sinks.js';
import { traceHeader } from './trace-text.js';
import { TraceView } from './trace-view.js';

/** @returns the logger is for whoever logs while the view is open */
export function liveSink(
  options: TraceSinkOptions & { readonly control: TraceControl; readonly logFile?: string | undefined },
): { readonly sink: TraceSink; readonly logger: Logger } {
  const { target, context, table, control, flows, facts, logFile } = options;
  const shown = new TraceView(target.name, table, control, { flows, facts: facts.of });
  const { frame, logger } = liveTerminal(logFile === undefined ? {} : { logFile }, context, (text) =>
    view.notice(text),
  );
  const view: TableView<unknown> = new TableView(frame, shown);
  let header = '';
  const sink: TraceSink = {
    opened: (opened) => {
      header = traceHeader(target, opened);
      shown.title = printableText(header);
      view.open();
    },
    hop: () => undefined,
    end: async (summary) => {
      await view.close();
      await context.output.line(header);
      await writeReport(summary, options);
    },
    close: () => view.close(),
  };
  return { sink, logger };
}
