import { createPrivateKey } from 'node:crypto';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import {
  type Authority,
  fullChain,
  issue,
  type Issued,
  issueSelfSigned,
  type LeafRequest,
  makeAuthority,
} from './ca.ts';
import { makeJks, makePkcs12, makePkcs7 } from './containers.ts';

/**
 * The expected results of a scan of these files, by the path below the folder and the place within the
 * file: `bundle.pem#2`, `vars.yml:a.b`.
 */
export interface CertificateFiles {
  /** Can read everything. */
  readonly pattern: string;
  /** The names in the files' certificates. */
  readonly found: Readonly<Record<string, string>>;
  /** Certificates with a private key next to them, and whether it matches. */
  readonly keyMatches: Readonly<Record<string, boolean>>;
  /** Places that cannot be read, with words that the reason contains. */
  readonly unseen: Readonly<Record<string, RegExp>>;
  /** Opens the containers that can be opened. */
  readonly passphrase: string;
  /** Pieces of every private key, and the passphrases: none of them may appear in any output. */
  readonly canaries: readonly string[];
}

const PASSPHRASE = 'canary-passphrase-of-keystores';
const OTHER_PASSPHRASE = 'canary-passphrase-nobody-knows';
const DAY_MS = 86_400_000;

type Content = Buffer | string;
interface Draft {
  readonly files: Record<string, Content>;
  readonly found: Record<string, string>;
  readonly keyMatches: Record<string, boolean>;
  readonly unseen: Record<string, RegExp>;
}

/** Writes certificates in every common format, valid and broken, into the existing folder `dir`. */
export async function writeCertificateFiles(dir: string, now = new Date()): Promise<CertificateFiles> {
  const issuer = await startIssuing(now);
  const drafts = [
    await pemShapes(issuer),
    await containers(issuer),
    await documents(issuer),
    await oddCertificates(issuer),
    await broken(issuer),
  ];
  for (const [path, content] of drafts.flatMap(({ files }) => Object.entries(files))) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  const unseen = { ...merge(drafts.map(({ unseen }) => unseen)), ...(await unreadableEntries(dir)) };
  return {
    pattern: join(dir, '**/*'),
    found: merge(drafts.map(({ found }) => found)),
    keyMatches: merge(drafts.map(({ keyMatches }) => keyMatches)),
    unseen,
    passphrase: PASSPHRASE,
    canaries: [PASSPHRASE, OTHER_PASSPHRASE, ...issuer.canaries],
  };
}

function merge<T>(records: readonly Record<string, T>[]): Record<string, T> {
  return Object.assign({}, ...records) as Record<string, T>;
}

interface Issuer {
  readonly root: Authority;
  readonly middle: Authority;
  readonly canaries: string[];
  readonly now: Date;
  readonly leaf: (name: string, request?: Partial<LeafRequest>) => Promise<Issued>;
}

async function startIssuing(now: Date): Promise<Issuer> {
  const canaries: string[] = [];
  const root = await makeAuthority({ name: 'Awkward root' });
  const middle = await makeAuthority({ name: 'Awkward intermediate', issuer: root, keyType: 'rsa2048' });
  const leaf = async (name: string, request: Partial<LeafRequest> = {}) => {
    const issued = await issue(middle, { name, ...request });
    canaries.push(...canariesOf(issued));
    return issued;
  };
  return { root, middle, canaries, now, leaf };
}

/** A piece of the key as in PEM, and as in the same PEM in base64. */
function canariesOf({ keyPem }: Issued): string[] {
  const body = keyPem.split('\n').slice(1, -2).join('');
  return [body.slice(-40, -8), Buffer.from(keyPem).toString('base64').slice(120, 160)];
}

function draft(): Draft {
  return { files: {}, found: {}, keyMatches: {}, unseen: {} };
}

async function pemShapes({ leaf, middle, root }: Issuer): Promise<Draft> {
  const { files, found, keyMatches, unseen } = draft();
  const shapes: Record<string, (pem: string) => Content> = {
    'shapes/plain.pem': (pem) => pem,
    'shapes/crlf.pem': (pem) => pem.replaceAll('\n', '\r\n'),
    'shapes/cr-only.pem': (pem) => pem.replaceAll('\n', '\r'),
    'shapes/indented.pem': (pem) => pem.replaceAll(/^/gm, '      '),
    'shapes/one-line.pem': (pem) => pem.replaceAll('\n', ' '),
    'shapes/written-out.env': (pem) => `CERT="${pem.replaceAll('\n', '\\n')}"\n`,
    'shapes/base64.env': (pem) => `CERT=${Buffer.from(pem).toString('base64')}\n`,
    'shapes/bom.pem': (pem) => `\uFEFF${pem}`,
    'shapes/powershell.pem': (pem) => Buffer.from(`\uFEFF${pem}`, 'utf16le'),
    'shapes/x509-label.crt': (pem) => pem.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE'),
    'shapes/printed.crt': (pem) => `Certificate:\n    Data:\n        Version: 3 (0x2)\n${pem}`,
  };
  for (const [path, shape] of Object.entries(shapes)) {
    const name = `${path.slice('shapes/'.length)}.test`;
    files[path] = shape((await leaf(name)).certificatePem);
    found[path] = name;
  }
  const combined = await leaf('combined.test');
  files['combined.pem'] = combined.keyPem + fullChain(combined, middle) + root.certificatePem;
  found['combined.pem'] = 'combined.test';
  keyMatches['combined.pem'] = true;
  const wrong = await leaf('wrong-key.test');
  files['wrong-key.pem'] = wrong.certificatePem + (await leaf('another.test')).keyPem;
  found['wrong-key.pem'] = 'wrong-key.test';
  keyMatches['wrong-key.pem'] = false;
  files['unrelated.pem'] =
    (await leaf('first.test')).certificatePem + (await leaf('second.test')).certificatePem;
  found['unrelated.pem'] = 'first.test';
  found['unrelated.pem#2'] = 'second.test';
  files['cut.pem'] =
    (await leaf('before-the-cut.test')).certificatePem +
    (await leaf('cut.test')).certificatePem.slice(0, 300);
  found['cut.pem'] = 'before-the-cut.test';
  unseen['cut.pem#2'] = /truncated/;
  return { files, found, keyMatches, unseen };
}

async function containers({ leaf, middle, root, canaries }: Issuer): Promise<Draft> {
  const { files, found, keyMatches, unseen } = draft();
  const put = async (path: string, make: (leaf: Issued, key: Buffer) => Content, at = '') => {
    const name = `${path.split('/').at(-1)}.test`;
    const issued = await leaf(name, { keyType: path.endsWith('.p7b') ? 'ed25519' : 'p256' });
    const key = createPrivateKey(issued.keyPem).export({ type: 'pkcs8', format: 'der' });
    canaries.push(key.toString('latin1', 40, 70), key.toString('hex', 40, 70));
    files[path] = make(issued, key);
    found[path + at] = name;
  };
  const path = ({ der }: Issued) => [der, middle.der, root.der];
  await put('containers/der.cer', ({ der }) => der);
  await put('containers/base64.cer', ({ der }) => der.toString('base64').replaceAll(/.{76}/g, '$&\r\n'));
  await put('containers/bundle.p7b', (issued) => makePkcs7(path(issued)));
  await put('containers/pem.p7b', (issued) => pemOf('PKCS7', makePkcs7(path(issued))));
  await put('containers/modern.p12', (issued, key) =>
    makePkcs12({ certificates: path(issued), key, passphrase: PASSPHRASE }),
  );
  await put('containers/windows.pfx', (issued, key) =>
    makePkcs12({ certificates: path(issued).toReversed(), key, passphrase: PASSPHRASE, encryption: 'rc2' }),
  );
  await put('containers/old.p12', (issued, key) =>
    makePkcs12({ certificates: path(issued), key, passphrase: PASSPHRASE, encryption: '3des' }),
  );
  await put('containers/open.p12', ({ der }) =>
    makePkcs12({ certificates: [der], passphrase: '', encryption: 'none' }),
  );
  await put(
    'containers/old.jks',
    (issued, key) => makeJks([{ alias: 'rep', certificates: path(issued), key }]),
    ':rep',
  );
  files['containers/truststore.jks'] = makePkcs12({ certificates: [root.der], passphrase: PASSPHRASE });
  found['containers/truststore.jks'] = 'Awkward root';
  const locked = await leaf('locked.test');
  files['containers/locked.p12'] = makePkcs12({ certificates: [locked.der], passphrase: OTHER_PASSPHRASE });
  unseen['containers/locked.p12'] = /none of the configured passphrases/;
  files['containers/slow.p12'] = makePkcs12({
    certificates: [locked.der],
    passphrase: PASSPHRASE,
    rounds: 2_000_000_000,
  });
  unseen['containers/slow.p12'] = /too many rounds/;
  return { files, found, keyMatches, unseen };
}

function pemOf(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
}

async function documents({ leaf, middle, root }: Issuer): Promise<Draft> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const [credhub, kubernetes, client, tile, config] = await Promise.all(
    ['bbs.service.cf.internal', 'ingress.test', 'admin', 'tile.test', 'configmap.test'].map((name) =>
      leaf(name),
    ),
  );
  if (!credhub || !kubernetes || !client || !tile || !config) throw new Error('five were issued');
  const credentials = [
    {
      name: '/bosh/cf/bbs',
      value: {
        ca: root.certificatePem,
        certificate: fullChain(credhub, middle),
        private_key: credhub.keyPem,
      },
    },
  ];
  const user = {
    'client-certificate-data': base64(client.certificatePem),
    'client-key-data': base64(client.keyPem),
  };
  const cluster = {
    server: 'https://10.0.0.1:6443',
    'certificate-authority-data': base64(root.certificatePem),
  };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'k', cluster }],
    users: [{ name: 'admin', user }],
  };
  const secret = {
    kind: 'Secret',
    data: { 'tls.crt': base64(fullChain(kubernetes, middle)), 'tls.key': base64(kubernetes.keyPem) },
  };
  const configMap = {
    kind: 'ConfigMap',
    data: { 'app.json': JSON.stringify({ tls: { cert: config.certificatePem } }) },
  };
  return {
    files: {
      'documents/credhub.yml': stringify({ credentials }),
      'documents/kubeconfig': stringify(kubeconfig),
      'documents/manifests.yaml': `${stringify(secret)}---\n${stringify(configMap)}`,
      'documents/tile.json': JSON.stringify({
        properties: [{ value: { cert_pem: tile.certificatePem, private_key_pem: tile.keyPem } }],
      }),
    },
    found: {
      'documents/credhub.yml:credentials.0.value.ca': 'Awkward root',
      'documents/credhub.yml:credentials.0.value.certificate': 'bbs.service.cf.internal',
      'documents/kubeconfig:clusters.0.cluster.certificate-authority-data': 'Awkward root',
      'documents/kubeconfig:users.0.user.client-certificate-data': 'admin',
      'documents/manifests.yaml:0.data.tls.crt': 'ingress.test',
      'documents/manifests.yaml:1.data.app.json.tls.cert': 'configmap.test',
      'documents/tile.json:properties.0.value.cert_pem': 'tile.test',
    },
    keyMatches: {
      'documents/credhub.yml:credentials.0.value.certificate': true,
      'documents/kubeconfig:users.0.user.client-certificate-data': true,
      'documents/manifests.yaml:0.data.tls.crt': true,
      'documents/tile.json:properties.0.value.cert_pem': true,
    },
    unseen: {},
  };
}

async function oddCertificates({ leaf, now }: Issuer): Promise<Draft> {
  const inDays = (days: number) => new Date(now.getTime() + days * DAY_MS);
  const odd: Record<string, [name: string, issued: Issued]> = {
    'odd/expired.pem': [
      'expired.test',
      await leaf('expired.test', { notBefore: inDays(-400), notAfter: inDays(-3) }),
    ],
    'odd/soon.pem': ['soon.test', await leaf('soon.test', { notBefore: inDays(-381), notAfter: inDays(16) })],
    'odd/47-days.pem': [
      'short.test',
      await leaf('short.test', { notBefore: inDays(-31), notAfter: inDays(16) }),
    ],
    'odd/not-yet.pem': [
      'not-yet.test',
      await leaf('not-yet.test', { notBefore: inDays(3), notAfter: inDays(90) }),
    ],
    'odd/for-ever.pem': [
      'for-ever.test',
      await leaf('for-ever.test', { notAfter: new Date('9999-12-31T23:59:59Z') }),
    ],
    'odd/negative.pem': ['negative.test', await leaf('negative.test', { serial: '-05' })],
    'odd/channel.pem': [
      '<!channel> <https://evil.test|click>',
      await leaf('<!channel> <https://evil.test|click>', { names: [] }),
    ],
    'odd/control.pem': ['a\uFFFD[31m\uFFFDb\uFFFDmoc', await leaf('a\u001B[31m\nb\u202Emoc', { names: [] })],
    'odd/nameless.pem': ['nameless.test', await leaf('nameless.test', { subject: [] })],
    'odd/two-names.pem': [
      'specific.test',
      await leaf('two', { subject: [{ CN: ['Users'] }, { CN: ['specific.test'] }], names: [] }),
    ],
    'odd/self-signed.pem': ['self.test', await issueSelfSigned({ name: 'self.test' })],
  };
  const entries = Object.entries(odd);
  return {
    ...draft(),
    files: Object.fromEntries(entries.map(([path, [, { certificatePem }]]) => [path, certificatePem])),
    found: Object.fromEntries(entries.map(([path, [name]]) => [path, name])),
  };
}

async function broken({ leaf }: Issuer): Promise<Draft> {
  const lone = await leaf('lone-key.test');
  const damaged = (await leaf('damaged.test')).certificatePem.replace(/\n.{64}\n/, '\n');
  return {
    ...draft(),
    files: {
      'broken/damaged.crt': damaged,
      'broken/no-base64.crt': '-----BEGIN CERTIFICATE-----\n<html>404</html>\n-----END CERTIFICATE-----\n',
      'broken/web-page.crt': '<html>404 not found</html>\n',
      'broken/empty.pem': '',
      'broken/cut.der': lone.der.subarray(0, lone.der.length - 20),
      'lone.key': lone.keyPem,
      'key-only.pem': lone.keyPem,
      'notes.txt': 'Renew these before the holidays.\n',
    },
    unseen: {
      'broken/damaged.crt': /OpenSSL can't read this certificate/,
      'broken/no-base64.crt': /not base64/,
      'broken/web-page.crt': /contains no certificate/,
      'broken/empty.pem': /empty/,
      'broken/cut.der': /truncated/,
    },
  };
}

/** Entries that are not files with content: links, a folder, and a sparse file of 50 MB. */
async function unreadableEntries(dir: string): Promise<Record<string, RegExp>> {
  await symlink(join(dir, 'was-here-yesterday'), join(dir, 'dangling.pem'));
  await symlink('circle.pem', join(dir, 'circle.pem'));
  await mkdir(join(dir, 'folder.pem'));
  const huge = await open(join(dir, 'huge.pem'), 'w');
  await huge.truncate(50 * 1024 * 1024);
  await huge.close();
  return {
    'dangling.pem': /link to a path that does not exist/,
    'circle.pem': /loop of links/,
    'folder.pem': /folder/,
    'huge.pem': /larger than 10 MB/,
  };
}
