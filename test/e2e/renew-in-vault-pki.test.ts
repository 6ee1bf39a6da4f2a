import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Authority, issue, makeAuthority } from '../world/ca.ts';
import { makeListeners } from '../world/tls-servers.ts';
import { startVault, type Vault } from '../world/vault.ts';
import type { Pki } from '../world/vault/state.ts';
import { ADA, INCIDENT, KATE, setStage, type Stage } from './harness.ts';
import { ask } from './incident.ts';

// A Vault, a consumer of its certificates, and both roles.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const DAY_S = 86_400;
const ROLE = {
  allowed_domains: ['edge.example'],
  allow_subdomains: true,
  ttl: 90 * DAY_S,
  max_ttl: 90 * DAY_S,
};
const inDays = (days: number) => new Date(Date.now() + days * DAY_S * 1_000);

let vault: Vault;
let authority: Authority;
let pki: Pki;
let stage: Stage;
const listeners = makeListeners();
/** A gateway that reads its certificate from the KV engine when it is told to. */
let gateway: Server;
let port: number;

beforeAll(async () => {
  vault = await startVault();
  authority = await makeAuthority({ name: 'int 2026', notAfter: inDays(900) });
  pki = vault.mountPki('pki', {
    issuers: [{ name: 'int-2026', authority }],
    roles: { edge: ROLE },
  });
  await vault.mount('kv', '2');
  await store('gateway');
  gateway = createServer();
  ({ port } = await listeners.listen(gateway));
  await load();
  await vault.allow('reader', { 'kv/*': ['read', 'list'], 'pki/*': ['read', 'list'] });
  await allowWriting('update');
  const reader = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  const writer = await vault.issueToken({ policies: ['writer'], ttl: '1h' });
  const { environments } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          {
            kind: 'vault',
            url: vault.address,
            auth: { token: reader },
            paths: ['kv/edge'],
            pki: ['pki'],
            allow: {
              renew: { auth: { token: writer }, issue: [{ paths: ['kv/edge'], role: 'pki/edge' }] },
            },
          },
          { kind: 'tls', sites: [{ host: '127.0.0.1', port, servername: 'gateway.edge.example' }] },
        ],
      },
    },
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments },
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
});
afterAll(async () => {
  await stage?.close();
  await Promise.all([listeners.close(), vault?.close()]);
});

/** Allows reading and issuing, and this on the secrets. */
async function allowWriting(...capabilities: readonly 'update'[]): Promise<void> {
  await vault.allow('writer', {
    'kv/data/edge/*': ['read', ...capabilities],
    'pki/roles/edge': ['read'],
    'pki/issuer/*': ['read'],
    'pki/issue/edge': ['update'],
  });
}

/** A certificate that the role issued 87 days ago, with what else the consumer reads from the secret. */
async function store(name: string, days = 3): Promise<void> {
  const issued = await issue(authority, {
    name: `${name}.edge.example`,
    names: [`${name}.edge.example`],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    notBefore: inDays(days - 90),
    notAfter: inDays(days),
  });
  await vault.put(`kv/edge/${name}`, {
    certificate: issued.certificatePem,
    key: issued.keyPem,
    ca: authority.certificatePem,
    password: 'canary-password',
  });
}

async function load(): Promise<void> {
  const { values } = await vault.get('kv/edge/gateway');
  gateway.setSecureContext({ cert: String(values['certificate']), key: String(values['key']) });
}

async function served(): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw);
}

const asked = (text: string, verdict: string) => ask(stage, ['/certs', text], verdict);

test('the PKI issues a certificate, it is written where the gateway reads it, and served once that has loaded it', async () => {
  const before = await served();
  const expiring = await asked('expiring --match kv/edge/gateway', 'expires in');
  await expiring.press(KATE, 'request');
  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(KATE, INCIDENT).find(({ text }) => text.includes('requester role')),
  );
  expect(pki.issued.size).toBe(0);

  await expiring.press(ADA, 'request');
  const fixed = await expiring.posted('FIXED');

  const { version, values } = await vault.get('kv/edge/gateway');
  const stored = new X509Certificate(String(values['certificate']));
  expect(version).toBe(2);
  expect(values).toMatchObject({ ca: authority.certificatePem, password: 'canary-password' });
  expect(stored.validToDate > before.validToDate).toBe(true);
  expect(stored.validFromDate < stored.validToDate).toBe(true);
  expect(fixed.text).toContain('Make what reads kv/edge/gateway load it');

  await asked('drift', '1 renewed certificate');
  await load();
  expect((await served()).fingerprint256).toBe(stored.fingerprint256);
  await asked('drift', 'No difference found');
});

/** Changes something right after the check has run again, and before the plan is made. */
type Change = (name: string) => unknown;

test.each<[string, string, string, Change, RegExp]>([
  [
    'the token may not write the secret',
    'locked',
    'REFUSED',
    () => allowWriting(),
    /lacks|not allow|denied|missing/,
  ],
  ['someone renewed it meanwhile', 'early', 'SKIPPED', (name) => store(name, 89), /finding is gone/],
  [
    'its issuer ends too soon',
    'late',
    'REFUSED',
    async () => {
      const short = await makeAuthority({ name: 'int 2026', keys: authority.keys, notAfter: inDays(2) });
      Object.assign(pki.issuers[0]!, { authority: short });
    },
    /Its issuer int-2026 expires on .*renew the issuer first/,
  ],
])('nothing is issued or written if %s', async (_, name, word, change, because) => {
  await store(name);
  const expiring = await asked(`expiring --match kv/edge/${name}`, 'expires in');
  await change(name);
  const { version } = await vault.get(`kv/edge/${name}`);
  const issued = pki.issued.size;
  await expiring.press(ADA, 'request');

  expect((await expiring.posted(word)).text).toMatch(because);
  expect((await vault.get(`kv/edge/${name}`)).version).toBe(version);
  expect(pki.issued.size).toBe(issued);
  await allowWriting('update');
});

test('no private key, password or token reaches Slack or the log', () => {
  const { workspace, log } = stage;
  const seen = JSON.stringify([workspace.requests.map(({ args }) => args), log]);
  const canaries = ['canary-password', ...vault.canaries()];
  expect(canaries.length).toBeGreaterThan(5);
  expect(canaries.filter((one) => seen.includes(one))).toEqual([]);
});
