import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FakeAnswer } from '../world/etcd/fake.ts';
import {
  denied,
  type FakeClusterOptions,
  type FakeMember,
  grpcError,
  hangs,
  noQuorum,
  ENDPOINTS,
  type FakeEndpoint,
  resets,
  tooManyRequests,
} from '../world/etcd/fake-cluster.ts';
import { type HealthRun, runOnFakes } from './run-etcd-health.ts';

/**
 * Whatever subset of the responses is missing, every finding that follows from the rest is still reported,
 * no other finding appears, and the check is never clear because of the gaps.
 */
const FAILURES = {
  'fails with 500': { status: 500, text: 'Internal Server Error' },
  'fails with 503': noQuorum,
  'is unavailable': grpcError(503, 14, 'transport is closing'),
  'is not found': { status: 404, text: '404 page not found\n' },
  'is limited': tooManyRequests,
  'is garbage': { text: '<html>Welcome</html>' },
  hangs,
  'is reset': resets,
  'is denied': denied,
} as const satisfies Readonly<Record<string, FakeAnswer>>;
type Failure = keyof typeof FAILURES;

/** Others are allowed for everyone, and a read is denied only after a majority responded. */
const DENIABLE: ReadonlySet<FakeEndpoint> = new Set(['status', 'member list', 'alarm list']);

const MEMBERS = [0, 1, 2];
const ODD = 2;
/** If a request has several failures, the last one applies. */
type Plan = ReadonlyMap<string, Failure>;
type Cell = readonly [member: number, question: FakeEndpoint, failure: Failure];

const keyOf = (member: number, question: FakeEndpoint) => `n${member + 1} ${question}`;

const member = fc.constantFrom(...MEMBERS);
const question = fc.constantFrom(...ENDPOINTS);
const failure = fc.constantFrom(...(Object.keys(FAILURES) as Failure[]));
/** One response, one request to every member, or everything of one member. */
const cells: fc.Arbitrary<readonly Cell[]> = fc.oneof(
  fc.tuple(member, question, failure).map((cell) => [cell]),
  fc
    .tuple(question, failure)
    .map(([question, failure]) => MEMBERS.map((one): Cell => [one, question, failure])),
  fc.tuple(member, failure).map(([member, failure]) => ENDPOINTS.map((one): Cell => [member, one, failure])),
);
const plan: fc.Arbitrary<Plan> = fc
  .array(cells, { minLength: 1, maxLength: 5 })
  .map((groups) =>
    groups.flat().filter(([, question, failure]) => failure !== 'is denied' || DENIABLE.has(question)),
  )
  .map((cells) => new Map(cells.map(([member, question, failure]) => [keyOf(member, question), failure])));

/** The responses that remain. */
interface Remaining {
  readonly has: (member: number, question: FakeEndpoint) => boolean;
  readonly some: (question: FakeEndpoint, members?: readonly number[]) => boolean;
}

function remainingAfter(plan: Plan): Remaining {
  const has = (member: number, question: FakeEndpoint) => !plan.has(keyOf(member, question));
  return { has, some: (question, members = MEMBERS) => members.some((one) => has(one, question)) };
}

interface Base {
  readonly options: FakeClusterOptions;
  /** The reasons that must be reported: one of each list. */
  readonly follows: (left: Remaining) => readonly (readonly string[])[];
  /** The reasons that a single response may add. */
  readonly mayFind?: readonly string[];
  /** Also visible in responses that are allowed for everyone. */
  readonly isSeenByAll?: true;
}

const three: readonly FakeMember[] = [{}, {}, {}];
const LOST = ['quorum-lost', 'no-leader'];
const raised = (alarm: string, reason: string): Base => ({
  options: { members: three, alarms: [{ memberID: '1000000000000000001', alarm }] },
  follows: ({ some }) => (some('status') || some('alarm list') ? [[reason]] : []),
  // With /health alone it is unhealthy, with the reason given there.
  mayFind: [reason, 'member-unhealthy'],
  isSeenByAll: true,
});
const knowsCluster = (left: Remaining, members: readonly number[]) =>
  (['status', 'member list', 'quorum read'] as const).some((question) => left.some(question, members));

const BASES: Readonly<Record<string, Base>> = {
  'a healthy cluster': { options: { members: three }, follows: () => [] },
  NOSPACE: raised('NOSPACE', 'no-space'),
  CORRUPT: raised('CORRUPT', 'corrupt'),
  'an unknown alarm': raised('READONLY', 'unknown-alarm'),
  'two clusters': {
    options: {
      members: [{}, {}, { clusterId: '2222222222222222222', leader: '1000000000000000003', lists: [ODD] }],
    },
    follows: (left) =>
      knowsCluster(left, [0, 1]) && knowsCluster(left, [ODD]) ? [['several-clusters']] : [],
    // The metrics of a member whose cluster is unknown still show that it leads.
    mayFind: [
      'several-clusters',
      'several-leaders',
      'endpoint-not-a-member',
      'member-lists-differ',
      'member-unreachable',
    ],
  },
  'no leader': {
    options: { leader: '', members: three },
    follows: ({ some }) => (some('quorum read') ? [LOST] : []),
    mayFind: [...LOST, 'member-unhealthy'],
    isSeenByAll: true,
  },
  'a slow disk': {
    options: { members: [{}, {}, { metrics: [{ commits: [40_000, 100_000] }] }] },
    follows: ({ has, some }) => (has(ODD, 'metrics') && some('member list') ? [['slow-disk']] : []),
    mayFind: ['slow-disk'],
  },
  'a member that lags': {
    options: { members: [{}, {}, { status: { raftIndex: '890000', raftAppliedIndex: '890000' } }] },
    // Without a majority, that is reported instead.
    follows: ({ has, some }) =>
      has(ODD, 'status') && some('status', [0, 1]) && some('member list')
        ? [['member-lagging', ...LOST]]
        : [],
    mayFind: ['member-lagging'],
  },
  'a learner': {
    options: {
      members: [
        {},
        {},
        { listed: { isLearner: true }, status: { isLearner: true }, metrics: [{ isLearner: true }] },
      ],
    },
    follows: (left) =>
      left.some('member list') && left.has(ODD, 'status') ? [['member-learner', ...LOST]] : [],
    mayFind: ['member-learner', 'member-learner-unlisted'],
  },
};

/** The reasons that the failures themselves add. */
function expectedReasons(plan: Plan): readonly string[] {
  const left = remainingAfter(plan);
  const isGone = (member: number) =>
    ENDPOINTS.every((question) => question === 'quorum read' || !left.has(member, question));
  const gone = MEMBERS.some(isGone) ? ['member-unreachable', 'endpoints-down', ...LOST] : [];
  const says = MEMBERS.some((one) =>
    ['fails with 503', 'hangs'].includes(plan.get(keyOf(one, 'quorum read')) ?? ''),
  );
  return [...gone, ...(says && !left.some('quorum read') ? LOST : [])];
}

function faultsIn(base: Base, plan: Plan, { report, status }: HealthRun): readonly string[] {
  const found = new Set(report.findings.map(({ reason }) => reason));
  const allowed = new Set([...expectedReasons(plan), ...(base.mayFind ?? [])]);
  const areAllDenied = plan.values().every((failure) => failure === 'is denied');
  const mayBeClear = areAllDenied && base.isSeenByAll !== true;
  return [
    ...(status === 'clear' && !mayBeClear ? ['it is clear'] : []),
    ...base
      .follows(remainingAfter(plan))
      .filter((reasons) => !reasons.some((reason) => found.has(reason)))
      .map((reasons) => `it does not find ${reasons.join(' or ')}`),
    ...[...found].filter((reason) => !allowed.has(reason)).map((reason) => `it finds ${reason}`),
  ];
}

function failing({ options }: Base, plan: Plan): FakeClusterOptions {
  return {
    ...options,
    members: options.members.map((one, index) => ({
      ...one,
      answers: Object.fromEntries(
        ENDPOINTS.flatMap((question) => {
          const failure = plan.get(keyOf(index, question));
          return failure === undefined ? [] : [[question, FAILURES[failure]]];
        }),
      ),
    })),
  };
}

async function tryWith(base: Base, plan: Plan): Promise<readonly string[]> {
  const ask = (timeoutMs: number) => runOnFakes(failing(base, plan), { timeoutMs }, { deadlineMs: 30_000 });
  const quick = faultsIn(base, plan, await ask(700));
  // On a busy machine a response may have been late.
  const faults = quick.length > 0 ? faultsIn(base, plan, await ask(5_000)) : [];
  const without = [...plan].map(([what, failure]) => `${what} ${failure}`).join(', ');
  return faults.map((fault) => `${fault}, where ${without}`);
}

/** Plans that run at once: most of their time is spent waiting. */
const AT_ONCE = 6;

describe.concurrent('with any set of missing responses', () => {
  test.each(Object.entries(BASES))('the report on %s is still correct', async (_, base) => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (plans) => {
        const faults = await Promise.all(plans.map((one) => tryWith(base, one)));
        expect(faults.flat()).toEqual([]);
      }),
      { numRuns: 15, plugins: [fc.interruptAfterTimeLimit(25_000)] },
    );
  });

  test.each(Object.entries(BASES))('[none missing] the report on %s is correct', async (_, base) => {
    const answer = await runOnFakes(base.options);
    expect(faultsIn(base, new Map(), answer)).toEqual([]);
  });

  test('[none missing] a healthy cluster is clear', async () => {
    expect(await runOnFakes(BASES['a healthy cluster']!.options)).toMatchObject({
      status: 'clear',
      gapsAt: [],
    });
  });
});
