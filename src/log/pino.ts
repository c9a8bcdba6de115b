/**
 * The logger behind the interface: pino, the one file that knows it. JSON, one object a line, or pino-pretty for people.
 *
 * Writes are synchronous: what was logged before a crash or an exit is there.
 */
import { openSync } from 'node:fs';
import pino from 'pino';
import { formatTimestamp, portableWallClock, roundMs } from '../measure/clock.js';
import { describeEvent } from './describe.js';
import type { Logger, LogLevel } from './events.js';

export interface LoggerSettings {
  readonly level: LogLevel;
  readonly format: 'pretty' | 'json';
  readonly color: boolean;
  /** A file to append to; without it, stderr. */
  readonly file?: string | undefined;
}

/**
 * Opens the logger.
 *
 * @throws the system's error when the file can't be opened
 */
export async function createLogger(settings: LoggerSettings): Promise<Logger> {
  const destination = pino.destination({
    fd: settings.file === undefined ? 2 : openSync(settings.file, 'a', 0o644),
    sync: true,
  });
  // A reader of stderr that went away must not take the work down with it.
  destination.on('error', () => undefined);
  const stream = settings.format === 'json' ? destination : await prettyStream(destination, settings.color);
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: () => `,"time":"${formatTimestamp(portableWallClock())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    enabled: (level) => logger.isLevelEnabled(level),
    log: (level, event) => {
      if (!logger.isLevelEnabled(level)) return;
      const { failure, ...fields } = event;
      const { message: _, durationMs, ...rest } = fields as { message?: string; durationMs?: number };
      const took = durationMs === undefined ? undefined : { durationMs: roundMs(durationMs) };
      logger[level]({ ...rest, ...took, ...failure }, describeEvent(event));
    },
  };
}

async function prettyStream(destination: pino.DestinationStream, color: boolean): Promise<pino.DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    destination,
    sync: true,
    colorize: color,
    translateTime: false,
    // The message line says it all; the fields are for machines.
    hideObject: true,
    ignore: 'time',
    customPrettifiers: {},
  });
}
