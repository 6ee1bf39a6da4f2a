import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { ScanResult } from '../../src/ports/certificates.ts';
import type { LogLine } from '../../src/ports/logs.ts';
import { readCaseFile } from './case-file.ts';
import type { CertificateCase } from './certificate-case.ts';
import { readAt } from './run-case.ts';
import { serveCertificates } from './serve-certificates.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const { signal } = new AbortController();

/** The sources of a case with some of its keys, opened as a worker opens them. */
async function open(
  name: string,
  keys: readonly (keyof CertificateCase)[],
  more: Partial<CertificateCase> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-certificates-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { pathname } = new URL(`certificates/${name}.json`, import.meta.url);
  const file = await readCaseFile(pathname);
  const kept = Object.fromEntries(keys.map((key) => [key, file.certificates?.[key]]));
  const certificates = { tls: [], files: [], kubeadm: {}, logs: [], ...kept, ...more };
  const served = await serveCertificates({ ...file, certificates }, folder);
  onTestFinished(served.close);
  const environments = await openEnvironments(
    configSchema.parse({ environments: { lab: { sources: served.sources } } }).environments,
  );
  onTestFinished(() => closeEnvironments(environments));
  return readAt(NOW, served.asInCase(environments.get('lab')!.readers));
}

async function scan({ certificates = [] }: Awaited<ReturnType<typeof open>>): Promise<readonly ScanResult[]> {
  const found: ScanResult[] = [];
  for (const store of certificates) for await (const one of store.scan({ signal })) found.push(one);
  return found.toSorted((one, other) => one.place.localeCompare(other.place));
}

test('sites have the addresses and machines of the case, and their ports require a client certificate', async () => {
  const readers = await open('c05', ['tls']);
  const seen = await scan(readers);
  expect(seen).toMatchObject([
    { place: 'tls:10.0.16.11:8889', host: 'diego-api/9d', served: { address: '10.0.16.11:8889' } },
    { place: 'tls:10.0.32.21:1801', host: 'diego-cell/0a' },
    { place: 'tls:10.0.32.22:1801', host: 'diego-cell/1b' },
    { place: 'tls:10.0.32.23:1801', host: 'diego-cell/2c' },
  ]);
  for (const one of seen)
    expect(one).toMatchObject({ kind: 'seen', served: { clientCertificateRequired: true } });
  const [store] = readers.certificates ?? [];
  const [again] = await store!.inspectSite!('10.0.32.22:1801', { signal });
  expect(again).toMatchObject({ kind: 'seen', place: 'tls:10.0.32.22:1801' });
});

test('a site that is connected to by name requests that name, and one without certificates is unreachable', async () => {
  expect(await scan(await open('c10', ['tls']))).toMatchObject([
    {
      place: 'tls:ledger.fin.svc:443',
      served: { servername: 'ledger.fin.svc', nameMatches: true, clientCertificateRequired: false },
    },
  ]);
  expect(await scan(await open('c12', ['tls']))).toMatchObject([
    { place: 'tls:shop.example@203.0.113.10:443', served: { nameMatches: false } },
  ]);
  const down = await open('c12', [], { tls: [{ address: '10.0.0.9:443', sent: [] }] });
  expect(await scan(down)).toMatchObject([{ kind: 'unseen', place: 'tls:10.0.0.9:443' }]);
});

test('a certificate for an address is valid at that address of the case', async () => {
  const { tls } = (await readCaseFile(new URL('certificates/c13.json', import.meta.url).pathname))
    .certificates!;
  const sites = tls.map(({ sent, address }) => ({ sent, address }));
  const elsewhere = { sent: sites[0]!.sent, address: '10.2.0.99:6443' };
  expect(await scan(await open('c13', [], { tls: [...sites, elsewhere] }))).toMatchObject([
    { place: 'tls:10.2.0.11:6443', served: { nameMatches: true } },
    { place: 'tls:10.2.0.12:6443', served: { nameMatches: true } },
    { place: 'tls:10.2.0.99:6443', served: { nameMatches: false } },
  ]);
});

test('secrets of a Vault are found by folders', async () => {
  expect(await scan(await open('c05', ['vault']))).toMatchObject([
    { kind: 'seen', place: 'vault:secret/cf/diego/rep/server:certificate', keyMatches: true },
  ]);
});

test('the tasks of a director, with what the running one works on', async () => {
  const [director] = (await open('c05', ['bosh'])).processes ?? [];
  expect(await director!.tasks!({ signal })).toMatchObject([
    { id: '8841', state: 'processing', deployment: 'cf', step: { current: ['diego-cell/1b'] } },
  ]);
  const [billing] = (await open('c06', ['bosh'])).processes ?? [];
  expect(await billing!.deployments({ signal })).toMatchObject([
    { name: 'billing', instances: [{ state: 'unresponsive' }, {}] },
  ]);
});

test('log lines are those of the machine that wrote them', async () => {
  const [logs] = (await open('c05', ['logs'])).logs ?? [];
  const lines: LogLine[] = [];
  const since = new Date(NOW.getTime() - 3_600_000);
  for await (const batch of logs!.lines({ content: 'system', since, signal })) lines.push(...batch);
  expect(lines).toMatchObject([
    {
      at: new Date('2026-11-26T11:20:03.100Z'),
      host: 'diego-cell/1b',
      text: expect.stringContaining('expired certificate'),
    },
  ]);
});

test('Secrets, trust bundles and objects of cert-manager of a cluster', async () => {
  const readers = await open('c10', ['kubernetes']);
  const seen = await scan(readers);
  expect(seen.map(({ place }) => place)).toEqual([
    'kubernetes:fin/configmaps/trust:ca-bundle.crt',
    'kubernetes:fin/ledger-tls:ca.crt',
    'kubernetes:fin/ledger-tls:tls.crt',
    'kubernetes:fin/platform-ca:ca.crt',
    'kubernetes:fin/platform-ca:tls.crt',
  ]);
  const [store] = readers.certificates ?? [];
  const managed = [];
  for await (const one of store!.managed!({ signal })) managed.push(one);
  expect(managed).toMatchObject([
    { name: 'fin/platform-ca', renewable: true, automation: { revision: 2 } },
    { name: 'fin/ledger', automation: { issuer: { storedAt: 'kubernetes:fin/platform-ca' } } },
  ]);
});

test('a cluster without any object of cert-manager does not have it installed', async () => {
  const [store] = (await open('c11', ['kubernetes'])).certificates ?? [];
  const managed = [];
  for await (const one of store!.managed!({ signal })) managed.push(one);
  expect(managed).toEqual([]);
});

test('lists with different selectors are parts of one list', async () => {
  const secret = (name: string, type: string, content: string) => ({
    metadata: { name, namespace: 'shop', uid: name },
    type,
    data: { 'tls.crt': Buffer.from(content).toString('base64') },
  });
  const { certificates } = await readCaseFile(new URL('certificates/c12.json', import.meta.url).pathname);
  const [pem = ''] = certificates!.tls[0]!.sent;
  const list = (...items: readonly object[]) => ({
    kind: 'SecretList',
    apiVersion: 'v1',
    metadata: {},
    items,
  });
  const readers = await open('c12', [], {
    kubernetes: {
      'GET /api/v1/secrets?fieldSelector=type=kubernetes.io/tls': list(secret('a', 'kubernetes.io/tls', pem)),
      'GET /api/v1/secrets?fieldSelector=type=Opaque': list(secret('b', 'Opaque', pem)),
    },
  });
  const seen = (await scan(readers)).filter(({ kind }) => kind === 'seen');
  expect(seen.map(({ place }) => place)).toEqual(['kubernetes:shop/a:tls.crt', 'kubernetes:shop/b:tls.crt']);
});
