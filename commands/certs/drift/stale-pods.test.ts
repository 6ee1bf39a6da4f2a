import { expect, test } from 'vitest';
import { clusterPod, podContainer } from '../../shared/fixture-clusters.ts';
import { facts, leaf, served, stored } from './builders.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const NEW = { from: '2026-11-01T00:00:00Z', until: '2027-01-30T00:00:00Z' };
const [BEFORE, AFTER] = [new Date('2026-09-05T10:00:00Z'), new Date('2026-11-02T10:00:00Z')];

type Mount = 'volume' | 'subPath' | 'environment';

function ask(
  by: Mount,
  startedAt: Date,
  {
    allowed = true,
    site,
    known = {},
    subPath = 'tls.crt',
    obstacle,
  }: {
    obstacle?: string;
    subPath?: string;
    allowed?: boolean;
    site?: ReturnType<typeof served>;
    known?: Parameters<typeof stored>[2];
  } = {},
) {
  const pod = clusterPod('alerts-0', {
    namespace: 'mon',
    startedAt,
    addresses: ['10.244.3.9'],
    controller: { kind: 'StatefulSet', name: 'alerts' },
    volumes: by === 'environment' ? [] : [{ name: 'tls', secrets: ['alerts-tls'] }],
    containers: [
      podContainer('alerts', {
        mounts:
          by === 'environment' ? [] : [{ volume: 'tls', path: '/tls', ...(by === 'subPath' && { subPath }) }],
        ...(by === 'environment' && { environmentSecrets: ['alerts-tls'] }),
      }),
    ],
  });
  return diagnose(
    facts(
      {
        places: [
          stored('prod:mon/alerts-tls:tls.crt', leaf('alerts.mon.svc', NEW), { keyMatches: true, ...known }),
          ...(site ? [site] : []),
        ],
        clusters: [{ source: 'prod', ingresses: [], pods: [pod] }],
      },
      {
        restarts: [
          {
            cluster: 'prod',
            namespace: 'mon',
            permission: allowed ? { allowed, managed: false } : { allowed, because: 'not configured' },
            ...(obstacle !== undefined && { obstacles: { 'StatefulSet alerts': obstacle } }),
          },
        ],
      },
    ),
    {},
    NOW,
  ).findings;
}

test.each(['subPath', 'environment'] as const)(
  'a pod with a Secret by %s that started before its certificate began is stale without a site',
  (by) => {
    const [finding, ...others] = ask(by, BEFORE);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      reason: 'pod-keeps-former-secret',
      severity: 'warning',
      target: 'mon/alerts (StatefulSet)',
      targets: ['mon/alerts-0'],
      offers: [{ remediation: 'restart-workload', params: { name: 'alerts', pod: 'alerts-0' } }],
    });
  },
);

test('a mounted volume is refreshed, and a pod that started later has the new one', () => {
  expect(ask('volume', BEFORE)).toEqual([]);
  expect(ask('subPath', AFTER)).toEqual([]);
});

test('a pod that mounts only the authority of the Secret does not use the certificate', () => {
  expect(ask('subPath', BEFORE, { subPath: 'ca.crt' })).toEqual([]);
});

test('a restart is offered only if it is allowed and the stored certificate is usable', () => {
  expect(ask('subPath', BEFORE, { allowed: false })[0]).not.toHaveProperty('offers');
  expect(ask('subPath', BEFORE, { known: { keyMatches: false } })[0]).not.toHaveProperty('offers');
});

test('a restart is not offered for a workload that must not be restarted, and the report says why', () => {
  const [finding] = ask('subPath', BEFORE, { obstacle: 'its rollout is paused' });
  expect(finding).not.toHaveProperty('offers');
  expect(JSON.stringify(finding)).toContain('not offered: its rollout is paused');
});

test('a pod with a site is judged by what it serves', () => {
  const site = served('10.244.3.9:9093', leaf('alerts.mon.svc', NEW), { open: true });
  expect(ask('subPath', BEFORE, { site })).toEqual([]);
});
