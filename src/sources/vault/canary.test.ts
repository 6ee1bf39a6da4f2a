import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { scanCertificates } from '../../../test/world/scan-certificates.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { Source } from '../../ports/source.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const JWT = 'eyJjYW5hcnk.eyJjYW5hcnk.canary-signature';
const PASSWORD = 'canary-password-of-a-database';

let vault: Vault;
const output: unknown[] = [];
beforeEach(async () => {
  output.length = 0;
  vault = await startVault();
  await vault.mount('secret', '2');
  await vault.allow('reader', { 'secret/*': ['read', 'list'], 'secret/data/cf/closed': ['deny'] });
  const authority = await makeAuthority({ name: 'ca' });
  for (let index = 0; index < 8; index++) {
    const { certificatePem, keyPem } = await issue(authority, { name: `leaf-${index}` });
    await vault.put(`secret/cf/s${index}`, {
      certificate: certificatePem,
      key: keyPem,
      combined: certificatePem + keyPem,
    });
  }
  const { certificatePem, keyPem } = await issue(authority, { name: 'odd' });
  await vault.put('secret/cf/closed', { key: keyPem });
  await vault.put('secret/cf/broken', {
    certificate: keyPem.replace('\n', '\n!!'),
    combined: (certificatePem + keyPem).slice(0, -60),
    oneLine: keyPem.replaceAll('\n', ' '),
    password: PASSWORD,
    yaml: `a:\n  key: |\n    ${keyPem.replaceAll('\n', '\n    ')}\n  bad: [\n`,
    json: JSON.stringify({
      key: keyPem,
      password: PASSWORD,
      certificate: `${certificatePem.slice(0, 200)}${PASSWORD}`,
    }),
  });
});
afterEach(() => vault.close());

async function tell(auth: object, during: (seen: number) => void = () => {}): Promise<void> {
  const config = {
    kind: 'vault',
    url: vault.address,
    paths: ['secret/cf', 'secret/none'],
    auth,
    timeoutMs: 200,
    concurrency: 2,
  };
  const source = openVault(vaultConfig.parse(config));
  try {
    output.push(await source.healthCheck(new AbortController().signal));
    output.push(await scanned(source, during));
    output.push(await source.healthCheck(new AbortController().signal));
  } finally {
    await source.close();
  }
}

async function scanned(source: Source, during: (seen: number) => void): Promise<unknown> {
  let seen = 0;
  const watched: Source = {
    ...source,
    reads: {
      certificates: {
        ...source.reads.certificates!,
        scan: async function* (options) {
          for await (const result of source.reads.certificates!.scan(options)) {
            during(++seen);
            yield result;
          }
        },
      },
    },
  };
  return scanCertificates(watched).catch((error: unknown) => error);
}

test('no result or error contains a token, secret id, JWT, password or private key', async () => {
  const { roleId, secretId } = await vault.makeAppRole({
    role: 'w',
    policies: ['reader'],
    ttl: '1h',
    secretIdUses: 2,
  });
  const token = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  vault.makeKubernetesRole({ role: 'w', jwts: [JWT] });
  const faults = [
    () => {},
    () => vault.fail({ path: 'secret/data/cf/s1', status: 500, words: token }),
    () => vault.fail({ path: 'secret/data/cf/s2', half: true }),
    () => vault.fail({ path: 'secret/data/cf/s3', slowMs: 60_000 }),
    () => vault.fail({ path: 'secret/data/cf/s4', body: `<html>${token} ${PASSWORD}</html>` }),
    () => vault.fail({ path: 'secret/data/cf/s5', body: `{"data":{"data":"${PASSWORD}"}}` }),
    () => vault.fail({ path: 'secret/metadata', body: `{"data":{"keys":[{"password":"${PASSWORD}"}]}}` }),
    () => vault.fail({ path: 'sys/', status: 400, words: `${token} ${PASSWORD}` }),
    () => vault.fail({ path: 'auth/', status: 400, words: `${token} ${PASSWORD}` }),
  ];
  for (const fault of faults) {
    fault();
    await tell({ token });
    vault.heal();
  }
  await tell({ appRole: { roleId, secretId } }, (seen) => seen === 2 && vault.advance(7_200_000));
  await tell({ appRole: { roleId, secretId } });
  await tell({ kubernetes: { role: 'w', jwtFile: '/nowhere' } });
  await tell({ token: vault.rootToken }, (seen) => seen === 2 && vault.become('sealed'));
  vault.become('active');
  await tell({ token: vault.rootToken }, (seen) => seen === 2 && vault.dieAfter(1));
  await tell({ token: `${vault.rootToken}\n!` });

  // As deep as a careless log line would go, including causes and stacks, and as JSON, as in a queue.
  const text =
    inspect(output, { depth: 20, maxStringLength: null, maxArrayLength: null, showHidden: true }) +
    JSON.stringify(output);
  expect(text).toContain('leaf-1');
  expect(text).toContain('unseen');
  const canaries = [...vault.canaries(), PASSWORD, JWT, token, secretId];
  expect(canaries.length).toBeGreaterThan(20);
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
  expect(text).not.toContain('PRIVATE KEY');
});
