import type { ports, ReadContext, SourceError } from '../kit.ts';
import { isAgentPlace } from './agent-certificates.ts';
import { answerOf } from './settle.ts';
import { splitNames } from './sources.ts';
import { unlessMissing } from './unless-missing.ts';

export interface SurveyedDirector {
  readonly source: string;
  readonly deployed: readonly ports.DeployedCertificates[];
  readonly own: readonly ports.DirectorCertificate[];
  readonly tasks: readonly ports.DirectorTask[];
  /** With the states of instances. Only read if the certificate of an agent ends soon. */
  readonly deployments: readonly ports.Deployment[];
}

type Context = ReadContext<never, 'processes'>;

type KnownDirector = Omit<SurveyedDirector, 'deployments'>;

type StoredPlace = Pick<ports.SeenPlace, 'place' | 'chain'>;

interface ReadDirectors {
  /** The ids of all deployed versions. */
  readonly versions: ReadonlySet<string>;
  readonly complete: (
    places: readonly StoredPlace[],
    managed: readonly Pick<ports.ManagedCertificate, 'renewedBy'>[],
  ) => Promise<readonly SurveyedDirector[]>;
}

const DAY_MS = 86_400_000;
/** Before this, the state of an instance says nothing about the certificate of its agent. */
const SOON_DAYS = 30;

/** Directors are read unless `--source` names others only. */
export async function surveyDirectors(context: Context, source: string | undefined): Promise<ReadDirectors> {
  const chosen = source === undefined ? undefined : splitNames(source);
  const directors = (context.read.processes ?? []).filter(
    ({ name, supervisor }) => supervisor === 'director' && (chosen?.includes(name) ?? true),
  );
  const read = await Promise.all(
    directors.map(async (director) => ({ director, known: await readDirector(context, director) })),
  );
  return {
    versions: new Set(
      read.flatMap(({ known }) =>
        known.deployed.flatMap(({ certificates }) => certificates.map(({ version }) => version)),
      ),
    ),
    complete: (places, managed) =>
      Promise.all(
        read.map(async ({ director, known: { error, ...known } }) => {
          reportUnread(context, known, error, managed);
          return {
            ...known,
            deployments: hasDueAgent(places, context.now) ? await statesOf(context, director) : [],
          };
        }),
      ),
  };
}

async function readDirector(
  context: Context,
  director: ports.ProcessSupervisor,
): Promise<KnownDirector & { readonly error?: SourceError }> {
  const { attempt, saw, signal } = context;
  const { name } = director;
  const enriching = <T>(what: string, read: (() => Promise<readonly T[]>) | undefined) =>
    read
      ? attempt<readonly T[]>(what, [], () => unlessMissing<readonly T[]>(context, undefined, [], read))
      : Promise.resolve([]);
  const { deployedCertificates, directorCertificates, tasks } = director;
  const [{ value: deployed = [], error }, own, running] = await Promise.all([
    answerOf(signal, async () => (await deployedCertificates?.({ signal })) ?? []),
    enriching(
      `certificates of the director ${name}`,
      directorCertificates && (() => directorCertificates({ signal })),
    ),
    enriching(`tasks of ${name}`, tasks && (() => tasks({ signal }))),
  ]);
  for (const { certificates } of deployed) saw(name, certificates.length);
  return { source: name, deployed, own, tasks: running, ...(error && { error }) };
}

/** Deployed versions decide something if a store has versions to compare them with. A director that is too old doesn't know them. */
function reportUnread(
  { gap }: Context,
  { source, deployed }: KnownDirector,
  error: SourceError | undefined,
  managed: readonly Pick<ports.ManagedCertificate, 'renewedBy'>[],
): void {
  const areCompared = managed.some(({ renewedBy }) => renewedBy === 'store');
  const report = (what: string, because: SourceError) => {
    if (areCompared || because.kind !== 'missing') gap(what, because);
  };
  if (error) report(`deployed certificates of ${source}`, error);
  for (const { deployment, error: because } of deployed)
    if (because) report(`certificates of ${deployment} in ${source}`, because);
}

function hasDueAgent(places: readonly StoredPlace[], now: Date): boolean {
  return places.some(
    (place) => isAgentPlace(place) && place.chain[0].notAfter.getTime() - now.getTime() <= SOON_DAYS * DAY_MS,
  );
}

async function statesOf(
  context: Context,
  director: ports.ProcessSupervisor,
): Promise<readonly ports.Deployment[]> {
  const { attempt, note, signal } = context;
  const what = `instances of ${director.name}`;
  const deployments = await attempt<readonly ports.Deployment[]>(what, [], () =>
    unlessMissing<readonly ports.Deployment[]>(context, what, [], () => director.deployments({ signal })),
  );
  for (const { name, gaps = [] } of deployments)
    for (const one of gaps) note(`${one.what} of ${name}: ${one.error.message}`);
  return deployments;
}
