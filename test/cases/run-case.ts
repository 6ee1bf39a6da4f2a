import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import type { Report } from '../../src/check/finding.ts';
import type { WrittenArguments } from '../../src/check/arguments.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { Hosts } from '../../src/ports/hosts.ts';
import type { LogQuery } from '../../src/ports/logs.ts';
import type { Readers } from '../../src/ports/readers.ts';
import { type Catalogue, loadCatalogue } from '../../src/request/catalogue.ts';
import { parseRequest } from '../../src/request/parse.ts';
import type { EngineServer } from '../world/docker/http-server.ts';
import type { TestCluster } from '../world/kubernetes/api-server.ts';
import { type CaseFile, checksOf, samplesIn } from './case-file.ts';
import { serveBuilds } from './serve-builds.ts';
import { clustersOf, serveCase } from './serve-case.ts';
import { enginesOf, serveEngineCase } from './serve-engine-case.ts';
import { serveCertificates } from './serve-certificates.ts';
import { serveSpokenCase } from './serve-spoken-case.ts';

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
 * Serves a case (clusters, stores of certificates and sites over TLS, engines and clouds on loopback, hosts with sshd) and runs each check that it names, at its `now`, through the sources
 * that a worker would open.
 */
export async function runCase(
  file: CaseFile,
  { args = {}, kubelets = 'proxy', down = [] }: RunCaseOptions = {},
): Promise<readonly CaseResult[]> {
  const catalogue = await loadCatalogue();
  const requests = checksOf(file).map((written) => readRequest(written, catalogue));
  // Its sources may be unknown too.
  if (requests.every(({ check }) => !check))
    return requests.map(({ name }) => ({ case: file.case, check: name, error: NO_SUCH_CHECK }));
  const folder = await mkdtemp(join(tmpdir(), 'wrench-case-'));
  const clusters = await Promise.all(
    clustersOf(file).map(
      async (name) => [name, await serveCase(file, name, { kubeletsListen: kubelets === 'direct' })] as const,
    ),
  );
  const engines = await Promise.all(
    enginesOf(file).map(async (name) => [name, await serveEngineCase(file, name)] as const),
  );
  const spoken = await serveSpokenCase(file, folder);
  const certificates = await serveCertificates(file, folder);
  const builds = await serveBuilds(file, folder);
  try {
    const sources = await Promise.all(
      clusters.map(([name, cluster]) => configureSource(name, cluster, folder, kubelets)),
    );
    for (const [name, server] of clusters) if (down.includes(name)) await server.close();
    const all = [
      ...sources,
      ...engines.map(configureEngine),
      ...spoken.sources,
      ...certificates.sources,
      ...builds.sources,
      ...pipelineSources(file),
    ];
    return builds.asInCase(await askAll(file, requests, all, { args, asInCase: certificates.asInCase }));
  } finally {
    const running = clusters.filter(([name]) => !down.includes(name));
    await Promise.all([...running, ...engines].map(([, server]) => server.close()));
    await Promise.all([spoken.close(), certificates.close(), builds.close()]);
    await rm(folder, { recursive: true });
  }
}

/** The file alone, as if it were in a repository. */
function pipelineSources({ pipeline }: CaseFile): readonly object[] {
  return pipeline === undefined ? [] : [{ kind: 'checkout', folders: [pipeline] }];
}

async function askAll(
  file: CaseFile,
  requests: readonly CaseRequest[],
  sources: readonly object[],
  {
    args,
    asInCase,
  }: {
    readonly args: Readonly<Record<string, string>>;
    readonly asInCase: (readers: Partial<Readers>) => Partial<Readers>;
  },
): Promise<readonly CaseResult[]> {
  const environment = file.environment ?? ENVIRONMENT;
  // An environment requires a source, but a case may have none that is supported.
  const { environments: configured } = configSchema.parse({
    environments: sources.length > 0 ? { [environment]: { sources } } : {},
  });
  const environments = await openEnvironments(configured);
  try {
    const results: CaseResult[] = [];
    for (const { name, check, args: own } of requests) {
      if (!check) {
        results.push({ case: file.case, check: name, error: NO_SUCH_CHECK });
        continue;
      }
      const report = await runCheck(check, {
        check: name,
        environment,
        args: { ...own, ...args },
        earlier: samplesIn(file),
        now: new Date(file.now),
        read: readAt(new Date(file.now), asInCase(environments.get(environment)?.readers ?? {})),
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

/** The lines of a log may be a little newer than a case, whose clocks differ. */
const AHEAD_MS = 3_600_000;

/** The end of a log is at the time of the case, not at that of this machine: otherwise it would be a log to which nothing is written anymore. */
export function readAt(now: Date, readers: Partial<Readers>): Partial<Readers> {
  const until = new Date(now.getTime() + AHEAD_MS);
  const logs = readers.logs?.map((source) => ({
    ...source,
    lines: (query: LogQuery) => source.lines({ until, ...query }),
  }));
  // The file has the answers of both measurements, so there is nothing to wait for.
  const hosts = readers.hosts?.map((source) => ({
    ...source,
    fileGrowth: (query: Parameters<Hosts['fileGrowth']>[0]) => source.fileGrowth({ ...query, watchMs: 0 }),
  }));
  return { ...readers, ...(logs && { logs }), ...(hosts && { hosts }) };
}

interface CaseRequest {
  readonly name: string;
  /** Absent if there is no such check. */
  readonly check?: AnyCheck;
  readonly args: WrittenArguments;
}

/** `node/disk`, or as typed in Slack: `/net mtu --hosts cmp-11`. */
function readRequest(written: string, catalogue: Catalogue): CaseRequest {
  const parsed = written.startsWith('/') ? parseRequest(written, { catalogue, environments: [] }) : undefined;
  const [area = '', word = ''] = written.slice(1).split(/\s+/);
  const name = parsed ? (parsed.kind === 'run' ? parsed.check : `${area}/${word}`) : written;
  const check = catalogue.checks.get(name);
  return { name, ...(check && { check }), args: parsed?.kind === 'run' ? parsed.args : {} };
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
