import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { clusterPod, podContainer } from '../../shared/fixture-clusters.ts';
import { authority, automated, director, facts, leaf, managed, served, stored } from './builders.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import {
  authorityWithNewKey,
  deployed,
  deployHangsAtFirstCell,
  mountedWithSubPath,
  pinnedVersions,
} from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const NAME = 'app.shop.svc';
const OLD = { from: '2025-11-19T09:00:00Z', until: '2026-11-19T09:00:00Z' };
const AGING = { from: '2026-09-01T09:00:00Z', until: '2027-09-01T09:00:00Z' };
const NEW = { from: '2026-11-01T00:00:00Z', until: '2027-11-01T00:00:00Z' };
const SECRET = 'prod:shop/app-tls:tls.crt';

const about = (given: Facts, now = NOW) => diagnose(given, {}, now);
const tell = (given: Facts, now = NOW) =>
  about(given, now).findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
const offersIn = (given: Facts, now = NOW) =>
  about(given, now).findings.flatMap(({ offers = [] }) => offers.map(({ remediation }) => remediation));

function pod(known: Partial<ports.Pod> = {}, subPath?: string): Facts['survey']['clusters'] {
  const one = clusterPod('app-0', {
    addresses: ['10.244.1.4'],
    startedAt: new Date('2026-10-01T00:00:00Z'),
    controller: { kind: 'StatefulSet', name: 'app' },
    volumes: [{ name: 'tls', secrets: ['app-tls'] }],
    containers: [
      podContainer('app', {
        mounts: [{ volume: 'tls', path: '/tls', ...(subPath !== undefined && { subPath }) }],
      }),
    ],
    ...known,
  });
  return [{ source: 'prod', ingresses: [], pods: [one] }];
}

const ALLOWED = {
  restarts: [{ cluster: 'prod', namespace: 'shop', permission: { allowed: true, managed: false } as const }],
};

describe('a rotation that stopped half-way', () => {
  const { facts: hanging, now } = deployHangsAtFirstCell;

  test('is one critical finding with the cells, the task, and steps for one instance at a time', () => {
    const { findings } = about(hanging, now);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      severity: 'critical',
      reason: 'rotation-half-rolled',
      targets: ['diego-cell/0a', 'diego-cell/1b', 'diego-cell/2c', 'diego-cell/3d'],
    });
    const text = JSON.stringify(findings);
    for (const fact of [
      'task 8841',
      'bosh -d cf ssh diego-cell/0a',
      'version 2 of secret/cf/cell/rep/tls:cert',
      'monit restart rep',
      'the other side rejected the certificate of this instance',
    ])
      expect(text).toContain(fact);
    expect(findings[0]).not.toHaveProperty('offers');
  });

  test('is over once the cells serve the new certificate', () => {
    expect(tell(deployed.facts, deployed.now)).toEqual([]);
  });

  test('is not claimed while the former certificates are still valid: both sides accept them', () => {
    const cell = { names: 'cell' };
    const place = stored('vault:secret/rep:cert', leaf(cell.names, NEW), {
      history: [{ id: '1', chain: [leaf(cell.names, AGING)], trusts: [] }],
    });
    const given = facts({
      places: [
        place,
        served('10.0.0.1:1801', leaf(cell.names, NEW), { host: 'cell/a' }),
        served('10.0.0.2:1801', leaf(cell.names, AGING), { host: 'cell/b' }),
      ],
    });
    expect(tell(given)).toEqual(['warning renewed-not-deployed vault:secret/rep:cert']);
  });

  test('is not claimed of sites without client certificates, whose expired certificate is critical all the same', () => {
    const place = stored('vault:secret/rep:cert', leaf('www', NEW), {
      history: [{ id: '1', chain: [leaf('www', OLD)], trusts: [] }],
    });
    const given = facts({
      places: [
        place,
        served('10.0.0.1:443', leaf('www', NEW), { open: true }),
        served('10.0.0.2:443', leaf('www', OLD), { open: true }),
      ],
    });
    expect(tell(given)).toEqual(['critical renewed-not-deployed vault:secret/rep:cert']);
  });

  test('is seen although the rendered file on the cell is the old one too', () => {
    const copies = ['diego-cell/0a', 'diego-cell/1b'].map((host) =>
      stored(
        `hosts:${host}:/var/vcap/jobs/rep/config/certs/server.crt`,
        leaf('cell.service.cf.internal', {
          from: '2018-07-13T22:25:49Z',
          until: '2019-07-12T22:25:49Z',
        }),
        { host },
      ),
    );
    const given = facts({ ...hanging.survey, places: [...hanging.survey.places, ...copies] });
    expect(tell(given, now)).toEqual(['critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca']);
  });

  test('with versions of CredHub is one finding, although the director has the former versions too', () => {
    const old = leaf('rep', OLD);
    const given = facts({
      managed: [
        managed(
          'credhub:/cf/rep',
          [
            { id: 'v2', until: NEW.until },
            { id: 'v1', until: OLD.until },
          ],
          {
            contents: [
              { id: 'v2', chain: [leaf('rep', NEW)], trusts: [] },
              { id: 'v1', chain: [old], trusts: [] },
            ],
          },
        ),
      ],
      places: [
        served('10.0.0.1:1801', leaf('rep', NEW), { host: 'cell/a' }),
        served('10.0.0.2:1801', old, { host: 'cell/b' }),
      ],
      directors: [
        director({
          deployed: [{ deployment: 'cf', certificates: [{ name: '/cf/rep', version: 'v1' }] }],
          tasks: [
            {
              id: '7',
              state: 'processing',
              description: 'create deployment',
              deployment: 'cf',
              step: { stage: 'Updating instance', current: ['cell/b'], finished: ['cell/a'] },
            },
          ],
        }),
      ],
    });
    expect(tell(given)).toEqual(['critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca']);
  });
});

describe('versions of a director', () => {
  test('that are former ones need a deploy, and nothing is offered', () => {
    const { facts: given, now } = pinnedVersions;
    expect(tell(given, now)).toEqual(['critical deployed-version-outdated concourse']);
    expect(offersIn(given, now)).toEqual([]);
  });

  const deployedAs = (version: string, versions: Parameters<typeof managed>[1], name = '/cf/ca') =>
    facts({
      managed: [managed('credhub:/cf/ca', versions)],
      directors: [director({ deployed: [{ deployment: 'cf', certificates: [{ name, version }] }] })],
    });

  test.each([
    ['the newest one', 'v1', [{ id: 'v1', until: NEW.until }], []],
    [
      'older than one that is only transitional',
      'v1',
      [
        { id: 'v2', until: NEW.until, transitional: true },
        { id: 'v1', until: AGING.until },
      ],
      [],
    ],
    [
      'valid for longer than the newest one',
      'v2',
      [
        { id: 'v2', until: AGING.until },
        { id: 'v1', until: NEW.until },
      ],
      [],
    ],
    [
      'former and still valid',
      'v1',
      [
        { id: 'v2', until: NEW.until },
        { id: 'v1', until: AGING.until },
      ],
      ['warning deployed-version-outdated cf'],
    ],
    [
      'former and about to expire',
      'v1',
      [
        { id: 'v2', until: NEW.until },
        { id: 'v1', until: '2026-11-29T00:00:00Z' },
      ],
      ['critical deployed-version-outdated cf'],
    ],
    ['deleted', 'v0', [{ id: 'v2', until: NEW.until }], ['warning deployed-version-deleted cf']],
    [
      'the newest one, but expired',
      'v1',
      [{ id: 'v1', until: OLD.until }],
      ['critical deployed-certificate-expired cf'],
    ],
  ])('%s', (_, version, versions, expected) => {
    expect(tell(deployedAs(version, versions))).toEqual(expected);
  });

  test('are found by their names in another case', () => {
    const versions = [
      { id: 'v2', until: NEW.until },
      { id: 'v1', until: AGING.until },
    ];
    expect(tell(deployedAs('v1', versions, '/CF/Ca'))).toEqual(['warning deployed-version-outdated cf']);
  });

  test('of a deployment that is being deployed are waited for', () => {
    const given = deployedAs('v1', [
      { id: 'v2', until: NEW.until },
      { id: 'v1', until: AGING.until },
    ]);
    const [one] = given.survey.directors;
    const running = { id: '9', state: 'processing', description: 'create deployment', deployment: 'cf' };
    const { findings } = about(facts({ ...given.survey, directors: [{ ...one!, tasks: [running] }] }));
    expect(JSON.stringify(findings)).toContain('Wait for task 9');
  });
});

test.each([
  ['2026-11-20T00:00:00Z', ['critical director-certificate-due bosh director.ssl.cert']],
  ['2026-12-20T00:00:00Z', ['warning director-certificate-due bosh director.ssl.cert']],
  ['2027-10-01T00:00:00Z', []],
])('a certificate of the director itself that ends at %s', (until, expected) => {
  const own = [{ path: 'director.ssl.cert', notAfter: new Date(until) }];
  expect(tell(facts({ directors: [director({ own })] }))).toEqual(expected);
});

describe('a pod that has not loaded its Secret', () => {
  test('is restarted by its workload if it mounts the Secret with subPath', () => {
    const { facts: given, now } = mountedWithSubPath;
    expect(tell(given, now)).toEqual(['critical renewed-not-deployed mon/alertmanager-0']);
    expect(offersIn(given, now)).toEqual(['restart-workload']);
    expect(JSON.stringify(about(given, now))).toContain('mount the Secret without `subPath`');
  });

  const places = [
    stored(SECRET, leaf(NAME, NEW)),
    served('10.244.1.4:443', leaf(NAME, AGING), { open: true }),
  ];

  test('is not restarted without permission, and the report says what is missing', () => {
    const permission = { allowed: false, because: '`allow.restart` is not set' } as const;
    const given = facts(
      { places, clusters: pod() },
      { restarts: [{ cluster: 'prod', namespace: 'shop', permission }] },
    );
    expect(offersIn(given)).toEqual([]);
    expect(JSON.stringify(about(given))).toContain('`allow.restart` is not set');
  });

  test('is not restarted if its workload must not be, and the report says why', () => {
    const because = 'Flux manages it. Restart it there, or set `allow.restart.managed`';
    const [allowed] = ALLOWED.restarts;
    const having = (obstacles: Record<string, string>) =>
      facts({ places, clusters: pod() }, { restarts: [{ ...allowed!, obstacles }] });

    const given = having({ 'StatefulSet app': because });
    expect(offersIn(given)).toEqual([]);
    expect(JSON.stringify(about(given))).toContain(`To restart it from here: ${because}`);
    expect(offersIn(having({ 'Deployment app': because }))).toEqual(['restart-workload']);
  });

  test.each([
    ['it started after the Secret was written', pod({ startedAt: new Date('2026-11-20T00:00:00Z') }), places],
    ['it does not use the Secret', pod({ volumes: [] }), places],
    ['a static pod has no workload', pod({ isMirror: true, node: 'a' }), places],
    [
      'the stored certificate has expired too',
      pod(),
      [
        stored(SECRET, leaf(NAME, { from: '2026-11-01T00:00:00Z', until: '2026-11-20T00:00:00Z' })),
        served('10.244.1.4:443', leaf(NAME, OLD), { open: true }),
      ],
    ],
    [
      'the stored key belongs to another certificate',
      pod(),
      [
        stored(SECRET, leaf(NAME, NEW), { keyMatches: false }),
        served('10.244.1.4:443', leaf(NAME, AGING), { open: true }),
      ],
    ],
  ])('is not restarted if %s', (_, clusters, seen) => {
    const given = facts({ places: seen, clusters }, ALLOWED);
    expect(tell(given)).toHaveLength(1);
    expect(offersIn(given)).toEqual([]);
  });

  test('with the Secret in its environment is restarted, because that is set only at the start', () => {
    const clusters = pod({
      volumes: [],
      containers: [podContainer('app', { environmentSecrets: ['app-tls'] })],
    });
    const given = facts({ places, clusters }, ALLOWED);
    expect(offersIn(given)).toEqual(['restart-workload']);
    expect(JSON.stringify(about(given))).toContain('environment variable');
  });

  test('is named after its Deployment, because the pods get other names', () => {
    const clusters = pod({
      controller: { kind: 'ReplicaSet', name: 'app-7c9f' },
      labels: { 'pod-template-hash': '7c9f' },
    });
    const [finding] = about(facts({ places, clusters }, ALLOWED)).findings;
    expect(finding).toMatchObject({
      target: 'shop/app (Deployment)',
      targets: ['shop/app-0'],
      areTargetsReplaced: true,
    });
  });

  test.each([
    ['for minutes is waited for', '2026-11-26T11:59:15Z', undefined, []],
    [
      'for minutes, but with subPath, never gets it',
      '2026-11-26T11:59:15Z',
      'tls.crt',
      ['warning renewed-not-deployed shop/app-0'],
    ],
    [
      'for an hour is reported',
      '2026-11-26T11:00:00Z',
      undefined,
      ['warning renewed-not-deployed shop/app-0'],
    ],
  ])('that has been there %s', (_, since, subPath, expected) => {
    const young = stored(SECRET, leaf(NAME, NEW), { storedSince: new Date(since) });
    const given = facts({
      places: [young, served('10.244.1.4:443', leaf(NAME, AGING), { open: true })],
      clusters: pod({}, subPath),
    });
    expect(tell(given)).toEqual(expected);
  });

  test('serves the same leaf, whatever comes after it', () => {
    const one = leaf(NAME, NEW);
    const issuer = authority('CN=ca', { ...NEW, key: 'a' });
    const site = served('10.244.1.4:443', one, { open: true });
    const given = facts({
      places: [stored(SECRET, [one, issuer]), { ...site, chain: [one, issuer, issuer] }],
      clusters: pod(),
    });
    expect(tell(given)).toEqual([]);
  });
});

describe('a static pod of kubeadm', () => {
  const BEGIN = '2024-12-01T00:00:00Z';
  const file = (host: string, until: string, path = '/etc/kubernetes/pki/apiserver.crt') =>
    stored(
      `hosts:${host}:${path}`,
      leaf(`kube-apiserver ${host}`, { from: BEGIN, until, issuer: 'CN=kubernetes' }),
      {
        host,
        storedSince: new Date('2026-11-25T08:00:04Z'),
      },
    );
  const site = (host: string, until: string) =>
    served(`${host}:6443`, leaf(`kube-apiserver ${host}`, { from: BEGIN, until, issuer: 'CN=kubernetes' }), {
      host,
      open: true,
    });

  test('that serves the former certificate is restarted by moving its manifest, never by a button', () => {
    const given = facts({
      places: [
        file('cp-1', '2027-11-25T08:00:00Z'),
        site('cp-1', '2026-11-29T14:00:00Z'),
        file('cp-2', '2027-11-25T08:20:00Z'),
        site('cp-2', '2027-11-25T08:20:00Z'),
      ],
    });
    expect(tell(given)).toEqual(['critical renewed-not-deployed cp-1 kube-apiserver']);
    expect(offersIn(given)).toEqual([]);
    expect(JSON.stringify(about(given))).toContain('mv /etc/kubernetes/manifests/kube-apiserver.yaml');
  });

  test('is judged by days: its begin is copied from the authority, so a share of the lifetime means nothing', () => {
    const given = (until: string) =>
      facts({ places: [file('cp-1', '2027-11-25T08:00:00Z'), site('cp-1', until)] });
    expect(tell(given('2026-12-20T00:00:00Z'))).toEqual(['warning renewed-not-deployed cp-1 kube-apiserver']);
    expect(tell(given('2026-12-02T00:00:00Z'))).toEqual([
      'critical renewed-not-deployed cp-1 kube-apiserver',
    ]);
  });
});

describe('a default certificate of an ingress controller', () => {
  const fake = (subject: string) =>
    leaf(
      'ingress.local',
      { from: '2026-11-03T00:00:00Z', until: '2027-11-03T00:00:00Z', issuer: subject },
      { subject, selfSigned: true },
    );
  const NGINX = 'O=Acme Co, CN=Kubernetes Ingress Controller Fake Certificate';
  const site = (subject = NGINX) =>
    served('203.0.113.10:443', fake(subject), { servername: 'shop.example', open: true });
  const ingresses = [
    { namespace: 'shop', name: 'web', tls: [{ hosts: ['shop.example'], secret: 'shop-tls' }] },
  ];
  const clusters = [{ source: 'prod', ingresses, pods: [] }];
  const other = stored('prod:shop/other-tls:tls.crt', leaf('other', NEW));
  const secret = (name: string, more: Parameters<typeof stored>[2] = {}) =>
    stored('prod:shop/shop-tls:tls.crt', leaf(name, NEW), more);

  test.each([
    ['for other names', [secret('www.shop.example')], 'Secret shop/shop-tls is only for www.shop.example'],
    ['missing', [other], "Secret shop/shop-tls of Ingress shop/web doesn't exist"],
    ['with another key', [secret('shop.example', { keyMatches: false })], 'belongs to another certificate'],
    ['not among what was read', [], "wasn't found"],
    ['right', [secret('*.example')], 'Check the log of the controller'],
  ])('is critical, and its cause is named: the Secret is %s', (_, places, says) => {
    const given = facts({ places: [site(), ...places], clusters });
    expect(tell(given)).toEqual(['critical default-certificate-served shop.example']);
    expect(about(given).findings[0]?.summary).toContain(says);
    expect(offersIn(given)).toEqual([]);
  });

  test.each([
    'CN=TRAEFIK DEFAULT CERT',
    'CN=NGINXIngressController',
    'C=US, O=Kong, OU=IT Department, CN=localhost',
  ])('is known of other controllers: %s', (subject) => {
    expect(tell(facts({ places: [site(subject)], clusters }))).toEqual([
      'critical default-certificate-served shop.example',
    ]);
  });
});

describe('certificates of cert-manager', () => {
  test('that write the same Secret are one finding, and nothing is renewed', () => {
    const given = facts({
      managed: [
        automated(
          'pay/a',
          'pay-tls',
          { revision: 1811, ready: { status: 'False', reason: 'IncorrectCertificate' } },
          { renewable: true },
        ),
        automated('pay/b', 'pay-tls', { revision: 1809 }, { renewable: true }),
      ],
    });
    expect(tell(given)).toEqual(['warning secret-shared prod:pay/pay-tls']);
    expect(offersIn(given)).toEqual([]);
  });

  test('whose Secret something else writes are found, unless they are being issued', () => {
    const ready = {
      status: 'False',
      reason: 'SecretMismatch',
      since: new Date('2026-11-26T08:00:00Z'),
    } as const;
    const wrong = (known: Partial<ports.Automation>) =>
      facts({ managed: [automated('pay/a', 'pay-tls', { ready, ...known })] });
    expect(tell(wrong({}))).toEqual(['warning secret-mismatch pay/a']);
    expect(tell(wrong({ issuing: { status: 'True', since: NOW } }))).toEqual([]);
    expect(tell(wrong({ ready: { ...ready, since: new Date('2026-11-26T11:59:00Z') } }))).toEqual([]);
  });

  test('that a former key of their authority signed are critical if clients trust only the new one', () => {
    const { facts: given, now } = authorityWithNewKey;
    expect(tell(given, now)).toEqual(['critical signed-by-former-key fin/ledger']);
    expect(about(given, now).findings[0]?.offers).toEqual([
      { remediation: 'renew', params: { store: 'prod', place: 'prod:certificates/fin/ledger' } },
    ]);
  });

  test('that a former key signed are a warning while every bundle has both keys', () => {
    const { survey } = authorityWithNewKey.facts;
    const former = stored(
      'prod:fin/configmaps/trust:ca-bundle.crt#2',
      authority('CN=platform-ca', {
        from: '2025-11-01T00:00:00Z',
        until: '2026-12-31T00:00:00Z',
        key: 'former',
      }),
    );
    expect(tell(facts({ ...survey, places: [...survey.places, former] }))).toEqual([
      'warning signed-by-former-key fin/ledger',
    ]);
  });

  test.each([
    ['the authority as it is now', 'new', 'critical'],
    ['an authority that only has the same name', 'other', 'warning'],
  ])('that a former key signed, with a bundle in another namespace with %s', (_, key, severity) => {
    const { survey } = authorityWithNewKey.facts;
    const [platform, ledger] = survey.places;
    const now = platform!.chain[0];
    const bundle = stored('prod:web/configmaps/trust:ca-bundle.crt', {
      ...now,
      ...(key === 'other' && { publicKey: 'other', subjectKeyId: 'ff00', fingerprint: 'ff00' }),
    });
    expect(tell(facts({ ...survey, places: [platform!, ledger!, bundle] }))).toEqual([
      `${severity} signed-by-former-key fin/ledger`,
    ]);
  });

  test('of another authority with the same name in another cluster are not compared', () => {
    const { survey } = authorityWithNewKey.facts;
    const [, ledger] = survey.places;
    expect(tell(facts({ places: [ledger!], managed: survey.managed }))).toEqual([]);
  });
});

test('a bundle that verifies no certificate for its webhook is found, and one with the issuer is not', () => {
  const hook = leaf('hook.shop.svc', { ...NEW, issuer: 'CN=hook-ca', key: 'new' });
  const bundle = (key: string) =>
    stored('prod:validatingwebhookconfigurations/hook/a', authority('CN=hook-ca', { ...NEW, key }), {
      verifies: 'hook.shop.svc',
    });
  const places = [stored('prod:shop/hook-tls:tls.crt', hook)];
  expect(tell(facts({ places: [...places, bundle('former')] }))).toEqual([
    'warning bundle-outdated prod:validatingwebhookconfigurations/hook/a',
  ]);
  expect(tell(facts({ places: [...places, bundle('new')] }))).toEqual([]);
});

describe('agents', () => {
  const agent = (until: string) =>
    facts({
      places: [
        stored(
          'hosts:billing/e41c77d0:/var/vcap/bosh/settings.json#mbus',
          leaf('agent', { from: '2024-11-22T00:00:00Z', until }),
          {
            host: 'billing/e41c77d0',
          },
        ),
      ],
    });

  test.each([
    ['2026-11-22T10:00:00Z', ['critical agent-certificate-expired billing/e41c77d0']],
    ['2026-11-30T10:00:00Z', ['critical agent-certificate-expiring billing/e41c77d0']],
    ['2026-12-20T10:00:00Z', ['warning agent-certificate-expiring billing/e41c77d0']],
    ['2027-12-20T10:00:00Z', []],
  ])('whose certificate ends at %s', (until, expected) => {
    expect(tell(agent(until))).toEqual(expected);
    expect(offersIn(agent(until))).toEqual([]);
  });
});

describe('sites that no store knows', () => {
  const known = stored('vault:secret/app:cert', leaf(NAME, NEW));

  test('are found if their names are stored with a certificate of another authority', () => {
    const site = served('192.0.2.7:443', leaf(NAME, { ...NEW, issuer: 'CN=someone', key: 'x' }), {
      open: true,
    });
    expect(tell(facts({ places: [known, site] }))).toEqual(['warning unknown-origin edge:192.0.2.7:443']);
  });

  test('are not found if nothing connects them with a store, and the report is not clear because of them', () => {
    const site = served('198.51.100.7:443', leaf('www.example.com', { ...NEW, issuer: 'CN=R3', key: 'x' }), {
      open: true,
    });
    const { findings, examined } = about(facts({ places: [known, site] }));
    expect([findings, examined]).toEqual([[], 0]);
  });

  test('are critical if an authority of stored certificates signed them and they have expired', () => {
    const site = served('10.0.0.9:8889', leaf('bbs', OLD), { host: 'diego-api/9d' });
    expect(tell(facts({ places: [known, site] }))).toEqual([
      'critical expired-and-not-stored edge:10.0.0.9:8889',
    ]);
  });

  test('that are ahead of their store are found, because the next deploy would undo it', () => {
    const site = served('10.0.0.9:443', leaf(NAME, NEW), { open: true });
    expect(tell(facts({ places: [stored('vault:secret/app:cert', leaf(NAME, AGING)), site] }))).toEqual([
      'warning served-newer-than-stored edge:10.0.0.9:443',
    ]);
  });

  test('are never critical if a former version is only assumed by its end', () => {
    const versions = [
      { id: 'v2', until: NEW.until },
      { id: 'v1', until: OLD.until },
    ];
    const site = served('10.0.0.9:443', leaf('x', OLD), { open: true });
    expect(tell(facts({ places: [site], managed: [managed('credhub:/x', versions)] }))).toEqual([
      'warning renewed-not-deployed credhub:/x',
    ]);
  });
});

test('outdated deployments have one finding with all their certificates, and the link of the procedure', () => {
  const outdated = (name: string) =>
    managed(`opsman:${name}`, [], {
      renewedBy: 'person',
      outdatedDeployments: ['service-instance_ca86'],
      procedure: { name: 'Services TLS CA', url: 'https://docs.example/rotate' },
    });
  const { findings } = about(
    facts({ managed: [outdated('/services/tls_ca'), outdated('/opsmgr/p-mysql/tls')] }),
  );
  expect(findings).toMatchObject([
    {
      severity: 'warning',
      target: 'service-instance_ca86',
      targets: ['/opsmgr/p-mysql/tls', '/services/tls_ca'],
    },
  ]);
  expect(JSON.stringify(findings)).toContain('https://docs.example/rotate');
  expect(findings[0]).not.toHaveProperty('offers');
});

test('--match keeps the findings whose target or summary contains the text', () => {
  const { facts: given, now } = pinnedVersions;
  expect(diagnose(given, { match: 'concourse' }, now).findings).toHaveLength(1);
  expect(diagnose(given, { match: 'redis' }, now).findings).toEqual([]);
});
