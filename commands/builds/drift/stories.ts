import type { Story } from '../../kit.ts';
import {
  deployment,
  digestOf,
  expecting,
  factsOf,
  kubernetes,
  podOf,
  replica,
  replicaSet,
  serviceFacts,
} from './builders.ts';
import type { Facts } from './facts.ts';

const now = new Date('2026-11-26T12:00:00Z');

const hosts = ['web-1', 'web-2', 'web-3'];

/** The pipeline asks each host for the build that it has just deployed. */
export const missedHost: Story<Facts> = {
  title: 'A deploy to staging has reached two of three hosts',
  source: 'https://qa4code.blogspot.com/2018/11/qc-your-whale.html',
  now: new Date('2018-11-08T10:00:00Z'),
  args: { expect: '209' },
  facts: factsOf(
    serviceFacts(
      'diagnostics',
      hosts.map((host, at) => replica(`${host}:80`, at === 1 ? 208 : 209)),
      expecting('209'),
    ),
  ),
};

/** "At this point, if this step comes out green, you are very likely to deploy to production without any issue." */
export const deployed: Story<Facts> = {
  title: 'The same hosts, all with the new build',
  source: 'https://qa4code.blogspot.com/2018/11/qc-your-whale.html',
  now: new Date('2018-11-08T10:05:00Z'),
  args: { expect: '209' },
  facts: factsOf(
    serviceFacts(
      'diagnostics',
      hosts.map((host) => replica(`${host}:80`, 209)),
      expecting('209'),
    ),
  ),
};

const stuckApi = deployment('api', {
  image: 'registry.example/api:210',
  revision: '18',
  status: { total: 4, updated: 1, ready: 3, available: 3 },
  conditions: [
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
    {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      since: new Date('2026-11-26T10:40:01Z'),
    },
  ],
});

/** The old replicas agree with one another, so a comparison among them finds nothing. */
export const stuckRollout: Story<Facts> = {
  title: 'The image of the new build was never pushed, and all old pods keep serving',
  source: 'https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go',
  now,
  facts: factsOf(
    serviceFacts(
      'shop/api',
      [
        ...['api-6d-1', 'api-6d-2', 'api-6d-3'].map((name) =>
          podOf(name, 209, { workload: stuckApi, template: 'api-6d', isCurrent: false }),
        ),
        podOf(
          'api-7c-1',
          undefined,
          { workload: stuckApi },
          { state: 'not-ready', waiting: 'ImagePullBackOff' },
        ),
      ],
      {
        ...expecting('210', 'the label app.kubernetes.io/version'),
        kubernetes: kubernetes([stuckApi]),
      },
    ),
  ),
};

const ledger = deployment('ledger', {
  namespace: 'led',
  image: 'registry.example/ledger:latest',
  pullPolicy: 'IfNotPresent',
});

const imageOf = (word: string) => `registry.example/ledger@${digestOf(word)}`;

/** `kubectl rollout status` says that it was successfully rolled out. */
export const staleLatest: Story<Facts> = {
  title: 'The tag latest has moved, and one node still has the former image',
  source: 'https://github.com/ambient-code/platform/issues/1030',
  now,
  facts: factsOf(
    serviceFacts(
      'led/ledger',
      [
        podOf('ledger-5f-a', 412, { workload: ledger }, { imageId: imageOf('new'), node: 'node-a' }),
        podOf('ledger-5f-b', 409, { workload: ledger }, { imageId: imageOf('old'), node: 'node-b' }),
        podOf('ledger-5f-c', 412, { workload: ledger }, { imageId: imageOf('new'), node: 'node-a' }),
      ],
      { kubernetes: kubernetes([ledger], { namespace: 'led', service: 'ledger' }) },
    ),
  ),
};

const hello = deployment('hello', { image: 'registry.example/hello:2' });
const forgotten = replicaSet('hello-1aa', { image: 'registry.example/hello:1', replicas: 2 });

/** The Deployment is perfect: 3 of 3 pods are updated and available. */
export const orphanedReplicaSet: Story<Facts> = {
  title: 'A ReplicaSet from March has lost its Deployment, and the Service still selects its pods',
  source: 'https://github.com/kubernetes/kubernetes/issues/24888',
  now,
  facts: factsOf(
    serviceFacts(
      'shop/hello',
      [
        ...['hello-2bb-1', 'hello-2bb-2', 'hello-2bb-3'].map((name) => podOf(name, 2, { workload: hello })),
        ...['hello-1aa-1', 'hello-1aa-2'].map((name) => podOf(name, 1, { replicaSet: 'hello-1aa' })),
      ],
      {
        ...expecting('2', 'the tag of the image in its template'),
        kubernetes: kubernetes([hello, forgotten], { service: 'hello' }),
      },
    ),
  ),
};

const front = deployment('front', {
  namespace: 'ui',
  image: 'registry.example/front:prod',
  pullPolicy: 'Always',
  newest: { name: 'front-c4', uid: 'uid-of-front-c4', createdAt: new Date('2026-11-12T08:00:00Z') },
});

/** The pipeline pushed the image under its old tag, which rolls nothing out. */
export const allEquallyOld: Story<Facts> = {
  title: 'The tag prod was pushed again, and nothing was rolled out',
  source: 'https://github.com/helm/helm/issues/9041',
  now,
  facts: factsOf(
    serviceFacts(
      'ui/front',
      ['front-c4-1', 'front-c4-2', 'front-c4-3'].map((name) =>
        podOf(name, 212, { workload: front }, { imageId: `registry.example/front@${digestOf('212')}` }),
      ),
      {
        ...expecting('215', 'the annotation example.com/build'),
        kubernetes: kubernetes([front], { namespace: 'ui', service: 'front' }),
      },
    ),
  ),
};

/** The number is read from a file at each request; the code in memory is older. */
export const numberFromDisk: Story<Facts> = {
  title: 'A process that was not restarted reads its version from the updated files',
  source: 'https://github.com/Fighter90/career-ops-ui/issues/323',
  now,
  facts: factsOf(
    serviceFacts(
      'quote',
      (
        [
          ['host-1', '2026-11-26T10:01:12Z'],
          ['host-2', '2026-11-13T07:55:40Z'],
        ] as const
      ).map(([host, startedAt]) =>
        replica(`${host}/quote`, {
          version: '1.77.4',
          builtAt: new Date('2026-11-26T09:40:00Z'),
          startedAt: new Date(startedAt),
        }),
      ),
      expecting('1.77.4'),
    ),
  ),
};

/** Both pods of 1.0.3 would pass a check of the version. */
export const sameVersion: Story<Facts> = {
  title: 'Two commits, built a day apart, have one version',
  source: 'https://github.com/markmhendrickson/neotoma/issues/2137',
  now,
  facts: factsOf(
    serviceFacts('bank/api', [
      replica('10.244.5.1:8080', {
        version: '1.0.3',
        commit: '4c1be90',
        builtAt: new Date('2026-11-25T17:50:00Z'),
      }),
      replica('10.244.5.2:8080', {
        version: '1.0.3',
        commit: '77aa31d',
        builtAt: new Date('2026-11-24T09:05:00Z'),
      }),
    ]),
  ),
};

const web = deployment('web', {
  image: 'registry.example/web:78',
  status: { total: 3, updated: 2, ready: 3, available: 3 },
  newest: { name: 'web-bb', uid: 'uid-of-web-bb', createdAt: new Date('2026-11-26T11:58:40Z') },
  conditions: [
    {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      updatedAt: new Date('2026-11-26T11:59:20Z'),
    },
  ],
});

/** Two builds at once are what a rolling update is. */
export const rollingUpdate: Story<Facts> = {
  title: 'A rolling update that began 80 seconds ago',
  source: 'https://github.com/k8sgpt-ai/k8sgpt/issues/1740',
  now,
  facts: factsOf(
    serviceFacts(
      'shop/web',
      [
        podOf('web-aa-1', 77, { workload: web, template: 'web-aa', isCurrent: false }),
        ...['web-bb-1', 'web-bb-2'].map((name) => podOf(name, 78, { workload: web })),
      ],
      {
        ...expecting('78', 'the tag of the image in its template'),
        kubernetes: kubernetes([web], { service: 'web' }),
      },
    ),
  ),
};

const database = deployment('db', {
  kind: 'StatefulSet',
  image: 'registry.example/db:15.4',
  isUpdatedOnDelete: true,
  conditions: [],
  status: { total: 3, updated: 2, ready: 3, available: 3, currentRevision: 'db-5c', updateRevision: 'db-6f' },
});

/** Its pods are only replaced when someone deletes them. */
export const updatedOnDelete: Story<Facts> = {
  title: 'A StatefulSet with OnDelete, of which one pod has not been deleted yet',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#on-delete',
  now,
  facts: factsOf(
    serviceFacts(
      'shop/db',
      [
        podOf(
          'db-0',
          { version: '15.3' },
          { workload: database, template: 'db-5c', isCurrent: false, isReplaceable: true },
        ),
        ...['db-1', 'db-2'].map((name) => podOf(name, { version: '15.4' }, { workload: database })),
      ],
      {
        ...expecting('15.4', 'the tag of the image in its template'),
        kubernetes: kubernetes([database], { service: 'db' }),
      },
    ),
  ),
};

const map = deployment('map', { namespace: 'geo', image: 'registry.example/map:77' });

/** Three digests of one image: of its index, of its configuration, and of its manifest for another architecture. */
export const digestsOfOneImage: Story<Facts> = {
  title: 'One build on two architectures and three runtimes, with three digests',
  source: 'https://github.com/moby/moby/issues/44144',
  now,
  facts: factsOf(
    serviceFacts(
      'geo/map',
      [
        podOf(
          'map-9c-a',
          77,
          { workload: map },
          {
            imageId: `registry.example/map@${digestOf('index')}`,
            architecture: 'amd64',
            runtime: 'containerd',
          },
        ),
        podOf(
          'map-9c-b',
          77,
          { workload: map },
          {
            imageId: digestOf('config'),
            architecture: 'amd64',
            runtime: 'containerd',
          },
        ),
        podOf(
          'map-9c-c',
          77,
          { workload: map },
          {
            imageId: `docker-pullable://registry.example/map@${digestOf('arm')}`,
            architecture: 'arm64',
            runtime: 'docker',
          },
        ),
      ],
      {
        ...expecting('77', 'the tag of the image in its template'),
        kubernetes: kubernetes([map], { namespace: 'geo', service: 'map' }),
      },
    ),
  ),
};
