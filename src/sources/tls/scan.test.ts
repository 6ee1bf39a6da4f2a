import { createServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { makeListeners } from '../../../test/world/tls-servers.ts';
import { trustRoots } from '../../wire/certificate-path.ts';
import { tlsConfig } from './config.ts';
import { makeTlsState, scanSites } from './scan.ts';
import { makeSeenPlaceReader } from './seen-place.ts';

const listeners = makeListeners();
afterEach(() => listeners.close());

/** The server is at the first of the addresses. */
async function scan(addresses: readonly [string, ...string[]], everyAddress = false) {
  const leaf = await issue(await makeAuthority({ name: 'root' }), { name: 'www.world.test' });
  const server = createServer({ cert: leaf.certificatePem, key: leaf.keyPem });
  const { port } = await listeners.listen(server);
  const sites = [`www.world.test:${port}`];
  const config = tlsConfig.parse({ kind: 'tls', name: 'edge', sites, everyAddress, timeoutMs: 20_000 });
  const [first, ...others] = addresses.map((address) => ({ address, family: 4 }));
  const state = {
    ...makeTlsState(config, Date.now),
    resolver: { resolve: () => Promise.resolve([first!, ...others] as const) },
  };
  const reader = makeSeenPlaceReader(trustRoots([]), new Map(), new Date());
  const results = [];
  for await (const { result } of scanSites(config.sites, state, reader, new AbortController().signal))
    results.push(result.kind === 'seen' ? result.served?.otherAddresses : result.kind);
  return results;
}

test('reports how many addresses of a site were not tried', async () => {
  expect(await scan(['127.0.0.1', '127.0.0.2', '127.0.0.3'])).toEqual([2]);
});

test('a site with one address has no others', async () => {
  expect(await scan(['127.0.0.1'])).toEqual([undefined]);
});

test('reports no untried addresses if every address is checked', async () => {
  const results = await scan(['127.0.0.1', '127.0.0.2'], true);

  expect(new Set(results)).toEqual(new Set(['unseen', undefined]));
});
