import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { HOST_LIST } from '../../src/app/recording/record-hosts.ts';
import { SWITCH_PORTS } from '../../src/app/recording/record-logs.ts';
import { questionLine } from '../../src/app/recording/record-question.ts';
import { requestLine } from '../../src/app/recording/record-source.ts';
import type {
  RecordedAnswer,
  RecordedError,
  RecordedHttp,
  RecordedObservation,
  RecordedPlace,
  RecordedReply,
  RecordedScan,
  Recording,
} from '../../src/app/recording/recording.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Certificate } from '../../src/ports/certificate.ts';
import type { CertificateStore, ScanResult, SeenPlace, UnseenPlace } from '../../src/ports/certificates.ts';
import type { Builds } from '../../src/ports/builds.ts';
import type { Database } from '../../src/ports/databases.ts';
import type { Host, Hosts } from '../../src/ports/hosts.ts';
import type { LogLine, Logs, SwitchPort } from '../../src/ports/logs.ts';
import type { PipelineFile, Pipelines, ProposedChange } from '../../src/ports/pipelines.ts';
import type { SourceRecorder } from '../../src/ports/recorder.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import type { KubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import type { SourceConfig } from '../../src/sources/schemas.ts';
import { makeRedactWhole } from '../../src/text/redact.ts';
import { makeHideSecrets } from '../../src/wire/hide-secrets.ts';
import { readCertificate } from '../../src/wire/x509.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { kubeconfigText } from '../world/kubernetes/kubeconfig.ts';

/**
 * Runs the check of a recording again, at its time. Sources get the recorded responses: over HTTP from a
 * server on loopback, everything else from memory. A request that was not recorded gets 404. Nothing else
 * is connected to.
 */
export async function replay({
  check: name,
  environment,
  args,
  now,
  earlier,
  sources,
  answers,
}: Recording): Promise<Report> {
  const check = (await loadCatalogue()).checks.get(name);
  if (!check) throw new Error(`there is no check ${name}`);
  const clock = startClock(new Date(now));
  const server = await serveAnswers();
  const folder = await mkdtemp(join(tmpdir(), 'wrench-replay-'));
  const configured = await Promise.all(
    sources.map((source) => withKubeconfig(withoutFiles(source), answers, folder)),
  );
  const environments = await openEnvironments(
    { [environment]: { sources: configured } },
    {
      source: ({ kind, name }) => replaySource(name, makeQueue(answers, `${kind}:${name}`), clock, server),
      opened: (source) => {
        const { builds, certificates, databases, hosts, logs, pipelines } = source.reads;
        const from = answers.filter((answer) => answer.from === `${source.kind}:${source.name}`);
        return {
          ...source,
          reads: {
            ...source.reads,
            ...(builds && { builds: replayBuilds(builds, from) }),
            ...(certificates && { certificates: replayStore(certificates, from) }),
            ...(databases && { databases: replayDatabase(source.name, from) }),
            ...(hosts && { hosts: replayHosts(source.name, from) }),
            ...(logs && { logs: replayLogs(logs, from) }),
            ...(pipelines && { pipelines: replayPipelines(pipelines, from) }),
          },
        };
      },
    },
  );
  try {
    return await runCheck(check, {
      check: name,
      environment,
      args,
      ...(earlier && { earlier }),
      now: new Date(now),
      read: environments.get(environment)?.readers ?? {},
      signal: new AbortController().signal,
      deadlineMs: MAX_WAIT_MS,
    });
  } finally {
    await closeEnvironments(environments);
    await server.close();
    await rm(folder, { recursive: true });
    clock.stop();
  }
}

/** The files were on another machine, and loopback needs none. */
function withoutFiles(config: SourceConfig): SourceConfig {
  const {
    ca: _ca,
    kubeletCa: _kubeletCa,
    clientCertificate: _certificate,
    ...rest
  } = config as Readonly<Record<string, unknown>>;
  return rest as unknown as SourceConfig;
}

/**
 * Recorded responses are sent without TLS, so this CA verifies nothing; without one the source would not
 * connect to kubelets.
 */
const NO_AUTHORITY = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';

/** A kubeconfig for a cluster, with the recorded address of its API server. */
async function withKubeconfig(
  config: SourceConfig,
  answers: readonly RecordedAnswer[],
  folder: string,
): Promise<SourceConfig> {
  if (config.kind !== 'kubernetes') return config;
  const { context: _context, allow, ...rest } = config;
  const server = answers.flatMap((answer) => {
    if (answer.from !== `kubernetes:${config.name}` || !('at' in answer)) return [];
    // The server URL may have a path before the API's.
    const prefix = /^[A-Z]+ (.*?)\/(?:version|apis?\/)/.exec(answer.request)?.[1];
    return prefix === undefined ? [] : [`${answer.at}${prefix}`];
  })[0];
  const kubeconfig = join(folder, config.name);
  await writeFile(
    kubeconfig,
    kubeconfigText([
      { name: 'recorded', server: server ?? 'https://not-recorded.invalid', ca: NO_AUTHORITY, user: {} },
    ]),
  );
  return { ...rest, kubeconfig, allow: withoutCredentials(allow) };
}

/** What is allowed, with the one credential of the replay. */
function withoutCredentials(allow: KubernetesConfig['allow']): KubernetesConfig['allow'] {
  return Object.fromEntries(
    Object.entries(allow).map(([act, { kubeconfig: _kubeconfig, context: _context, ...options }]) => [
      act,
      options,
    ]),
  );
}

/** `Date` moves from one recorded response to the next, never backwards. */
interface Clock {
  readonly advance: (answer: RecordedAnswer) => void;
  readonly stop: () => void;
}

function startClock(now: Date): Clock {
  vi.useFakeTimers({ toFake: ['Date'], now });
  return {
    advance: ({ afterMs }) => {
      vi.setSystemTime(Math.max(Date.now(), now.getTime() + afterMs));
    },
    stop: () => void vi.useRealTimers(),
  };
}

interface AnswerServer {
  /** The URL of one response; without a response, of none. */
  readonly urlOf: (answer: Found | undefined, encoding: BufferEncoding) => string;
  readonly close: () => Promise<void>;
}

async function serveAnswers(): Promise<AnswerServer> {
  const served: (readonly [Found, BufferEncoding])[] = [];
  const server = createServer((request, response) => {
    request.resume();
    response.sendDate = false;
    const [answer, encoding] = served[Number(request.url?.slice(1))] ?? [];
    if (!answer) return response.writeHead(404).end();
    const { status = 500, headers, body = '' } = answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return response.writeHead(status, headers).end(Buffer.from(text, encoding));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    urlOf: (answer, encoding) => `${origin}/${answer ? served.push([answer, encoding]) - 1 : 'not-recorded'}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Match = Readonly<Partial<Record<'at' | 'request' | 'place' | 'observed', string>>>;
/** A response of any kind. */
type Found = RecordedAnswer & Partial<Pick<RecordedHttp & RecordedPlace & RecordedObservation, FoundFields>>;
type FoundFields = 'status' | 'headers' | 'body' | 'certificates' | 'result';
/** The next response to a request; the last one repeats. */
type Queue = (asked: Match) => Found | undefined;

function makeQueue(answers: readonly RecordedAnswer[], from: string): Queue {
  const keyOf = ({ at, request, place, observed }: Match) => JSON.stringify([at, request, place, observed]);
  const waiting = Map.groupBy(
    answers.filter((answer) => answer.from === from),
    (answer) => keyOf(answer as Match),
  );
  return (asked) => {
    const left = waiting.get(keyOf(asked)) ?? [];
    return left.length > 1 ? left.shift() : left[0];
  };
}

function replaySource(name: string, next: Queue, clock: Clock, server: AnswerServer): SourceRecorder {
  const hide = makeHideSecrets(makeRedactWhole());
  return {
    http: async (question, send) => {
      const { encoding = 'utf8', signal } = question as { encoding?: BufferEncoding; signal?: AbortSignal };
      const asked = { at: new URL(question.url).origin, request: requestLine(question, hide) };
      const answer = next(asked);
      if (answer?.error) throw await toError(name, answer.error, signal);
      const url = server.urlOf(answer, encoding);
      const response = await send({ ...question, url, retries: 0, timeoutMs: MAX_WAIT_MS });
      if (answer) clock.advance(answer);
      return response;
    },
    certificate: async (place) => {
      const answer = next({ place });
      if (answer?.error) throw await toError(name, answer.error);
      const [pem] = answer?.certificates ?? [];
      return pem === undefined ? undefined : new X509Certificate(pem).raw;
    },
    observe: async (observed) => {
      const answer = next({ observed });
      if (answer?.error) throw await toError(name, answer.error);
      return answer?.result ?? false;
    },
  };
}

/** What was never waited for stays unanswered. */
async function toError(name: string, error: RecordedError, signal?: AbortSignal): Promise<unknown> {
  const { kind, message, source = name, ...more } = error;
  if (kind !== 'other') return new SourceError(source, kind, message, more);
  if (!signal) return new Error(message);
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return signal.reason;
}

/** Nothing is read. */
export function replayStore(store: CertificateStore, answers: readonly RecordedAnswer[]): CertificateStore {
  const { name, inspectSite } = store;
  const next = repliesIn(name, answers);
  const ask = async <Answer>(request: string): Promise<Answer> => {
    const { answer, error } = next(request);
    if (error) throw await toError(name, error);
    return withDates(answer) as Answer;
  };
  const items = async function* <Item extends object>(request: string): AsyncGenerator<Item | UnseenPlace> {
    const { answer = [], error } = next(request);
    for (const item of answer as readonly { readonly error?: RecordedError }[]) {
      const found = withDates(item) as Item;
      if (item.error) yield { ...found, error: await toError(name, item.error) } as unknown as UnseenPlace;
      else yield found;
    }
    if (error) throw await toError(name, error);
  };
  const placesOf = (request: string) =>
    answers
      .filter((one): one is RecordedPlace => 'place' in one && one.request === request)
      .toSorted((one, other) => one.afterMs - other.afterMs);
  const endOf = (request: string) =>
    answers.find((one): one is RecordedScan => 'empty' in one && one.request === request);
  return {
    ...store,
    scan: async function* ({ onEmpty }) {
      for (const place of placesOf('scan')) yield toResult(name, place);
      const { empty = 0, error } = endOf('scan') ?? {};
      for (let index = 0; index < empty; index += 1) onEmpty?.();
      if (error) throw await toError(name, error);
    },
    ...(inspectSite && {
      inspectSite: async (site) => {
        const request = `inspect ${site}`;
        const { error } = endOf(request) ?? { error: { kind: 'missing', message: 'not recorded' } as const };
        if (error) throw await toError(name, error);
        return placesOf(request).map((place) => toResult(name, place));
      },
    }),
    ...(store.managed && { managed: () => items('managed {}') }),
    ...(store.issuers && { issuers: () => items('issuers {}') }),
    ...(store.contents && {
      contents: (place, options) => ask(questionLine('contents', { place, ...options })),
    }),
    ...(store.history && {
      history: (place, options) => ask(questionLine('history', { place, ...options })),
    }),
    ...(store.findIssued && {
      findIssued: ({ serial }) => ask(questionLine('findIssued', { serial })),
    }),
  };
}

const NOT_REPLAYED = { allowed: false, because: 'a recording changes nothing' } as const;

/** Nothing is connected to. A question that was not recorded is unreachable. */
export function replayHosts(name: string, answers: readonly RecordedAnswer[]): Hosts {
  const next = repliesIn(name, answers);
  const ask = askFrom(name, next);
  return {
    name,
    get hosts() {
      return next(HOST_LIST).answer as readonly Host[];
    },
    clock: ask('clock'),
    links: ask('links'),
    addresses: ask('addresses'),
    routes: ask('routes'),
    bonds: ask('bonds'),
    neighbors: ask('neighbors'),
    networkSettings: ask('networkSettings'),
    logLines: async function* (query) {
      const { answer, error } = next(questionLine('logLines', query));
      if (answer) yield withDates(answer) as readonly LogLine[];
      if (error) throw await toError(name, error);
    },
    checksumRules: ask('checksumRules'),
    mounts: ask('mounts'),
    fileSizes: ask('fileSizes'),
    processes: ask('processes'),
    packageVersion: ask('packageVersion'),
    pathMtu: ask('pathMtu'),
    instanceDisks: ask('instanceDisks'),
    fileStates: ask('fileStates'),
    novaSettings: ask('novaSettings'),
    computeNodes: ask('computeNodes'),
    diskErrors: ask('diskErrors'),
    fileGrowth: ask('fileGrowth'),
    openFiles: ask('openFiles'),
    load: ask('load'),
    rescue: NOT_REPLAYED,
    rescuedFile: ask('rescuedFile'),
    truncation: NOT_REPLAYED,
    archiving: NOT_REPLAYED,
    newestDump: ask('newestDump'),
  };
}

function askFrom(name: string, next: ReturnType<typeof repliesIn>) {
  return (question: string) =>
    async (query: object): Promise<never> => {
      const { answer, error } = next(questionLine(question, query));
      if (error) throw await toError(name, error);
      return withDates(answer) as never;
    };
}

/** Nothing is connected to. */
function replayBuilds(builds: Builds, answers: readonly RecordedAnswer[]): Builds {
  return { ...builds, ask: askFrom(builds.name, repliesIn(builds.name, answers))('ask') };
}

/** Nothing is connected to. */
export function replayDatabase(name: string, answers: readonly RecordedAnswer[]): Database {
  const ask = askFrom(name, repliesIn(name, answers));
  return {
    name,
    state: ask('state'),
    cells: ask('cells'),
    tables: ask('tables'),
    instanceCounts: ask('instanceCounts'),
    metadataCounts: ask('metadataCounts'),
  };
}

/** No file is read. */
export function replayLogs(logs: Logs, answers: readonly RecordedAnswer[]): Logs {
  const { name } = logs;
  const next = repliesIn(name, answers);
  return {
    ...logs,
    lines: async function* (query) {
      const { answer, error } = next(questionLine('lines', query));
      if (answer) yield withDates(answer) as readonly LogLine[];
      if (error) throw await toError(name, error);
    },
    switchPorts: async () => {
      const { answer, error } = next(SWITCH_PORTS);
      if (error) throw await toError(name, error);
      return answer as readonly SwitchPort[];
    },
  };
}

/** No file is read, and nothing is connected to. */
export function replayPipelines(pipelines: Pipelines, answers: readonly RecordedAnswer[]): Pipelines {
  const { name } = pipelines;
  const next = repliesIn(name, answers);
  return {
    ...pipelines,
    proposing: NOT_REPLAYED,
    files: async function* (query) {
      const { answer, error } = next(questionLine('files', query));
      if (answer) yield answer as readonly PipelineFile[];
      if (error) throw await toError(name, error);
    },
    ...(pipelines.proposals && {
      proposals: async (query) => {
        const { answer, error } = next(questionLine('proposals', query));
        if (error) throw await toError(name, error);
        return withDates(answer) as readonly ProposedChange[];
      },
    }),
  };
}

/** The replies to each request, in order; the last one to all further requests. */
function repliesIn(name: string, answers: readonly RecordedAnswer[]): (request: string) => RecordedReply {
  const waiting = Map.groupBy(
    answers.filter((one): one is RecordedReply => 'request' in one),
    ({ request }) => request,
  );
  return (request) => {
    const left = waiting.get(request) ?? [];
    const found = left.length > 1 ? left.shift() : left[0];
    if (!found) throw new SourceError(name, 'unreachable', `${request} was not recorded`);
    return found;
  };
}

/** The facts that are times. */
const TIMES: ReadonlySet<string> = new Set(
  (
    'at time modifiedAt oldestDeletedAt startedAt storedSince notBefore notAfter createdAt since dueAt lastFailureAt ' +
    'failedAt endedAt'
  ).split(' '),
);

function withDates(answer: unknown): unknown {
  if (answer === undefined) return undefined;
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) =>
    TIMES.has(key) && typeof value === 'string' ? new Date(value) : value,
  );
}

function toResult(name: string, { place, certificates = [], path, facts, error }: RecordedPlace): ScanResult {
  if (error) {
    const { kind, message, source = name, ...more } = error;
    const sourceError = new SourceError(source, kind === 'other' ? 'malformed' : kind, message, more);
    return { kind: 'unseen', place, error: sourceError };
  }
  const chain = certificates.map(readCertificate) as [Certificate, ...Certificate[]];
  const onPath = path?.map((one) => (typeof one === 'number' ? chain[one]! : readCertificate(one)));
  return {
    kind: 'seen',
    place,
    chain,
    ...(onPath && { path: onPath as [Certificate, ...Certificate[]] }),
    ...(withDates(facts) as Partial<SeenPlace>),
  };
}
