import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import type { CertificateSurvey, SurveyedPlace } from '../../shared/certificate-survey.ts';
import { unlessMissing } from '../../shared/unless-missing.ts';
import { readerOf } from './file-readers.ts';
import type { StaleSite } from './stale-sites.ts';

/** A program that reads certificate files of a machine. */
export interface ProgramTimes {
  readonly store: string;
  readonly host: string;
  readonly program: string;
  /** Of its newest process: a reload of nginx or HAProxy starts new ones. Absent if it is not running. */
  readonly startedAt?: Date;
}

/** A process that a supervisor reports on a machine with such a file. */
export interface SupervisedProcess {
  readonly supervisor: ports.ProcessSupervisor['supervisor'];
  readonly source: string;
  readonly deployment: string;
  readonly instance: ports.Instance;
  readonly name: string;
  readonly startedAt?: Date;
}

/** When processes were started that read certificate files of machines. */
export interface ProcessTimes {
  readonly programs: readonly ProgramTimes[];
  /** Only read if there is a file that one of them may read. */
  readonly supervised: readonly SupervisedProcess[];
}

type Context = ReadContext<never, 'processes' | 'hosts'>;

/** The own certificate of something on a machine, with the time of its file. */
export interface FileOnHost extends SurveyedPlace {
  readonly host: string;
  readonly storedSince: Date;
}

export function filesOnHosts({ places }: Pick<CertificateSurvey, 'places'>): readonly FileOnHost[] {
  return places.filter(isFileOnHost);
}

function isFileOnHost(one: SurveyedPlace): one is FileOnHost {
  return (
    one.role === 'stored' &&
    one.host !== undefined &&
    one.storedSince !== undefined &&
    one.verifies === undefined &&
    !one.chain[0].authority
  );
}

/** When something started that has run for some seconds. */
type StartOf = (uptimeSeconds: number) => Date;

interface ProcessTimesReader {
  /** Asks for what reads this file only when it starts, at once: another source may not respond before the deadline. */
  readonly see: (place: SurveyedPlace) => void;
  /** Also asks for what serves a former certificate. */
  readonly finish: (stale: readonly StaleSite[], survey: CertificateSurvey) => Promise<ProcessTimes>;
}

export function readProcessTimes(context: Context, startOf: StartOf): ProcessTimesReader {
  const programs = new Map<string, Promise<readonly ProgramTimes[]>>();
  const hosts = new Set<string>();
  let supervised: Promise<readonly SupervisedProcess[]> | undefined;
  const ask = ({ place, store, host }: FileOnHost) => {
    const { program, reloads = false } = readerOf(place) ?? {};
    hosts.add(host);
    supervised ??= readSupervised(context, startOf);
    if (program === undefined) return;
    const key = JSON.stringify([store, host, program]);
    if (!programs.has(key)) programs.set(key, readProgram(context, { store, host, program, reloads }));
  };
  return {
    see: (place) => {
      if (isFileOnHost(place) && readerOf(place.place)?.reloads === false) ask(place);
    },
    finish: async (stale, survey) => {
      const staleAt = new Set(stale.map(({ origin }) => origin.at.place));
      for (const file of filesOnHosts(survey)) if (staleAt.has(file.place)) ask(file);
      const [times, processes = []] = await Promise.all([Promise.all(programs.values()), supervised]);
      return {
        programs: times.flat(),
        supervised: processes.filter(({ instance }) => namesOf(instance).some((name) => hosts.has(name))),
      };
    },
  };
}

/** Without `ps`, only what is served shows what was loaded. */
async function readProgram(
  context: Context,
  {
    store,
    host,
    program,
    reloads,
  }: Omit<ProgramTimes, 'startedAt'> & { readonly program: ports.HostProgram; readonly reloads: boolean },
): Promise<readonly ProgramTimes[]> {
  const { read, attempt, gap, signal } = context;
  const source = read.hosts?.find(({ name }) => name === store);
  if (!source) return [];
  const what = `processes of ${program} on ${store}:${host}`;
  const found = await attempt(what, undefined, () =>
    // Of one that reloads, the times are only evidence.
    unlessMissing(context, reloads ? undefined : what, undefined, () =>
      source.processes({ host, program, signal }),
    ),
  );
  if (!found) return [];
  const [newest] = found
    .flatMap(({ startedAt }) => startedAt ?? [])
    .toSorted((one, other) => other.getTime() - one.getTime());
  if (!newest && found.length > 0) gap(what, new SourceError(store, 'malformed', 'none has a start time'));
  return [{ store, host, program, ...(newest && { startedAt: newest }) }];
}

async function readSupervised(context: Context, startOf: StartOf): Promise<readonly SupervisedProcess[]> {
  const { read, attempt, gap, signal } = context;
  const answers = await Promise.all(
    (read.processes ?? []).map(async ({ name: source, supervisor, deployments }) => {
      const what = `processes of ${source}`;
      const found = await attempt<readonly ports.Deployment[]>(what, [], () =>
        unlessMissing<readonly ports.Deployment[]>(context, what, [], () => deployments({ signal })),
      );
      for (const { name, gaps = [] } of found)
        for (const { what, error } of gaps) if (error.kind !== 'missing') gap(`${what} of ${name}`, error);
      return found.flatMap(({ name: deployment, instances }) =>
        instances.flatMap((instance) =>
          instance.processes.map(({ name, uptimeSeconds }) => ({
            supervisor,
            source,
            deployment,
            instance,
            name,
            ...(uptimeSeconds !== undefined && { startedAt: startOf(uptimeSeconds) }),
          })),
        ),
      );
    }),
  );
  return answers.flat();
}

/** By which a source of certificates on machines may know an instance. */
export function namesOf({ name, group, id, index }: ports.Instance): readonly string[] {
  return [name, `${group}/${id}`, ...(index === undefined ? [] : [`${group}/${index}`])];
}
