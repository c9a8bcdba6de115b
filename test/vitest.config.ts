import { defineConfig } from 'vitest/config';
import Sequencer from './sequencer.js';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // Two cores: more workers than that only make timings noisy.
    maxWorkers: 2,
    sequence: { sequencer: Sequencer },
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['src/**', 'capture/**', 'cli/**'] },
  },
});
