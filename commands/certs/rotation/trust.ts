import type { ports } from '../../kit.ts';
import type { SurveyedPlace } from '../../shared/certificate-survey.ts';
import { withoutSource } from '../../shared/sources.ts';

/** A file, ConfigMap or webhook that has only authorities and no key: what those trust who read it. */
export interface TrustFile {
  /** The instance that has it, otherwise its place without the source. */
  readonly name: string;
  readonly place: string;
  readonly store: string;
  /** The name of what is verified with it. */
  readonly verifies?: string;
  readonly certificates: readonly ports.Certificate[];
}

/** A version of an authority, with its certificate if that was read. */
export interface TrustedVersion {
  readonly fingerprint?: string;
  readonly notAfterMs?: number;
  readonly subject?: string;
}

/** Which trust files have which of two versions. */
export interface TrustState {
  readonly both: readonly TrustFile[];
  readonly onlyOld: readonly TrustFile[];
  readonly onlyFresh: readonly TrustFile[];
  /** Those that have another authority of this name instead, at a path where other instances have one of the versions. */
  readonly neither: readonly TrustFile[];
}

export interface TrustIndex {
  /** Those with a certificate of an authority with this subject. */
  readonly ofAuthority: (subject: string) => readonly TrustFile[];
  readonly stateOf: (old: TrustedVersion | undefined, fresh: TrustedVersion | undefined) => TrustState;
}

/** Certificates of one file that don't sign each other are separate places: `…/ca.crt`, `…/ca.crt#2`. */
export function indexTrust(places: readonly SurveyedPlace[]): TrustIndex {
  const isBesideKey = besideKeys(places);
  const parts = Map.groupBy(
    places.filter((one) => isStoredWithoutKey(one) && !isBesideKey(one)),
    ({ place }) => place.replace(/#\d+$/, ''),
  );
  const files = [...parts].flatMap(([place, seen]): readonly TrustFile[] => {
    const certificates = seen.flatMap(({ chain }) => chain);
    const [{ store, host, verifies }] = seen as [SurveyedPlace, ...SurveyedPlace[]];
    return certificates.every(({ authority }) => authority)
      ? [
          {
            name: host ?? withoutSource(place),
            place,
            store,
            certificates,
            ...(verifies !== undefined && { verifies }),
          },
        ]
      : [];
  });
  const byFingerprint = groupFiles(files, ({ fingerprint }) => fingerprint);
  const bySubject = groupFiles(files, ({ subject }) => subject);
  const byEnd = groupFiles(files, ({ notAfter }) => seconds(notAfter.getTime()));
  const filesWith = ({ fingerprint, notAfterMs }: TrustedVersion): readonly TrustFile[] => {
    if (fingerprint !== undefined) return byFingerprint.get(fingerprint) ?? [];
    return notAfterMs === undefined ? [] : (byEnd.get(seconds(notAfterMs)) ?? []);
  };
  return {
    ofAuthority: (subject) => bySubject.get(subject) ?? [],
    stateOf: (old, fresh) => {
      const [withOld, withFresh] = [old ? filesWith(old) : [], fresh ? filesWith(fresh) : []];
      const [haveOld, haveFresh] = [new Set(withOld), new Set(withFresh)];
      const paths = new Set([...withOld, ...withFresh].map(pathOf));
      // Without the fingerprint of a version, it isn't known whether a file has it.
      const subjects =
        old?.fingerprint !== undefined && fresh?.fingerprint !== undefined
          ? [old.subject, fresh.subject]
          : [];
      const named = new Set(
        subjects.flatMap((subject) => (subject === undefined ? [] : (bySubject.get(subject) ?? []))),
      );
      return {
        neither: [...named].filter(
          (file) => !haveOld.has(file) && !haveFresh.has(file) && paths.has(pathOf(file)),
        ),
        both: withOld.filter((file) => haveFresh.has(file)),
        onlyOld: withOld.filter((file) => !haveFresh.has(file)),
        onlyFresh: withFresh.filter((file) => !haveOld.has(file)),
      };
    },
  };
}

/** Whether a place is in a secret with a certificate and its key: `ca.crt` is renewed together with them. */
export function besideKeys(
  places: readonly SurveyedPlace[],
): (place: Pick<SurveyedPlace, 'place'>) => boolean {
  const secrets = new Set(
    places.flatMap(({ place, keyMatches }) =>
      keyMatches !== undefined && ENTRY.test(place) ? [place.replace(ENTRY, '')] : [],
    ),
  );
  return ({ place }) => ENTRY.test(place) && secrets.has(place.replace(ENTRY, ''));
}

/** The key of a secret at the end of a place; a file has none. */
const ENTRY = /:[^:/]+$/;

function isStoredWithoutKey({ role, keyMatches, trustStore }: SurveyedPlace): boolean {
  return role === 'stored' && keyMatches === undefined && !trustStore;
}

/** The path on its instance: `/var/vcap/jobs/gorouter/config/certs/ca.crt`. */
function pathOf({ place }: TrustFile): string {
  const at = place.indexOf(':/');
  return at === -1 ? place : place.slice(at + 1);
}

function groupFiles<Key>(
  files: readonly TrustFile[],
  keyOf: (certificate: ports.Certificate) => Key,
): ReadonlyMap<Key, readonly TrustFile[]> {
  const groups = new Map<Key, Set<TrustFile>>();
  for (const file of files)
    for (const certificate of file.certificates) {
      const key = keyOf(certificate);
      const group = groups.get(key) ?? new Set();
      groups.set(key, group.add(file));
    }
  return new Map([...groups].map(([key, group]) => [key, [...group]]));
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
