import { type ports, type ReadContext, SourceError, wording, finderFor } from '../../kit.ts';
import {
  type CertificateSurvey,
  surveyCertificates,
  type SurveyedCertificate,
} from '../../shared/certificate-survey.ts';
import { obstacleToRestart } from '../../shared/restart-obstacle.ts';
import { contentsOfDeployed, unlistedOf } from './deployed-versions.ts';
import { workloadOf } from './pod-loading.ts';
import { type NamespaceRestart, stalePods } from './stale-pods.ts';
import { hasExpiredAt, staleSites } from './stale-sites.ts';
import { isCompared, type Matched, matchSites } from './match.ts';
import { type ProcessTimes, readProcessTimes } from './process-times.ts';

export interface Facts {
  readonly survey: CertificateSurvey;
  /** What instances wrote about TLS that serve an expired certificate although a newer one is stored. Newest first. */
  readonly logs: readonly InstanceLine[];
  /** Whether workloads may be restarted, in namespaces whose pods serve a former certificate. */
  readonly restarts: readonly NamespaceRestart[];
  readonly processTimes: ProcessTimes;
}

export interface InstanceLine {
  readonly host: string;
  readonly at?: Date;
  readonly text: string;
}

type Context = ReadContext<'certificates', 'processes' | 'clusters' | 'hosts' | 'logs'>;

const HOUR_MS = 3_600_000;
const LOG_HOURS = 24;
const MAX_LINES = 20;
/** Go: https://pkg.go.dev/crypto/x509#pkg-variables, https://pkg.go.dev/crypto/tls#AlertError; OpenSSL; Java. */
const ABOUT_TLS =
  /\bx509: |\btls: |bad tls|certificate verify failed|certificate (?:has )?expired|PKIX path|handshake fail/i;

export async function collect(
  context: Context,
  { source, match }: { readonly source?: string | undefined; readonly match?: string | undefined },
): Promise<Facts> {
  const times = readProcessTimes(context, (seconds) => new Date(context.now.getTime() - seconds * 1_000));
  const survey = await surveyCertificates(context, {
    source,
    contentsOf: contentsOfDeployed,
    onPlace: times.see,
  });
  reportUnreadContents(context, survey);
  for (const { source, deployment, names } of unlistedOf(survey)) {
    const message = `no store lists ${wording.list(names)}, which ${deployment} uses: deleted, or the credential may not read it`;
    context.gap(`versions of ${deployment} in ${source}`, new SourceError(source, 'missing', message));
  }
  for (const store of silentManagers(survey)) {
    const message = "doesn't say which deployments use former versions: Ops Manager does since 3.0";
    context.gap(`outdated deployments of ${store}`, new SourceError(store, 'missing', message));
  }
  if (match !== undefined) requireMatch(context, survey, match);
  const matched = matchSites(survey);
  reportUndecided(context, undecided(matched, survey));
  const stale = staleSites(matched);
  const [restarts, logs, processTimes] = await Promise.all([
    readRestarts(
      context,
      [...stale.flatMap(({ pod }) => pod ?? []), ...stalePods(survey, context.now)].map(
        ({ cluster, pod }) => ({
          cluster,
          namespace: pod.namespace,
          workload: workloadOf(pod),
        }),
      ),
    ),
    readLogs(
      context,
      new Set(
        stale.flatMap((one) => (one.host !== undefined && hasExpiredAt(one, context.now) ? [one.host] : [])),
      ),
    ),
    times.finish(stale, survey),
  ]);
  return { survey, logs, restarts, processTimes };
}

/** Ops Managers that list what is deployed, but not where a former version still is. */
function silentManagers({ managed }: CertificateSurvey): readonly string[] {
  const deployed = managed.filter(({ versions: [version] }) => version?.id === 'deployed');
  return [...Map.groupBy(deployed, ({ store }) => store)].flatMap(([store, certificates]) =>
    certificates.some(({ outdatedDeployments }) => outdatedDeployments !== undefined) ? [] : [store],
  );
}

/** More certificates of one store than these have one gap. */
const MAX_GAPS = 10;

function reportUnreadContents({ gap, note }: Context, { managed }: CertificateSurvey): void {
  const unread = managed.flatMap(({ place, store, contentsError: error }) =>
    error ? [{ place, store, error }] : [],
  );
  for (const same of Map.groupBy(unread, ({ store, error }) => `${error.kind} ${store}`).values())
    for (const { what, error } of oncePerStore(same)) {
      // A site is then compared by the end of its certificate.
      if (error.kind === 'refused') note(`contents of ${what}: ${error.message}`);
      else gap(`contents of ${what}`, error);
    }
}

function reportUndecided({ gap }: Context, certificates: readonly SurveyedCertificate[]): void {
  const message = "the end of a version is unknown, so sites can't be compared with it";
  const all = certificates.map(({ place, store }) => ({
    place,
    store,
    error: new SourceError(store, 'malformed', message),
  }));
  for (const same of Map.groupBy(all, ({ store }) => store).values())
    for (const { what, error } of oncePerStore(same)) gap(what, error);
}

interface UnreadCertificate {
  readonly place: string;
  readonly store: string;
  readonly error: SourceError;
}

function oncePerStore(same: readonly UnreadCertificate[]) {
  const [first] = same;
  if (!first || same.length <= MAX_GAPS) return same.map(({ place, error }) => ({ what: place, error }));
  const { store, error } = first;
  const placeNames = same.map(({ place }) => place);
  const common = new SourceError(error.source, error.kind, error.message, {
    places: same.length,
    placeNames,
  });
  return [
    {
      what: `${wording.count(same.length, 'certificate')} in ${store}, ${wording.list(placeNames)}`,
      error: common,
    },
  ];
}

/** A typo must not look like good news. */
function requireMatch(
  { gap, signal }: Context,
  { places, managed, directors }: CertificateSurvey,
  match: string,
): void {
  const matches = finderFor(match);
  const names = [
    ...places.flatMap(({ place, host = '', chain: [leaf] }) => [place, host, leaf.name]),
    ...managed.flatMap(({ place, deployments = [] }) => [place, ...deployments]),
    ...directors.flatMap(({ deployed }) => deployed.map(({ deployment }) => deployment)),
  ];
  if (signal.aborted || names.some((name) => matches(name))) return;
  const message = `no place, certificate, instance or deployment matches in ${wording.count(places.length + managed.length, 'place')}`;
  gap(`--match ${match}`, new SourceError('match', 'missing', message));
}

/** Certificates with versions that may be what a site serves whose certificate no store has, as far as is known. */
function undecided(
  matched: readonly Matched[],
  { managed }: CertificateSurvey,
): readonly SurveyedCertificate[] {
  if (matched.every(isCompared)) return [];
  return managed.filter(
    ({ versions, contents, contentsError, automation }) =>
      automation === undefined &&
      contentsError === undefined &&
      versions.some(
        ({ id, notAfter }) => notAfter === undefined && !contents.some((content) => content.id === id),
      ),
  );
}

interface WantedRestart {
  readonly cluster: string;
  readonly namespace: string;
  /** Absent if nothing can restart the pod. */
  readonly workload: ports.WorkloadName | undefined;
}

/** More workloads of one namespace are read only when a restart is planned. */
const MAX_WORKLOADS = 50;

/** Undefined if it no longer exists, which the plan of a restart will say. */
async function findWorkload(
  cluster: ports.Cluster,
  workload: ports.WorkloadName,
  signal: AbortSignal,
): Promise<ports.Workload | undefined> {
  try {
    return await cluster.workload(workload, { signal });
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
}

async function readRestarts(
  { read, attempt, signal }: Context,
  wanted: readonly WantedRestart[],
): Promise<readonly NamespaceRestart[]> {
  const inNamespaces = Map.groupBy(wanted, (one) => JSON.stringify([one.cluster, one.namespace]));
  const answers = await Promise.all(
    [...inNamespaces.values()].map(async ([one, ...others]) => {
      const cluster = read.clusters?.find(({ name }) => name === one?.cluster);
      if (!one || !cluster) return [];
      const { name } = cluster;
      const { namespace } = one;
      const permission = await attempt(`permission to restart in ${name}`, undefined, () =>
        cluster.restartPermission({ namespace, signal }),
      );
      if (!permission?.allowed) return permission ? [{ cluster: name, namespace, permission }] : [];
      const workloads = [one, ...others].flatMap(({ workload }) => workload ?? []);
      const named = new Map(workloads.map((workload) => [`${workload.kind} ${workload.name}`, workload]));
      const obstacles: Record<string, string> = {};
      for (const [key, workload] of [...named].slice(0, MAX_WORKLOADS)) {
        const what = `${workload.kind} ${namespace}/${workload.name} in ${name}`;
        const obstacle = await attempt(what, "it couldn't be read", async () => {
          const found = await findWorkload(cluster, workload, signal);
          return found && obstacleToRestart(found, permission);
        });
        if (obstacle !== undefined) obstacles[key] = obstacle;
      }
      return [{ cluster: name, namespace, permission, obstacles }];
    }),
  );
  return answers.flat();
}

/** Evidence only: what is wrong is known without them. */
async function readLogs(
  { read, attempt, now, signal }: Context,
  hosts: ReadonlySet<string>,
): Promise<readonly InstanceLine[]> {
  if (hosts.size === 0) return [];
  const lines: InstanceLine[] = [];
  const since = new Date(now.getTime() - LOG_HOURS * HOUR_MS);
  const readFrom = async (logs: ports.Logs) => {
    for await (const page of logs.lines({ content: 'system', since, signal })) {
      lines.push(
        ...page.flatMap(({ host, at, text }) =>
          host !== undefined && hosts.has(host) && ABOUT_TLS.test(text)
            ? [{ host, ...(at && { at }), text }]
            : [],
        ),
      );
      if (lines.length >= MAX_LINES) return;
    }
  };
  const sources = (read.logs ?? []).filter(({ contains }) => contains.includes('system'));
  await Promise.all(sources.map((one) => attempt(`logs of ${one.name}`, undefined, () => readFrom(one))));
  return lines.toSorted((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0)).slice(0, MAX_LINES);
}
