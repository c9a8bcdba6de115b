/** The codes of RFC 3376 section 4.1.1 and RFC 9777 section 5.1.3: every code, and the bounds of their values. */
import { describe, expect, it } from 'vitest';
import { compressCode, expandCode } from '../../../src/wire/float-code.js';

describe.each([
  [8, 127, 31_744],
  [16, 32_767, 8_387_584],
] as const)('of %s bits', (width, linear, most) => {
  it('are expanded to growing values, and compressed to themselves', () => {
    let last = -1;
    for (let code = 0; code < 2 ** width; code++) {
      const value = expandCode(code, width);
      expect(value).toBeGreaterThan(last);
      if (compressCode(value, width) !== code) expect.fail(`${value} has code ${code}`);
      // What lies between two codes takes the larger one.
      if (value > last + 1 && compressCode(last + 1, width) !== code) expect.fail(`${last + 1} has code ${code}`);
      last = value;
    }
    expect(last).toBe(most);
  });

  it('are the values themselves up to the first half', () => {
    expect(expandCode(linear, width)).toBe(linear);
    expect(compressCode(linear, width)).toBe(linear);
  });

  it('end at the largest', () => expect(compressCode(most + 1, width)).toBe(2 ** width - 1));
});
