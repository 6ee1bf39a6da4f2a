import type { Story } from '../../kit.ts';
import { clusterPod, podContainer } from '../../shared/fixture-clusters.ts';
import { instanceOf } from '../../shared/fixture-sources.ts';
import { authority, automated, director, facts, leaf, managed, served, stored } from './builders.ts';
import type { Facts } from './collect.ts';

const OLD = { from: '2018-07-13T22:25:49Z', until: '2019-07-12T22:25:49Z' };
const RENEWED = { from: '2019-07-19T21:40:00Z', until: '2020-07-18T21:40:00Z' };

const NAMES = [
  ['bbs/locket/tls:cert', 'locket.service.cf.internal', '10.0.16.11:8891', 'diego-api/9d locket'],
  ['bbs/diego/bbs/server:cert', 'bbs.service.cf.internal', '10.0.16.11:8889', 'diego-api/9d bbs'],
  ['cell/rep/tls:cert', 'cell.service.cf.internal', '', ''],
] as const;

const CELLS = ['0a', '1b', '2c', '3d'] as const;

/** The deploy has updated the database and one cell, and hangs at the next one. */
export const deployHangsAtFirstCell: Story<Facts> = {
  title: 'The deploy hangs at the first cell after the certificates were renewed',
  source:
    '"CF push: ERR Downloading Failed": the redeploy "hung at the first one forever"; bbs had the new certificates, the cells still the old ones',
  now: new Date('2019-07-20T00:10:00Z'),
  facts: facts(
    {
      places: [
        ...NAMES.map(([path, name]) =>
          stored(`vault:secret/cf/${path}`, leaf(name, RENEWED), {
            version: '2',
            storedSince: new Date('2019-07-19T21:40:02Z'),
            ...(path.startsWith('cell') && {
              history: [{ id: '1', chain: [leaf(name, OLD)] as const, trusts: [] }],
            }),
          }),
        ),
        ...NAMES.flatMap(([, name, address, host]) =>
          address === '' ? [] : [served(address, leaf(name, RENEWED), { host })],
        ),
        ...CELLS.map((id, at) =>
          served(`10.0.32.${21 + at}:1801`, leaf('cell.service.cf.internal', OLD), {
            host: `diego-cell/${id} rep`,
          }),
        ),
      ],
      directors: [
        director({
          tasks: [
            {
              id: '8841',
              state: 'processing',
              description: 'create deployment',
              deployment: 'cf',
              startedAt: new Date('2019-07-19T22:55:00Z'),
              step: {
                stage: 'Updating instance: diego-cell',
                current: ['diego-cell/0a'],
                since: new Date('2019-07-19T23:03:00Z'),
                finished: [],
              },
            },
          ],
        }),
      ],
    },
    {
      logs: [
        {
          host: 'diego-cell/0a',
          at: new Date('2019-07-20T00:05:03Z'),
          text: '{"level":"error","source":"rep","message":"rep.bbs.failed","data":{"error":"remote error: tls: expired certificate"}}',
        },
      ],
    },
  ),
};

/** The same after the cells were updated. */
export const deployed: Story<Facts> = {
  title: 'The cells have the new certificates too',
  source: 'The end of "Downloading Failed": "BOSH redeploy moved forward happily"',
  now: new Date('2019-07-20T09:00:00Z'),
  facts: facts({
    places: [
      stored('vault:secret/cf/cell/rep/tls:cert', leaf('cell.service.cf.internal', RENEWED), {
        version: '2',
      }),
      ...CELLS.map((id, at) =>
        served(`10.0.32.${21 + at}:1801`, leaf('cell.service.cf.internal', RENEWED), {
          host: `diego-cell/${id} rep`,
        }),
      ),
    ],
  }),
};

/** Regenerating and recreating left a deployment with the versions of its last deploy. */
export const pinnedVersions: Story<Facts> = {
  title: 'A deployment keeps the versions of its last deploy',
  source: 'https://github.com/cloudfoundry/bosh-deployment/issues/421',
  now: new Date('2021-05-20T09:00:00Z'),
  facts: facts({
    managed: [
      managed('credhub:/dns_healthcheck_server_tls', [
        { id: 'b1f0aa10-0000-4000-8000-000000000002', until: '2022-05-18T09:00:00Z' },
        { id: '7d03c1e9-0000-4000-8000-000000000001', until: '2021-05-15T09:00:00Z' },
      ]),
      managed('credhub:/dns_healthcheck_tls_ca', [
        { id: 'c2f0aa10-0000-4000-8000-000000000002', until: '2022-05-18T08:59:00Z' },
        { id: 'e95b7f42-0000-4000-8000-000000000001', until: '2021-05-15T08:59:00Z' },
      ]),
    ],
    directors: [
      director({
        deployed: [
          {
            deployment: 'concourse',
            certificates: [
              { name: '/dns_healthcheck_server_tls', version: '7d03c1e9-0000-4000-8000-000000000001' },
              { name: '/dns_healthcheck_tls_ca', version: 'e95b7f42-0000-4000-8000-000000000001' },
            ],
          },
        ],
        tasks: [
          {
            id: '311',
            state: 'done',
            description: 'create deployment',
            deployment: 'concourse',
            endedAt: new Date('2021-05-19T10:00:00Z'),
          },
        ],
      }),
    ],
  }),
};

/** A mount with `subPath` keeps the content that the Secret had when the container started. */
export const mountedWithSubPath: Story<Facts> = {
  title: 'A pod mounts its certificate with subPath',
  source: 'https://github.com/prometheus-operator/prometheus-operator/issues/5527',
  now: new Date('2023-05-10T09:00:00Z'),
  facts: facts(
    {
      places: [
        stored(
          'prod:mon/alerts-tls:tls.crt',
          leaf('alerts.mon.svc', { from: '2023-04-15T00:00:00Z', until: '2023-07-14T00:00:00Z' }),
          { keyMatches: true },
        ),
        served(
          '10.244.3.9:9093',
          leaf('alerts.mon.svc', { from: '2023-02-14T00:00:00Z', until: '2023-05-15T00:00:00Z' }),
          { servername: 'alerts.mon.svc', open: true },
        ),
      ],
      clusters: [
        {
          source: 'prod',
          ingresses: [],
          pods: [
            clusterPod('alertmanager-0', {
              namespace: 'mon',
              startedAt: new Date('2023-02-20T10:00:00Z'),
              addresses: ['10.244.3.9'],
              controller: { kind: 'StatefulSet', name: 'alertmanager' },
              volumes: [{ name: 'web', secrets: ['alerts-tls'] }],
              containers: [
                podContainer('alertmanager', {
                  mounts: [{ volume: 'web', path: '/etc/tls/tls.crt', subPath: 'tls.crt' }],
                }),
              ],
            }),
          ],
        },
      ],
    },
    { restarts: [{ cluster: 'prod', namespace: 'mon', permission: { allowed: true, managed: false } }] },
  ),
};

const CA_SUBJECT = 'CN=platform-ca';

/** The authority got a new key when it was renewed; its leaves are still signed by the former one. */
export const authorityWithNewKey: Story<Facts> = {
  title: 'A renewed authority has a new key, and its leaves are not issued again',
  source: 'https://github.com/cert-manager/cert-manager/issues/2478',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: facts({
    places: [
      stored(
        'prod:fin/platform-ca:tls.crt',
        authority(CA_SUBJECT, { from: '2026-11-20T00:00:00Z', until: '2028-01-19T00:00:00Z', key: 'new' }),
      ),
      stored(
        'prod:fin/ledger-tls:tls.crt',
        leaf('ledger.fin.svc', {
          from: '2026-11-01T00:00:00Z',
          until: '2027-01-30T00:00:00Z',
          issuer: CA_SUBJECT,
          key: 'former',
        }),
      ),
      stored(
        'prod:fin/configmaps/trust:ca-bundle.crt',
        authority(CA_SUBJECT, { from: '2026-11-20T00:00:00Z', until: '2028-01-19T00:00:00Z', key: 'new' }),
      ),
    ],
    managed: [
      automated(
        'fin/ledger',
        'ledger-tls',
        { issuer: { name: 'Issuer platform', storedAt: 'prod:fin/platform-ca' } },
        { renewable: true },
      ),
      automated('fin/platform-ca', 'platform-ca', {
        isAuthority: true,
        issuer: { name: 'Issuer selfsigned' },
      }),
    ],
  }),
};

/** The files on the cell were replaced by hand, but rep has run since before that. */
export const filesReplacedByHand: Story<Facts> = {
  title: 'The certificates on a cell were replaced by hand, and rep has not been restarted yet',
  source:
    '"CF push: ERR Downloading Failed": "replaced all of the expired certificates in the config files manually, and then ran monit restart all"',
  now: new Date('2019-07-20T01:00:00Z'),
  facts: facts(
    {
      places: [
        stored(
          'hosts:diego-cell/0a:/var/vcap/jobs/rep/config/certs/server.crt',
          leaf('cell.service.cf.internal', RENEWED),
          { host: 'diego-cell/0a', storedSince: new Date('2019-07-20T00:40:00Z') },
        ),
      ],
    },
    {
      processTimes: {
        programs: [],
        supervised: [
          {
            supervisor: 'host',
            source: 'monit',
            deployment: 'monit',
            instance: instanceOf(
              'diego-cell/0a',
              { rep: 'running' },
              { restart: { allowed: true, scope: 'process', processes: ['rep'], sideEffects: [] } },
            ),
            name: 'rep',
            startedAt: new Date('2019-07-01T08:00:00Z'),
          },
        ],
      },
    },
  ),
};
