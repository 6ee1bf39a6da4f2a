import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import type { EngineServer } from '../world/docker/http-server.ts';
import type { TestCluster } from '../world/kubernetes/api-server.ts';
import { type CaseFile, checksOf, samplesIn } from './case-file.ts';
import { clustersOf, serveCase } from './serve-case.ts';
import { enginesOf, serveEngineCase } from './serve-engine-case.ts';

/** The result of one check on a case. */
export type CaseResult =
  | { readonly case: string; readonly check: string; readonly report: Report }
  | { readonly case: string; readonly check: string; readonly error: typeof NO_SUCH_CHECK };

export const NO_SUCH_CHECK = 'no such check';

export interface RunCaseOptions {
  readonly args?: Readonly<Record<string, string>>;
  /** How kubelets are queried. Default `proxy`. */
  readonly kubelets?: 'direct' | 'proxy';
  /** Clusters whose API server refuses connections. */
  readonly down?: readonly string[];
}

const ENVIRONMENT = 'cases';
const DEADLINE_MS = 60_000;

/**
 * Serves a case (clusters over TLS, engines on loopback) and runs each check that it names, at its `now`,
 * through the sources that a worker would open.
 */
export async function runCase(
  file: CaseFile,
  { args = {}, kubelets = 'proxy', down = [] }: RunCaseOptions = {},
): Promise<readonly CaseResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-case-'));
  const clusters = await Promise.all(
    clustersOf(file).map(
      async (name) => [name, await serveCase(file, name, { kubeletsListen: kubelets === 'direct' })] as const,
    ),
  );
  const engines = await Promise.all(
    enginesOf(file).map(async (name) => [name, await serveEngineCase(file, name)] as const),
  );
  try {
    const sources = await Promise.all(
      clusters.map(([name, cluster]) => configureSource(name, cluster, folder, kubelets)),
    );
    for (const [name, server] of clusters) if (down.includes(name)) await server.close();
    return await askAll(file, [...sources, ...engines.map(configureEngine)], args);
  } finally {
    const running = clusters.filter(([name]) => !down.includes(name));
    await Promise.all([...running, ...engines].map(([, server]) => server.close()));
    await rm(folder, { recursive: true });
  }
}

async function askAll(
  file: CaseFile,
  sources: readonly object[],
  args: Readonly<Record<string, string>>,
): Promise<readonly CaseResult[]> {
  const { checks } = await loadCatalogue();
  // An environment requires a source, but a case may have none that is supported.
  const { environments: configured } = configSchema.parse({
    environments: sources.length > 0 ? { [ENVIRONMENT]: { sources } } : {},
  });
  const environments = await openEnvironments(configured);
  try {
    const results: CaseResult[] = [];
    for (const name of checksOf(file)) {
      const check = checks.get(name);
      if (!check) {
        results.push({ case: file.case, check: name, error: NO_SUCH_CHECK });
        continue;
      }
      const report = await runCheck(check, {
        check: name,
        environment: ENVIRONMENT,
        args,
        earlier: samplesIn(file),
        now: new Date(file.now),
        read: environments.get(ENVIRONMENT)?.readers ?? {},
        signal: new AbortController().signal,
        deadlineMs: DEADLINE_MS,
      });
      results.push({ case: file.case, check: name, report });
    }
    return results;
  } finally {
    await closeEnvironments(environments);
  }
}

async function configureSource(
  name: string,
  cluster: TestCluster,
  folder: string,
  kubelets: 'direct' | 'proxy',
): Promise<object> {
  const kubeconfig = join(folder, `${encodeURIComponent(name)}.kubeconfig`);
  await writeFile(kubeconfig, cluster.kubeconfig({ context: name }), { mode: 0o600 });
  return { kind: 'kubernetes', name, kubeconfig, kubelets, allow: { cordon: {}, remove: {}, adjust: {} } };
}

/** Plain TCP is allowed on loopback. */
function configureEngine([name, { url }]: readonly [string, EngineServer]): object {
  return { kind: 'docker', name, url, node: name, allow: { remove: {} } };
}
