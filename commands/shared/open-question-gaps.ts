import { SourceError, wording } from '../kit.ts';
import type { OpenQuestion } from './managed-contents.ts';

/** More authorities of one store than these have the same reason, and are one gap. */
const MAX_GAPS = 10;

/** What a report says about a question that remains open. */
export interface QuestionGap {
  readonly what: string;
  readonly error: SourceError;
}

/**
 * One gap for each authority: a thousand certificates that one of its versions may have signed are one thing to find out. `failures`: why contents couldn't
 * be read, by place.
 */
export function gapsOf(
  questions: readonly OpenQuestion[],
  failures: ReadonlyMap<string, SourceError> = new Map(),
): readonly QuestionGap[] {
  const alike = Map.groupBy(questions, ({ certificate: { store }, is }) => JSON.stringify([store, is]));
  return [...alike.values()].flatMap((same) => {
    const groups = [...Map.groupBy(same, keyOf).values()] as unknown as readonly Group[];
    return groups.length > MAX_GAPS
      ? [commonGap(groups, failures)]
      : groups.map((one) => gapOf(one, failures));
  });
}

type Group = readonly [OpenQuestion, ...OpenQuestion[]];

function keyOf({ certificate, is, authority = '' }: OpenQuestion): string {
  return is === 'active' ? certificate.place : authority.toLowerCase();
}

function gapOf(group: Group, failures: ReadonlyMap<string, SourceError>): QuestionGap {
  const [{ certificate, is, authority = '' }] = group;
  const names = wording.list(group.map((one) => one.certificate.name));
  const message = {
    active: 'none of its versions is active, so what is in use is unknown',
    authority: `it signs ${names}, and is not in the list: it doesn't exist, or the credential may not read it`,
    version: `which of its versions signed ${names} is unknown, and one of them ends soon or has ended`,
  }[is];
  return {
    what: is === 'active' ? certificate.place : `${certificate.store}:${authority}`,
    error: errorOf(group, message, failures),
  };
}

function commonGap(groups: readonly Group[], failures: ReadonlyMap<string, SourceError>): QuestionGap {
  const all = groups.flat();
  const [{ certificate, is }] = all as [OpenQuestion];
  const placeNames = groups.map(([one]) => (is === 'active' ? one.certificate.name : (one.authority ?? '')));
  const names = wording.list(placeNames);
  const signed = wording.count(all.length, 'certificate');
  const message = {
    active: `none of the versions of ${names} is active, so what is in use is unknown`,
    authority: `${names} sign ${signed}, and are not in the list: they don't exist, or the credential may not read them`,
    version: `which of the versions of ${names} signed ${signed} is unknown, and one of each ends soon or has ended`,
  }[is];
  const noun = is === 'active' ? 'certificate' : 'authority';
  return {
    what: `${certificate.store}: ${wording.count(groups.length, noun, is === 'active' ? 'certificates' : 'authorities')}`,
    error: errorOf(all, message, failures, placeNames),
  };
}

function errorOf(
  questions: readonly OpenQuestion[],
  message: string,
  failures: ReadonlyMap<string, SourceError>,
  placeNames: readonly string[] = [],
): SourceError {
  const failure = questions
    .map(({ certificate }) => failures.get(certificate.place))
    .find((one) => one !== undefined);
  const because = failure ? `${message}: ${failure.message}` : message;
  const source = questions[0]?.certificate.store ?? '';
  return new SourceError(source, failure?.kind ?? 'missing', because, {
    places: placeNames.length,
    placeNames,
  });
}
