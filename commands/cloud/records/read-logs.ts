import { type ports, wording } from '../../kit.ts';
import { surveyHosts } from '../../shared/host-survey.ts';
import type { Facts, LogFacts, RecordsContext } from './facts.ts';

const HOUR_MS = 3_600_000;
/** A weekly job runs at least once in this time. */
const JOB_WITHIN_MS = 8 * 24 * HOUR_MS;
/** Per host and log. */
const MAX_LINES = 500;
const WORDS: Readonly<Record<string, string>> = {
  'slow-requests': 'slow requests',
  'archive-job': 'archive job',
};

/** Why the logs of a host couldn't be read, by the host. */
export type UnreadLogs = Map<string, string>;

/**
 * What hosts logged about a scheduled job: one that fails is a problem while there are still few records. A host that can't be read is a note, and one without
 * such a log is nothing.
 */
export async function readArchiveJobs(
  context: RecordsContext,
  unread: UnreadLogs,
): Promise<Pick<LogFacts, 'archiveJob'> & Pick<Facts, 'rejectedKeys'>> {
  const { results, rejectedKeys } = await readLog(context, unread, {
    log: 'archive-job',
    withinMs: JOB_WITHIN_MS,
  });
  const archiveJob = results.flatMap(({ host, texts }) => texts.map((text) => ({ host, text })));
  return { ...(results.length > 0 && { archiveJob }), rejectedKeys };
}

/** What the API logged about slow requests. It only says more about a finding. */
export async function readSlowRequests(
  context: RecordsContext,
  unread: UnreadLogs,
): Promise<Pick<LogFacts, 'slowRequests'>> {
  const { results } = await readLog(context, unread, { log: 'slow-requests', withinMs: HOUR_MS });
  return results.length > 0 ? { slowRequests: results.flatMap(({ texts }) => texts) } : {};
}

/** Notes the hosts whose logs couldn't be read, once. */
export function noteUnread(context: RecordsContext, unread: UnreadLogs): void {
  const [because] = unread.values();
  if (because !== undefined)
    context.note(
      `Without the logs of ${wording.list([...unread.keys()].toSorted())}, which couldn't be read: ${because}`,
    );
}

interface LogReading {
  readonly results: readonly { readonly host: string; readonly texts: readonly string[] }[];
  readonly rejectedKeys: Facts['rejectedKeys'];
}

async function readLog(
  context: RecordsContext,
  unread: UnreadLogs,
  { log, withinMs }: { readonly log: ports.HostLog; readonly withinMs: number },
): Promise<LogReading> {
  const { hosts } = context.read;
  if (!hosts) return { results: [], rejectedKeys: [] };
  const quiet = {
    read: { hosts },
    signal: context.signal,
    saw: () => undefined,
    gap: (what: string, error: Error) => {
      if (!('kind' in error && error.kind === 'missing')) unread.set(what, error.message);
    },
  };
  const { results, rejectedKeys } = await surveyHosts(quiet, {}, async ({ source, name }, ask) => {
    const texts = await ask(WORDS[log] ?? log, (query) =>
      textsOf(source.logLines({ ...query, log, withinMs })),
    );
    return texts && { host: name, texts };
  });
  return { results, rejectedKeys };
}

async function textsOf(batches: AsyncIterable<readonly ports.LogLine[]>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const batch of batches) {
    texts.push(...batch.map(({ text }) => text));
    if (texts.length >= MAX_LINES) break;
  }
  return texts.slice(0, MAX_LINES);
}
