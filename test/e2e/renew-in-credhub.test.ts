import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { makeMemoryVms, makeVm } from '../world/bosh/vms.ts';
import { type Director, startDirector } from '../world/bosh-director.ts';
import { type Credhub, startCredhub } from '../world/credhub.ts';
import type { StoredVersion } from '../world/credhub/state.ts';
import { makeListeners } from '../world/tls-servers.ts';
import { ADA, INCIDENT, KATE, setStage, type Stage } from './harness.ts';
import { ask } from './incident.ts';

// Two servers of CredHub, a director and both roles.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const CA = '/bosh/cf/uaa_ca';
const LEAF = '/bosh/cf/uaa_ssl';
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

let folder: string;
let credhub: Credhub;
let director: Director;
let stage: Stage;
const listeners = makeListeners();
let site: Server;
let deployed: StoredVersion;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-renew-'));
  credhub = await startCredhub();
  await credhub.generate(CA, { isAuthority: true, notBefore: inDays(-100), notAfter: inDays(1_000) });
  deployed = await credhub.generate(LEAF, { ca: CA, notBefore: inDays(-360), notAfter: inDays(5) });
  site = createServer(optionsOf(deployed));
  const { host, port } = await listeners.listen(site);
  director = await startDirector({
    deployments: { cf: makeMemoryVms([makeVm('uaa', 0)]) },
    ownCertificates: [],
    certificates: () => [
      {
        name: LEAF,
        id: deployed.id,
        expiry_date: deployed.issued!.x509.validToDate.toISOString(),
      },
    ],
  });
  await writeFile(join(folder, 'credhub.pem'), credhub.ca);
  await writeFile(join(folder, 'director.pem'), director.ca);
  const { environments } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          {
            kind: 'credhub',
            url: credhub.url,
            ca: join(folder, 'credhub.pem'),
            auth: { client: credhub.reader },
            allow: { renew: { auth: { client: credhub.writer } } },
          },
          {
            kind: 'bosh',
            url: director.url,
            ca: join(folder, 'director.pem'),
            auth: { client: { id: director.reader.id, secret: director.reader.secret } },
          },
          { kind: 'tls', sites: [{ host, port, servername: 'uaa_ssl', instance: 'uaa/0' }] },
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
  await Promise.all([listeners.close(), director?.close(), credhub?.close()]);
  await rm(folder, { recursive: true, force: true });
});

const WRITER = () => `uaa-client:${credhub.writer.id}`;
const optionsOf = ({ issued }: StoredVersion) => ({ cert: issued!.certificatePem, key: issued!.keyPem });

/** Adds a certificate that ends in five days, or as given, and its authority. */
async function addPair(name: string, leafDays = 5, authorityDays = 1_000): Promise<StoredVersion> {
  const authority = `/bosh/cf/${name}_ca`;
  await credhub.generate(authority, {
    isAuthority: true,
    notBefore: inDays(-360),
    notAfter: inDays(authorityDays),
  });
  return credhub.generate(`/bosh/cf/${name}_ssl`, {
    ca: authority,
    notBefore: inDays(-360),
    notAfter: inDays(leafDays),
  });
}

const asked = (text: string, verdict: string) => ask(stage, ['/certs', text], verdict);
const versionsOf = (name: string) => credhub.state.find(name)!.versions;
const root = () => stage.workspace.messages(INCIDENT).at(-1)!.text;
const regenerated = (name: string) =>
  credhub.requests.filter(
    ({ method, path }) => method === 'POST' && path.includes(credhub.state.find(name)!.id),
  ).length;

test('a certificate is renewed at once, and what is deployed differs until it is deployed', async () => {
  const expiring = await asked('expiring --match uaa_ssl', 'expires in 4 days');
  await expiring.press(ADA, 'request');
  const fixed = await expiring.posted('FIXED');

  const [fresh] = versionsOf(LEAF);
  expect(versionsOf(LEAF)).toHaveLength(2);
  expect(fixed.text).toContain(`version ${fresh!.id}`);
  expect(fixed.text).toMatch(
    /Deploy what uses \/bosh\/cf\/uaa_ssl with .bosh deploy.: a restart or a recreate keeps/,
  );
  // The site still serves the one that ends.
  await stage.workspace.waitFor(() => /CRITICAL.*expires in 4 days/.test(root()));

  const drift = await asked('drift', '1 deployment needs a deploy');
  expect(root()).toContain('cf uses 1 former version of certificates');
  expect(drift.hasButton('request')).toBe(false);

  deployed = fresh!;
  await asked('drift', '1 renewed certificate');
  site.setSecureContext(optionsOf(deployed));
  await asked('drift', 'No difference found');
});

test('a rotation that a button began is not FIXED: only its first step was done', async () => {
  await addPair('router', 20, 20);
  const due = await asked('rotation --match router', 'regenerate it as transitional');
  await due.press(ADA, 'request');
  await due.posted('MITIGATED');
  await due.posted('renewals by button: 1 -&gt; 0 open');
  await due.posted('Do not renew what it signs before that: /bosh/cf/router_ssl');

  expect(versionsOf('/bosh/cf/router_ca').map(({ transitional }) => transitional)).toEqual([true, false]);
  expect(versionsOf('/bosh/cf/router_ssl')).toHaveLength(1);
  expect(due.shown()).not.toContain('FIXED');

  const begun = await asked('rotation --match router', 'its new version is only transitional');
  expect(begun.hasButton('request')).toBe(false);
});

test('in a rotation, a renewed certificate is not FIXED before it is deployed', async () => {
  deployed = await credhub.generate(LEAF, { ca: CA, notBefore: inDays(-360), notAfter: inDays(4) });
  const due = await asked('rotation --match uaa_ssl', 'regenerate, then deploy');
  await due.press(ADA, 'request');
  await due.posted('MITIGATED');
  expect(due.shown()).not.toContain('FIXED');

  await asked('rotation --match uaa_ssl', 'cf still uses an older version of /bosh/cf/uaa_ssl');
  [deployed] = versionsOf(LEAF) as [StoredVersion];
  await asked('rotation --match uaa_ssl', 'No rotation is due');
});

test('who may not request gets the reason, and nothing is renewed', async () => {
  await addPair('doppler');
  const expiring = await asked('expiring --match doppler_ssl', 'expires in 4 days');
  await expiring.press(KATE, 'request');
  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(KATE, INCIDENT).find(({ text }) => text.includes('requester role')),
  );
  expect(regenerated('/bosh/cf/doppler_ssl')).toBe(0);
});

type Change = (name: string) => Promise<unknown>;

test.each<[string, string, string, Change, RegExp]>([
  [
    'the credential may not write',
    'cell',
    'FAILED',
    async () => {
      credhub.forbid(WRITER());
      credhub.grant(WRITER(), '/*', ['read']);
    },
    /no permission .write. for \/bosh\/cf\/cell_ssl/,
  ],
  [
    'someone renewed it meanwhile',
    'bbs',
    'SKIPPED',
    (name) => credhub.state.regenerate(credhub.state.find(name)!),
    /./,
  ],
  [
    'its authority ends first by now',
    'locket',
    'REFUSED',
    () => credhub.generate('/bosh/cf/locket_ca', { isAuthority: true, notAfter: inDays(2) }),
    /\/bosh\/cf\/locket_ca, which signs \/bosh\/cf\/locket_ssl, expires first/,
  ],
])('nothing is renewed if %s', async (_, name, word, change, because) => {
  await addPair(name);
  const leaf = `/bosh/cf/${name}_ssl`;
  const expiring = await asked(`expiring --match ${name}_ssl`, 'expires in 4 days');
  await change(leaf);
  const before = versionsOf(leaf).length;
  await expiring.press(ADA, 'request');
  const outcome = await expiring.posted(word);

  expect(outcome.text).toMatch(because);
  expect(versionsOf(leaf)).toHaveLength(before);
});

/** Changes something right after the check has run again, and before the plan is made. */
function beforePlan(change: () => void): void {
  credhub.fail({
    path: '/api/v1/certificates',
    change: (body) => {
      credhub.heal();
      change();
      return body;
    },
  });
}

test('a second transitional version is refused', async () => {
  await addPair('nats', 20, 20);
  const other = await credhub.generate('/bosh/cf/other_ca', { isAuthority: true });
  const due = await asked('rotation --match nats', 'regenerate it as transitional');
  beforePlan(() => credhub.set('/bosh/cf/nats_ca', { ...other, transitional: true }));
  await due.press(ADA, 'request');
  const outcome = await due.posted('REFUSED');

  expect(outcome.text).toMatch(/already has a transitional version .*finish that rotation first/);
  expect(regenerated('/bosh/cf/nats_ca')).toBe(0);
});

test('no private key and no secret reaches Slack, the log or Redis', () => {
  const { workspace, log } = stage;
  const seen = JSON.stringify([workspace.requests.map(({ args }) => args), log]);
  const canaries = credhub.canaries();
  expect(canaries.length).toBeGreaterThan(20);
  expect(canaries.filter((one) => seen.includes(one))).toEqual([]);
});
