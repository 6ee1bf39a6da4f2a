import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { issue, type Issued, makeAuthority } from '../world/ca.ts';
import { startBosh } from '../world/bosh/under-test.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { makeJks, makePkcs12 } from '../world/containers.ts';
import { startFakeMonit } from '../world/monit/fake.ts';
import { startVault } from '../world/vault.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { recordRun } from './record-run.ts';

/** Configured, so it is redacted whatever it looks like. */
const CONFIGURED = 'configured-Pa55+word/&<"ö';
/** Not configured: only its name or its format shows that it is a secret. */
const FOREIGN = 'foreign-c0rrect-horse-battery';
const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"wrench-canary"}').toString('base64url')}.c2lnbmF0dXJlLW9mLWNhbmFyeQ`;
const VAULT_TOKEN = 'hvs.CAESIcanarycanarycanary';
const OPENSSH = Buffer.concat([
  Buffer.from('openssh-key-v1\0none'),
  Buffer.from('0123456789abcdefghijklmnopq'),
]);

const keys: Readonly<Record<string, KeyObject>> = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  ed25519: generateKeyPairSync('ed25519').privateKey,
};

/**
 * Every form in which bytes can appear in a text: verbatim, in hexadecimal, in a URL, and in base64 at any
 * offset.
 */
function tracesOf(bytes: Buffer): readonly string[] {
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(4, -2);
  });
  const urls = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const traces = [
    bytes.toString('utf8'),
    bytes.toString('latin1'),
    bytes.toString('hex'),
    urls,
    encodeURIComponent(bytes.toString('utf8')),
    ...base64,
  ];
  return [...traces, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Some bytes that occur only in the private part of a key. */
function privatePart(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url').subarray(2, 26);
}

/**
 * Ignores line breaks and separators, and case in hexadecimal. Certificates contain the public part of a
 * key, as key files do.
 */
function expectNone(text: string, secrets: readonly Buffer[]): void {
  const plain = text.replaceAll(CERTIFICATE, '').replaceAll(/\\[rn]|[\s:,"'\\]/g, '');
  const lower = plain.toLowerCase();
  const isThere = (trace: string) => {
    const wanted = trace.replaceAll(/\\[rn]|[\s:,"'\\]/g, '');
    return plain.includes(wanted) || (/^[0-9a-f%]+$/.test(wanted) && lower.includes(wanted));
  };
  for (const secret of secrets) expect(tracesOf(secret).filter(isThere)).toEqual([]);
  expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
}

let issued: Issued;
let leaks: readonly string[];
let secrets: readonly Buffer[];
beforeAll(async () => {
  issued = await issue(await makeAuthority({ name: 'ca' }), { name: 'leaf' });
  leaks = [...Object.values(keys).flatMap(writings), ...(await keystores(issued)), ...words()];
  secrets = [
    ...Object.values(keys).map(privatePart),
    privatePart(createPrivateKey(issued.keyPem)),
    ...[CONFIGURED, FOREIGN, JWT, VAULT_TOKEN].map((text) => Buffer.from(text)),
    OPENSSH.subarray(-24),
  ];
});

/** A key in every text form. */
function writings(key: KeyObject): readonly string[] {
  const { asymmetricKeyType } = key;
  const type = asymmetricKeyType === 'rsa' ? 'pkcs1' : asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
  const ders = (['pkcs8', type] as const).map((one) => key.export({ format: 'der', type: one }) as Buffer);
  return [
    pem,
    String(key.export({ format: 'pem', type })),
    `one line: ${pem.replaceAll('\n', '\\n')}`,
    encodeURIComponent(pem),
    Buffer.from(pem).toString('base64'),
    Buffer.from(Buffer.from(pem).toString('base64')).toString('base64'),
    Buffer.from(`key: ${pem}`, 'utf16le').toString('base64'),
    gzipSync(pem).toString('base64'),
    JSON.stringify({ nested: JSON.stringify({ pem }) }),
    `{"a":1}\n{"b":${JSON.stringify(pem)}}\n`,
    ...ders.flatMap(encodingsOf),
  ];
}

function encodingsOf(der: Buffer): readonly string[] {
  const base64 = der.toString('base64');
  const hex = der.toString('hex');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [
    base64,
    base64.slice(0, -40),
    der.toString('base64url'),
    encodeURIComponent(base64),
    `path/of/it/${base64}`,
    Buffer.concat([Buffer.from('x'), der]).toString('base64'),
    lines.join('\n'),
    lines.join('\\n'),
    der.toString('latin1'),
    hex,
    hex.toUpperCase(),
    hex.replaceAll(/..(?=.)/g, '$&:'),
    hex.replaceAll(/../g, String.raw`\x$&`),
    JSON.stringify([...der]),
    JSON.stringify({ data: base64 }),
  ];
}

async function keystores({ der, keyPem }: Issued): Promise<readonly string[]> {
  const key = createPrivateKey(keyPem).export({ format: 'der', type: 'pkcs8' });
  const request = { certificates: [der], key, passphrase: '' };
  const pkcs12 = (['none', 'aes', '3des'] as const).map((encryption) =>
    makePkcs12({ ...request, encryption }),
  );
  return [...pkcs12, makeJks([{ alias: 'a', certificates: [der], key }]), OPENSSH].flatMap(encodingsOf);
}

function words(): readonly string[] {
  const named = [
    'password',
    'client_secret',
    'access_token',
    'refreshToken',
    'API-Key',
    'Set-Cookie',
    'authorization',
  ];
  const basic = Buffer.from(`admin:${CONFIGURED}`).toString('base64');
  return [
    CONFIGURED,
    Buffer.from(CONFIGURED).toString('hex'),
    Buffer.from(CONFIGURED).toString('base64'),
    encodeURIComponent(CONFIGURED),
    `Authorization: Basic ${basic}`,
    basic,
    `https://admin:${FOREIGN}@host/path`,
    `Bearer ${JWT}`,
    JWT,
    VAULT_TOKEN,
    ...named.flatMap((name) => [
      `${name}=${FOREIGN}`,
      `${name}: "${FOREIGN}"`,
      `<${name}>${FOREIGN}</${name}>`,
      JSON.stringify({ [name]: FOREIGN }),
      JSON.stringify({ [name]: [FOREIGN] }),
      JSON.stringify({ [name]: { value: FOREIGN } }),
      JSON.stringify({ env: [{ name, value: FOREIGN }] }),
      JSON.stringify({ node: { key: `/cf/${name}`, value: FOREIGN } }),
      Buffer.from(`${name}=${FOREIGN}`).toString('base64'),
    ]),
  ];
}

/** Bodies that contain every leak: JSON, its names, lines of JSON, lines of text, XML. */
function bodiesOf(texts: readonly string[]): readonly string[] {
  const named = texts.map((text, index) => [text, { index, text }] as const);
  return [
    JSON.stringify({ texts }),
    JSON.stringify(Object.fromEntries(named)),
    texts.map((text) => JSON.stringify({ text })).join('\n'),
    ...texts,
    ...texts.map((text) => `<monit><service>${text}</service></monit>`),
    ...texts.map((text) => `the answer is ${text} and that was it`),
  ];
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-recorded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Responds to every request with all leaks, in one format after the other. */
async function startLeaking(identity: Issued): Promise<string> {
  const [json = '', names = '', lines = ''] = bodiesOf(leaks);
  let count = 0;
  const answer: RequestListener = (request, response) => {
    request.resume();
    const location = `/tasks/1?token=${FOREIGN}`;
    response.writeHead(200, { 'set-cookie': `session=${FOREIGN}`, location });
    response.end([json, names, lines, leaks.join('\n')][count++ % 4]);
  };
  const server = createServer({ cert: identity.certificatePem, key: identity.keyPem }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return `https://127.0.0.1:${port}`;
}

test('no key, configured secret or value named like a secret is recorded from a response, a request or an error', async () => {
  const recorder = startRecorder(new Date(), [CONFIGURED]);
  const { http } = recorder.source({ kind: 'etcd', name: 'etcd' });
  for (const text of bodiesOf(leaks)) {
    const url = `https://admin:${FOREIGN}@host/v2/keys?token=${FOREIGN}&wait=${encodeURIComponent(text)}`;
    const headers = { 'set-cookie': `session=${FOREIGN}`, location: `https://host/?token=${FOREIGN}` };
    await http({ url, method: 'POST', body: { text } }, async () => ({ status: 200, text, headers }));
    const failing = http({ url, form: { password: FOREIGN } }, () => Promise.reject(new Error(text)));
    await expect(failing).rejects.toThrow(text);
  }
  const run = { check: 'etcd/health', environment: 'prod', args: { x: leaks.join(' ') }, sources: [] };
  expectNone(recorder.write(run), secrets);
});

test('certificates and ordinary text are recorded unchanged', async () => {
  const recorder = startRecorder(new Date(), [CONFIGURED]);
  const { http } = recorder.source({ kind: 'etcd', name: 'etcd' });
  const body = {
    pem: issued.certificatePem,
    base64: issued.der.toString('base64'),
    path: '/doppler/meta/z2/doppler_z2/0f8fad5b-d9cb-469f-a165-70867728950e',
    hash: 'a3b1c2d4'.repeat(8),
    text: 'the token is invalid, and the password too',
    nothing: null,
    list: [1, 2, true],
  };
  const answer = { status: 200, text: JSON.stringify(body), headers: {} };
  await http({ url: 'http://host/x' }, async () => answer);
  const { answers } = JSON.parse(
    recorder.write({ check: 'etcd/health', environment: 'prod', args: {}, sources: [] }),
  ) as Recording;
  expect(answers).toMatchObject([{ from: 'etcd:etcd', at: 'http://host', request: 'GET /x', body }]);
});

test('only certificates and names are recorded from secrets in a Vault, and nothing of logins', async () => {
  const vault = await startVault();
  onTestFinished(vault.close);
  const values = {
    certificate: issued.certificatePem,
    both: issued.certificatePem + issued.keyPem,
    key: issued.keyPem,
    harmless: FOREIGN,
    number: 4_711_471_147,
    metadata: { version: FOREIGN, created_time: FOREIGN },
    nested: { of: [FOREIGN, { value: FOREIGN }] },
    leaks: [...leaks],
  };
  for (const [mount, version] of [
    ['kv1', '1'],
    ['kv2', '2'],
  ] as const) {
    await vault.mount(mount, version);
    await vault.put(`${mount}/a/tls`, values);
    await vault.put(`${mount}/a/data/tls`, values);
  }
  await vault.allow('reader', { 'kv1/*': ['read', 'list'], 'kv2/*': ['read', 'list'] });
  const { roleId, secretId } = await vault.makeAppRole({ role: 'wrench', policies: ['reader'] });
  const source = {
    kind: 'vault',
    url: vault.address,
    auth: { appRole: { roleId, secretId } },
    paths: ['kv1', 'kv2'],
  };
  const { text, recording } = await recordRun('certs/expiring', [source], { secrets: [roleId, secretId] });
  const tokens = vault.canaries().map((canary) => Buffer.from(canary));
  expectNone(text, [...secrets, ...tokens, Buffer.from('4711471147'), Buffer.from(roleId)]);
  const read = recording.answers.filter(
    (answer) => 'at' in answer && answer.request === 'GET /v1/kv2/data/a/tls',
  );
  expect(read).toMatchObject([
    {
      status: 200,
      body: {
        data: {
          data: {
            certificate: issued.certificatePem,
            both: issued.certificatePem,
            key: '[redacted]',
            harmless: '[redacted]',
            number: '[redacted]',
            nested: { of: ['[redacted]', { value: '[redacted]' }] },
          },
          metadata: { destroyed: false, version: 1 },
        },
      },
    },
  ]);
});

test('the content of files with private keys, passphrases and keystores is not recorded', async () => {
  const folder = await makeFolder();
  const files = await writeCertificateFiles(folder);
  for (const [index, leak] of leaks.entries()) await writeFile(join(folder, `${index}.pem`), leak);
  const source = { kind: 'files', paths: [files.pattern], passphrases: [files.passphrase, FOREIGN] };
  const { text, recording } = await recordRun('certs/expiring', [source]);
  expect(recording.answers.length).toBeGreaterThan(50);
  expectNone(text, [...secrets, ...files.canaries.map((canary) => Buffer.from(canary))]);
});

test('no credential for a director, its UAA, monit or etcd is recorded', async () => {
  const bosh = await startBosh();
  onTestFinished(bosh.close);
  const { director } = bosh;
  const folder = await makeFolder();
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, director.ca);
  const monit = await startFakeMonit({ processes: [] });
  onTestFinished(monit.close);
  const client = { id: director.reader.id, secret: director.reader.secret };
  const user = { username: 'vcap', password: 'short' };
  const runs = [
    await recordRun('bosh/processes', [
      { kind: 'bosh', url: director.url, ca, auth: { client } },
      { kind: 'bosh', name: 'basic', url: director.url, ca, auth: { basic: user } },
      { kind: 'monit', auth: user, hosts: [{ url: monit.url, instance: 'a/0' }] },
    ]),
    await recordRun('etcd/health', [{ kind: 'etcd', endpoints: ['http://127.0.0.1:9'], auth: user }]),
  ];
  for (const { text } of runs) {
    expectNone(text, [...secrets, ...director.canaries().map((canary) => Buffer.from(canary))]);
    expect(text).not.toMatch(/short/);
  }
  expect(runs[0]?.recording.sources).toMatchObject([
    { auth: { client: { id: client.id, secret: '[redacted]' } } },
    { auth: { basic: { username: 'vcap', password: '[redacted]' } } },
    { auth: { username: 'vcap', password: '[redacted]' } },
  ]);
});

test.each([
  ['etcd/health', 'etcd', { auth: { username: 'root', password: CONFIGURED } }],
  ['etcd/doppler', 'etcd', {}],
  ['bosh/processes', 'bosh', { auth: { client: { id: 'wrench', secret: CONFIGURED } } }],
  ['bosh/processes', 'bosh', { auth: { basic: { username: 'wrench', password: CONFIGURED } } }],
  ['bosh/processes', 'monit', { auth: { username: 'vcap', password: CONFIGURED } }],
  ['certs/expiring', 'vault', { auth: { token: CONFIGURED }, paths: ['secret'] }],
])(
  'secrets are not recorded from a server that responds with nothing else: %s of %s (%#)',
  async (check, kind, config) => {
    const authority = await makeAuthority({ name: 'ca' });
    const url = await startLeaking(await issue(authority, { name: '127.0.0.1' }));
    const ca = join(await makeFolder(), 'ca.pem');
    await writeFile(ca, authority.certificatePem);
    const places = {
      etcd: { endpoints: [url] },
      monit: { hosts: [{ url, instance: 'a/0' }] },
    }[kind] ?? { url };
    const { text, recording } = await recordRun(check, [{ kind, ca, ...places, ...config }], {
      secrets: [CONFIGURED],
    });
    expect(recording.answers.length).toBeGreaterThan(0);
    expectNone(text, secrets);
  },
);
