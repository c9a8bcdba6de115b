/** What the records of every command have in common. */
import { formatTimestamp, portableWallClock } from '../../src/measure/clock.js';

/** The `type` and `time` that every record begins with. */
export function recordHead<Type extends string>(type: Type): { type: Type; time: string } {
  return { type, time: formatTimestamp(portableWallClock()) };
}
