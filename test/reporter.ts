/** Says at the end which tests were skipped and why, and how many passed and failed. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const reasons = new Map<string, number>();
    for (const module of modules) {
      if (
        module.state() === 'failed' &&
        [...module.children.allTests()].every((test) => test.result().state !== 'failed')
      ) {
        counts.failed++;
      }
      for (const test of module.children.allTests()) count(test, counts, reasons);
    }
    const lines = [...reasons].map(([reason, times]) => `skipped ${times}: ${reason}`);
    lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

function count(
  test: TestCase,
  counts: { passed: number; failed: number; skipped: number },
  reasons: Map<string, number>,
): void {
  const result = test.result();
  if (result.state === 'pending') return;
  counts[result.state]++;
  if (result.state !== 'skipped') return;
  const reason = result.note ?? test.fullName;
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}
