/** Answers to probes to groups: who is told from whom, and what is remembered at most. */
import { expect, it } from 'vitest';
import { GroupAnswers } from '../../../../src/raw/ping/group-answers.js';

it('tells a second answer from that of another, for each probe', () => {
  const answers = new GroupAnswers(1000);
  expect(answers.isRepeated(0, '10.0.0.1', true, 0)).toBe(false);
  expect(answers.isRepeated(0, '10.0.0.2', false, 1)).toBe(false);
  expect(answers.isRepeated(0, '10.0.0.1', false, 2)).toBe(true);
  expect(answers.isRepeated(1, '10.0.0.1', true, 3)).toBe(false);
  expect(answers.isRepeated(1, '10.0.0.1', false, 4)).toBe(true);
});

it('remembers so many of all probes together, and not one more', () => {
  const answers = new GroupAnswers(1000, 4);
  const told = (probe: number, now: number) =>
    [1, 2, 3, 4].map((host) => answers.isRepeated(probe, `10.0.0.${host}`, host === 1, now));
  expect(told(0, 0)).toEqual([false, false, false, false]);
  // The first answer to a probe is none that repeats another.
  expect(told(1, 500)).toEqual([false, true, true, true]);
  // What is forgotten makes room.
  expect(told(2, 1001)).toEqual([false, false, false, true]);
});

it('takes an answer to a probe of which it has forgotten for one that repeats another', () => {
  const answers = new GroupAnswers(1000);
  answers.isRepeated(0, '10.0.0.1', true, 0);
  expect(answers.isRepeated(0, '10.0.0.2', false, 1000)).toBe(false);
  expect(answers.isRepeated(0, '10.0.0.3', false, 1001)).toBe(true);
});
