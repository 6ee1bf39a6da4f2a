import { type ports, type ReadContext } from '../kit.ts';
import { intern, type Interner } from './intern-certificates.ts';
import { limitTasks } from './limit-tasks.ts';
import { answerOf } from './settle.ts';
import { chooseSources } from './sources.ts';
import { surveyClusters, type SurveyedCluster } from './survey-clusters.ts';
import { surveyDirectors, type SurveyedDirector } from './survey-directors.ts';
import { versionsServed, type WantedContents, withHistory } from './survey-versions.ts';

/** Everything that is known about the certificates of an environment: what is stored, managed, deployed and served. */
export interface CertificateSurvey {
  /** What stores contain and sites serve, with the store that it was read from. Trust stores of operating systems are left out. */
  readonly places: readonly SurveyedPlace[];
  readonly managed: readonly SurveyedCertificate[];
  readonly issuers: readonly (ports.PkiIssuer & { readonly store: string })[];
  readonly directors: readonly SurveyedDirector[];
  readonly clusters: readonly SurveyedCluster[];
  /** What couldn't be read in stores, with the reason. Each is a gap too. */
  readonly unread: readonly {
    readonly store: string;
    readonly place?: string;
    readonly kind?: ports.UnseenPlace['error']['kind'];
  }[];
}

export interface SurveyedPlace extends Omit<ports.SeenPlace, 'path'> {
  readonly store: string;
  readonly role: ports.CertificateStore['role'];
  /** Former versions, newest first, if they were read: only of places with the names of a served certificate that is stored nowhere. */
  readonly history?: readonly ports.VersionContent[];
}

export interface SurveyedCertificate extends ports.ManagedCertificate {
  readonly store: string;
  /** The contents that were read, of some of its versions. */
  readonly contents: readonly ports.VersionContent[];
  /** Why the contents of some versions are unknown. Whether that is a gap depends on what they would have decided. */
  readonly contentsError?: ports.UnseenPlace['error'];
}

interface SurveyOptions {
  readonly source?: string | undefined;
  /** Contents that decide something, in addition to those of versions that a site may serve. */
  readonly contentsOf?: (
    managed: readonly ports.ManagedCertificate[],
    /** The ids of the versions that deployments of directors use. */
    deployed: ReadonlySet<string>,
  ) => readonly WantedContents[];
  /** Called for each place as soon as it is read. */
  readonly onPlace?: (place: SurveyedPlace) => void;
}

type SurveyContext = ReadContext<'certificates', 'processes' | 'clusters' | 'logs'>;

interface Store {
  readonly store: ports.CertificateStore;
  readonly managed: readonly ports.ManagedCertificate[];
}

/** How many contents are requested from one store at once. */
const MAX_REQUESTS = 8;
/** How many places are read between two turns of the event loop, so that thousands do not block the worker. */
const YIELD_EVERY = 300;

/**
 * Reads all sources at the same time. What couldn't be read is a gap. Certificates that are stored many times, such as the authority beside each leaf, are
 * kept once.
 */
export async function surveyCertificates(
  context: SurveyContext,
  { source, contentsOf, onPlace }: SurveyOptions,
): Promise<CertificateSurvey> {
  const { attempt } = context;
  const places: SurveyedPlace[] = [];
  const issuers: (ports.PkiIssuer & { readonly store: string })[] = [];
  const unread: Unread[] = [];
  const interner = intern();
  const stores = chooseSources(context, 'certificates', source);
  const readStore = async (store: ports.CertificateStore): Promise<Store> => {
    const failed = (error: unknown): never => {
      unread.push({ store: store.name });
      throw error;
    };
    const [, managed] = await Promise.all([
      attempt(store.name, undefined, () =>
        scan(context, store, interner, { places, unread, onPlace }).catch(failed),
      ),
      listManaged(context, store, unread, failed),
      listIssuers(context, store, issuers, failed),
    ]);
    return { store, managed };
  };
  const [read, clusters, directors] = await Promise.all([
    Promise.all(stores.map(readStore)),
    surveyClusters(context, source),
    surveyDirectors(context, source),
  ]);
  const managed = await Promise.all(
    read.map((one) =>
      withContents(
        context,
        one,
        interner,
        wantedOf(one, places, (own) => contentsOf?.(own, directors.versions) ?? []),
      ),
    ),
  );
  return {
    places: await withHistory(context, stores, places),
    managed: managed.flat(),
    issuers,
    directors: await directors.complete(places, managed.flat()),
    clusters: clusters.map((cluster) => cluster.about(places)),
    unread,
  };
}

type Unread = CertificateSurvey['unread'][number];

interface Found {
  readonly places: SurveyedPlace[];
  readonly unread: Unread[];
  readonly onPlace?: SurveyOptions['onPlace'];
}

async function scan(
  { saw, gap, signal }: SurveyContext,
  store: ports.CertificateStore,
  interner: Interner,
  { places, unread, onPlace }: Found,
): Promise<void> {
  let examined = 0;
  for await (const one of store.scan({ signal, onEmpty: () => saw(store.name) })) {
    examined += 1;
    if (examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    if (one.kind === 'unseen') {
      gap(one.place, one.error);
      unread.push({ store: store.name, place: one.place, kind: one.error.kind });
    } else if (!one.trustStore) {
      saw(store.name);
      const { path: _, ...seen } = one;
      const place = { ...interner.place(seen), store: store.name, role: store.role };
      places.push(place);
      onPlace?.(place);
    }
  }
}

/** What was listed before a failure counts. */
async function listManaged(
  { attempt, gap, saw, signal }: SurveyContext,
  store: ports.CertificateStore,
  unread: Found['unread'],
  failed: (error: unknown) => never,
): Promise<readonly ports.ManagedCertificate[]> {
  const { managed: list, name } = store;
  if (!list) return [];
  const managed: ports.ManagedCertificate[] = [];
  const read = async () => {
    for await (const one of list({ signal })) {
      if (one.kind === 'unseen') {
        gap(one.place, one.error);
        unread.push({ store: name, place: one.place });
      } else {
        saw(name);
        managed.push(one);
      }
    }
  };
  await attempt(`managed certificates of ${name}`, undefined, () => read().catch(failed));
  return managed;
}

async function listIssuers(
  { attempt, gap, saw, signal }: SurveyContext,
  store: ports.CertificateStore,
  issuers: (ports.PkiIssuer & { readonly store: string })[],
  failed: (error: unknown) => never,
): Promise<void> {
  const { issuers: list, name } = store;
  if (!list) return;
  const read = async () => {
    for await (const one of list({ signal })) {
      if (one.kind === 'unseen') gap(one.place, one.error);
      else {
        saw(name);
        issuers.push({ ...one, store: name });
      }
    }
  };
  await attempt(`issuers of ${name}`, undefined, () => read().catch(failed));
}

function wantedOf(
  { managed }: Store,
  places: readonly SurveyedPlace[],
  contentsOf: (managed: Store['managed']) => readonly WantedContents[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { place, versions } of [...versionsServed(managed, places), ...contentsOf(managed)])
    wanted.set(place, new Set([...(wanted.get(place) ?? []), ...versions]));
  return wanted;
}

async function withContents(
  { signal }: SurveyContext,
  { store, managed }: Store,
  interner: Interner,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<readonly SurveyedCertificate[]> {
  const limit = limitTasks(MAX_REQUESTS);
  return Promise.all(
    managed.map(async (one): Promise<SurveyedCertificate> => {
      const known = { ...one, store: store.name };
      const versions = [...(wanted.get(one.place) ?? [])];
      if (versions.length === 0 || !store.contents) return { ...known, contents: [] };
      const read = store.contents;
      const { value = [], error } = await limit(() =>
        answerOf(signal, () => read(one.place, { signal, versions })),
      );
      return { ...known, contents: value.map(interner.content), ...(error && { contentsError: error }) };
    }),
  );
}
