import { describe, expect, test } from 'vitest';
import { instanceOf } from '../../shared/fixture-sources.ts';
import { director, facts, leaf, managed, served, stored } from './builders.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const [BEFORE, CHANGED, AFTER] = [
  new Date('2026-11-01T10:00:00Z'),
  new Date('2026-11-25T08:00:00Z'),
  new Date('2026-11-25T08:05:00Z'),
];
const OLD = { from: '2025-12-01T00:00:00Z', until: '2026-12-01T00:00:00Z' };
const NEW = { from: '2026-11-25T07:00:00Z', until: '2027-11-25T07:00:00Z' };
const WEB = leaf('web', NEW);

const file = (path: string, host = 'web-1', known: Parameters<typeof stored>[2] = {}) =>
  stored(`hosts:${host}:${path}`, WEB, { host, storedSince: CHANGED, ...known });
const running = (program: string, startedAt?: Date, host = 'web-1') => ({
  store: 'hosts',
  host,
  program,
  ...(startedAt && { startedAt }),
});
const supervisedAs = (
  name: string,
  startedAt: Date,
  restart: Facts['processTimes']['supervised'][number]['instance']['restart'],
  known: Partial<Facts['processTimes']['supervised'][number]> = {},
) => ({
  supervisor: 'host' as const,
  source: 'monit',
  deployment: 'monit',
  instance: instanceOf('web-1', { [name]: 'running' }, { restart }),
  name,
  startedAt,
  ...known,
});
const MAY = { allowed: true, scope: 'process', processes: ['nginx', 'rep'], sideEffects: [] } as const;

function ask(
  places: Facts['survey']['places'],
  processTimes: Partial<Facts['processTimes']>,
  survey: Partial<Facts['survey']> = {},
) {
  return diagnose(
    facts({ places, ...survey }, { processTimes: { programs: [], supervised: [], ...processTimes } }),
    {},
    NOW,
  );
}

describe('a process without a site', () => {
  test('that is older than its file is a warning with both times, and says that it is inferred', () => {
    const { findings } = ask([file('/etc/nginx/tls/web.pem')], { programs: [running('nginx', BEFORE)] });
    expect(findings).toMatchObject([
      { reason: 'process-older-than-file', severity: 'warning', target: 'web-1 nginx' },
    ]);
    for (const time of ['2026-11-01 10:00 UTC', '2026-11-25 08:00 UTC'])
      expect(findings[0]?.summary).toContain(time);
    expect(findings[0]?.evidence).toContainEqual(expect.objectContaining({ label: 'Inferred' }));
    expect(findings[0]).not.toHaveProperty('offers');
  });

  test.each([
    ['is newer than its file', '/etc/nginx/tls/web.pem', running('nginx', AFTER)],
    ['is not running', '/etc/nginx/tls/web.pem', running('nginx')],
    ['reads its file again (etcd)', '/etc/kubernetes/pki/etcd/server.crt', running('etcd', BEFORE)],
    [
      'reads its file again (API server)',
      '/etc/kubernetes/pki/apiserver.crt',
      running('kube-apiserver', BEFORE),
    ],
    [
      'reads its file again (kubelet)',
      '/var/lib/kubelet/pki/kubelet-client-current.pem',
      running('kubelet', BEFORE),
    ],
    ['is on another machine', '/etc/nginx/tls/web.pem', running('nginx', BEFORE, 'web-2')],
  ])('that %s is no finding', (_, path, program) => {
    expect(ask([file(path)], { programs: [program] }).findings).toEqual([]);
  });

  test('whose file is minutes old is no finding yet', () => {
    const young = file('/etc/nginx/tls/web.pem', 'web-1', { storedSince: new Date('2026-11-26T11:55:00Z') });
    expect(ask([young], { programs: [running('nginx', BEFORE)] }).findings).toEqual([]);
  });

  test('of kubeadm is restarted as a static pod', () => {
    const { findings } = ask([file('/etc/kubernetes/scheduler.conf#client-certificate', 'cp-1')], {
      programs: [running('kube-scheduler', BEFORE, 'cp-1')],
    });
    expect(findings[0]?.target).toBe('cp-1 kube-scheduler');
    expect(JSON.stringify(findings[0]?.evidence)).toContain(
      'mv /etc/kubernetes/manifests/kube-scheduler.yaml',
    );
  });

  test('that monit may restart is offered a restart', () => {
    const { findings } = ask([file('/etc/nginx/tls/web.pem')], {
      programs: [running('nginx', BEFORE)],
      supervised: [supervisedAs('nginx', BEFORE, MAY)],
    });
    expect(findings[0]?.offers).toMatchObject([
      { remediation: 'restart', params: { source: 'monit', id: expect.any(String), process: 'nginx' } },
    ]);
  });

  test('that was reloaded since is no finding, although its supervisor knows the first process', () => {
    const supervised = [supervisedAs('nginx', BEFORE, MAY)];
    const place = file('/etc/nginx/tls/web.pem');
    expect(ask([place], { programs: [running('nginx', AFTER)], supervised }).findings).toEqual([]);
    expect(ask([place], { supervised }).findings).toEqual([]);
  });
});

describe('what a site serves decides', () => {
  const pem = file('/etc/nginx/tls/web.pem');
  const older = { programs: [running('nginx', BEFORE)], supervised: [supervisedAs('nginx', BEFORE, MAY)] };

  test('a process that serves the content of its file has loaded it', () => {
    const site = served('10.0.0.1:443', WEB, { host: 'web-1 nginx', open: true });
    expect(ask([pem, site], older).findings).toEqual([]);
  });

  test('a site of unknown machine does not show which of two has loaded it', () => {
    const site = served('10.0.0.9:443', WEB, { open: true });
    expect(ask([pem, site], older).findings).toEqual([]);
    const { findings } = ask([pem, file('/etc/nginx/tls/web.pem', 'web-2'), site], older);
    expect(findings.map(({ target }) => target)).toEqual(['web-1 nginx']);
  });

  test('a process that serves the former one is one finding, which offers its restart', () => {
    const site = served('10.0.0.1:443', leaf('web', OLD), { host: 'web-1 nginx', open: true });
    const { findings } = ask([pem, site], older);
    expect(findings.map(({ reason }) => reason)).toEqual(['renewed-not-deployed']);
    expect(findings[0]?.offers).toMatchObject([{ remediation: 'restart', params: { process: 'nginx' } }]);
    expect(JSON.stringify(findings[0]?.evidence)).toContain(
      'nginx has run since 2026-11-01 10:00 UTC, the file changed at 2026-11-25 08:00 UTC',
    );
  });

  test('a restart is not offered for a process that has started since, or if the file is not usable', () => {
    const site = served('10.0.0.1:443', leaf('web', OLD), { host: 'web-1 rep', open: true });
    const job = file('/var/vcap/jobs/rep/config/tls.crt');
    const since = ask([job, site], { supervised: [supervisedAs('rep', AFTER, MAY)] });
    expect(since.findings[0]).not.toHaveProperty('offers');
    expect(since.findings[0]?.summary).toContain('it reads its certificate elsewhere');
    const broken = ask([{ ...job, keyMatches: false }, site], {
      supervised: [supervisedAs('rep', BEFORE, MAY)],
    });
    expect(broken.findings[0]).not.toHaveProperty('offers');
  });
});

describe('an instance of BOSH', () => {
  const places = [
    file('/var/vcap/jobs/rep/config/tls.crt'),
    served('10.0.0.1:1801', leaf('web', OLD), { host: 'web-1 rep' }),
  ];
  const supervised = [
    supervisedAs(
      'rep',
      BEFORE,
      { ...MAY, scope: 'instance' },
      {
        supervisor: 'director',
        source: 'bosh',
        deployment: 'cf',
      },
    ),
  ];
  const managedRep = managed('credhub:/bosh/cf/rep', [
    { id: 'v2', until: NEW.until },
    { id: 'v1', until: OLD.until },
  ]);
  const deployedAs = (version: string) => [
    director({ deployed: [{ deployment: 'cf', certificates: [{ name: '/bosh/cf/rep', version }] }] }),
  ];

  test('is restarted if the last deploy used the certificate in the file', () => {
    const { findings } = ask(places, { supervised }, { directors: deployedAs('v2'), managed: [managedRep] });
    const found = findings.find(({ reason }) => reason === 'renewed-not-deployed');
    expect(found?.offers).toMatchObject([{ remediation: 'restart', params: { source: 'bosh' } }]);
    expect(found?.offers?.[0]).not.toHaveProperty('params.process');
  });

  test('is not restarted if BOSH would write the former version again, or may', () => {
    for (const survey of [{ directors: deployedAs('v1'), managed: [managedRep] }, {}]) {
      const { findings } = ask(places, { supervised }, survey);
      for (const one of findings) expect(one).not.toHaveProperty('offers');
      expect(JSON.stringify(findings)).toContain(
        'not offered: BOSH writes the files of the last deploy of cf',
      );
    }
  });
});
