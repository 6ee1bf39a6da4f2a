import { type ports, SourceError, wording } from '../../kit.ts';
import { answerOf } from '../../shared/settle.ts';
import { chooseSources } from '../../shared/sources.ts';
import type { ArchivingFacts, CellFacts, Facts, RecordsContext } from './facts.ts';
import { isCell0, isNotable, severityOf } from './levels.ts';
import { noteUnread, readArchiveJobs, readSlowRequests, type UnreadLogs } from './read-logs.ts';

const DAY_MS = 86_400_000;
/** If the configuration doesn't say otherwise. */
const KEEP_DAYS = 90;
const LAG_WORTH_A_NOTE_SECONDS = 10;
/** A replica that is further behind doesn't show how things are now. */
const MAX_LAG_SECONDS = 300;
const MAX_CLOCK_DIFFERENCE_MS = 300_000;

interface RecordsArguments {
  readonly source?: string | undefined;
}

/** Reads all databases and the logs of archive jobs at once, and slow requests only if a cell has too many records. */
export async function collect(context: RecordsContext, args: RecordsArguments): Promise<Facts> {
  const { gap, earlier } = context;
  const archiving = archivingOf(context);
  const unread: UnreadLogs = new Map();
  let slow: ReturnType<typeof readSlowRequests> | undefined;
  const onNotable = async (): Promise<void> => {
    slow ??= readSlowRequests(context, unread);
    await slow;
  };
  const [{ rejectedKeys, ...jobs }, read] = await Promise.all([
    readArchiveJobs(context, unread),
    Promise.all(
      chooseSources(context, 'databases', args.source).map((source) =>
        readDatabase(context, source, archiving, onNotable),
      ),
    ),
  ]);
  const cells = read.flatMap((one) => one ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  noteUnread(context, unread);
  const [first] = cells;
  if (first && read.every((one) => one !== undefined) && cells.every(isCell0))
    gap(
      first.source,
      new SourceError(
        first.source,
        'missing',
        `only ${wording.list(cells.map(({ name }) => name))} can be read; the instances that run are in other cells`,
      ),
    );
  const logs = { ...jobs, ...(await slow) };
  return { cells, archiving, rejectedKeys, earlier, ...(Object.keys(logs).length > 0 && { logs }) };
}

/** undefined if it isn't known which cells there are. A server that can't be reached is one gap. */
async function readDatabase(
  context: RecordsContext,
  source: ports.Database,
  archiving: ArchivingFacts,
  onNotable: () => Promise<void>,
): Promise<readonly CellFacts[] | undefined> {
  const [cells, reportState] = await Promise.all([
    readCells(context, source, archiving, onNotable),
    readState(context, source),
  ]);
  if (cells) reportState();
  return cells;
}

async function readCells(
  context: RecordsContext,
  source: ports.Database,
  archiving: ArchivingFacts,
  onNotable: () => Promise<void>,
): Promise<readonly CellFacts[] | undefined> {
  const { attempt, signal, saw, read } = context;
  const prefix = read.databases.length > 1 ? `${source.name}:` : '';
  const cells = await attempt(source.name, undefined, () => source.cells({ signal }));
  if (!cells) return undefined;
  return Promise.all(
    cells.map(async (cell) => {
      const facts = await readCell(context, source, { cell, name: `${prefix}${cell}` }, archiving);
      if (facts.tables || facts.counts) saw(source.name);
      if (isNotable(facts)) await onNotable();
      return facts;
    }),
  );
}

async function readCell(
  { attempt, signal, note }: RecordsContext,
  source: ports.Database,
  { cell, name }: Pick<CellFacts, 'cell' | 'name'>,
  { before }: ArchivingFacts,
): Promise<CellFacts> {
  const query = { cell, signal };
  const what = (question: string) => `${source.name}: ${question} of ${cell}`;
  const [tables, counts] = await Promise.all([
    attempt(what('sizes of the tables'), undefined, () => source.tables(query)),
    attempt(what('number of instances'), undefined, () =>
      source.instanceCounts({ ...query, deletedBefore: before }),
    ),
  ]);
  const facts: CellFacts = {
    source: source.name,
    cell,
    name,
    ...(tables && { tables }),
    ...(counts && { counts }),
  };
  if (!counts || !severityOf(counts)) return facts;
  const metadata = await answerOf(signal, () => source.metadataCounts(query));
  if (metadata.error)
    note(
      `${source.name}: the rows of instance_system_metadata in ${cell} couldn't be counted: ${metadata.error.message}`,
    );
  return metadata.value ? { ...facts, metadata: metadata.value } : facts;
}

/** Returns how to report how old the counts are. A replica that doesn't follow is a gap: it doesn't show how many there are now. */
async function readState(context: RecordsContext, source: ports.Database): Promise<() => void> {
  const { gap, note, signal, now } = context;
  const { name } = source;
  const what = `${name}: state of the server`;
  const state = await answerOf(signal, () => source.state({ signal }));
  if (!state.value) return () => state.error && gap(what, state.error);
  const {
    replicationLagSeconds: lag,
    isReplicationStopped,
    isReplicationUnseen,
    isReadOnly,
    time,
  } = state.value;
  const old = (because: string) => gap(what, new SourceError(name, 'unreachable', because));
  const ago = (seconds: number) => wording.elapsed(seconds * 1_000);
  const aheadMs = time.getTime() - now.getTime();
  return () => {
    if (isReplicationStopped) old('replication has stopped, so the counts are of an unknown time');
    else if (lag !== undefined && lag > MAX_LAG_SECONDS) old(`the replica is ${ago(lag)} behind`);
    else if (lag !== undefined && lag >= LAG_WORTH_A_NOTE_SECONDS)
      note(`${name} is a replica: its counts are of ${ago(lag)} ago`);
    else if (isReadOnly && isReplicationUnseen)
      old('it is read-only, and the user may not see whether it is a replica that is behind');
    else if (isReadOnly && lag === undefined) note(`${name} is read-only, and no replica`);
    if (Math.abs(aheadMs) > MAX_CLOCK_DIFFERENCE_MS)
      note(`The clock of ${name} is ${wording.span(aheadMs)} ${aheadMs > 0 ? 'ahead' : 'behind'}`);
  };
}

/** By the rules of the only source of hosts that may archive, so that its plan changes the database that was counted. */
function archivingOf({ read: { hosts, databases }, now }: RecordsContext): ArchivingFacts {
  const allowed = (hosts ?? []).flatMap(({ name, archiving }) =>
    archiving.allowed ? [{ ...archiving, source: name }] : [],
  );
  const [only] = allowed;
  const denied = (hosts ?? []).find(({ archiving }) => !archiving.allowed)?.archiving;
  const keepDays = Math.max(...allowed.map((rules) => rules.keepDays), only ? 0 : KEEP_DAYS);
  const day = Math.floor(now.getTime() / DAY_MS) - keepDays;
  const base = {
    before: new Date(day * DAY_MS).toISOString().slice(0, 10),
    beforeMs: day * DAY_MS,
    keepDays,
  };
  if (!only) return { ...base, ...(denied && !denied.allowed && { notOffered: denied.because }) };
  if (allowed.length > 1)
    return {
      ...base,
      notOffered: `several sources may archive: ${wording.list(allowed.map(({ source }) => source))}`,
    };
  if (databases.length > 1)
    return {
      ...base,
      notOffered: `there are several databases, and it isn't known which of them ${only.host} archives`,
    };
  const { allowed: _, ...by } = only;
  return { ...base, by };
}
