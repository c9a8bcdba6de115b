import { describe, expect, it } from 'vitest';
import { AddressError, type SockctlError } from '../../../src/errors.js';
import { formatEndpoint } from '../../../src/sockaddr/endpoint.js';
import { resolveEndpoint, resolveHost } from '../../../src/sockaddr/resolve.js';

describe('resolving', () => {
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'resolved',
      (error: SockctlError) => error.code,
    );

  it('gives the wildcard to a server and the loopback to a client without a host', async () => {
    const texts = async (passive: boolean) =>
      (await resolveEndpoint(':80', { protocol: 'tcp', passive })).map(formatEndpoint);
    expect(await texts(true)).toEqual(['[::]:80', '0.0.0.0:80']);
    expect(await texts(false)).toEqual(['[::1]:80', '127.0.0.1:80']);
  });

  it('knows service names', async () => {
    expect((await resolveEndpoint('127.0.0.1:http', { protocol: 'tcp' })).map(formatEndpoint)).toEqual([
      '127.0.0.1:80',
    ]);
    expect(await code(resolveEndpoint('127.0.0.1:frob', { protocol: 'tcp' }))).toBe('EAI_SERVICE');
  });

  it('finds localhost, narrowed by family', async () => {
    expect((await resolveHost('localhost', { family: 'ipv4' })).map(String)).toContain('127.0.0.1');
    expect(await code(resolveHost('127.0.0.1', { family: 'ipv6' }))).toBe('EAI_NONAME');
  });

  it('takes a mapped address as the IPv4 address that it is', async () => {
    expect((await resolveHost('::ffff:10.0.0.1')).map(String)).toEqual(['10.0.0.1']);
    expect((await resolveHost('::ffff:10.0.0.1', { family: 'ipv4' })).map(String)).toEqual(['10.0.0.1']);
    expect(await code(resolveHost('::ffff:10.0.0.1', { family: 'ipv6' }))).toBe('EAI_NONAME');
  });

  it('takes no short forms of addresses', async () => {
    for (const text of ['10.1', '0x7f000001', '0x7f.1', '0177.0.0.1', '2130706433', '1.2.3.4.5']) {
      await expect(resolveHost(text)).rejects.toThrow(AddressError);
    }
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(resolveHost('localhost', { signal })).rejects.toThrow('enough');
  });
});
