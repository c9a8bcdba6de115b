/** Files of test/networks that are wrong: who has written one is told where. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { parseNetwork, readNetwork } from '../hosts/network/read.js';

describe('a file that is wrong', () => {
  const good = JSON.stringify(readNetwork('five-hops'));
  const changed = (
    change: (network: { nodes: Record<string, unknown>; links: unknown[]; expect: unknown }) => void,
  ) => {
    const network = JSON.parse(good);
    change(network);
    return JSON.stringify(network);
  };
  const wrong: [string, string, RegExp][] = [
    ['no JSON', '{', /^x\.json: is no JSON/],
    ['no object', '[]', /^x\.json: \[\] is no object/],
    ['a key too few', '{"about": "x", "nodes": {}}', /^x\.json: lacks 'links'/],
    ['no prober', changed(({ nodes }) => delete nodes.prober), /x\.json\.nodes: 0 of them are probers/],
    [
      'an unknown kind',
      changed(({ nodes }) => Object.assign(nodes, { r1: { kind: 'switch' } })),
      /nodes\.r1\.kind: "switch" is not known/,
    ],
    [
      'an unknown key',
      changed(({ nodes }) => Object.assign(nodes.r1 as object, { sillent: true })),
      /nodes\.r1\.sillent: is not known/,
    ],
    [
      'a wrong address',
      changed(({ nodes }) => Object.assign(nodes.r1 as object, { addresses: ['10.0.0'] })),
      /nodes\.r1\.addresses\[0\]: /,
    ],
    [
      'an address of two',
      changed(({ nodes }) => Object.assign(nodes.r1 as object, { addresses: ['10.50.2.1'] })),
      /nodes\.r2: has 10\.50\.2\.1, as r1 has/,
    ],
    [
      'an unknown node',
      changed(({ links }) => links.push({ path: ['r1', 'r9'] })),
      /links\[1\]\.path\[1\]: "r9" is not known/,
    ],
    ['a link alone', changed(({ links }) => links.push({ path: ['r1'] })), /links\[1\]\.path: 1 are too few/],
    [
      'a pattern',
      changed(({ links }) => links.push({ path: ['r1', 'r2'], there: { drop: 1.5 } })),
      /links\[1\]\.there\.drop: 1\.5 is out of range/,
    ],
    [
      'another pattern',
      changed(({ links }) => links.push({ path: ['r1', 'r2'], back: { drop: { every: 0 } } })),
      /back\.drop\.every: 0 is out of range/,
    ],
    [
      'a delay',
      changed(({ links }) => links.push({ path: ['r1', 'r2'], delayMs: '5' })),
      /links\[1\]\.delayMs: "5" is no number/,
    ],
    [
      'an expected node',
      changed((network) =>
        Object.assign(network, { expect: [{ targets: ['10.0.0.1'], trace: { hops: ['r9'], end: 'reached' } }] }),
      ),
      /expect\[0\]\.trace\.hops\[0\]: "r9"/,
    ],
  ];
  it.each(wrong)('%s: the error says where', (_, json, message) => {
    let thrown: unknown;
    try {
      parseNetwork(json, 'x.json');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect((thrown as UsageError).message).toMatch(message);
  });
});
