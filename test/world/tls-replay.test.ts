import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTls } from '../../src/sources/tls/open.ts';
import { tlsConfig } from '../../src/sources/tls/config.ts';
import { type Authority, issue, type KeyType, makeAuthority } from './ca.ts';
import { scanCertificates } from './scan-certificates.ts';
import { makeReplayServer, type ReplayedSite } from './tls-replay.ts';
import { makeListeners } from './tls-servers.ts';

let listeners: ReturnType<typeof makeListeners>;
let root: Authority;
beforeEach(async () => {
  listeners = makeListeners();
  root = await makeAuthority({ name: 'replay-root' });
});
afterEach(() => listeners.close());

async function readSite(site: ReplayedSite) {
  const { host, port } = await listeners.listen(makeReplayServer(site));
  const source = openTls(tlsConfig.parse({ kind: 'tls', sites: [`web.example@${host}:${port}`] }));
  return (await scanCertificates(source)).results;
}

test.each<KeyType>(['rsa2048', 'p256', 'p384', 'ed25519'])(
  'shows a client exactly the certificates that it has, with a key of type %s',
  async (keyType) => {
    const leaf = await issue(root, { name: 'web.example', keyType });
    const other = await issue(root, { name: 'other.example' });
    const [seen, ...more] = await readSite({
      sent: [leaf.certificatePem, other.certificatePem, root.certificatePem],
    });
    expect(more).toEqual([]);
    expect(seen).toMatchObject({
      kind: 'seen',
      served: { clientCertificateRequired: false, legacyOnly: false, nameMatches: true },
    });
    const names = seen?.kind === 'seen' ? seen.chain.map(({ name }) => name) : [];
    expect(names).toContain('web.example');
    expect(names).toContain('replay-root');
  },
);

test.each<KeyType>(['rsa2048', 'p256'])(
  'is a port with mutual TLS, with a key of type %s',
  async (keyType) => {
    const leaf = await issue(root, { name: 'web.example', keyType });
    const seen = await readSite({ sent: [leaf.certificatePem], requestsClient: true });
    expect(seen).toMatchObject([
      { kind: 'seen', chain: [{ name: 'web.example' }], served: { clientCertificateRequired: true } },
    ]);
    expect(seen).toHaveLength(1);
  },
);

test('sends a chain that is longer than one record', async () => {
  const names = Array.from({ length: 900 }, (_, at) => `host-${at}.very-long-name.web.example`);
  const leaf = await issue(root, { name: 'web.example', names: ['web.example', ...names] });
  const seen = await readSite({ sent: [leaf.certificatePem, root.certificatePem] });
  expect(seen).toMatchObject([{ kind: 'seen', chain: [{ name: 'web.example' }, { name: 'replay-root' }] }]);
});
