import { expect, test } from 'vitest';
import { answerCredhub } from './answer-credhub.ts';
import { answerDirector } from './answer-director.ts';
import { answerOpsManager } from './answer-ops-manager.ts';
import { answerVault, mountsIn } from './answer-vault.ts';
import { readCaseFile } from './case-file.ts';
import { type Calls, certificateCaseSchema } from './certificate-case.ts';
import { type CallAnswer, type CallRequest, fieldOf, knownCalls, objectsIn } from './known-calls.ts';

type Answer = (request: CallRequest) => CallAnswer;

function ask(answer: Answer, call: string): CallAnswer {
  const [method = '', url = ''] = call.split(' ');
  const { pathname, searchParams } = new URL(url, 'https://server');
  const { status, body } = answer({ method, path: pathname, query: searchParams, body: '' });
  return { status, body };
}

async function callsOf(name: string, server: 'credhub' | 'bosh' | 'vault'): Promise<Calls> {
  const { pathname } = new URL(`certificates/${name}.json`, import.meta.url);
  return (await readCaseFile(pathname)).certificates?.[server] ?? {};
}

const UAA = 'https://uaa.example:8443';
const ids = (body: unknown, ...path: readonly string[]) =>
  objectsIn(fieldOf(body, ...path)).map(({ id }) => id);

test('reads the checks that a question names, with their arguments', () => {
  const read = (question: string) =>
    certificateCaseSchema.parse({ now: '2026-11-26T12:00:00Z', question }).check;
  expect(read('/certs drift')).toBe('/certs drift');
  expect(read('/certs drift and /certs expiring')).toBe('/certs drift + /certs expiring');
  expect(read('/certs drift, /certs rotation --within 90d, and /certs expiring')).toBe(
    '/certs drift + /certs rotation --within 90d + /certs expiring',
  );
});

test('derives the inventory of CredHub from contents, with the signer by signature, and answers for each version', async () => {
  const credhub = answerCredhub(knownCalls(await callsOf('c02', 'credhub')), UAA);
  const { body } = ask(credhub, 'GET /api/v1/certificates');
  expect(fieldOf(body, 'certificates')).toMatchObject([
    {
      name: '/bosh/cf/uaa_ca',
      signed_by: '/bosh/cf/uaa_ca',
      signs: ['/bosh/cf/uaa_ssl'],
      versions: [{ transitional: true }, { transitional: false }],
    },
    { name: '/bosh/cf/uaa_ssl', signed_by: '/bosh/cf/uaa_ca', versions: [{ transitional: false }] },
  ]);
  const [, active] = ids(fieldOf(body, 'certificates', '0'), 'versions');
  expect(ask(credhub, `GET /api/v1/data/${String(active)}`)).toMatchObject({
    status: 200,
    body: { id: active },
  });
  expect(ids(ask(credhub, 'GET /api/v1/data?name=/BOSH/CF/UAA_CA&versions=1').body, 'data')).toHaveLength(1);
  expect(ids(ask(credhub, 'GET /api/v1/data?name=/bosh/cf/uaa_ca&versions=2').body, 'data')).toHaveLength(2);
  expect(ask(credhub, 'GET /api/v1/data?name=/bosh/cf/other&versions=2').status).toBe(404);
  expect(ask(credhub, 'GET /info').body).toMatchObject({ 'auth-server': { url: UAA } });
  expect(ask(credhub, 'POST /api/v1/regenerate').status).toBe(404);
});

test('a refused question about a credential of CredHub also refuses its versions', () => {
  const name = '/bosh/cf/uaa_ca';
  const credhub = answerCredhub(
    knownCalls({
      'GET /api/v1/certificates': { certificates: [{ id: 'c1', name, versions: [{ id: 'v1' }] }] },
      [`GET /api/v1/data?name=${name}&current=true`]: { status: 403, body: { error: 'no' } },
    }),
    UAA,
  );
  expect(ask(credhub, 'GET /api/v1/data/v1')).toEqual({ status: 403, body: { error: 'no' } });
  expect(ask(credhub, 'GET /api/v1/certificates/c1/versions').body).toEqual([{ id: 'v1' }]);
});

test('derives deployments, locks and tasks of a director', async () => {
  const director = answerDirector(knownCalls(await callsOf('c05', 'bosh')), UAA);
  expect(ask(director, 'GET /deployments?exclude_configs=true').body).toEqual([{ name: 'cf' }]);
  expect(ask(director, 'GET /locks').body).toMatchObject([{ resource: ['cf'], task_id: '8841' }]);
  for (const query of ['verbose=2', 'state=queued,processing', 'deployment=cf&limit=5'])
    expect(ids(ask(director, `GET /tasks?${query}`).body)).toEqual([8841]);
  expect(ask(director, 'GET /tasks?state=done').body).toEqual([]);
  expect(ask(director, 'GET /tasks/8841').body).toMatchObject({ state: 'processing' });
  expect(ask(director, 'GET /tasks/8841/output?type=event').body).toContain('diego-cell/1b');
  expect(ask(director, 'GET /tasks/8841/output?type=result').status).toBe(204);
  expect(ask(director, 'GET /deployments/cf/certificate_expiry').status).toBe(404);
});

test('the output of a task is the answer about the instances of its deployment', async () => {
  const director = answerDirector(knownCalls(await callsOf('c06', 'bosh')), UAA);
  const listed = objectsIn(ask(director, 'GET /deployments/billing/instances').body);
  expect(listed).toMatchObject([{ id: 'e41c77d0' }, { id: '90b2a6ff' }]);
  const request = { method: 'GET', path: '/deployments/billing/instances', body: '' };
  const started = director({ ...request, query: new URLSearchParams('format=full') });
  expect(started.status).toBe(302);
  const task = started.headers?.['location'] ?? '';
  expect(ask(director, `GET ${task}`).body).toMatchObject({ state: 'done' });
  expect(ask(director, `GET ${task}/output?type=result`).body).toContain('unresponsive agent');
});

test('derives the folders and versions of a Vault', async () => {
  const vault = answerVault(knownCalls(await callsOf('c05', 'vault')));
  const path = 'secret/data/cf/diego/rep/server';
  expect(ask(vault, 'GET /v1/sys/internal/ui/mounts/secret').body).toMatchObject({
    data: { path: 'secret/', type: 'kv', options: { version: '2' } },
  });
  expect(ask(vault, 'GET /v1/secret/metadata?list=true').body).toMatchObject({ data: { keys: ['cf/'] } });
  expect(ask(vault, 'LIST /v1/secret/metadata/cf/diego/rep').body).toMatchObject({
    data: { keys: ['server'] },
  });
  const versionOf = (query: string) =>
    fieldOf(ask(vault, `GET /v1/${path}${query}`).body, 'data', 'metadata', 'version');
  expect(['', '?version=7', '?version=6'].map(versionOf)).toEqual([7, 7, 6]);
  expect(ask(vault, `GET /v1/${path}?version=5`).status).toBe(404);
  expect(fieldOf(ask(vault, 'GET /v1/secret/metadata/cf/diego/rep/server').body, 'data')).toMatchObject({
    current_version: 7,
    versions: { 6: { destroyed: false }, 7: { destroyed: false } },
  });
});

test('derives the roles and references of a PKI', async () => {
  const calls = knownCalls(await callsOf('c14', 'vault'));
  expect(mountsIn(calls)).toEqual([
    { path: 'pki', type: 'pki' },
    { path: 'kv', type: 'kv-2' },
  ]);
  const vault = answerVault(calls);
  expect(ask(vault, 'GET /v1/pki/roles?list=true').body).toMatchObject({ data: { keys: ['edge'] } });
  const id = 'af005365-4e83-4c4f-9073-ff05d1403759';
  for (const reference of ['default', 'int-2022', id, `${id}/json`])
    expect(ask(vault, `GET /v1/pki/issuer/${reference}`).body).toMatchObject({ data: { issuer_id: id } });
  expect(ask(vault, 'GET /v1/pki/issuer/other').status).toBe(404);
  expect(ask(vault, 'GET /v1/pki/cert/ca').status).toBe(200);
  expect(ask(vault, 'LIST /v1/pki/certs').status).toBe(404);
});

test('a mount may have several segments, and old stores have no versions', () => {
  const calls = knownCalls({
    'GET /v1/pki/int/issuer/default': { data: { issuer_id: 'i1', certificate: '' } },
    'GET /v1/old/cf/ca': { data: { certificate: '' } },
  });
  expect(mountsIn(calls)).toEqual([
    { path: 'pki/int', type: 'pki' },
    { path: 'old', type: 'kv-1' },
  ]);
  const vault = answerVault(calls);
  expect(ask(vault, 'LIST /v1/pki/int/issuers').body).toMatchObject({
    data: { keys: ['i1'], key_info: { i1: { is_default: true } } },
  });
  expect(ask(vault, 'LIST /v1/old/cf').body).toMatchObject({ data: { keys: ['ca'] } });
});

test('an Ops Manager that has only the older list of certificates is an older one', () => {
  const body = { certificates: [] };
  const opsManager = answerOpsManager(knownCalls({ 'GET /api/v0/deployed/certificates': body }));
  expect(ask(opsManager, 'GET /api/v0/info').body).toMatchObject({ info: { version: '2.10.70' } });
  expect(ask(opsManager, 'GET /api/v0/deployed/certificates?expires_within=3m').body).toEqual(body);
  expect(ask(opsManager, 'GET /api/v1/deployed/certificates').status).toBe(404);
  expect(ask(opsManager, 'POST /uaa/oauth/token').status).toBe(200);
});
