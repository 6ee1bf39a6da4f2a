import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Authority,
  issue,
  type Issued,
  issueSelfSigned,
  makeAuthority,
} from '../../../test/world/ca.ts';
import { makeJks } from '../../../test/world/containers.ts';
import { makeScannedFolder, type ScannedFolder } from '../../../test/world/scan-files.ts';
import { isTrustStorePath } from '../../wire/trust-stores.ts';

let folder: ScannedFolder;
let roots: Authority[];
let intermediate: Authority;
let leaf: Issued;
let selfSigned: Issued;

beforeAll(async () => {
  roots = await Promise.all(Array.from({ length: 20 }, (_, n) => makeAuthority({ name: `Root ${n}` })));
  const [root] = roots;
  if (!root) throw new Error('twenty were made');
  intermediate = await makeAuthority({ name: 'Intermediate', issuer: root });
  leaf = await issue(intermediate, { name: 'leaf.test' });
  selfSigned = await issueSelfSigned({ name: 'snakeoil.test' });
});
beforeEach(async () => {
  folder = await makeScannedFolder();
});
afterEach(() => folder.remove());

const pemOf = (...issued: readonly Issued[]) => issued.map(({ certificatePem }) => certificatePem).join('');

/** The places that are marked, and those that are not. */
async function sorted(paths: readonly string[]) {
  const seen = Object.entries(await folder.seen(paths));
  const places = (marked: boolean) =>
    seen.flatMap(([place, { trustStore }]) => ((trustStore === true) === marked ? [place] : [])).toSorted();
  return { marked: places(true), unmarked: places(false) };
}

test.each([
  '/etc/ssl/certs/ISRG_Root_X1.pem',
  '/etc/ssl/certs/4042bcee.0',
  '/etc/ssl/certs/java/cacerts',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt',
  '/usr/local/share/ca-certificates/corporate.crt',
  '/usr/lib/ssl/certs/ca-certificates.crt',
  '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  '/etc/pki/ca-trust/source/anchors/corporate.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/usr/share/pki/ca-trust-source/ca-bundle.trust.p11-kit',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/opt/java/lib/security/cacerts',
  '/srv/image/etc/ssl/certs/ca-certificates.crt',
])('%s is a trust store', (path) => {
  expect(isTrustStorePath(path)).toBe(true);
});

test.each([
  // CAs that someone operates: when they expire, everything that they signed is invalid.
  '/etc/pki/ovirt-engine/ca.pem',
  '/etc/pki/CA/cacert.pem',
  '/root/demoCA/cacert.pem',
  '/var/vcap/jobs/rep/config/certs/ca.crt',
  '/etc/kubernetes/pki/ca.crt',
  '/etc/app/ca-bundle.crt',
  '/etc/ssl/cf/root.pem',
  '/etc/ssl/certs.d/ca.pem',
  '/srv/etc/ssl/certs/own.pem',
  '/var/lib/cacerts.pem',
])('%s is not a trust store by its path', (path) => {
  expect(isTrustStorePath(path)).toBe(false);
});

test('a file with twenty CAs is a trust store, whatever its name', async () => {
  await folder.put({
    'bundle.pem': pemOf(...roots),
    'nineteen.pem': pemOf(...roots.slice(1)),
    'one-twenty-times.pem': pemOf(...Array.from({ length: 20 }, () => roots[0] as Authority)),
  });
  expect(await sorted(['bundle.pem'])).toMatchObject({ marked: { length: 20 }, unmarked: [] });
  expect(await sorted(['nineteen.pem'])).toMatchObject({ marked: [], unmarked: { length: 19 } });
  expect(await sorted(['one-twenty-times.pem'])).toMatchObject({ marked: [] });
});

test('marks only self-signed CAs in a trust store', async () => {
  await folder.put({
    'ca-certificates.crt': pemOf(leaf, selfSigned, intermediate, ...roots.slice(1, 3)),
    'bundle.pem': pemOf(leaf, selfSigned, ...roots),
  });
  expect(await sorted(['ca-certificates.crt'])).toEqual({
    marked: ['ca-certificates.crt#4', 'ca-certificates.crt#5'],
    unmarked: ['ca-certificates.crt', 'ca-certificates.crt#2', 'ca-certificates.crt#3'],
  });
  expect(await sorted(['bundle.pem'])).toMatchObject({
    marked: { length: 20 },
    unmarked: ['bundle.pem', 'bundle.pem#2'],
  });
});

test('Java’s cacerts is a trust store, and a keystore with another name is not', async () => {
  const entries = roots.slice(0, 2).map(({ der }, n) => ({ alias: `root${n}`, certificates: [der] }));
  await folder.put({ 'security/cacerts': makeJks(entries), 'own.jks': makeJks(entries) });
  expect(await sorted(['**/*'])).toEqual({
    marked: ['security/cacerts:root0', 'security/cacerts:root1'],
    unmarked: ['own.jks:root0', 'own.jks:root1'],
  });
});

test('does not mark a private CA next to certificates that it signed', async () => {
  await folder.put({
    'certs/ca.crt': pemOf(roots[0] as Authority),
    'demoCA/cacert.pem': pemOf(roots[1] as Authority),
  });
  expect(await sorted(['**/*'])).toEqual({ marked: [], unmarked: ['certs/ca.crt', 'demoCA/cacert.pem'] });
});

test('marks a link into a trust store, wherever it is', async () => {
  await folder.put({ 'system/ca-certificates.crt': pemOf(roots[0] as Authority) });
  await folder.link({ 'job/ca.crt': '../system/ca-certificates.crt' });
  expect(await sorted(['job/*'])).toEqual({ marked: ['job/ca.crt'], unmarked: [] });
});
