import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Offer, Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { applyRemediation, planRemediation } from '../../src/check/run-remediation.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { dockerConfig } from '../../src/sources/docker/config.ts';
import { openDocker } from '../../src/sources/docker/open.ts';
import { startEngine, type TestEngine } from '../world/docker/engine.ts';

/**
 * A check, a plan and its application against a real Docker Engine. Everything runs with a clock two hours
 * ahead, so that what just ended counts as old.
 */
const HOURS_LATER_MS = 2 * 3_600_000;

const { checks } = await loadCatalogue();
const check = checks.get('node/leftovers')!;
const redact = (text: string) => text;

let engine: TestEngine;
let source: ReturnType<typeof openDocker>;
let now: Date;

beforeAll(async () => {
  engine = await startEngine();
  const data = await engine.run({ name: 'pg-data', volumes: ['/data'] });
  const runs: readonly Parameters<TestEngine['run']>[0][] = [
    { name: 'big-build', writes: 3_000_000 },
    { name: 'small-build', writes: 1_000, volumes: ['/data'] },
    { name: 'failed-build', exitCode: 3 },
    { name: 'started-again', writes: 5 },
    { name: 'never-started', state: 'created' },
    { name: 'web', state: 'running', volumesFrom: [`${data.slice(0, 12)}:ro`] },
    { name: 'legacy-cron', restart: 'unless-stopped' },
    { name: 'golden', labels: { keep: 'yes' } },
    { name: 'of-kubernetes', labels: { 'io.kubernetes.pod.name': 'web-1' } },
    { name: 'of-compose', labels: { 'com.docker.compose.project': 'blog' } },
  ];
  for (const run of runs) await engine.run(run);
  await engine.addImage({ bytes: 2_000_000 });
  await engine.addImage({ tag: 'app:1', bytes: 1_000_000 });
  source = openDocker(
    dockerConfig.parse({ kind: 'docker', name: 'build-2', url: engine.url, allow: { remove: {} } }),
  );
  now = new Date(Date.now() + HOURS_LATER_MS);
});

afterAll(async () => {
  await source?.close?.();
  await engine?.close();
});

function readers() {
  const { engines } = source.reads;
  return { engines: engines ? [engines] : [] };
}

function ask(): Promise<Report> {
  return runCheck(check, {
    check: 'node/leftovers',
    environment: 'test',
    args: { older: '1h' },
    read: readers(),
    now,
    signal: new AbortController().signal,
    deadlineMs: 120_000,
  });
}

function offerOf(report: Report, reason: string): Offer {
  const offer = report.findings.find((one) => one.reason === reason)?.offers?.[0];
  if (!offer) throw new Error(`nothing is offered for ${reason}`);
  return offer;
}

function planFor(offer: Offer) {
  return planRemediation(check.remediations[offer.remediation], offer, {
    read: readers(),
    now,
    signal: new AbortController().signal,
    deadlineMs: 120_000,
    redact,
  });
}

async function apply(offer: Offer, plan: Awaited<ReturnType<typeof planFor>>): Promise<readonly string[]> {
  const steps: string[] = [];
  await applyRemediation(check.remediations[offer.remediation], offer, plan, {
    read: readers(),
    write: { engines: () => source.writes!.engines! },
    now,
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal },
    recordStep: async (line) => void steps.push(line),
    confirmMayContinue: () => Promise.resolve(),
    stillFound: new Set(offer.each?.map(({ target }) => target)),
    redact,
  });
  return steps;
}

describe('on a real engine', () => {
  test('exactly the unowned containers are found, planned and removed', async () => {
    const report = await ask();
    expect(report.gaps).toEqual([]);
    const offer = offerOf(report, 'stopped-containers');
    expect(offer.each?.map(({ target }) => target)).toEqual([
      'build-2/big-build',
      'build-2/small-build',
      'build-2/started-again',
      'build-2/failed-build',
    ]);
    const found = report.findings.find(({ reason }) => reason === 'stopped-containers');
    expect(found?.summary).toContain('3,001,005 bytes');

    const plan = await planFor(offer);
    expect(plan).toMatchObject({ bytes: 3_001_005, targets: offer.each?.map(({ target }) => target) });
    expect(await planFor(offer)).toEqual(plan);

    await engine.ask('POST', '/containers/started-again/start');
    await engine.ask('POST', '/containers/started-again/wait?condition=not-running');
    // The engine lists them in any order.
    const volumes = async () => {
      const { Volumes: all } = (await engine.ask('GET', '/volumes')).body as {
        readonly Volumes: readonly { readonly Name: string }[];
      };
      return all.map(({ Name: name }) => name).toSorted();
    };
    const before = await volumes();
    expect(await apply(offer, plan)).toEqual([
      'big-build removed',
      'small-build removed',
      expect.stringMatching(/^Skipped build-2\/started-again: started-again has run again since the plan/),
      'failed-build removed',
    ]);
    expect(await engine.names()).toEqual([
      'golden',
      'legacy-cron',
      'never-started',
      'of-compose',
      'of-kubernetes',
      'pg-data',
      'started-again',
      'web',
    ]);
    expect(await volumes()).toEqual(before);

    const after = await ask();
    const [finding] = after.findings.filter(({ reason }) => reason === 'stopped-containers');
    expect(finding?.targets).toEqual(['build-2/started-again']);
    await expect(apply(offer, plan)).rejects.toThrow('every line of the plan was skipped');
  });

  test('a dangling image is removed, and tagged images stay', async () => {
    const tags = async () => {
      const images = (await engine.ask('GET', '/images/json')).body as readonly {
        RepoTags: string[] | null;
      }[];
      return images.flatMap(({ RepoTags }) => RepoTags ?? ['none']).toSorted();
    };
    expect(await tags()).toEqual(['<none>:<none>', 'app:1', 'base:209']);
    const offer = offerOf(await ask(), 'dangling-images');
    const plan = await planFor(offer);
    expect(await planFor(offer)).toEqual(plan);
    expect(await apply(offer, plan)).toEqual([expect.stringMatching(/^image [0-9a-f]{12} removed$/)]);
    expect(await tags()).toEqual(['app:1', 'base:209']);
    const { findings } = await ask();
    expect(findings.map(({ reason }) => reason)).not.toContain('dangling-images');
    await expect(planFor(offer)).rejects.toMatchObject({ kind: 'missing' });
  });
});
