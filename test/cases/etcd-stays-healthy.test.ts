import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../world/etcd.ts';
import { type HealthRun, runEtcdHealth } from './run-etcd-health.ts';

/** A healthy cluster stays healthy however often it is checked and however much is written. */
const RUNS = 10;
const WRITES_A_SECOND = 150;
/** Ten runs that watch the disks for 3 s each, plus the start of the cluster. */
const LIMIT_MS = 300_000;

let etcd: Etcd;
beforeAll(async () => {
  etcd = await startEtcd({ members: 3, tls: false });
});
afterAll(() => etcd.close());

async function askAgainAndAgain(): Promise<readonly HealthRun[]> {
  const answers: HealthRun[] = [];
  while (answers.length < RUNS) answers.push(await runEtcdHealth({ endpoints: etcd.access.endpoints }));
  return answers;
}

/** The test machine's disk may be slow and is shared, so this is the only finding allowed. */
const ALLOWED = 'slow-disk';

/** Everything that a healthy cluster must not show. */
function faultsIn(answers: readonly HealthRun[]): readonly string[] {
  return answers.flatMap(({ status, report: { findings, gaps } }) => [
    ...findings.filter(({ reason }) => reason !== ALLOWED).map(({ summary }) => summary),
    ...gaps.map(({ what, because }) => `${what}: ${because}`),
    ...(status === (findings.length > 0 ? 'found' : 'clear') ? [] : [status]),
  ]);
}

test(
  'stays healthy without writes',
  async () => {
    expect(faultsIn(await askAgainAndAgain())).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'stays healthy at about 150 writes a second',
  async () => {
    const over = new AbortController();
    let written = 0;
    const writing = (async () => {
      while (!over.signal.aborted) {
        const burst = Array.from({ length: WRITES_A_SECOND / 10 }, (_, index) =>
          etcd.putV3(`/load/${(written + index) % 500}`, 'x'.repeat(200)),
        );
        const [answers] = await Promise.all([Promise.all(burst), sleep(100)]);
        written += answers.filter(({ status }) => status === 200).length;
      }
    })();
    try {
      expect(faultsIn(await askAgainAndAgain())).toEqual([]);
    } finally {
      over.abort();
      await writing;
    }
    expect(written).toBeGreaterThan(RUNS * WRITES_A_SECOND);
  },
  LIMIT_MS,
);
