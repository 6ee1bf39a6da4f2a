import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { filesConfig } from '../../src/sources/files/config.ts';
import { openFiles } from '../../src/sources/files/open.ts';
import { type Authority, issue, type Issued, makeAuthority } from '../world/ca.ts';
import { makeJks, makePkcs12 } from '../world/containers.ts';
import { makeScannedFolder, type ScannedFolder } from '../world/scan-files.ts';
import { containersOf, unreadableContainersOf } from '../world/wrappings.ts';
import { type ExpiringRun, runExpiring } from './run-expiring.ts';

/**
 * Inputs that certificate monitors (this one included) have judged wrongly, each with the right result, and
 * more of the same kind. Every folder also has a certificate that is valid for a year, so that something is
 * always found.
 */
let root: Authority;
let expired: Issued;
let valid: Issued;
let other: Issued;
let folder: ScannedFolder;

const PASSPHRASE = 'changeit';

beforeAll(async () => {
  const day = 86_400_000;
  root = await makeAuthority({ name: 'cases root' });
  [expired, valid, other] = await Promise.all([
    issue(root, {
      name: 'expired.cases',
      notBefore: new Date(Date.now() - 400 * day),
      notAfter: new Date(Date.now() - 30 * day),
    }),
    issue(root, { name: 'valid.cases' }),
    issue(root, { name: 'other.cases', keyType: 'rsa2048' }),
  ]);
});
beforeEach(async () => {
  folder = await makeScannedFolder();
});
afterEach(() => folder.remove());

async function ask(
  files: Readonly<Record<string, string | Buffer>>,
  paths: readonly string[] = ['*'],
): Promise<ExpiringRun> {
  await folder.put({ 'valid.pem': valid.certificatePem, ...files });
  const config = filesConfig.parse({
    kind: 'files',
    name: 'disk',
    paths: paths.map((path) => `${folder.dir}/${path}`),
    passphrases: [PASSPHRASE],
  });
  return runExpiring(openFiles(config), folder.dir);
}

const EXPIRED = { status: 'found', findings: ['critical certificate-expired'] } as const;
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');
const lines = (text: string, width: number) => text.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
const secret = (data: Readonly<Record<string, string>>) =>
  stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'web' }, data }, { lineWidth: 0 });

describe('text before BEGIN, in base64, is skipped', () => {
  const before: Readonly<Record<string, string>> = {
    'a byte order mark': '\uFEFF',
    'a comment': '# web, issued by ops\n',
    'an empty line': '\n',
    'what OpenSSL prints':
      'Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number: 4096 (0x1000)\n',
    'bag attributes':
      'Bag Attributes\n    friendlyName: web\n    localKeyID: 54 69 6D 65\nsubject=CN = web\nissuer=CN = ca\n',
    'empty lines of Windows': '\r\n\r\n',
  };

  test.each(Object.keys(before))('if it is %s, in a Secret', async (what) => {
    const answer = await ask({
      'secret.yaml': secret({ 'tls.crt': base64(`${before[what]}${expired.certificatePem}`) }),
    });
    expect(answer).toMatchObject({ ...EXPIRED, expiredAt: ['secret.yaml:data.tls.crt'], gapsAt: [] });
  });

  test.each(Object.keys(before))('if it is %s, in an environment file', async (what) => {
    const answer = await ask({
      'app.env': `NAME=web\nCERT=${base64(`${before[what]}${expired.certificatePem}`)}\nPORT=1\n`,
    });
    expect(answer).toMatchObject({ ...EXPIRED, expiredAt: ['app.env'], gapsAt: [] });
  });
});

describe('links to folders', () => {
  test('are followed by a star, as for the jobs of BOSH', async () => {
    await folder.put({ 'data/rep-1a2b/certs/rep.crt': expired.certificatePem });
    await folder.link({ 'jobs/rep': '../data/rep-1a2b' });
    const answer = await ask({ 'jobs/plain/certs/plain.crt': valid.certificatePem }, ['jobs/*/certs/*']);
    expect(answer).toMatchObject({ ...EXPIRED, expiredAt: ['jobs/rep/certs/rep.crt'], gapsAt: [] });
  });

  test('are read once, as in a mounted Secret of Kubernetes', async () => {
    await folder.put({ 'tls/..2026_11_26/tls.crt': expired.certificatePem });
    await folder.link({ 'tls/..data': '..2026_11_26', 'tls/tls.crt': '..data/tls.crt' });
    expect(await ask({}, ['tls/*', 'valid.pem'])).toMatchObject({
      ...EXPIRED,
      expiredAt: ['tls/tls.crt'],
      gapsAt: [],
    });
  });

  test('are followed by two stars, and a cycle of them ends', async () => {
    await folder.put({ 'store/a/b/c.pem': expired.certificatePem });
    await folder.link({ 'etc/current': '../store/a', 'store/a/b/up': '../..' });
    expect(await ask({}, ['etc/**/*.pem', 'valid.pem'])).toMatchObject({
      ...EXPIRED,
      expiredAt: ['etc/current/b/c.pem'],
    });
  });
});

describe('a large input is read completely', () => {
  test('the 851st of 900 Secrets in more than a megabyte of YAML', async () => {
    const items = Array.from({ length: 900 }, (_, at) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `web-${at}`, namespace: 'default' },
      data: { 'tls.crt': base64((at === 850 ? expired : other).certificatePem) },
    }));
    const yaml = stringify({ apiVersion: 'v1', kind: 'List', items }, { lineWidth: 0 });
    expect(yaml.length).toBeGreaterThan(1024 * 1024);
    expect(await ask({ 'secrets.yaml': yaml })).toMatchObject({
      ...EXPIRED,
      expiredAt: ['secrets.yaml:items.850.data.tls.crt'],
      gapsAt: [],
    });
  });

  test('the last of 521 certificates in a run of DER', async () => {
    const bundle = Buffer.concat([...Array.from({ length: 520 }, () => other.der), expired.der]);
    expect(await ask({ 'bundle.der': bundle })).toMatchObject({
      ...EXPIRED,
      expiredAt: ['bundle.der#521'],
      gapsAt: [],
    });
  });

  test('the last of 700 certificates in base64, in a file of no known format', async () => {
    const toml = [...Array.from({ length: 699 }, () => other), expired].map(
      ({ der }, at) => `[site-${at}]\ncert = "${base64(der)}"\n`,
    );
    expect(await ask({ 'sites.toml': toml.join('') })).toMatchObject({
      ...EXPIRED,
      expiredAt: ['sites.toml#700'],
      gapsAt: [],
    });
  });

  test('a certificate after more settings than are read as YAML', async () => {
    const settings = Array.from({ length: 60_000 }, (_, at) => `key-${at}:\n  - a: 1\n  - b: 2\n`).join('');
    const answer = await ask({ 'settings.yaml': `${settings}ca: ${base64(expired.der)}\n` });
    expect(answer).toMatchObject({ ...EXPIRED, expiredAt: ['settings.yaml'], gapsAt: [] });
  });
});

describe('other containers', () => {
  test('are read: PkiPath, PKCS#12 in PEM, and a JCEKS keystore with a secret key in a Secret', async () => {
    const containers = containersOf(expired, root);
    const keystore = makeJks([{ alias: 'ca', certificates: [expired.der] }]);
    keystore.writeUInt32BE(0xcececece, 0);
    const answer = await ask({
      'pkipath.cer': containers['PkiPath'] ?? '',
      'store.pem': pem('PKCS12', makePkcs12({ certificates: [expired.der], passphrase: PASSPHRASE })),
      'secret.yaml': secret({ keystore: base64(withSecretKey(keystore)) }),
    });
    expect(answer).toMatchObject({ ...EXPIRED, gapsAt: [] });
    expect(answer.expiredAt).toEqual(['pkipath.cer', 'secret.yaml:data.keystore', 'store.pem']);
  });

  test('are read: a BKS keystore in a ConfigMap, and a certificate after other bytes', async () => {
    const bks = containersOf(expired, root)['a keystore of Bouncy Castle'] ?? Buffer.alloc(0);
    const answer = await ask({
      'config.yaml': stringify({ kind: 'ConfigMap', binaryData: { 'trust.bks': base64(bks) } }),
      'state.db': Buffer.concat([Buffer.alloc(300, 7), expired.der, Buffer.alloc(50, 9)]),
    });
    expect(answer).toMatchObject({
      ...EXPIRED,
      expiredAt: ['config.yaml:binaryData.trust.bks', 'state.db'],
      gapsAt: [],
    });
  });

  test('are gaps: a signing request in a .crt, and keystores that cannot be opened', async () => {
    const unreadable = unreadableContainersOf(expired);
    const answer = await ask({
      'request.crt': pem('CERTIFICATE REQUEST', Buffer.alloc(200, 1)),
      'trust.bcfks': unreadable['a BCFKS keystore'] ?? '',
      'app.uber': unreadable['an UBER keystore'] ?? '',
      'locked.p12': unreadable['PKCS#12 under a passphrase'] ?? '',
      'secret.yaml': secret({
        'tls.crt': base64(Buffer.from(Array.from({ length: 400 }, (_, at) => (at * 131) % 256))),
      }),
    });
    expect(answer).toMatchObject({ status: 'unknown', findings: [] });
    expect(answer.gapsAt).toEqual([
      'app.uber',
      'locked.p12',
      'request.crt',
      'secret.yaml:data.tls.crt',
      'trust.bcfks',
    ]);
  });

  test('are no gaps: a key, parameters, a revocation list and a public key next to a certificate', async () => {
    const answer = await ask({
      'privkey.pem': valid.keyPem,
      'dhparam.pem': pem('DH PARAMETERS', Buffer.from('3006020117020102', 'hex')),
      'ca.crl': pem('X509 CRL', Buffer.alloc(90, 1)),
      'id.pub':
        'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4Xb3zM4Xo8m1Jc0lN4r0Rr0mYc0y7h0Xn3m0Zq0aaa ops@example\n',
    });
    expect(answer).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
  });
});

describe('keys next to certificates', () => {
  test('are not compared if they sign tokens or sessions, or are SSH keys', async () => {
    const stray = other.keyPem;
    const answer = await ask({
      'uaa.yml': stringify({
        uaa: { ca_cert: root.certificatePem, jwt_signing_key: stray, sslCertificate: valid.certificatePem },
      }),
      'web.yml': stringify({ web: { tls_cert: valid.certificatePem, session_signing_key: stray } }),
      'secret.yaml': stringify({
        kind: 'Secret',
        stringData: { 'upstream-ca.crt': root.certificatePem, id_rsa: stray },
      }),
      'app.env': `CERT="${valid.certificatePem.replaceAll('\n', String.raw`\n`)}"\nJWT_KEY="${stray.replaceAll('\n', String.raw`\n`)}"\n`,
      'values.tpl': `{{ if .x }}\ncert: |\n${indent(valid.certificatePem)}\nsessionKey: |\n${indent(stray)}\n{{ end }}\n`,
      'jwt.key': stray,
      id_rsa: stray,
    });
    expect(answer).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
  });

  test.each<readonly [string, (cert: string, key: string) => Readonly<Record<string, string>>]>([
    [
      'tls.key next to tls.crt',
      (cert, key) => ({ 's.yaml': secret({ 'tls.crt': base64(cert), 'tls.key': base64(key) }) }),
    ],
    [
      'key next to certificate',
      (certificate, key) => ({ 'safe.json': JSON.stringify({ certificate, key }) }),
    ],
    [
      'a kubeconfig',
      (cert, key) => ({
        kubeconfig: stringify({
          users: [{ user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
        }),
      }),
    ],
    ['files of one name', (cert, key) => ({ 'rep.crt': cert, 'rep.key': key })],
    ['one file for both', (cert, key) => ({ 'haproxy.pem': cert + key })],
  ])('are a mismatch if the layout makes them a pair: %s', async (_, layout) => {
    expect(await ask(layout(valid.certificatePem, other.keyPem))).toMatchObject({
      status: 'found',
      findings: ['critical key-mismatch'],
    });
    expect(await ask(layout(valid.certificatePem, valid.keyPem))).toMatchObject({
      status: 'clear',
      findings: [],
    });
  });
});

describe('DER in base64 is found in any text', () => {
  const der = () => base64(expired.der);
  const inputs: Readonly<Record<string, () => string>> = {
    'idp-metadata.xml': () =>
      `<?xml version="1.0"?>\n<EntityDescriptor><ds:X509Certificate>\n${der()}\n</ds:X509Certificate></EntityDescriptor>\n`,
    'idp.properties': () => `idp.entity=acme\nidp.cert=${der()}\n`,
    'idp.toml': () => `[idp]\ncert = "${der()}"\n`,
    'events.json': () => `{"c": "${base64(valid.der)}"}\n{"c": "${der()}"}\n`,
    'headed.txt': () => `certificate of web:\n${lines(der(), 64).join('\n')}\n`,
    'people.ldif': () => `dn: uid=ada\nuserCertificate;binary:: ${lines(der(), 52).join('\n ')}\nsn: x\n`,
    'profile.mobileconfig': () =>
      `<plist><dict><key>PayloadContent</key><data>\n\t${lines(der(), 52).join('\n\t')}\n</data></dict></plist>\n`,
    'keys.json': () => JSON.stringify({ keys: [{ kty: 'RSA', x5c: [base64(valid.der), der()] }] }),
  };

  test.each(Object.keys(inputs))('%s', async (file) => {
    const answer = await ask({ [file]: inputs[file]?.() ?? '' });
    expect(answer).toMatchObject({ ...EXPIRED, gapsAt: [] });
    expect(answer.expiredAt).toHaveLength(1);
    expect(answer.expiredAt[0]?.startsWith(file)).toBe(true);
  });
});

describe('zeros and UTF-16', () => {
  test('are read: PEM between zeros, and UTF-16 in both byte orders without a BOM', async () => {
    const text = expired.certificatePem;
    const answer = await ask({
      'old.pem': Buffer.concat([Buffer.from(text), Buffer.alloc(1)]),
      'old.conf': Buffer.concat([Buffer.from(text), Buffer.alloc(1)]),
      'padded.pem': Buffer.concat([Buffer.alloc(512), Buffer.from(text)]),
      'little.pem': Buffer.from(text, 'utf16le'),
      'big.pem': Buffer.from(text, 'utf16le').swap16(),
    });
    expect(answer).toMatchObject({ ...EXPIRED, gapsAt: [] });
    expect(answer.expiredAt).toEqual(['big.pem', 'little.pem', 'old.conf', 'old.pem', 'padded.pem']);
  });
});

function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${lines(base64(der), 64).join('\n')}\n-----END ${label}-----\n`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/**
 * Inserts an entry with a secret key, a serialized Java object without a length, before the first entry.
 */
function withSecretKey(keystore: Buffer): Buffer {
  const entry = Buffer.concat([
    Buffer.from([0, 0, 0, 3, 0, 1]),
    Buffer.from('k'),
    Buffer.alloc(8),
    Buffer.from('aced0005', 'hex'),
    Buffer.alloc(120, 0x73),
  ]);
  const head = Buffer.from(keystore.subarray(0, 12));
  head.writeUInt32BE(head.readUInt32BE(8) + 1, 8);
  return Buffer.concat([head, entry, keystore.subarray(12)]);
}
