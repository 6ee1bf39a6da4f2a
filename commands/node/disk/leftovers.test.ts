import { expect, test } from 'vitest';
import {
  container,
  earlier,
  events,
  factsOf,
  node,
  oneDisk,
  pod,
  podsOn,
  socketUser,
  usage,
  GIB,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { NodeEngine, NodeFacts } from './facts.ts';
import * as stories from './stories.ts';

/** When a finding suggests /node leftovers, as a button or in words. */

const now = new Date('2026-11-26T12:00:00Z');
const NEXT = [{ check: 'node/leftovers', args: { node: 'n1' } }];

const engine = (answer?: NodeEngine['answer']): Pick<NodeFacts, 'engines'> => ({
  engines: [{ target: 'builders:n1', by: 'name', ...(answer && { answer }) }],
});
const docker = (stopped?: number) =>
  engine({ product: 'docker', running: 3, ...(stopped !== undefined && { stopped }) });

function ask(known: Partial<NodeFacts>) {
  const { findings } = diagnose(factsOf([node('n1', known)]), {}, now);
  const [finding] = findings;
  return {
    next: finding?.next,
    summary: finding?.summary ?? '',
    text: JSON.stringify(finding ?? {}),
    count: findings.length,
  };
}

const FULL = { fileSystems: oneDisk({ free: 12, images: 20 }) };
const BLOCKED = events({
  reason: 'ImageGCFailed',
  message:
    'unable to delete 5d4a891a1320 (must be forced) - image is being used by stopped container 3f000cecf70d',
  lastAt: new Date(now.getTime() - 60_000),
});
const OUTER = podsOn(socketUser('agent-x'));
const INNER = podsOn(
  pod('agent-y', {
    containers: [
      container('dind', {
        image: 'docker:28-dind',
        privileged: true,
        mounts: [{ volume: 'cache', path: '/var/lib/docker' }],
      }),
    ],
    volumes: [{ name: 'cache', claim: 'dind-cache' }],
  }),
);
/** One container has written most of what is used. */
const LOGS = {
  usage: usage({
    namespace: 'edge',
    name: 'gateway',
    ephemeral: { bytes: 60 * GIB },
    containers: [{ name: 'gateway', logs: { bytes: 60 * GIB } }],
  }),
};

test('a full node shows how many stopped containers its engine has and how it was matched, and suggests /node leftovers', () => {
  const { next, summary, text } = ask({ ...FULL, ...docker(14) });

  expect(next).toEqual(NEXT);
  expect(summary).toContain('; builders:n1 has 14 stopped containers');
  expect(summary).not.toContain('Kubernetes');
  expect(text).toContain('builders:n1 (Docker, matched by name): 14 stopped containers, 3 running');
});

test('where Kubernetes runs on the same Docker, the number includes its own containers, and says so', () => {
  const { summary } = ask({ ...FULL, ...docker(14), containerRuntime: 'docker://20.10.24' });

  expect(summary).toContain("builders:n1 has 14 stopped containers, Kubernetes' own included");
});

test.each([
  ['stopped containers block image garbage collection', BLOCKED],
  ['a pod uses the Docker of the node', OUTER],
] as const)(
  'if %s, the next check is /node leftovers, with a button only if an engine is configured',
  (_, cause) => {
    const configured = ask({ ...FULL, ...cause, ...docker(0) });
    expect(configured.next).toEqual(NEXT);
    expect(configured.text).toContain(
      'Run `/node leftovers n1` to list the stopped containers with their owners',
    );

    const unconfigured = ask({ ...FULL, ...cause });
    expect(unconfigured.next).toBeUndefined();
    expect(unconfigured.text).toContain(
      'Once a docker source for this node is configured, `/node leftovers n1` lists them with their owners',
    );

    const silent = ask({ ...FULL, ...cause, ...engine({ error: 'connection refused' }) });
    expect(silent.next).toEqual(NEXT);
    expect(silent.text).toContain('builders:n1 (matched by name) did not respond: connection refused');
  },
);

test('images that cannot be collected suggest /node leftovers even if there is space', () => {
  const { next, text } = ask({
    ...BLOCKED,
    config: { ...node('x').config!, imageGcHighPercent: 30 },
    ...engine(),
  });

  expect(next).toEqual(NEXT);
  expect(text).toContain('image-gc-blocked');
  expect(text).toContain('builders:n1 (matched by name), not queried');
});

test.each<readonly [string, Partial<NodeFacts>]>([
  ['an engine in a pod keeps its data on a volume', { ...INNER, ...docker(14) }],
  ['its engine has no stopped containers, and something else fills it', { ...LOGS, ...docker(0) }],
  ['its engine does not respond, and something else fills it', { ...LOGS, ...engine({ error: 'timeout' }) }],
  ['no engine is configured, and something else fills it', LOGS],
  ['CRI-O holds the images, which no Docker shows', { ...BLOCKED, containerRuntime: 'cri-o://1.33.1' }],
  [
    'a pod uses the containerd of the node, which no Docker shows',
    podsOn(socketUser('agent-z', '/run/containerd/containerd.sock', { labels: { jenkins: 'agent' } })),
  ],
])('/node leftovers is not suggested if %s', (_, known) => {
  const { next, text, count } = ask({ ...FULL, ...known });

  expect(count).toBe(1);
  expect(next).toBeUndefined();
  expect(text).not.toContain('/node leftovers');
  expect(text).not.toMatch(/has \d+ stopped/);
});

test('a node filled by something else still shows the stopped containers of its engine, if any', () => {
  const { next, text } = ask({ ...FULL, ...LOGS, ...docker(2) });

  expect(next).toEqual(NEXT);
  expect(text).not.toContain('to list the stopped containers');
});

test('a number that the engine does not report is unknown, and /node leftovers is still suggested', () => {
  const { next, text } = ask({ ...FULL, ...docker() });

  expect(next).toEqual(NEXT);
  expect(text).toContain('number of stopped containers unknown, 3 running');
});

test('engines never change the verdict', () => {
  const lines = (known: Partial<NodeFacts>) =>
    diagnose(factsOf([node('n1', known)], earlier(now, 'n1', [[6, 30]])), {}, now).findings.map(
      ({ severity, reason, target }) => `${severity} ${reason} ${target}`,
    );

  for (const known of [{}, FULL, { ...FULL, ...BLOCKED }, { ...FULL, ...INNER }])
    for (const one of [docker(14), docker(0), engine(), engine({ error: 'timeout' })])
      expect(lines({ ...known, ...one })).toEqual(lines(known));
});

test('only the node with an engine has a button in the story', () => {
  const { facts, now: at } = stories.hellSeenByDocker;

  expect(diagnose(facts, {}, at).findings.map(({ next }) => next)).toEqual([
    [{ check: 'node/leftovers', args: { node: 'aks-nodepool1-xxx1' } }],
    undefined,
  ]);
});
