import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { scanCertificates, type CertificateScan } from '../../../test/world/scan-certificates.ts';
import { asSafe } from '../../../test/world/safe-secrets.ts';
import { type OpenedVault, vaultsUnderTest } from '../../../test/world/vault/under-test.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const RIGHTS = { 'sys/capabilities-self': ['update'] } as const;

describe.each(vaultsUnderTest())('%s', (_, open) => {
  let vault: OpenedVault;
  let authority: Authority;
  let locket: Issued;
  let rep: Issued;
  let reader: string;

  beforeAll(async () => {
    vault = await open();
    authority = await makeAuthority({ name: 'cf ca' });
    locket = await issue(authority, { name: 'locket.service.internal' });
    rep = await issue(authority, { name: 'cell.service.internal' });
    for (const [mount, version] of [
      ['wrench-test-1', '1'],
      ['wrench-test-2', '2'],
      ['wrench-test-old', null],
    ] as const) {
      await vault.mount(mount, version);
      await vault.put(`${mount}/cf/bbs/locket/tls`, asSafe(locket));
      await vault.put(`${mount}/cf/cell/rep`, asSafe(rep));
      await vault.put(`${mount}/cf/password`, { password: 'hunter2' });
    }
    await vault.allow('wrench-test-reader', {
      ...RIGHTS,
      'wrench-test-1/*': ['read', 'list'],
      'wrench-test-2/*': ['read', 'list'],
      'wrench-test-old/*': ['read', 'list'],
    });
    reader = await vault.issueToken({ policies: ['wrench-test-reader'], ttl: '1h' });
  });
  afterAll(() => vault.close());

  const scan = async (paths: readonly string[], more: object = {}): Promise<CertificateScan> => {
    const config = { kind: 'vault', url: vault.address, auth: { token: reader }, paths, ...more };
    const source = openVault(vaultConfig.parse(config));
    try {
      return await scanCertificates(source);
    } finally {
      await source.close();
    }
  };

  test.each(['wrench-test-1', 'wrench-test-2', 'wrench-test-old'])(
    'reads every certificate below a folder once, in any version of %s',
    async (mount) => {
      const { seen, gaps, empty } = await scan([`${mount}/cf`]);
      expect(gaps).toEqual([]);
      expect(seen).toEqual([
        {
          place: `vault:${mount}/cf/bbs/locket/tls:certificate`,
          names: ['locket.service.internal'],
          keyMatches: true,
        },
        {
          place: `vault:${mount}/cf/cell/rep:certificate`,
          names: ['cell.service.internal'],
          keyMatches: true,
        },
      ]);
      expect(empty).toBe(1);
    },
  );

  test('reads no secret twice for a whole mount, slashes around paths, and nested paths', async () => {
    const { seen, gaps } = await scan([
      '/wrench-test-2/',
      'wrench-test-2/cf/bbs',
      'wrench-test-2/cf/bbs/locket/tls',
    ]);
    expect(gaps).toEqual([]);
    expect(seen.map(({ place }) => place)).toEqual([
      'vault:wrench-test-2/cf/bbs/locket/tls:certificate',
      'vault:wrench-test-2/cf/cell/rep:certificate',
    ]);
  });

  test('a path may be a single secret', async () => {
    const { seen, gaps } = await scan(['wrench-test-2/cf/cell/rep', 'wrench-test-1/cf/cell/rep']);
    expect(gaps).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  test('`foo` and `foo/` are different', async () => {
    await vault.put('wrench-test-2/twins/foo', asSafe(locket));
    await vault.put('wrench-test-2/twins/foo/bar', asSafe(rep));
    const { seen, gaps } = await scan(['wrench-test-2/twins']);
    expect(gaps).toEqual([]);
    expect(seen.map(({ place }) => place)).toEqual([
      'vault:wrench-test-2/twins/foo/bar:certificate',
      'vault:wrench-test-2/twins/foo:certificate',
    ]);
  });

  test('requests names with spaces, umlauts, percent signs and question marks unchanged', async () => {
    const names = ['with blank', 'Zürich', '100%', 'a%2Fb', 'what?x=1', 'c#1', 'a+b'];
    for (const name of names) await vault.put(`wrench-test-2/odd/${name}/x`, asSafe(rep));
    const { seen, gaps } = await scan(['wrench-test-2/odd']);
    expect(gaps).toEqual([]);
    expect(seen.map(({ place }) => place)).toEqual(
      names.map((name) => `vault:wrench-test-2/odd/${name}/x:certificate`).toSorted(),
    );
  });

  test('a soft-deleted and a destroyed secret count as checked, and are not gaps', async () => {
    await vault.put('wrench-test-2/gone/deleted', asSafe(rep));
    await vault.softDelete('wrench-test-2/gone/deleted');
    await vault.put('wrench-test-2/gone/destroyed', asSafe(rep));
    await vault.destroy('wrench-test-2/gone/destroyed');
    for (const only of ['any', 'named']) {
      const { seen, gaps, empty } = await scan(['wrench-test-2/gone'], { only });
      expect([seen, gaps, empty]).toEqual([[], [], 2]);
    }
  });

  test('a forbidden secret and a forbidden folder are two gaps, each with the missing capability', async () => {
    await vault.put('wrench-test-2/part/open', asSafe(rep));
    await vault.put('wrench-test-2/part/closed', asSafe(locket));
    await vault.put('wrench-test-2/part/dark/x', asSafe(locket));
    await vault.allow('wrench-test-part', {
      'wrench-test-2/*': ['read', 'list'],
      'wrench-test-2/data/part/closed': ['deny'],
      'wrench-test-2/metadata/part/dark/*': ['deny'],
    });
    const token = await vault.issueToken({ policies: ['wrench-test-part'], ttl: '1h' });
    const { seen, gaps } = await scan(['wrench-test-2/part'], { auth: { token } });
    expect(seen.map(({ place }) => place)).toEqual(['vault:wrench-test-2/part/open:certificate']);
    expect(gaps).toEqual([
      'vault:wrench-test-2/part/closed: refused: the token lacks `read` on wrench-test-2/data/part/closed',
      'vault:wrench-test-2/part/dark/: refused: the token lacks `list` on wrench-test-2/metadata/part/dark',
    ]);
  });

  test('a path that is missing, forbidden or in the format of the API is a gap that says what to do', async () => {
    const { seen, gaps } = await scan([
      'wrench-test-2/cf/cell',
      'wrench-test-2/nothing',
      'wrench-test-2/data/cf',
      'wrench-test-nowhere/cf',
    ]);
    expect(seen).toHaveLength(1);
    expect(gaps).toEqual([
      'vault:wrench-test-2/data/cf: missing: nothing is there: write the path as wrench-test-2/cf, without `data/` or `metadata/`',
      'vault:wrench-test-2/nothing: missing: there is no folder or secret, or it is hidden from this token',
      'vault:wrench-test-nowhere/cf: refused: the token has no permissions below wrench-test-nowhere/cf, or nothing is mounted there',
    ]);
  });

  test('reads a chain, certificates in YAML and nested values, each at its key', async () => {
    const yaml = `instance_groups:\n- name: api\n  cert: |\n    ${rep.certificatePem.trim().replaceAll('\n', '\n    ')}\n`;
    await vault.put('wrench-test-2/shapes/x', {
      'tls.crt': locket.certificatePem + authority.certificatePem,
      'tls.key': rep.keyPem,
      manifest: yaml,
      nested: { deeper: { ca: authority.certificatePem }, list: [rep.certificatePem] },
      port: 8443,
      nothing: null,
    });
    const { seen, gaps } = await scan(['wrench-test-2/shapes']);
    expect(gaps).toEqual([]);
    expect(seen).toEqual([
      {
        place: 'vault:wrench-test-2/shapes/x:manifest.instance_groups.0.cert',
        names: ['cell.service.internal'],
        keyMatches: true,
      },
      { place: 'vault:wrench-test-2/shapes/x:nested.deeper.ca', names: ['cf ca'] },
      {
        place: 'vault:wrench-test-2/shapes/x:nested.list.0',
        names: ['cell.service.internal'],
        keyMatches: true,
      },
      {
        place: 'vault:wrench-test-2/shapes/x:tls.crt',
        names: ['locket.service.internal', 'cf ca'],
        keyMatches: false,
      },
    ]);
  });

  test('a certificate that differs from the one in `combined` has two places', async () => {
    await vault.put('wrench-test-2/drift/x', {
      ...asSafe(rep),
      combined: locket.certificatePem + locket.keyPem,
    });
    const { seen } = await scan(['wrench-test-2/drift']);
    expect(seen).toEqual([
      {
        place: 'vault:wrench-test-2/drift/x:certificate',
        names: ['cell.service.internal'],
        keyMatches: true,
      },
      { place: 'vault:wrench-test-2/drift/x:combined', names: ['locket.service.internal'], keyMatches: true },
    ]);
  });

  test('a truncated certificate is a gap at its key, and the others are read', async () => {
    await vault.put('wrench-test-2/cut/x', {
      ca: authority.certificatePem.slice(0, 300),
      certificate: rep.certificatePem,
    });
    const { seen, gaps } = await scan(['wrench-test-2/cut']);
    expect(seen.map(({ place }) => place)).toEqual(['vault:wrench-test-2/cut/x:certificate']);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatch(/^vault:wrench-test-2\/cut\/x:ca.*: malformed: /);
  });

  test('with `only: named`, secrets without a certificate-like name count as empty, in both versions', async () => {
    for (const mount of ['wrench-test-1', 'wrench-test-2']) {
      const { seen, gaps, empty } = await scan([`${mount}/cf`], { only: 'named' });
      expect(gaps).toEqual([]);
      expect(seen).toHaveLength(2);
      expect(empty).toBe(1);
    }
  });

  test('an AppRole logs in', async () => {
    const role = {
      role: 'wrench-test',
      mount: 'wrench-test-approle',
      policies: ['wrench-test-reader'],
      ttl: '1h',
    };
    const { roleId, secretId } = await vault.makeAppRole(role);
    const appRole = { roleId, secretId, mount: role.mount };
    expect((await scan(['wrench-test-2/cf'], { auth: { appRole } })).seen).toHaveLength(2);
    await expect(
      scan(['wrench-test-2/cf'], { auth: { appRole: { ...appRole, secretId: 'no' } } }),
    ).rejects.toMatchObject({
      kind: 'refused',
      message:
        'login rejected (400). AppRole login at wrench-test-approle: the role_id or secret_id is wrong, used up or expired',
    });
  });

  test('an invalid token fails the whole scan', async () => {
    await expect(scan(['wrench-test-2/cf'], { auth: { token: 'hvs.nobody' } })).rejects.toMatchObject({
      name: 'SourceError',
      source: 'vault',
      kind: 'refused',
      message:
        'the token was rejected (403): it has expired, was revoked, or is not from this Vault or namespace',
    });
  });
});
