/** The files that take minutes go first: one that comes last has a core to itself while the other waits. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const FIRST = [
  'contract/memory',
  'cli/tcp-peers',
  'cli/tcp-many',
  'cli/capture-large',
  'cli/udp-reliable',
  'contract/probing',
];

export default class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = FIRST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found < 0 ? FIRST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
