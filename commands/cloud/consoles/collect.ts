import { type ports, SourceError, wording } from '../../kit.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { samplesByTarget } from '../../shared/samples-by-target.ts';
import { serversOn } from '../../shared/servers-on.ts';
import { surveyHosts, type SurveyedHost } from '../../shared/host-survey.ts';
import { diskBytesOf, LARGE_BYTES, logsOn, type SamplesOf } from './console-logs.ts';
import type { ConsoleContext, Facts, HostFacts, Owner } from './facts.ts';

interface ConsoleArguments {
  readonly source?: string | undefined;
  readonly hosts?: string | undefined;
  readonly watch: number;
}

/** Smaller ones are not even measured twice. */
const LEAST_BYTES = 10_000_000;
const INSTANCES = '/var/lib/nova/instances';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_REASON_LENGTH = 200;
const INSTANCES_AT_ONCE = 20;
/** More logs of one host that couldn't be measured again are one gap. */
const MAX_GAPS_PER_HOST = 3;

/** A question that only says more about a finding, and has no answer. */
interface Unread {
  readonly where: string;
  readonly what: string;
  readonly because: string;
}

/** What the reading of all hosts has in common. */
interface Reading {
  readonly samplesOf: SamplesOf;
  readonly limited: ReturnType<typeof limitTasks>;
  /** The answers of all clouds about a folder: hosts with shared storage see the same ones. */
  readonly asked: Map<string, Promise<readonly ({ readonly server?: ports.CloudServer } | undefined)[]>>;
  readonly unread: Unread[];
}

/** Measures the console logs of all hosts. The rest is only read of hosts on which one is large or grows. */
export async function collect(context: ConsoleContext, args: ConsoleArguments): Promise<Facts> {
  const reading: Reading = {
    samplesOf: samplesByTarget(context.earlier, (one) => one.console),
    limited: limitTasks(INSTANCES_AT_ONCE),
    asked: new Map(),
    unread: [],
  };
  const { results, rejectedKeys } = await surveyHosts(context, args, async (one, ask) => {
    const { source } = one;
    const watchMs = Math.min(args.watch, Math.floor(context.leftMs() / 3));
    const [logs, settings] = await Promise.all([
      ask('console logs', (query) =>
        source.fileGrowth({ ...query, files: 'console-logs', leastBytes: LEAST_BYTES, watchMs }),
      ),
      ask('settings of Nova', (query) => optional(source.novaSettings(query))),
    ]);
    reportOtherFolders(context, one, settings ?? []);
    if (!logs) return undefined;
    reportUnread(context, one, logs);
    if (logs.length === 0 && settings?.some(({ file }) => file.includes('/kolla/'))) {
      const all = await ask('console logs', (query) => source.fileSizes({ ...query, files: 'console-logs' }));
      if (all?.length === 0)
        context.gap(
          `${one.name}: console logs`,
          new SourceError(
            source.name,
            'missing',
            `none in ${INSTANCES}: they may be in a volume of Kolla's containers`,
          ),
        );
    }
    return readDetails(
      context,
      reading,
      one,
      logs.filter(({ before }) => before.error === undefined),
    );
  });
  noteUnread(context, reading.unread);
  const { earlier } = context;
  return { hosts: results.toSorted((a, b) => (a.name < b.name ? -1 : 1)), rejectedKeys, earlier };
}

/** One folder that can't be read doesn't hide the others. */
function reportUnread(
  { gap }: ConsoleContext,
  { source, name }: SurveyedHost,
  logs: readonly ports.HostFileGrowth[],
): void {
  const unread = logs.flatMap(({ before: { path, error } }) =>
    error === undefined ? [] : [{ path, error }],
  );
  const [first] = unread;
  if (!first) return;
  gap(
    `${name}: console logs in ${unread.length === 1 ? first.path : wording.count(unread.length, 'folder')}`,
    new SourceError(source.name, 'refused', first.error, {
      ...(unread.length > 1 && { places: unread.length, placeNames: unread.map(({ path }) => path) }),
    }),
  );
}

/** A file that a host doesn't have says nothing. */
async function optional<T>(reading: Promise<readonly T[] | undefined>): Promise<readonly T[]> {
  try {
    return (await reading) ?? [];
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return [];
    throw error;
  }
}

/** Later lines replace earlier ones of the same key. */
function reportOtherFolders(
  { gap }: ConsoleContext,
  { source, name }: SurveyedHost,
  settings: readonly ports.HostSetting[],
): void {
  const valueOf = (key: string): string | undefined =>
    settings
      .findLast((one) => one.key === key)
      ?.value.trim()
      .replace(/\/+$/, '');
  const state = valueOf('state_path') ?? '/var/lib/nova';
  const folder = (valueOf('instances_path') ?? `${state}/instances`).replace('$state_path', state);
  if (folder !== INSTANCES)
    gap(
      `${name}: console logs in ${folder}`,
      new SourceError(source.name, 'missing', `Wrench only reads ${INSTANCES}`),
    );
}

async function readDetails(
  context: ConsoleContext,
  reading: Reading,
  { source, host, name }: SurveyedHost,
  logs: readonly ports.HostFileGrowth[],
): Promise<HostFacts> {
  const known: HostFacts = {
    name,
    source: source.name,
    host: host.name,
    truncation: source.truncation,
    logs,
    owners: [],
  };
  reportUnmeasured(context, known);
  const all = logsOn(known, reading.samplesOf, context.now);
  const large = all.filter(({ diskBytes }) => diskBytes >= LARGE_BYTES);
  const small = all.filter((one) => one.diskBytes < LARGE_BYTES && (one.growth?.bytesPerHour ?? 0) > 0);
  if (large.length === 0 && small.length === 0) return known;
  const query = { host: host.name, signal: context.signal };
  const [mounts, openFiles, owners] = await Promise.all([
    enriched(reading, { where: name, what: 'the free space' }, () => source.mounts(query)),
    enriched(reading, { where: name, what: 'which processes write to console logs' }, () =>
      source.openFiles({ ...query, files: 'console-logs' }),
    ),
    readOwners(context, reading, known, [...new Set([...large, ...small].map(({ folder }) => folder))]),
  ]);
  if (!mounts && small.length > 0)
    context.gap(
      `${name}: how long the disk lasts`,
      new SourceError(source.name, 'missing', "the free space couldn't be read"),
    );
  return { ...known, ...(mounts && { mounts }), ...(openFiles && { openFiles }), owners };
}

/** A log that is rotated, or whose instance is deleted, may be absent the second time. */
function reportUnmeasured({ gap }: ConsoleContext, { name, source, logs }: HostFacts): void {
  const lost = logs.filter(({ after }) => !after);
  if (lost.length > MAX_GAPS_PER_HOST)
    gap(
      `${name}: growth of ${lost.length} console logs`,
      new SourceError(source, 'missing', "they couldn't be measured again", {
        places: lost.length,
        placeNames: lost.map(({ before }) => before.path),
      }),
    );
  else
    for (const { before } of lost)
      gap(
        `${name}: growth of ${before.path}`,
        new SourceError(
          source,
          'missing',
          `it had ${diskBytesOf(before)} bytes, and couldn't be measured again`,
        ),
      );
}

/** It only says more about a finding, which doesn't depend on it. */
async function enriched<T>(
  { unread }: Reading,
  about: Omit<Unread, 'because'>,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    unread.push({ ...about, because: error.message.slice(0, MAX_REASON_LENGTH) });
    return undefined;
  }
}

/** One note for all hosts, or instances, of which the same couldn't be read. */
function noteUnread({ note }: ConsoleContext, unread: readonly Unread[]): void {
  for (const [what, some] of Map.groupBy(unread, (one) => one.what))
    note(
      `Couldn't read ${what} (${wording.list(some.map(({ where }) => where).toSorted())}): ${some[0]!.because}`,
    );
}

/** A folder is known by the id of its instance, or by its name in old versions. It has no owner only if every cloud said so. */
async function readOwners(
  context: ConsoleContext,
  reading: Reading,
  host: HostFacts,
  folders: readonly string[],
): Promise<readonly Owner[]> {
  const { signal, read } = context;
  const clouds = read.cloud ?? [];
  if (clouds.length === 0) return [];
  const onHost = await Promise.all(
    folders.every((folder) => UUID.test(folder))
      ? []
      : clouds.map(async (cloud) =>
          enriched(reading, { where: host.name, what: `${cloud.name}: the instances of hosts` }, () =>
            serversOn(cloud, host.host, signal),
          ),
        ),
  );
  const answers = await Promise.all(
    folders.map(async (folder): Promise<Owner | undefined> => {
      if (!UUID.test(folder)) return ownerByName(folder, onHost);
      const answered = reading.asked.get(folder) ?? askClouds(reading, clouds, folder, signal);
      reading.asked.set(folder, answered);
      const found = await answered;
      const server = found.find((one) => one?.server)?.server;
      if (server) return { folder, server };
      return found.every((one) => one !== undefined) ? { folder } : undefined;
    }),
  );
  return answers.filter((one) => one !== undefined);
}

async function askClouds(
  reading: Reading,
  clouds: readonly ports.Cloud[],
  folder: string,
  signal: AbortSignal,
): Promise<readonly ({ readonly server?: ports.CloudServer } | undefined)[]> {
  return Promise.all(
    clouds.map((cloud) =>
      enriched(reading, { where: folder, what: `${cloud.name}: the owners of console logs` }, () =>
        reading.limited(async () => {
          const server = await cloud.server({ id: folder, signal });
          return server ? { server } : {};
        }),
      ),
    ),
  );
}

/** A cloud that knows no instance there may know the host by another name: that proves nothing. */
function ownerByName(
  folder: string,
  onHost: readonly (readonly ports.CloudServer[] | undefined)[],
): Owner | undefined {
  const server = onHost.flatMap((one) => one ?? []).find(({ instanceName }) => instanceName === folder);
  if (server) return { folder, server };
  const areKnown =
    onHost.every((one) => one !== undefined) &&
    onHost.some((one) => (one?.length ?? 0) > 0) &&
    onHost.every((one) => one?.every(({ instanceName }) => instanceName !== undefined));
  return areKnown ? { folder } : undefined;
}
