import { describe, expect, test } from 'vitest';
import { containerObject, sha256 } from '../world/docker/objects.ts';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { type EngineCaseRequest, makeEngineCase } from './make-engine-case.ts';

/**
 * Inputs rebuilt from public reports, and variations of them. All run at 2026-11-26 12:00 UTC, with
 * `--older 1h`.
 */
const GB = 1_000_000_000;
const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const daysAgo = (days: number) => new Date(NOW_MS - days * DAY_MS).toISOString();
const minutesAgo = (minutes: number) => new Date(NOW_MS - minutes * 60_000).toISOString();

type Facts = NonNullable<Parameters<typeof containerObject>[1]>;

const ended = (name: string, days: number, bytes?: number, known: Facts = {}) =>
  containerObject(name, { finishedAt: daysAgo(days), ...(bytes !== undefined && { bytes }), ...known });

const volume = (Name: string, Destination = '/data') => ({ Type: 'volume', Name, Destination });

const ask = (request: EngineCaseRequest) => askCase(makeEngineCase({ engine: 'e', ...request }));

interface Removal {
  readonly name?: string;
  readonly id: string;
  readonly bytes?: number;
}

/** Exactly what the buttons remove: containers by name, images by id. */
function removable({ report }: CaseVerdict): readonly string[] {
  const params = report.findings.flatMap(({ offers = [] }) =>
    offers.flatMap(({ each, params: one }) => each?.map((part) => part.params) ?? [one]),
  ) as readonly Removal[];
  return [...new Set(params.map(({ name, id }) => name ?? id))].toSorted();
}

function textOf({ report }: CaseVerdict): string {
  return JSON.stringify(report);
}

/** https://github.com/spotify/docker-gc/issues/127, https://github.com/MeltwaterArchive/docker-cleanup/issues/30 */
test('data containers in use and containers that were never started are not leftovers', async () => {
  const verdict = await askCase('docker/data-containers-in-use');
  expect(verdict.status).toBe('found');
  expect(removable(verdict)).toEqual(['elastic_morse', 'quirky_hopper']);
  expect(verdict.text).toContain('812,345,678 bytes');
  expect(verdict.report.findings[0]?.targets).toHaveLength(2);
  expect(textOf(verdict)).toMatch(/"Volumes that stay","value":"[0-9a-f]{64}"/);
  expect(verdict.report.gaps).toEqual([]);
});

/** https://github.com/kubernetes/minikube/issues/10773, https://github.com/moby/swarmkit/issues/1372 */
test('stopped containers of other tools are counted by owner, and not offered', async () => {
  const verdict = await askCase('docker/containers-of-other-tools');
  expect(verdict.status).toBe('found');
  expect(removable(verdict)).toEqual(['sleepy_curie']);
  expect(verdict.text).toContain('1,200,000,000 bytes');
  for (const owner of [
    'minikube clusters',
    'kind clusters',
    'swarm tasks',
    'Compose services',
    'a keep label',
  ])
    expect(verdict.text).toContain(owner);
  expect(verdict.text).toMatch(/one-off runs of Compose .* probably a leftover/);
});

test('one-off runs of Compose are offered once they are included', async () => {
  const verdict = await askCase('docker/containers-of-other-tools', { args: { include: 'compose-runs' } });
  expect(removable(verdict)).toHaveLength(2);
  expect(removable(verdict)).toContain('sleepy_curie');
  expect(verdict.text).not.toContain('probably a leftover');
});

/** https://github.com/kubernetes/kubernetes/issues/86531 */
test('containers of a kubelet are left to its garbage collection', async () => {
  const verdict = await askCase('docker/kubelets-own-containers');
  expect(verdict.status).toBe('clear');
  expect(verdict.text).toContain('3 owned by Kubernetes');
  expect(verdict.offers).toEqual([]);
});

/** https://github.com/moby/moby/issues/47089 */
test('the build cache is reported as the largest part, and no button calls a prune of the engine', async () => {
  const verdict = await askCase('docker/large-build-cache');
  expect(verdict.status).toBe('found');
  expect(verdict.report.findings[0]?.reason).toBe('unused-build-cache');
  for (const bytes of ['29,490,000,000', '27,290,000,000', '23,090,000,000'])
    expect(verdict.text).toContain(bytes);
  expect(verdict.text).not.toContain('25,090,000,000');
  expect(verdict.offers).toEqual([]);
});

/** https://github.com/containerd/containerd/issues/10548 */
test('Docker on a node with containerd is reported with its node', async () => {
  const verdict = await askCase('k26', { check: 'node/leftovers' });
  expect(verdict.status).toBe('found');
  expect(removable(verdict)).toEqual(['jenkins-it-411', 'jenkins-it-412', 'jenkins-it-415']);
  expect(verdict.text).toContain('46,000,000,000 bytes');
  expect(verdict.text).toMatch(/k8s\.io.*moby/);
  expect(verdict.text).toContain('lab:build-2');
  expect(verdict.text).not.toContain('registry-cache');
  expect(verdict.report.verdict).toBe('build-2: 3 stopped containers use 46 GB');
});

describe('owners', () => {
  test('RKE keeps its containers, even a never-started one that provides volumes', async () => {
    const rke = (name: string) => ({ 'io.rancher.rke.container.name': name });
    const verdict = await ask({
      containers: [
        containerObject('kubelet', {
          state: 'running',
          labels: rke('kubelet'),
          volumesFrom: ['service-sidekick:z'],
          restartPolicy: 'always',
        }),
        containerObject('service-sidekick', { state: 'created', labels: rke('service-sidekick') }),
        ended('etcd-snapshot-once', 9, 20_000, { labels: rke('etcd-snapshot-once') }),
        ended('adoring_kalam', 2, 500_000_000),
      ],
    });
    expect(removable(verdict)).toEqual(['adoring_kalam']);
    expect(verdict.text).toContain('2 owned by RKE');
  });

  test('GitLab Runner keeps its caches, and the report names them as large', async () => {
    const labels = { 'com.gitlab.gitlab-runner.type': 'cache' };
    const caches = [1, 2, 3, 4].map((n) => `runner-x7k-project-${n}-concurrent-0-cache-3c3f060a`);
    const verdict = await ask({
      containers: [
        ...caches.map((name) => ended(name, 20, 0, { labels, mounts: [volume(name, '/cache')] })),
        ended('loving_wing', 4, 3 * GB),
      ],
      usage: {
        LayersSize: 4 * GB,
        Images: [],
        Containers: [],
        BuildCache: [],
        Volumes: caches.map((Name) => ({
          Name,
          Labels: labels,
          UsageData: { Size: (285 * 2 ** 30) / 4, RefCount: 1 },
        })),
      },
    });
    expect(removable(verdict)).toEqual(['loving_wing']);
    expect(verdict.text).toContain('306,016,419,840 bytes');
    expect(verdict.text).toContain('4 GitLab Runner cache volumes');
  });

  test('a name in the exact format of dockershim counts as owned by Kubernetes, and the report says so', async () => {
    const uid = '1f2e7c30-5a52-4f0b-9a3a-0b7cf3c2a111';
    const verdict = await ask({
      containers: [
        ended(`k8s_app_web-1_default_${uid}_3`, 3, 90_000_000),
        ended(`k8s_POD_web-1_default_${uid}_0`, 3),
        ended('k8s_backup', 3, 10_000_000),
        ended('nice_bose', 3, 20_000_000, { labels: { 'io.kubernetes.pod.name': 'job-1' } }),
      ],
    });
    expect(removable(verdict)).toEqual(['k8s_backup']);
    expect(verdict.text).toMatch(/3 owned by Kubernetes .*2 recognized only by name/);
  });
});

describe('a container whose volumes others use stays', () => {
  test('if it is referenced by an id prefix, with a slash or a mode, even by a stopped container', async () => {
    const pg = ended('pg-data', 30, 10);
    const verdict = await ask({
      containers: [
        pg,
        ended('cron-data', 30, 10),
        ended('chain-data', 30, 10),
        containerObject('pg', { state: 'running', volumesFrom: [`${pg.row.Id.slice(0, 12)}:ro`] }),
        ended('cron', 8, 5, { restartPolicy: 'unless-stopped', volumesFrom: ['/cron-data:rw'] }),
        ended('chain-user', 3, 1_000, { volumesFrom: ['chain-data'] }),
      ],
    });
    expect(removable(verdict)).toEqual(['chain-user']);
  });

  test('if a running container mounts the same named volume', async () => {
    const verdict = await ask({
      containers: [
        containerObject('builder', { state: 'running', mounts: [volume('m2')] }),
        ended('it-1', 3, 100, { mounts: [volume('m2')] }),
        ended('it-2', 3, 200, { mounts: [volume(sha256('anonymous'))] }),
      ],
    });
    expect(removable(verdict)).toEqual(['it-2']);
  });
});

describe('states and times', () => {
  test('treat dead as stopped, and an unknown state as a gap', async () => {
    const verdict = await ask({
      containers: ['dead', 'removing', 'paused', 'restarting', 'stopping'].map((state) =>
        ended(`is_${state}`, 2, 4_000_000, { state }),
      ),
    });
    expect(removable(verdict)).toEqual(['is_dead']);
    expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['e: container is_stopping']);
  });

  test('never remove a container that has not ended, or ended at an impossible time', async () => {
    const verdict = await ask({
      containers: [
        containerObject('old-created', { state: 'created', createdAt: daysAgo(40), bytes: 7 * GB }),
        containerObject('without-a-time', { createdAt: daysAgo(40), bytes: 2 * GB }),
        containerObject('garbled', { createdAt: daysAgo(40), finishedAt: 'yesterday', bytes: GB }),
      ],
    });
    expect(verdict.status).toBe('unknown');
    expect(verdict.offers).toEqual([]);
    expect(verdict.report.gaps).toHaveLength(2);
  });

  test('count an hour from the end, and a clock that is ahead is a gap', async () => {
    const verdict = await ask({
      containers: [
        containerObject('tomorrow', { finishedAt: minutesAgo(-120), createdAt: daysAgo(3), bytes: 4 }),
        containerObject('just-over', { finishedAt: minutesAgo(61), bytes: 8 }),
        containerObject('just-under', { finishedAt: minutesAgo(59), bytes: 16 }),
      ],
    });
    expect(removable(verdict)).toEqual(['just-over']);
    expect(verdict.report.gaps).toMatchObject([{ what: 'e: container tomorrow' }]);
  });

  test('accept times with an offset, and the never-ran state of Podman', async () => {
    const version = {
      Version: '4.3.1',
      ApiVersion: '1.41',
      MinAPIVersion: '1.24',
      Components: [{ Name: 'Podman Engine', Version: '4.3.1', Details: { APIVersion: '4.3.1' } }],
    };
    const verdict = await ask({
      containers: [
        ended('elated_hugle', 3, 1_500_000, { finishedAt: '2026-11-23T14:00:00.123456789+02:00' }),
        containerObject('young_gould', { bytes: 9, finishedAt: '2026-11-26T13:30:00+02:00' }),
        containerObject('ready', { state: 'initialized', bytes: 8, createdAt: daysAgo(9) }),
      ],
      answers: { 'GET /version': { status: 200, body: version } },
    });
    expect(removable(verdict)).toEqual(['elated_hugle']);
    expect(verdict.report.gaps).toEqual([]);
  });
});

describe('an unreadable response', () => {
  const fails = (request: string, message: string) => ({ [request]: { status: 500, body: { message } } });
  const df = fails('GET /system/df', 'a disk usage operation is already running');

  test('to df does not affect the containers', async () => {
    const verdict = await ask({ containers: [ended('busy_bell', 3, 6_000_000)], answers: df });
    expect(removable(verdict)).toEqual(['busy_bell']);
    expect(verdict.text).toContain('6,000,000 bytes');
    expect(verdict.report.gaps).toHaveLength(1);
  });

  test.each<readonly [string, EngineCaseRequest]>([
    ['df', { containers: [containerObject('web', { state: 'running' })], answers: df }],
    ['the list', { containers: [], answers: fails('GET /containers/json?all=1', 'database is locked') }],
    [
      'the only inspection',
      {
        containers: [ended('sick', 3, 7)],
        answers: fails(
          `GET /containers/${ended('sick', 3).row.Id.slice(0, 12)}/json`,
          'layer does not exist',
        ),
      },
    ],
  ])('leaves the result unknown: %s', async (_, request) => {
    const verdict = await ask(request);
    expect(verdict.status).toBe('unknown');
    expect(verdict.offers).toEqual([]);
  });

  test('to one inspection affects only that container, and a removed container is no gap', async () => {
    const path = (name: string) => `GET /containers/${ended(name, 3).row.Id.slice(0, 12)}/json`;
    const verdict = await ask({
      containers: [ended('gone', 3, 5), ended('sick', 3, 7), ended('fine', 3, 11)],
      answers: {
        ...fails(path('sick'), 'layer does not exist'),
        [path('gone')]: { status: 404, body: { message: 'No such container' } },
      },
    });
    expect(removable(verdict)).toEqual(['fine']);
    expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['e: container sick']);
  });

  test('without sizes counts as neither negative nor zero', async () => {
    const image = {
      Id: `sha256:${sha256('i')}`,
      RepoTags: ['a:1'],
      Size: 5 * GB,
      SharedSize: -1,
      Containers: -1,
    };
    const verdict = await ask({
      containers: [ended('busy_bell', 3, 6_000_000)],
      usage: {
        LayersSize: -1,
        Images: [{ ...image, Created: 1_793_966_400, ParentId: '' }],
        Containers: null,
        Volumes: [
          { Name: sha256('v'), Labels: null, UsageData: { Size: -1, RefCount: -1 } },
          { Name: 'named', Labels: null, UsageData: null },
        ],
        BuildCache: null,
      },
    });
    expect(removable(verdict)).toEqual(['busy_bell']);
    expect(verdict.text).not.toMatch(/NaN|-1\b|undefined|\b0 bytes/);
  });
});

describe('images', () => {
  const image = (name: string, known: object = {}) => ({
    Id: `sha256:${sha256(name)}`,
    RepoTags: ['<none>:<none>'],
    RepoDigests: [],
    Size: GB,
    SharedSize: 0,
    Containers: 0,
    Created: 1_793_966_400,
    ParentId: '',
    ...known,
  });

  test('are removable if they are dangling, unused and no parent; a digest is not a tag', async () => {
    const parent = image('parent', { RepoTags: null, Size: GB / 2, SharedSize: GB / 2 });
    const verdict = await ask({
      containers: [containerObject('svc', { state: 'running', image: `sha256:${sha256('used')}` })],
      usage: {
        LayersSize: 3 * GB,
        Containers: [],
        Volumes: [],
        BuildCache: [],
        Images: [
          image('used', { Containers: 1 }),
          image('free', { RepoDigests: ['<none>@<none>'] }),
          parent,
          image('child', { RepoTags: ['app:1'], SharedSize: GB / 2, ParentId: parent.Id }),
          image('digest', { RepoTags: [], RepoDigests: [`registry.example/app@sha256:${sha256('x')}`] }),
        ],
      },
    });
    expect(removable(verdict)).toEqual(['free', 'digest'].map((name) => image(name).Id).toSorted());
    expect(verdict.text).toContain('2,000,000,000 bytes');
  });

  test('and build cache are read in the format of API 1.53', async () => {
    const entry = (ID: string, Size: number, LastUsedAt: string, InUse = false) => ({
      ID,
      InUse,
      Shared: false,
      Size,
      CreatedAt: daysAgo(9),
      LastUsedAt,
    });
    const dangling = image('d', { RepoTags: [], Size: 2 * GB });
    const verdict = await ask({
      containers: [containerObject('web', { state: 'running' })],
      usage: {
        ImageUsage: { TotalCount: 1, TotalSize: 2 * GB, Items: [dangling] },
        ContainerUsage: { TotalCount: 1, TotalSize: 0 },
        VolumeUsage: { TotalCount: 0, TotalSize: 0 },
        BuildCacheUsage: {
          TotalCount: 3,
          TotalSize: 10 * GB,
          Items: [
            entry('a', 5 * GB, daysAgo(3)),
            entry('b', 3 * GB, minutesAgo(1.5)),
            entry('c', 2 * GB, daysAgo(3), true),
          ],
        },
      },
      answers: {
        'GET /version': {
          status: 200,
          body: { Version: '29.1.0', ApiVersion: '1.53', MinAPIVersion: '1.44', Os: 'linux' },
        },
      },
    });
    expect(removable(verdict)).toEqual([dangling.Id]);
    for (const bytes of ['8,000,000,000', '5,000,000,000', '2,000,000,000'])
      expect(verdict.text).toContain(`${bytes} bytes`);
  });
});

describe('unusual input', () => {
  test('of a thousand stopped containers gives one finding and a plan of at most 500 lines', async () => {
    const containers = Array.from({ length: 1_000 }, (_, at) =>
      ended(`build-${at}`, 3 + (at % 90), 1_000_000 + at),
    );
    const verdict = await ask({ containers });
    expect(verdict.report.findings).toHaveLength(1);
    expect(verdict.report.findings[0]?.targets).toHaveLength(1_000);
    expect(removable(verdict)).toHaveLength(500);
    expect(verdict.report.gaps).toEqual([]);
  });

  test('of names with markup is shown as text', async () => {
    const verdict = await ask({
      containers: [ended('x', 3, 5, { image: '<!channel>*evil*:1', labels: { a: '<@U1>' } })],
    });
    expect(removable(verdict)).toEqual(['x']);
    expect(verdict.text).toContain('<!channel>*evil*');
  });
});
