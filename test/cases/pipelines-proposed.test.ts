import { afterEach, expect, test } from 'vitest';
import { check } from '../../commands/ci/docker-run/check.ts';
import { openEnvironments, closeEnvironments, type OpenEnvironment } from '../../src/app/environments.ts';
import type { Plan } from '../../src/check/define-remediation.ts';
import type { Finding, Offer } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { applyRemediation, planRemediation } from '../../src/check/run-remediation.ts';
import { githubConfig } from '../../src/sources/github/config.ts';
import { gitlabConfig } from '../../src/sources/gitlab/config.ts';
import type { SourceConfig } from '../../src/sources/schemas.ts';
import type { GitStore } from '../world/forge/git-store.ts';
import { serveGithub } from '../world/forge/served-github.ts';
import { serveGitlab } from '../world/forge/served-gitlab.ts';

/** `/ci docker-run` with repositories on a server on loopback: from the finding to the merged request. */

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0).toReversed()) await close();
});

const { signal } = new AbortController();
const READ = 'read-canary-0123456789';
const WRITE = 'write-canary-0123456789';
const TOKENS = { token: READ, allow: { propose: { token: WRITE } } };

const JENKINSFILE = `node('docker') {
  stage('unit') {
    sh """
      docker run \\\\
        base:$BUILD_NUMBER \\\\
        ./verify
    """
  }
}
`;
const SCRIPT =
  '#!/bin/sh\r\ndocker run -e DB_PASSWORD=db-canary-41 shop/api ./verify\r\ndocker run --rm shop/api ./lint';
const FILES = { Jenkinsfile: JENKINSFILE, 'ci/verify.sh': SCRIPT, 'src/a.ts': 'a' };

interface Served {
  readonly store: GitStore;
  readonly environment: OpenEnvironment;
  /** Someone merges the first request. */
  readonly merge: () => void;
}

async function serveOnGithub(): Promise<Served> {
  const forge = await serveGithub({
    repositories: { 'shop/api': FILES },
    readToken: READ,
    writeToken: WRITE,
  });
  cleanup.push(forge.close);
  const source = githubConfig.parse({
    kind: 'github',
    url: forge.url,
    repositories: ['shop/api'],
    ...TOKENS,
  });
  return {
    store: forge.store('shop/api'),
    environment: await open(source),
    merge: () => forge.merge('shop/api', 1),
  };
}

async function serveOnGitlab(): Promise<Served> {
  const forge = await serveGitlab({ projects: { 'shop/api': FILES }, readToken: READ, writeToken: WRITE });
  cleanup.push(forge.close);
  const source = gitlabConfig.parse({ kind: 'gitlab', url: forge.url, projects: ['shop/api'], ...TOKENS });
  const store = forge.store('shop/api');
  return {
    store,
    environment: await open(source),
    merge: () => {
      const [request] = forge.requestsOf('shop/api');
      store.merge(request!.source, 'main');
      request!.state = 'merged';
    },
  };
}

async function open(source: SourceConfig): Promise<OpenEnvironment> {
  const environments = await openEnvironments({ prod: { sources: [source] } });
  cleanup.push(() => closeEnvironments(environments));
  return environments.get('prod')!;
}

function run({ readers }: OpenEnvironment) {
  return runCheck(check, {
    check: 'ci/docker-run',
    environment: 'prod',
    args: {},
    read: readers,
    now: new Date('2026-11-26T12:00:00Z'),
    signal,
    deadlineMs: 60_000,
  });
}

const offerIn = (findings: readonly Finding<Offer>[]) => findings.flatMap(({ offers = [] }) => offers);
const OPTIONS = {
  now: new Date('2026-11-26T12:00:00Z'),
  signal,
  deadlineMs: 60_000,
  redact: (text: string) => text,
};

async function applyTo({ readers, writers }: OpenEnvironment, params: unknown, plan: Plan) {
  const steps: string[] = [];
  await applyRemediation(check.remediations!['propose-fix'], { params }, plan, {
    ...OPTIONS,
    read: readers,
    write: writers,
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal },
    recordStep: async (line) => void steps.push(line),
    confirmMayContinue: async () => undefined,
    stillFound: new Set(),
  });
  return steps;
}

test.each([
  ['GitHub', serveOnGithub],
  ['GitLab', serveOnGitlab],
])(
  'on %s, the approved lines and no others are proposed, the finding stays until they are merged, and then it is gone',
  async (_, serve) => {
    const { store, environment, merge } = await serve();
    const before = await run(environment);

    expect(before.verdict).toBe(
      '2 of 3 pipeline commands leave containers behind: Jenkinsfile:4 and 1 other',
    );
    const offers = offerIn(before.findings);
    expect(offers).toMatchObject([{ remediation: 'propose-fix', mitigates: true, risk: 'disruptive' }]);
    const { params } = offers[0]!;
    const remediation = check.remediations!['propose-fix'];
    const plan = await planRemediation(remediation, { params }, { ...OPTIONS, read: environment.readers });
    expect(plan.lines.slice(1)).toEqual([
      'Jenkinsfile:4 - docker run \\\\',
      'Jenkinsfile:4 + docker run --rm \\\\',
      'ci/verify.sh:2 - docker run -e DB_PASSWORD=… shop/api ./verify',
      'ci/verify.sh:2 + docker run --rm -e DB_PASSWORD=… shop/api ./verify',
    ]);

    const steps = await applyTo(environment, params, plan);

    expect(steps).toEqual([expect.stringMatching(/^shop\/api: opened [#!]1 https:/)]);
    expect(store.textAt('main', 'Jenkinsfile')).toBe(JENKINSFILE);
    const branch = 'wrench/docker-run-m0123456789abcdef';
    expect(store.textAt(branch, 'Jenkinsfile')).toBe(JENKINSFILE.replace('docker run', 'docker run --rm'));
    expect(store.textAt(branch, 'ci/verify.sh')).toBe(SCRIPT.replace('docker run -e', 'docker run --rm -e'));
    const proposed = await run(environment);
    expect(proposed.verdict).toBe(before.verdict);
    expect(offerIn(proposed.findings)).toEqual([]);
    expect(proposed.measures).toMatchObject([remediation.provenBy?.(params as never)]);
    expect(JSON.stringify(proposed.findings)).toContain('not offered: Wrench has already proposed changes:');

    merge();

    const merged = await run(environment);
    expect(merged).toMatchObject({ status: 'clear', findings: [], gaps: [] });
    expect(JSON.stringify([before, plan, steps, proposed, merged])).not.toMatch(/canary/);
  },
);

test('a push between approval and application is noticed, and nothing is proposed', async () => {
  const { store, environment } = await serveOnGithub();
  const [offer] = offerIn((await run(environment)).findings);
  const read = environment.readers;
  const plan = await planRemediation(
    check.remediations!['propose-fix'],
    { params: offer!.params },
    { ...OPTIONS, read },
  );
  store.commit({ 'ci/verify.sh': `${SCRIPT}\n# changed\n` });

  await expect(applyTo(environment, offer!.params, plan)).rejects.toThrow(
    'shop/api has changed since the plan was approved',
  );
  expect(store.branches.size).toBe(1);
});
