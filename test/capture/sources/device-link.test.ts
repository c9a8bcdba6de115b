/** What is known of interfaces before they are opened: those of this machine, and of a host that has others. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { describeDevice, deviceFilterOptions, liveFilterOptions } from '../../../capture/sources/device-link.js';
import { SocketError } from '../../../src/errors.js';
import { LinkType } from '../../../src/wire/link-types.js';
import { namespaceObstacle } from '../../hosts/machine.js';
import { createLoneHost } from '../../hosts/namespaces.js';

const DIST = new URL('../../../dist/capture/index.js', import.meta.url).href;

it('the loopback interface is one of Ethernet', () => {
  const lo = describeDevice('lo');
  expect(lo).toEqual({ linkType: LinkType.ETHERNET, cooked: false, loopback: true, netmask: 0xff00_0000 });
  expect(liveFilterOptions(lo)).toEqual({ linkType: LinkType.ETHERNET, netmask: 0xff00_0000 });
  expect(deviceFilterOptions('lo')).toEqual(liveFilterOptions(lo));
});

it('any is cooked, with a header of the second version but through libpcap', () => {
  expect(describeDevice('any')).toEqual({ linkType: LinkType.LINUX_SLL2, cooked: true, loopback: false });
  expect(deviceFilterOptions('any')).toEqual({ linkType: LinkType.LINUX_SLL });
});

it.each(['nosuch0', '', '../lo', 'a name', 'x'.repeat(16)])('%j is no interface', (name) => {
  expect(() => describeDevice(name)).toThrow(SocketError);
  expect(() => describeDevice(name)).toThrow(/ENODEV|no such/i);
  expect(deviceFilterOptions(name)).toBeUndefined();
});

it('links of other kinds have other headers, or none', (ctx) => {
  const obstacle = namespaceObstacle();
  if (obstacle !== undefined) return ctx.skip(obstacle);
  const host = createLoneHost();
  try {
    host.ip('link', 'set', 'other0', 'down');
    let hasTunnel = true;
    try {
      host.ip('tuntap', 'add', 'tun0', 'mode', 'tun');
    } catch {
      hasTunnel = false;
    }
    const names = ['link0', 'other0', ...(hasTunnel ? ['tun0'] : [])];
    const [ip, ...under] = host.under as [string, ...string[]];
    const script = `import { describeDevice } from ${JSON.stringify(DIST)};
      console.log(JSON.stringify(${JSON.stringify(names)}.map(describeDevice)));`;
    const stdout = execFileSync(ip, [...under, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    const plain = { cooked: false, loopback: false };
    expect(JSON.parse(stdout)).toEqual(
      [
        { ...plain, linkType: LinkType.ETHERNET },
        { ...plain, linkType: LinkType.ETHERNET },
        { ...plain, linkType: LinkType.RAW },
      ].slice(0, names.length),
    );
  } finally {
    host.remove();
  }
  return undefined;
});
