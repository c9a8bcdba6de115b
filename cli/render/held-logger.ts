/** A log that waits while a view has the terminal, and is written when the terminal is free again. */
import type { LogEvent, Logger, LogLevel } from '../../src/log/events.js';

type EventLevel = Exclude<LogLevel, 'silent'>;

/** Events that are kept; of more, the last ones. */
const KEPT = 200;

export class HeldLogger implements Logger {
  readonly #logger: Logger;
  readonly #onEvent: (level: EventLevel, event: LogEvent) => void;
  #held: [EventLevel, LogEvent][] | undefined;
  #lost = 0;

  /** @param onEvent is shown what is logged, held back or not */
  constructor(logger: Logger, onEvent: (level: EventLevel, event: LogEvent) => void) {
    this.#logger = logger;
    this.#onEvent = onEvent;
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (this.#lost > 0) {
      this.#logger.log('info', { event: 'notice', message: `${this.#lost} earlier events of the log are left out` });
    }
    this.#lost = 0;
    for (const [level, event] of held) this.#logger.log(level, event);
  }

  enabled(level: LogLevel): boolean {
    return this.#logger.enabled(level);
  }

  log(level: EventLevel, event: LogEvent): void {
    if (!this.#logger.enabled(level)) return;
    this.#onEvent(level, event);
    if (this.#held === undefined) {
      this.#logger.log(level, event);
      return;
    }
    this.#held.push([level, event]);
    if (this.#held.length <= KEPT) return;
    this.#held.shift();
    this.#lost++;
  }
}
