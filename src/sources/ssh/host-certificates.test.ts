import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { filesOnHost, type FilesOnHost, type HostFile } from '../../../test/world/hosts/host-files.ts';
import type { HostOutput } from '../../../test/world/hosts/serve-hosts.ts';
import type { SeenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { CommandOutput, RunOnHost } from '../../wire/ssh-hosts.ts';
import { readCertificatePermissions } from './certificate-permissions.ts';
import { hostCertificates, type HostCertificatesOptions } from './host-certificates.ts';

const MODIFIED = new Date('2026-11-25T08:00:04Z');

let old: Authority;
let young: Authority;
let server: Issued;
let client: Issued;
let busybox: string;
const opened: FilesOnHost[] = [];

beforeAll(async () => {
  old = await makeAuthority({ name: 'uaa-ca', keyType: 'p256' });
  young = await makeAuthority({ name: 'uaa-ca', keyType: 'p256' });
  server = await issue(old, { name: 'server', keyType: 'rsa2048' });
  client = await issue(old, { name: 'client', keyType: 'p256' });
  busybox = await mkdtemp(join(tmpdir(), 'wrench-busybox-'));
  for (const program of ['env', 'find', 'sed', 'stat', 'echo'])
    await symlink('/usr/bin/busybox', join(busybox, program));
});

afterAll(() => rm(busybox, { recursive: true, force: true }));

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ close }) => close()));
});

interface Asked extends Partial<HostCertificatesOptions> {
  readonly programs?: Readonly<Record<string, string | HostOutput>>;
  /** Where the programs of the host are. */
  readonly path?: string;
  /** Instead of the real command. */
  readonly instead?: (line: string) => HostOutput | undefined;
}

/** What crossed ssh, in both directions. */
let crossed: string[] = [];

async function storeOf(
  files: readonly HostFile[],
  { programs, path, instead, ...options }: Asked = {},
): Promise<ReturnType<typeof hostCertificates>> {
  const host = await filesOnHost(files, programs, path);
  opened.push(host);
  crossed = [];
  const run: RunOnHost = async (_, { line }) => {
    const { exitCode, stdout = '', stderr = '' } = instead?.(line) ?? (await host.answer(line, 'reading'));
    crossed.push(line, stdout.toString(), stderr);
    return { exitCode, stdout: Buffer.from(stdout), stderr, isCut: false } satisfies CommandOutput;
  };
  return hostCertificates(run, {
    name: 'hosts',
    list: () => [{ name: 'cp-1', address: '127.0.0.1:22' }],
    kinds: ['kubernetes', 'bosh'],
    sudo: [],
    ...options,
  });
}

async function scanOf(files: readonly HostFile[], asked?: Asked) {
  const store = await storeOf(files, asked);
  const seen: Record<string, SeenPlace> = {};
  const unseen: Record<string, string> = {};
  let empty = 0;
  const signal = new AbortController().signal;
  for await (const result of store.scan({ signal, onEmpty: () => (empty += 1) }))
    if (result.kind === 'seen') seen[result.place] = result;
    else unseen[result.place] = `${result.error.kind}: ${result.error.message}`;
  return { seen, unseen, empty };
}

async function managedOf(files: readonly HostFile[], asked?: Asked) {
  const store = await storeOf(files, asked);
  const managed = [];
  for await (const one of store.managed!({ signal: new AbortController().signal })) managed.push(one);
  return managed;
}

const pki = (name: string, content: string): HostFile => ({
  path: `/etc/kubernetes/pki/${name}`,
  content,
  modified: MODIFIED,
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const kubeconfig = (certificate: string, key: string, ca: string): string => `apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: ${base64(ca)}
    server: https://10.0.0.1:6443
  name: kubernetes
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64(key)}
    token: not-a-certificate
`;
const settings = (cert: object, more: object = {}): object => ({
  agent_id: 'a1e15d24',
  mbus: 'nats://agent:pa{ss"word@10.61.4.6:4222',
  disks: { ephemeral: { cert: { ca: '', certificate: '' } } },
  env: {
    bosh: {
      password: '$6$salt',
      mbus: { urls: ['nats://10.61.4.6:4222'], cert },
      blobstores: [
        { options: { tls: { cert: { ca: young.certificatePem, certificate: client.certificatePem } } } },
      ],
    },
  },
  ...more,
});

test('certificates of kubeadm and kubelet are seen with the host and the time of their file', async () => {
  const { seen, unseen } = await scanOf([
    pki('apiserver.crt', server.certificatePem + old.certificatePem),
    pki('apiserver.key', server.keyPem),
    pki('etcd/ca.crt', young.certificatePem),
    {
      path: '/var/lib/kubelet/pki/kubelet-client-2026-11-01.pem',
      content: client.certificatePem + client.keyPem,
      modified: MODIFIED,
    },
    {
      path: '/var/lib/kubelet/pki/kubelet-client-current.pem',
      linkTo: '/var/lib/kubelet/pki/kubelet-client-2026-11-01.pem',
    },
  ]);
  expect(unseen).toEqual({});
  expect(
    Object.values(seen)
      .toSorted((a, b) => a.place.localeCompare(b.place))
      .map(({ place, chain, host, storedSince }) => [
        place,
        chain.map(({ name }) => name),
        host,
        storedSince,
      ]),
  ).toEqual([
    ['hosts:cp-1:/etc/kubernetes/pki/apiserver.crt', ['server', 'uaa-ca'], 'cp-1', MODIFIED],
    ['hosts:cp-1:/etc/kubernetes/pki/etcd/ca.crt', ['uaa-ca'], 'cp-1', MODIFIED],
    ['hosts:cp-1:/var/lib/kubelet/pki/kubelet-client-current.pem', ['client'], 'cp-1', MODIFIED],
  ]);
});

test('a kubeconfig has a client certificate and an authority', async () => {
  const { seen, unseen } = await scanOf([
    {
      path: '/etc/kubernetes/admin.conf',
      content: kubeconfig(client.certificatePem, client.keyPem, old.certificatePem),
    },
    { path: '/etc/kubernetes/token.conf', content: 'users:\n- user: {token: x}\n' },
  ]);
  expect(unseen).toEqual({});
  expect(Object.keys(seen).toSorted()).toEqual([
    'hosts:cp-1:/etc/kubernetes/admin.conf#certificate-authority',
    'hosts:cp-1:/etc/kubernetes/admin.conf#client-certificate',
  ]);
});

test('a certificate with its public key at the beginning of a line is no key', async () => {
  // In base64 the key begins like this only if it begins at a multiple of three bytes: for about one name in three.
  const key = 'MIIBIjANBgkqhki';
  let body = '';
  for (let name = 'a'; !body.includes(key); name += 'b') {
    const { certificatePem } = await issue(old, { name, keyType: 'rsa2048' });
    body = certificatePem.replaceAll(/-----[^-]+-----|\n/g, '');
  }
  const lines = body.replace(key, `\n${key}`);

  const { seen } = await scanOf([
    pki('server.crt', `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`),
  ]);

  expect(Object.keys(seen)).toEqual(['hosts:cp-1:/etc/kubernetes/pki/server.crt']);
});

test('kubeconfigs in other forms are read, or are gaps', async () => {
  const refers = (path: string): string => `users:\r\n- user:\r\n    client-certificate: "${path}"\r\n`;
  const { seen, unseen } = await scanOf([
    pki('admin.crt', client.certificatePem),
    {
      path: '/etc/kubernetes/json.conf',
      content: JSON.stringify({
        users: [
          { user: { 'client-certificate-data': base64(server.certificatePem) } },
          { user: { 'client-certificate-data': base64(client.certificatePem) } },
        ],
      }),
    },
    { path: '/etc/kubernetes/refers.conf', content: refers('/etc/kubernetes/pki/admin.crt') },
    { path: '/etc/kubernetes/lost.conf', content: refers('/opt/admin.crt') },
    { path: '/etc/kubernetes/relative.conf', content: refers('pki/admin.crt') },
    {
      path: '/etc/kubernetes/folded.conf',
      content: `users:\n- user:\n    client-certificate-data: >-\n      ${base64(client.certificatePem)}\n`,
    },
  ]);
  expect(Object.keys(seen).toSorted()).toEqual([
    'hosts:cp-1:/etc/kubernetes/json.conf#client-certificate',
    'hosts:cp-1:/etc/kubernetes/json.conf#client-certificate-2',
    'hosts:cp-1:/etc/kubernetes/pki/admin.crt',
  ]);
  expect(unseen).toEqual({
    'hosts:cp-1:/etc/kubernetes/folded.conf#client-certificate':
      "malformed: its data isn't a certificate in PEM and base64",
    'hosts:cp-1:/etc/kubernetes/lost.conf#client-certificate':
      'missing: it refers to /opt/admin.crt, which was not read',
    'hosts:cp-1:/etc/kubernetes/relative.conf#client-certificate': "malformed: it isn't an absolute path",
  });
});

test('all authorities of a trust file of a BOSH job share its place', async () => {
  const job = '/var/vcap/data/jobs/gorouter/4d1e';
  const { seen, unseen, empty } = await scanOf([
    { path: '/var/vcap/jobs/gorouter', linkTo: job },
    {
      path: `${job}/config/certs/uaa_ca.crt`,
      content: old.certificatePem + young.certificatePem,
      modified: MODIFIED,
    },
    { path: `${job}/config/certs/rep/client.key.pem`, content: client.keyPem },
    { path: `${job}/config/not-configured.crt`, content: '\n\n' },
    { path: `${job}/packages/golang/testdata/expired.crt`, content: server.certificatePem },
  ]);
  expect(unseen).toEqual({});
  expect(empty).toBe(2);
  expect(Object.keys(seen)).toEqual([
    'hosts:cp-1:/var/vcap/jobs/gorouter/config/certs/uaa_ca.crt',
    'hosts:cp-1:/var/vcap/jobs/gorouter/config/certs/uaa_ca.crt#2',
  ]);
});

test('certificates inside the settings of BOSH jobs are found, and never their keys', async () => {
  const indented = (pem: string): string => pem.trim().replaceAll(/^/gm, '      ');
  const { seen, unseen } = await scanOf([
    {
      path: '/var/vcap/jobs/gorouter/config/gorouter.yml',
      content: `# paste -----BEGIN CERTIFICATE----- here\ntls_pem:\n  - cert_chain: |\n${indented(server.certificatePem)}\n    private_key: |\n${indented(server.keyPem)}\nca_certs: |\n${indented(young.certificatePem)}\n`,
    },
    {
      path: '/var/vcap/jobs/bbs/config/bbs.json',
      content: JSON.stringify({ ca: young.certificatePem, key: client.keyPem, cert: client.certificatePem }),
    },
    { path: '/var/vcap/jobs/bbs/config/other.yml', content: `password: ${'x'.repeat(100)}\n` },
    { path: '/var/vcap/jobs/bbs/config/certs/ca', content: old.certificatePem },
  ]);
  expect(unseen).toEqual({});
  expect(Object.entries(seen).map(([place, { chain }]) => `${place.slice(12)} ${chain[0].name}`)).toEqual(
    expect.arrayContaining([
      'var/vcap/jobs/bbs/config/bbs.json uaa-ca',
      'var/vcap/jobs/bbs/config/bbs.json#2 client',
      'var/vcap/jobs/bbs/config/certs/ca uaa-ca',
      'var/vcap/jobs/gorouter/config/gorouter.yml server',
      'var/vcap/jobs/gorouter/config/gorouter.yml#2 uaa-ca',
    ]),
  );
  expect(crossed.join('')).not.toContain('xxx');
});

test.each([
  ['in one line', undefined],
  ['on many lines', 1],
])(
  'settings of an agent %s have the certificate for NATS, and not those of blobstores',
  async (_, indent) => {
    const cert = { ca: old.certificatePem, private_key: client.keyPem, certificate: client.certificatePem };
    const content = JSON.stringify(settings(cert), undefined, indent);
    const { seen, unseen } = await scanOf([
      { path: '/var/vcap/bosh/settings.json', content, modified: MODIFIED },
    ]);
    expect(unseen).toEqual({});
    expect(seen['hosts:cp-1:/var/vcap/bosh/settings.json#mbus']).toMatchObject({
      host: 'cp-1',
      storedSince: MODIFIED,
      chain: [{ name: 'client' }],
    });
    expect(Object.keys(seen)).toEqual([
      'hosts:cp-1:/var/vcap/bosh/settings.json#mbus',
      'hosts:cp-1:/var/vcap/bosh/settings.json#mbus-ca',
    ]);
  },
);

/** https://github.com/cloudfoundry/bosh-agent/blob/main/settings/settings.go, `GetMbusCerts` */
test('the certificate that the director sent later replaces the one that an agent started with', async () => {
  const first = { ca: old.certificatePem, certificate: server.certificatePem };
  const later = { ca: old.certificatePem, certificate: client.certificatePem, private_key: client.keyPem };
  const files = [
    { path: '/var/vcap/bosh/settings.json', content: JSON.stringify(settings(first)) },
    { path: '/var/vcap/bosh/update_settings.json', content: JSON.stringify({ mbus: { cert: later } }) },
  ];
  expect(Object.keys((await scanOf(files)).seen)).toEqual([
    'hosts:cp-1:/var/vcap/bosh/update_settings.json#mbus',
    'hosts:cp-1:/var/vcap/bosh/update_settings.json#mbus-ca',
  ]);
  const unused = { ...files[1]!, content: JSON.stringify({ trusted_certs: young.certificatePem, mbus: {} }) };
  expect(Object.keys((await scanOf([files[0]!, unused])).seen)).toEqual([
    'hosts:cp-1:/var/vcap/bosh/settings.json#mbus',
    'hosts:cp-1:/var/vcap/bosh/settings.json#mbus-ca',
  ]);
});

test('what can’t be read is a gap', async () => {
  const truncated = server.certificatePem.slice(0, 300);
  const { seen, unseen } = await scanOf([
    pki('empty.crt', ''),
    pki('key.crt', server.keyPem),
    pki('truncated.crt', truncated),
    pki('half.crt', `${truncated}\n${server.keyPem}${client.certificatePem}`),
    pki('damaged.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    pki('large.crt', `${'x'.repeat(2_000_000)}${server.certificatePem}`),
    { path: '/etc/kubernetes/pki/dangling.crt', linkTo: '/nowhere' },
    {
      path: '/var/vcap/bosh/settings.json',
      content: JSON.stringify(settings({ certificate: truncated, private_key: client.keyPem })),
    },
  ]);
  expect(Object.keys(seen)).toEqual(['hosts:cp-1:/etc/kubernetes/pki/half.crt']);
  expect(Object.keys(unseen).toSorted()).toEqual([
    'hosts:cp-1:/etc/kubernetes/pki/damaged.crt',
    'hosts:cp-1:/etc/kubernetes/pki/dangling.crt',
    'hosts:cp-1:/etc/kubernetes/pki/empty.crt',
    'hosts:cp-1:/etc/kubernetes/pki/half.crt',
    'hosts:cp-1:/etc/kubernetes/pki/key.crt',
    'hosts:cp-1:/etc/kubernetes/pki/large.crt',
    'hosts:cp-1:/etc/kubernetes/pki/truncated.crt',
    'hosts:cp-1:/var/vcap/bosh/settings.json#mbus',
  ]);
  expect(unseen['hosts:cp-1:/etc/kubernetes/pki/large.crt']).toBe(
    'malformed: it is larger than 1 MB, and was not read',
  );
});

test('files and folders that the user can’t read are gaps, with the setting that would help', async () => {
  const { unseen } = await scanOf([], {
    kinds: ['kubernetes'],
    instead: (line) =>
      line.includes('/etc/kubernetes/pki')
        ? {
            exitCode: 1,
            stdout:
              '=1764158400,1120,/etc/kubernetes/pki/apiserver.crt\n=! /etc/kubernetes/pki/apiserver.crt\n',
            stderr:
              "sed: can't read /etc/kubernetes/pki/apiserver.crt: Permission denied\nfind: '/var/lib/kubelet/pki': Permission denied\n",
          }
        : {
            exitCode: 0,
            stdout:
              '=1764158400,1120,/etc/kubernetes/kubelet.conf\n~client-certificate:/var/lib/kubelet/pki/kubelet-client-current.pem~-\n',
          },
  });
  expect(unseen).toEqual({
    'hosts:cp-1:/etc/kubernetes/pki/apiserver.crt':
      "refused: the user can't read it: add `certificates` to `sudo`",
    'hosts:cp-1:/var/lib/kubelet/pki':
      "refused: the user can't list this folder: add `certificates` to `sudo`",
  });
});

test('a user who can read nothing is one gap', async () => {
  const lines = ['a', 'b', 'c', 'd'].map((job) => `/var/vcap/jobs/${job}/config/tls.crt`);
  const { unseen } = await scanOf([], {
    kinds: ['bosh'],
    instead: (line) =>
      line.includes('/var/vcap/jobs')
        ? { exitCode: 0, stdout: lines.map((path) => `=1764158400,1120,${path}\n=! ${path}\n`).join('') }
        : undefined,
  });
  expect(unseen).toEqual({
    'hosts:cp-1:/var/vcap/jobs': "refused: the user can't read 4 of 4 files: add `certificates` to `sudo`",
  });
});

test('the doctor names hosts with files that can’t be read', async () => {
  const host = await filesOnHost([pki('apiserver.crt', server.certificatePem)]);
  opened.push(host);
  const run: RunOnHost = async (name, { line }) => {
    if (name === 'cp-3') throw new SourceError('hosts', 'unreachable', 'connection refused');
    const answered: HostOutput =
      name === 'cp-2'
        ? {
            exitCode: 1,
            stdout: '=1764158400,1120,/etc/kubernetes/admin.conf\n=! /etc/kubernetes/admin.conf\n',
          }
        : await host.answer(line, 'reading');
    const { exitCode, stdout = '', stderr = '' } = answered;
    return { exitCode, stdout: Buffer.from(stdout), stderr, isCut: false };
  };
  const hosts = ['cp-1', 'cp-2', 'cp-3'].map((name) => ({ name, address: '127.0.0.1:22' }));
  const options = { name: 'hosts', kinds: ['kubernetes'], sudo: [] } as const;
  const { signal } = new AbortController();
  expect(await readCertificatePermissions(hosts, run, options, signal)).toEqual([
    { method: 'scan', permission: 'read certificates on cp-1', allowed: true },
    {
      method: 'scan',
      permission: 'read certificates on cp-2',
      allowed: false,
      hint:
        "/etc/kubernetes/admin.conf: the user can't read it: add `certificates` to `sudo`. " +
        'deploy/hosts/sudoers has the lines for the hosts',
    },
  ]);
});

test('if sudo refuses, files that everyone can read are read', async () => {
  const { seen, unseen } = await scanOf([pki('apiserver.crt', server.certificatePem)], {
    sudo: ['certificates'],
    instead: (line) =>
      line.includes('sudo -n') ? { exitCode: 1, stderr: 'sudo: a password is required\n' } : undefined,
  });
  expect(Object.keys(seen)).toEqual(['hosts:cp-1:/etc/kubernetes/pki/apiserver.crt']);
  expect(unseen).toEqual({});
});

test('a host that can’t be asked is one gap, and one without these folders is none', async () => {
  const run: RunOnHost = async () => {
    throw new SourceError('hosts', 'unreachable', 'connection refused');
  };
  const list = () => [{ name: 'cp-1', address: '127.0.0.1:22' }];
  const store = hostCertificates(run, { name: 'hosts', list, kinds: ['bosh'], sudo: [] });
  const places: string[] = [];
  for await (const { place } of store.scan({ signal: new AbortController().signal })) places.push(place);
  expect(places).toEqual(['hosts:cp-1']);
  expect(await scanOf([])).toEqual({ seen: {}, unseen: {}, empty: 0 });
  const old = await scanOf([], {
    kinds: ['bosh'],
    instead: () => ({ exitCode: 126, stderr: 'wrench-collect: not allowed\n' }),
  });
  expect(old.unseen).toEqual({
    'hosts:cp-1:/var/vcap/bosh': 'refused: wrench-collect: not allowed',
    'hosts:cp-1:/var/vcap/jobs': 'refused: wrench-collect: not allowed',
  });
});

const KUBEADM = {
  kind: 'CertificateExpirationInfo',
  certificates: [
    { name: 'apiserver', expirationDate: '2027-11-25T08:00:00Z', caName: 'ca', missing: false },
    { name: 'etcd-peer', expirationDate: '2026-11-30T08:00:00Z', caName: 'etcd-ca', missing: false },
    { name: 'admin.conf', expirationDate: '2026-12-01T08:00:00Z', caName: 'ca', missing: false },
    { name: 'super-admin.conf', expirationDate: '0001-01-01T00:00:00Z', missing: true },
  ],
  certificateAuthorities: [{ name: 'etcd-ca', expirationDate: '2034-11-29T00:00:00Z', missing: false }],
};

test('kubeadm says when certificates end that couldn’t be read', async () => {
  const programs = {
    'kubeadm certs check-expiration -o json': `W1126 warning\n${JSON.stringify(KUBEADM)}`,
  };
  const managed = await managedOf([pki('apiserver.crt', server.certificatePem)], { programs });
  expect(managed.map((one) => one.kind === 'managed' && [one.place, one.versions[0]?.notAfter])).toEqual([
    ['hosts:cp-1:/etc/kubernetes/pki/etcd/peer.crt', new Date('2026-11-30T08:00:00Z')],
    ['hosts:cp-1:/etc/kubernetes/admin.conf#client-certificate', new Date('2026-12-01T08:00:00Z')],
    ['hosts:cp-1:/etc/kubernetes/pki/etcd/ca.crt', new Date('2034-11-29T00:00:00Z')],
  ]);
});

test('kubeadm without JSON is understood', async () => {
  const text = `[check-expiration] Reading configuration from the cluster...

CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
admin.conf                 Nov 25, 2026 08:00 UTC   <invalid>       ca                      no
!MISSING! super-admin.conf
etcd-server                Nov 25, 2027 08:00 UTC   363d            etcd-ca                 no

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      Nov 29, 2034 00:00 UTC   8y              no
`;
  const programs = {
    'kubeadm certs check-expiration -o json': { exitCode: 1, stderr: "unknown shorthand flag: 'o' in -o\n" },
    'kubeadm certs check-expiration': text,
  };
  const managed = await managedOf([], { programs });
  expect(
    managed.map((one) => one.kind === 'managed' && [one.name, one.signedBy, one.versions[0]?.authority]),
  ).toEqual([
    ['admin.conf', 'ca', false],
    ['etcd-server', 'etcd-ca', false],
    ['ca', undefined, true],
  ]);
});

test('nothing is asked of kubeadm if all files were read, or on other nodes', async () => {
  const names = ['ca', 'front-proxy-ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-client'];
  const confs = ['admin', 'controller-manager', 'scheduler'].map((name) => ({
    path: `/etc/kubernetes/${name}.conf`,
    content: kubeconfig(client.certificatePem, client.keyPem, old.certificatePem),
  }));
  expect(
    await managedOf([...names.map((name) => pki(`${name}.crt`, server.certificatePem)), ...confs]),
  ).toEqual([]);
  expect(crossed.join('')).not.toContain('kubeadm certs');
  const ofNode = { path: '/etc/kubernetes/kubelet.conf', content: 'users: []' };
  expect(await managedOf([pki('ca.crt', old.certificatePem), ofNode])).toEqual([]);
  expect(crossed.join('')).not.toContain('kubeadm certs');
  expect(await managedOf([])).toEqual([]);
});

test('the programs of BusyBox print the same', async () => {
  const files = [
    pki('apiserver.crt', server.certificatePem.replaceAll('\n', '\r\n') + server.keyPem),
    pki('etcd/half.crt', `${server.certificatePem.slice(0, 300)}\n${client.certificatePem}`),
    { path: '/etc/kubernetes/pki/dangling.crt', linkTo: '/nowhere' },
    {
      path: '/etc/kubernetes/admin.conf',
      content: kubeconfig(client.certificatePem, client.keyPem, old.certificatePem),
    },
    {
      path: '/var/vcap/bosh/settings.json',
      content: JSON.stringify(settings({ ca: old.certificatePem, certificate: client.certificatePem })),
    },
    { path: '/var/vcap/jobs/x', linkTo: '/var/vcap/data/jobs/x/1' },
    { path: '/var/vcap/data/jobs/x/1/config/certs/ca.crt', content: old.certificatePem },
  ];
  const gnu = await scanOf(files);
  expect(await scanOf(files, { path: busybox })).toEqual({ ...gnu, seen: expect.anything() as object });
  const { seen } = await scanOf(files, { path: busybox });
  expect(Object.keys(seen).toSorted()).toEqual(Object.keys(gnu.seen).toSorted());
  expect(Object.keys(seen)).toHaveLength(7);
});

const bodyOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----\n/g, '');
const asCertificate = (body: string): string =>
  `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n`;

/** Keys of no certificate, so that nothing of them may cross, and the lines of their text. */
function makeKeys(): readonly { readonly pem: string; readonly secrets: readonly string[] }[] {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return [
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    rsa.export({ type: 'pkcs8', format: 'pem' }),
    rsa.export({ type: 'pkcs1', format: 'pem' }),
    ec.export({ type: 'sec1', format: 'pem' }),
    ec.export({ type: 'pkcs8', format: 'pem' }),
    rsa.export(encrypted),
    ec.export(encrypted),
  ].map((made) => {
    const pem = made.toString();
    return { pem, secrets: pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{24,}$/.test(line)) };
  });
}

test.each(['GNU', 'BusyBox'])(
  'no part of a private key crosses ssh with the programs of %s',
  async (kind) => {
    const path = kind === 'BusyBox' ? busybox : undefined;
    const keys = makeKeys();
    const [a, b, c] = keys.map(({ pem }) => pem) as [string, string, string];
    const certificate = client.certificatePem;
    const mixed = [
      certificate + a,
      b + certificate,
      `${c}\r\n${certificate.replaceAll('\n', '\r\n')}${a}`,
      `\xff\xfe\0 ~ ${b}${certificate}\xff${c}`,
      `-----BEGIN CERTIFICATE-----\n${a}-----END CERTIFICATE-----\n${certificate}`,
      `${certificate.slice(0, 200)}\n${b}${certificate}`,
      JSON.stringify({ a: c + certificate + a, b: { c: b } }),
      `"${certificate}${c}"`,
      ...keys.flatMap(({ pem }) => {
        const body = bodyOf(pem);
        return [
          asCertificate(body),
          `client-certificate-data: ${body.replaceAll('\n', '')}\nclient-certificate: ${body.replaceAll('\n', '')}`,
        ];
      }),
    ];
    const joined = keys.map(({ pem }, at): HostFile =>
      pki(`joined-${at}.crt`, asCertificate(bodyOf(certificate) + bodyOf(pem))),
    );
    const files = mixed.flatMap((content, at): HostFile[] => {
      const bytes = Buffer.from(content, 'latin1');
      return [
        { path: `/etc/kubernetes/pki/${at}.crt`, content: bytes },
        { path: `/var/vcap/jobs/x/config/certs/${at}.pem`, content: bytes },
        {
          path: `/etc/kubernetes/${at}.conf`,
          content: kubeconfig(content, b, `${' '.repeat(at)}${content}`),
        },
        { path: `/etc/kubernetes/raw-${at}.conf`, content: bytes },
      ];
    });
    const scans = mixed.map((content) => {
      const cert = { ca: content, certificate: content, private_key: a };
      return [
        { path: '/var/vcap/bosh/settings.json', content: JSON.stringify(settings(cert)) },
        { path: '/var/vcap/bosh/update_settings.json', content: JSON.stringify({ mbus: { cert } }) },
      ];
    });
    let places = 0;
    for (const scanned of [files, joined, ...scans]) {
      places += Object.keys((await scanOf(scanned, { ...(path && { path }) })).seen).length;
      const output = crossed.join('').replaceAll(/\\n|\s/g, '');
      for (const line of keys.flatMap(({ secrets }) => secrets)) {
        expect(output.includes(line.slice(0, 24)), line).toBe(false);
        for (const offset of [0, 1, 2]) {
          const encoded = Buffer.from(line.slice(offset)).toString('base64').slice(0, 24);
          expect(output.includes(encoded), line).toBe(false);
        }
      }
      for (const secret of ['not-a-certificate', 'pa{ss', '$6$salt', 'nats://'])
        expect(crossed.join('').includes(secret), secret).toBe(false);
    }
    // Otherwise the test would prove nothing.
    expect(places).toBeGreaterThan(20);
  },
);
