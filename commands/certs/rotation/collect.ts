import { finderFor, type ReadContext, SourceError, wording } from '../../kit.ts';
import { surveyCertificates } from '../../shared/certificate-survey.ts';
import { activeVersion, indexManaged, type KnownCertificate } from '../../shared/managed-chain.ts';
import { contentsToRead, openQuestions } from '../../shared/managed-contents.ts';
import { gapsOf } from '../../shared/open-question-gaps.ts';
import type { ports } from '../../kit.ts';
import type { Facts } from './facts.ts';
import type { RotationSample } from './samples.ts';
import { isTransitional } from './plan-context.ts';
import { transitionOf } from './transition.ts';

export type { Facts } from './facts.ts';

export interface CollectArgs {
  readonly within: number;
  readonly source?: string | undefined;
  readonly match?: string | undefined;
}

type Context = ReadContext<'certificates', 'processes', RotationSample>;

/** How many names a gap lists. */
const MAX_NAMES = 3;

/** Reads all sources, and of managed certificates only the contents that decide something. */
export async function collect(context: Context, { within, source, match }: CollectArgs): Promise<Facts> {
  const horizon = new Date(context.now.getTime() + within);
  const unreadDirectors = new Set<string>();
  const directors = new Set((context.read.processes ?? []).map(({ name }) => name));
  const watched: Context = {
    ...context,
    attempt: (what, fallback, read) =>
      context.attempt(what, fallback, async () => {
        try {
          return await read();
        } catch (error) {
          if (error instanceof SourceError && directors.has(error.source)) unreadDirectors.add(error.source);
          throw error;
        }
      }),
  };
  const survey = await surveyCertificates(watched, {
    source,
    contentsOf: (managed) => wantedContents(managed, horizon, context.now),
  });
  const facts: Facts = { ...survey, unreadDirectors: [...unreadDirectors], earlier: context.earlier };
  reportUndecided(context, facts, horizon);
  reportUnreadContents(context, facts);
  reportUndated(context, facts);
  if (match !== undefined) reportNoMatch(context, facts, match);
  return facts;
}

/** At most, to find what former versions signed that don't end soon. */
const MAX_REPLACED = 500;

/**
 * Also the versions of authorities that are being rotated, to recognize them in trust files, and what an authority signed that was replaced while its
 * former version is still valid: it may have been replaced without a transitional step.
 */
function wantedContents(managed: readonly ports.ManagedCertificate[], horizon: Date, now: Date) {
  const known: readonly KnownCertificate[] = managed.map((one) => ({ ...one, store: storeOf(one.place) }));
  const deciding = contentsToRead(known, horizon).map(({ certificate, versions }) => ({
    place: certificate.place,
    versions,
  }));
  const rotating = known.flatMap((one) => {
    const { phase, fresh, old } = transitionOf(one);
    const versions = [fresh, old].flatMap((version) => (version ? [version.id] : []));
    return phase === 'none' ? [] : [{ place: one.place, versions }];
  });
  return [...deciding, ...rotating, ...ofReplaced(known, now).slice(0, MAX_REPLACED)];
}

function ofReplaced(known: readonly KnownCertificate[], now: Date) {
  const { all, signedBy } = indexManaged(known);
  return all.flatMap((one) => {
    const active = activeVersion(one);
    const isReplaced =
      isTransitional(one) &&
      transitionOf(one).phase === 'none' &&
      one.versions.some(({ id, notAfter }) => id !== active?.id && notAfter !== undefined && notAfter > now);
    const signed = isReplaced ? signedBy(one).filter((other) => other !== one) : [];
    if (signed.length === 0) return [];
    return [one, ...signed].flatMap((each) => {
      const version = activeVersion(each);
      return version ? [{ place: each.place, versions: [version.id] }] : [];
    });
  });
}

function storeOf(place: string): string {
  return place.slice(0, place.indexOf(':'));
}

/** What would show when a certificate ends, and isn't known. */
function reportUndecided({ gap }: Context, { managed }: Facts, horizon: Date): void {
  const questions = openQuestions(indexManaged(managed), horizon).filter(({ is }) => is === 'authority');
  for (const { what, error } of gapsOf(questions)) gap(what, error);
}

/** What they would have shown is assumed, and said where it decides something. */
function reportUnreadContents({ note }: Context, { managed }: Facts): void {
  const unread = managed.filter(({ contentsError }) => contentsError !== undefined);
  for (const [store, all] of Map.groupBy(unread, (one) => one.store)) {
    const names = wording.list(
      all.map(({ name }) => name),
      MAX_NAMES,
    );
    note(`The contents of ${names} in ${store} couldn't be read: ${all[0]?.contentsError?.message ?? ''}`);
  }
}

/** An empty date is not a date far away. */
function reportUndated({ gap }: Context, { managed }: Facts): void {
  const undated = managed.filter((one) => {
    const active = activeVersion(one);
    return (
      active !== undefined &&
      active.notAfter === undefined &&
      !one.contents.some(({ id }) => id === active.id)
    );
  });
  for (const [store, all] of Map.groupBy(undated, (one) => one.store)) {
    const names = all.map(({ name }) => name);
    const message = `${wording.list(names, MAX_NAMES)} ${names.length === 1 ? 'has' : 'have'} no readable end`;
    gap(
      `${store}: when ${wording.count(names.length, 'certificate')} ${names.length === 1 ? 'ends' : 'end'}`,
      new SourceError(store, 'malformed', message, {
        places: names.length,
        placeNames: all.map(({ place }) => place),
      }),
    );
  }
}

function reportNoMatch(
  { gap, signal }: Context,
  { managed, places, issuers, directors }: Facts,
  match: string,
): void {
  const isMatch = finderFor(match);
  const isFound =
    managed.some(({ name, place }) => isMatch(name) || isMatch(place)) ||
    issuers.some(({ name, place }) => isMatch(name) || isMatch(place)) ||
    directors.some(({ source, own }) => [source, ...own.map(({ path }) => path)].some(isMatch)) ||
    places.some(({ place, chain: [leaf] }) =>
      [place, leaf.name, leaf.subject, ...leaf.alternativeNames].some(isMatch),
    );
  const examined = managed.length + places.length + issuers.length;
  if (isFound || examined === 0 || signal.aborted) return;
  gap(
    `--match ${match}`,
    new SourceError(
      'match',
      'missing',
      `no name or place matches in ${wording.count(examined, 'certificate')}`,
    ),
  );
}
