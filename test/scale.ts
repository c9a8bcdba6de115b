/**
 * How much the long tests do: `SOCKCTL_TEST_SCALE=full` for what they were made for, which takes several minutes more;
 * otherwise a quarter of it, which finds the same faults but the smallest.
 */
const full = process.env.SOCKCTL_TEST_SCALE === 'full';

/** @param whole what is done at full scale */
export function scaled(whole: number): number {
  return full ? whole : Math.ceil(whole / 4);
}
