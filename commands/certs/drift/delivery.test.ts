import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { automated, director, facts, leaf, managed, served, stored } from './builders.ts';
import type { Facts } from './collect.ts';
import { contentsOfDeployed } from './deployed-versions.ts';
import { diagnose } from './diagnose.ts';

/** What delivers stored certificates, and how far it has come. */

const NOW = new Date('2026-11-26T12:00:00Z');
const EXPIRED = { from: '2025-11-19T09:00:00Z', until: '2026-11-19T09:00:00Z' };
const VALID = { from: '2026-01-10T00:00:00Z', until: '2027-01-10T00:00:00Z' };
const NEW = { from: '2026-11-26T10:00:00Z', until: '2027-11-26T10:00:00Z' };

const findingsIn = (given: Facts) => diagnose(given, {}, NOW).findings;
const tell = (given: Facts) =>
  findingsIn(given).map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
const textOf = (given: Facts) => JSON.stringify(findingsIn(given));

const step = (current: string, since: string): Pick<ports.DirectorTask, 'step'> => ({
  step: { stage: 'Updating instance', current: [current], finished: [], since: new Date(since) },
});
const task = (current: string, since: string): ports.DirectorTask => ({
  id: '88',
  state: 'processing',
  description: 'create deployment',
  deployment: 'cf',
  ...step(current, since),
});
const rotation = (
  old: Parameters<typeof leaf>[1],
  hosts: readonly string[],
  tasks: readonly ports.DirectorTask[] = [],
) =>
  facts({
    places: [
      stored('vault:secret/cf/rep:cert', leaf('cell', NEW), {
        history: [{ id: '6', chain: [leaf('cell', old)], trusts: [] }],
      }),
      ...hosts.map((host, at) =>
        served(`10.0.1.${at + 1}:1801`, leaf('cell', at === 0 ? NEW : old), { host }),
      ),
    ],
    directors: [director({ tasks })],
  });

describe('a running deploy', () => {
  const hosts = ['diego-cell/0a', 'diego-cell/1b'];

  test.each([
    ['at the instance', 'diego-cell/1b'],
    ['at another of its group', 'diego-cell/0a'],
  ])('is waited for while it is %s', (_, current) => {
    const given = rotation(VALID, hosts, [task(current, '2026-11-26T11:57:00Z')]);
    expect(tell(given)).toEqual(['warning renewed-not-deployed vault:secret/cf/rep:cert']);
    expect(textOf(given)).toContain('Task 88 is delivering it');
    expect(textOf(given)).not.toContain('Deploy what uses it');
  });

  test('is looked at if it has stood for an hour', () => {
    const given = rotation(VALID, hosts, [task('diego-cell/1b', '2026-11-26T11:00:00Z')]);
    expect(textOf(given)).toContain('has been at diego-cell/1b for 1 hour: find out what it waits for');
  });

  test('of other instances delivers nothing here', () => {
    const given = rotation(VALID, hosts, [task('router/0', '2026-11-26T11:57:00Z')]);
    expect(textOf(given)).toContain('It needs a deploy');
  });
});

describe('a rotation that stopped half-way', () => {
  test('is seen although the authority has a new key too', () => {
    const given = facts({
      places: [
        stored('vault:secret/cf/rep:cert', leaf('cell', { ...NEW, key: 'new' }), {
          history: [{ id: '6', chain: [leaf('cell', EXPIRED)], trusts: [] }],
        }),
        served('10.0.1.1:1801', leaf('cell', { ...NEW, key: 'new' }), { host: 'diego-cell/0a' }),
        served('10.0.1.2:1801', leaf('cell', EXPIRED), { host: 'diego-cell/1b' }),
      ],
    });
    expect(tell(given)).toEqual(['critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca']);
  });

  test('of machines without BOSH has no commands of BOSH', () => {
    const given = rotation(EXPIRED, ['etcd-1', 'etcd-2']);
    expect(tell(given)).toEqual(['critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca']);
    expect(textOf(given)).not.toMatch(/bosh|monit|skip-drain/);
  });
});

describe('deployed versions', () => {
  const using = (versions: Parameters<typeof managed>[1], contents: readonly ports.VersionContent[] = []) =>
    facts({
      managed: [managed('credhub:/cf/tls', versions, { contents })],
      directors: [
        director({ deployed: [{ deployment: 'cf', certificates: [{ name: '/cf/tls', version: 'v1' }] }] }),
      ],
    });
  const both = [
    { id: 'v2', until: NEW.until },
    { id: 'v1', until: NEW.until },
  ];
  const content = (id: string, one: ports.Certificate): ports.VersionContent => ({
    id,
    chain: [one],
    trusts: [],
  });

  test('with the certificate of the stored one lack only authorities', () => {
    const one = leaf('tls', NEW);
    expect(tell(using(both, [content('v2', one), content('v1', one)]))).toEqual([
      'info deployed-authorities-outdated cf',
    ]);
  });

  test.each([
    ['another certificate', [content('v2', leaf('tls', NEW)), content('v1', leaf('tls', VALID))]],
    ['an unknown certificate', []],
  ])('with %s need a deploy', (_, contents) => {
    expect(tell(using(both, contents))).toEqual(['warning deployed-version-outdated cf']);
  });

  test('are read only if they are deployed and end when the stored one does', () => {
    const one = managed('credhub:/cf/tls', [
      ...both,
      { id: 'v0', until: NEW.until },
      { id: 'v-1', until: VALID.until },
    ]);
    expect(contentsOfDeployed([one], new Set(['v1', 'v-1']))).toEqual([
      { place: 'credhub:/cf/tls', versions: ['v2', 'v1'] },
    ]);
    expect(contentsOfDeployed([one], new Set(['v2']))).toEqual([]);
  });

  test('whose newer ones have expired too are renewed before the deploy', () => {
    const given = using([
      { id: 'v2', until: '2026-11-25T00:00:00Z' },
      { id: 'v1', until: EXPIRED.until },
    ]);
    expect(tell(given)).toEqual(['critical deployed-version-outdated cf']);
    expect(textOf(given)).toContain('those have expired too: renew them, then deploy');
    expect(textOf(given)).toContain('Renew /cf/tls first');
  });
});

describe('the agent of an instance', () => {
  const agent = (host: string, instances: readonly string[]) =>
    facts({
      places: [stored(`hosts:${host}:/var/vcap/bosh/settings.json#mbus`, leaf('agent', EXPIRED), { host })],
      directors: [
        director({
          deployments: [
            {
              source: 'bosh',
              name: 'pg',
              instances: instances.map((id) => ({
                group: 'pg',
                id,
                name: `pg/${id}`,
                addresses: [],
                desired: 'started',
                ignored: false,
                state: 'running',
                processes: [],
                restart: { allowed: false, because: 'not configured' },
              })),
            },
          ],
        }),
      ],
    });

  test('is found by the beginning of its id', () => {
    const given = agent('pg/e41c77d0', ['e41c77d0-9a30-4a2b-8f6e-000000000001']);
    expect(tell(given)).toEqual(['critical agent-certificate-expired pg/e41c77d0']);
    expect(textOf(given)).toContain('bosh -d pg recreate');
  });

  test('that the director no longer lists is not recreated', () => {
    const given = agent('pg/e41c77d0', ['ffffffff-9a30-4a2b-8f6e-000000000001']);
    expect(tell(given)).toEqual(['warning agent-certificate-orphaned pg/e41c77d0']);
    expect(textOf(given)).not.toContain('recreate');
  });
});

test('a Certificate whose issuer was changed may be unable to issue, and its requests say why', () => {
  const ready = {
    status: 'False' as const,
    reason: 'IncorrectIssuer',
    since: new Date('2026-11-20T00:00:00Z'),
  };
  expect(textOf(facts({ managed: [automated('shop/web', 'web-tls', { ready })] }))).toContain(
    'look at its CertificateRequests',
  );
});
