/** `capture info`: what capture files are, as capinfos(1) tells it. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { CaptureInfoCollector, openFileSource, runPipeline } from '../../capture/index.js';
import { ExitCode, type SockctlError } from '../../src/errors.js';
import type { CommandContext } from '../context.js';
import { captureInfoLines, captureInfoRecord, type InfoSubject } from '../render/capture-info.js';
import { recordHead } from '../render/record.js';

export async function run([files]: [string[]], _flags: unknown, context: CommandContext): Promise<ExitCode> {
  context.dropPrivileges();
  let failure: SockctlError | undefined;
  let reported = 0;
  for (const file of files) {
    const { subject, error } = await inspect(file, context);
    failure ??= error;
    if (context.signal.aborted) break;
    if (context.json) await context.output.record(captureInfoRecord(subject));
    else await context.output.write(`${reported > 0 ? '\n' : ''}${captureInfoLines(subject).join('\n')}\n`);
    reported++;
  }
  const endReason = context.signal.aborted ? 'interrupted' : failure === undefined ? 'eof' : 'error';
  context.summary({ ...recordHead('capture.summary'), files: reported, endReason });
  if (failure !== undefined) throw failure;
  return ExitCode.ok;
}

async function inspect(file: string, context: CommandContext): Promise<{ subject: InfoSubject; error?: SockctlError }> {
  const source = await openFileSource(file, context.signal);
  const collector = new CaptureInfoCollector();
  const summary = await runPipeline({
    source,
    sinks: [],
    signal: context.signal,
    onPacket: (packet) => collector.add(packet),
  });
  const { format, compression, details } = source;
  const info = collector.result(source.interfaces, source.statistics());
  const regular = file !== '-' && statSync(file).isFile();
  const subject = {
    file,
    format,
    compression,
    details,
    info,
    fileBytes: regular ? statSync(file).size : null,
    sha256: regular && !context.signal.aborted ? await sha256(file) : null,
    error: summary.error?.message ?? null,
  };
  return summary.error === undefined ? { subject } : { subject, error: summary.error };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
