import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../commands/kit.ts';
import { check } from '../../commands/pods/restarts/check.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  podContainer,
} from '../../commands/shared/fixture-clusters.ts';
import { engineSource, stoppedContainer } from '../../commands/shared/fixture-engines.ts';
import { type ContainerDays, containerDays, type Instance } from './container-days.ts';
import { digestOver, newsOf, type RunOfDays } from './digest-days.ts';

/**
 * Digests over days of containers that restart, with the times, back-offs and events of a kubelet: a loop that goes on is reported once, whatever its
 * events still say.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.parse('2026-11-20T00:00:00Z');
/** The first run has nothing to report. */
const BEGIN_MS = START_MS + 130 * MINUTE_MS;

const LIVENESS: ports.Probe = {
  action: 'http',
  text: 'GET :8080/healthz',
  initialDelaySeconds: 10,
  periodSeconds: 10,
  timeoutSeconds: 1,
  failureThreshold: 3,
};

/** The same for each time. */
function between(from: number, to: number, seed: number): number {
  const x = Math.sin(seed * 999.7) * 43_758.545_3;
  return Math.round(from + (x - Math.floor(x)) * (to - from));
}

interface PodOfDays {
  readonly name: string;
  readonly hash?: string;
  readonly node?: string;
  readonly fromHour?: number;
  readonly toHour?: number;
  readonly lives: (startedMs: number, number: number) => Instance | undefined;
}

const hour = (ms: number) => (ms - START_MS) / HOUR_MS;

/** What a digest of these pods of the Deployment `web` reports after its first message. */
async function newsAbout(
  pods: readonly PodOfDays[],
  { everyMinutes = 60, days = 3 }: { readonly everyMinutes?: number; readonly days?: number } = {},
): Promise<readonly string[]> {
  return newsOf(await runsAbout(pods, { everyMinutes, days }));
}

async function runsAbout(
  pods: readonly PodOfDays[],
  { everyMinutes, days }: { readonly everyMinutes: number; readonly days: number },
): Promise<readonly RunOfDays[]> {
  const all = pods.map((pod) => ({ pod, days: daysOf(pod, START_MS + days * 24 * HOUR_MS) }));
  return digestOver({
    check,
    name: 'pods/restarts',
    at: Array.from(
      { length: (days * 24 * 60) / everyMinutes },
      (_, run) => new Date(START_MS + run * everyMinutes * MINUTE_MS),
    ),
    read: (now) => {
      const there = all.filter(({ pod: { fromHour = hour(BEGIN_MS), toHour = Infinity } }) => {
        const at = hour(now.getTime());
        return at >= fromHour && at < toHour;
      });
      return {
        clusters: [
          clusterSource({
            name: 'lab',
            nodes: [clusterNode('node-a'), clusterNode('node-b')],
            pods: [clusterPod('calm'), ...there.map((one) => toPod(one, now))],
            events: there.flatMap((one) => one.days.events(now.getTime())),
          }),
        ],
      };
    },
  });
}

function beginMs({ fromHour }: PodOfDays): number {
  return fromHour === undefined ? BEGIN_MS : START_MS + fromHour * HOUR_MS;
}

function daysOf(pod: PodOfDays, endMs: number): ContainerDays {
  const { name, lives } = pod;
  const about = { kind: 'Pod', namespace: 'shop', name, uid: `uid-of-${name}`, container: 'app' };
  return containerDays({ startMs: beginMs(pod), endMs, about, lives });
}

function toPod(
  { pod, days }: { readonly pod: PodOfDays; readonly days: ContainerDays },
  now: Date,
): ports.Pod {
  const { name, hash = '6b9d8', node = 'node-a' } = pod;
  return clusterPod(name, {
    namespace: 'shop',
    node,
    createdAt: new Date(beginMs(pod)),
    labels: { 'pod-template-hash': hash },
    controller: { kind: 'ReplicaSet', name: `web-${hash}` },
    containers: [podContainer('app', { liveness: LIVENESS, status: days.status(now.getTime()) })],
  });
}

const killed = (seconds: number, exitCode = 143): Instance => ({ seconds, exitCode, isKilled: true });
const crashed = (seconds: number): Instance => ({ seconds, exitCode: 1 });

describe.each([
  ['every hour', 60],
  ['every 15 minutes', 15],
])('a digest %s reports once', (_, everyMinutes) => {
  const once = (severity: string, reason: string) => [
    expect.stringMatching(new RegExp(`appeared ${severity} ${reason} shop/web \\(app\\)$`)),
  ];

  test.each<[string, string, string, PodOfDays['lives']]>([
    ['is killed after a minute', 'critical', 'killed-by-probe', (at) => killed(between(60, 69, at), 137)],
    [
      'is killed, and ends with success',
      'critical',
      'killed-by-probe',
      (at) => killed(between(40, 46, at), 0),
    ],
    [
      'works for minutes until it is killed',
      'critical',
      'killed-by-probe',
      (at) => killed(between(180, 720, at)),
    ],
    [
      'restarts about 5 times an hour',
      'critical',
      'killed-by-probe',
      (at) => killed(between(600, 840, at), 137),
    ],
    ['crashes about 5 times an hour', 'critical', 'crash-loop', (at) => crashed(between(480, 960, at))],
    ['crashes at once', 'critical', 'crash-loop', () => crashed(5)],
    [
      'is killed a few times an hour',
      'warning',
      'killed-by-probe',
      (at) => killed(between(1_200, 3_600, at)),
    ],
    [
      'is killed a few times a day',
      'warning',
      'killed-by-probe',
      (at) => killed(between(7_200, 18_000, at), 137),
    ],
    ['crashes about 5 times a day', 'warning', 'crash-loop', (at) => crashed(between(10_800, 21_600, at))],
  ])('a container that %s', async (_name, severity, reason, lives) => {
    expect(await newsAbout([{ name: 'web-1', lives }], { everyMinutes })).toEqual(once(severity, reason));
  });

  test('many pods of one workload, whose events are not there at the same times', async () => {
    const pods = Array.from({ length: 6 }, (_, at) => ({
      name: `web-${at}`,
      lives: (ms: number) => killed(between(60, 300, ms + at), 137),
    }));
    const news = await newsAbout(pods, { everyMinutes });
    expect(news.filter((one) => !/killed-by-probe/.test(one))).toEqual([]);
    expect(news.filter((one) => /appeared/.test(one))).toEqual(once('critical', 'killed-by-probe'));
  });
});

/** A first digest may come too late to see an event of a kill. */
test('a process that exits with 1 after SIGTERM is killed by its probe also when the event of that has gone', async () => {
  const lives = (at: number) => killed(between(35, 38, at), 1);
  expect(await newsAbout([{ name: 'web-1', lives }], { everyMinutes: 15 })).toEqual([
    '20T02:15 appeared critical killed-by-probe shop/web (app)',
  ]);
});
describe('the same loop', () => {
  const lives = (at: number) => killed(between(60, 300, at), 137);

  test('of a new ReplicaSet, on another node and of more pods is not another one', async () => {
    const news = await newsAbout([
      { name: 'web-6b9d8-1', toHour: 20, lives },
      { name: 'web-7c4f5-1', hash: '7c4f5', node: 'node-b', fromHour: 20, lives },
      { name: 'web-7c4f5-2', hash: '7c4f5', fromHour: 30, toHour: 50, lives: (at) => lives(at + 1) },
    ]);
    expect(news).toEqual([
      '20T03:00 appeared critical killed-by-probe shop/web (app)',
      // A second pod, for a while.
      '21T07:00 worse critical killed-by-probe shop/web (app)',
      '22T02:00 better critical killed-by-probe shop/web (app)',
    ]);
  });

  test('that ends and comes back is gone in between', async () => {
    const news = await newsAbout(
      [
        {
          name: 'web-1',
          lives: (at) => (hour(at) < 10 || hour(at) > 40 ? lives(at) : { seconds: 31 * 3_600, exitCode: 0 }),
        },
      ],
      { everyMinutes: 15 },
    );
    expect(news).toEqual([
      '20T02:30 appeared critical killed-by-probe shop/web (app)',
      '20T10:15 better warning killed-by-probe shop/web (app)',
      '20T10:30 better info killed-by-probe shop/web (app)',
      '20T10:45 gone info killed-by-probe shop/web (app): has not restarted for 44 minutes',
      '21T17:15 appeared warning killed-by-probe shop/web (app)',
      '21T18:00 worse critical killed-by-probe shop/web (app)',
    ]);
  });
});

describe('an API server that does not respond for a while', () => {
  const isDown = (now: Date) => [5, 6, 30].includes(hour(now.getTime()));
  const lives = (at: number) => (hour(at) < 20 ? killed(between(60, 90, at), 0) : undefined);

  async function newsWhile(others: readonly string[] = []) {
    const days = containerDays({
      startMs: BEGIN_MS,
      endMs: START_MS + 48 * HOUR_MS,
      lives,
      about: { kind: 'Pod', namespace: 'kube-system', name: 'etcd-cp-1', uid: 'a1', container: 'etcd' },
    });
    const refused = (): AsyncGenerator<never> => {
      throw new SourceError('lab', 'unreachable', 'connection refused');
    };
    const runs = await digestOver({
      check,
      name: 'pods/restarts',
      at: Array.from({ length: 48 }, (_, run) => new Date(START_MS + run * HOUR_MS)),
      read: (now) => {
        const ms = now.getTime();
        const cluster = clusterSource({
          name: 'lab',
          nodes: [clusterNode('cp-1')],
          pods: [clusterPod('calm'), ...(ms < BEGIN_MS ? [] : [etcdPod(days.status(ms))])],
          events: days.events(ms),
        });
        return {
          clusters: [
            isDown(now) ? { ...cluster, pods: refused, nodes: refused, events: refused } : cluster,
            ...others.map((name) =>
              clusterSource({ name, nodes: [clusterNode('n')], pods: [clusterPod('calm')] }),
            ),
          ],
          engines: [
            engineSource({
              name: 'control-plane',
              engines: [{ name: 'cp-1', containers: engineContainers(days.status(ms)) }],
            }),
          ],
        };
      },
    });
    return { news: newsOf(runs), last: runs.at(-1)?.changes };
  }

  test.each([
    ['the only cluster', [], ''],
    ['one of two clusters', ['other'], 'lab:'],
  ])(
    'of %s ends nothing, and what its engines showed ends when it responds again',
    async (_, others, prefix) => {
      const { news, last } = await newsWhile(others);
      const target = `${prefix}kube-system/etcd (etcd)`;
      expect(news).toEqual([
        `20T03:00 appeared critical killed-by-probe ${target}`,
        `20T05:00 appeared critical stopped-from-outside ${target}`,
        `20T07:00 gone critical stopped-from-outside ${target}`,
        `20T21:00 gone critical killed-by-probe ${target}: has not restarted for 59 minutes`,
      ]);
      expect(last?.unseen).toEqual([]);
    },
  );

  function etcdPod(status: ports.ContainerStatus): ports.Pod {
    return clusterPod('etcd-cp-1', {
      namespace: 'kube-system',
      node: 'cp-1',
      isMirror: true,
      createdAt: new Date(BEGIN_MS),
      containers: [podContainer('etcd', { liveness: LIVENESS, status })],
    });
  }

  function engineContainers({ state, last, restarts = 0 }: ports.ContainerStatus) {
    const container = (attempt: number, known: Parameters<typeof stoppedContainer>[2]) =>
      stoppedContainer(
        `k8s_etcd_etcd-cp-1_kube-system_9a8ab44e28b43ed1203b49f15201573e_${attempt}`,
        known?.details?.finishedAt ?? new Date(START_MS),
        known,
      );
    const startedAt = state.kind === 'running' ? state.startedAt : undefined;
    return [
      ...(startedAt
        ? [container(restarts, { state: 'running', createdAt: startedAt, details: { startedAt } })]
        : []),
      ...(last ? [container(restarts - 1, { createdAt: last.startedAt!, details: last })] : []),
    ];
  }
});
