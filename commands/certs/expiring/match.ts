import { finderFor, type ports } from '../../kit.ts';

export interface Matcher {
  readonly matches: (seen: Pick<ports.SeenPlace, 'place' | 'chain' | 'path'>) => boolean;
  readonly matchesManaged: (managed: ports.ManagedCertificate) => boolean;
  readonly noteUnread: (store: StoreRole, unseen: ports.UnseenPlace) => void;
  readonly matched: () => number;
  /** Valid only after everything was examined. */
  readonly unread: () => readonly (ports.UnseenPlace & {
    readonly isMatch: boolean;
    readonly isUnrelated: boolean;
  })[];
}

type StoreRole = Pick<ports.CertificateStore, 'role' | 'storedIn'>;

/**
 * Decides which certificates `--match` keeps, and which unread places are unrelated to it.
 *
 * An unread place is unrelated if three things are true:
 * 1. It is a single place whose name says what it contains: not a folder, a pattern, a list or a source, which could contain anything, and
 * not an IP address, which could serve any name.
 * 2. The pattern does not match it.
 * 3. The pattern is about places: a place that was read matches, and no certificate matches only by its names, at a place that does not.
 *
 * Without the third condition, `--match locket` would be clear while the only site that serves Locket's certificate under another name is
 * down. All other places are related, and the report is then unknown: a wrong "clear" is worse than a wrong "unknown".
 */
export function matcherFor(pattern: string): Matcher {
  const found = finderFor(pattern);
  const unread: { readonly store: StoreRole; readonly unseen: ports.UnseenPlace }[] = [];
  let byPlace = 0;
  let byNameOnly = 0;
  const matches = (place: string, names: readonly string[]) => {
    if (found(place)) {
      byPlace += 1;
      return true;
    }
    const isNamed = names.some(found);
    if (isNamed) byNameOnly += 1;
    return isNamed;
  };
  return {
    matches: ({ place, chain, path = [] }) =>
      matches(
        place,
        [...chain, ...path].flatMap(({ name, subject, alternativeNames }) => [
          name,
          subject,
          ...alternativeNames,
        ]),
      ),
    matchesManaged: ({ place, name, automation, deployments = [] }) =>
      matches(place, [name, ...(automation?.dnsNames ?? []), ...deployments]),
    noteUnread: (store, unseen) => void unread.push({ store, unseen }),
    matched: () => byPlace + byNameOnly,
    unread: () => {
      const isAboutPlaces = byPlace > 0 && byNameOnly === 0;
      return unread.map(({ store, unseen }) => {
        const isMatch = found(unseen.place);
        return {
          ...unseen,
          isMatch,
          isUnrelated: isAboutPlaces && isOnePlace(store, unseen) && !isMatch,
        };
      });
    },
  };
}

/** `edge:www.example.com:443`, also with an address and types of keys after it; not `edge:10.0.0.5:8443`, `edge:trust /etc/ca.pem`. */
const NAMED_SITE = /^[^:\s]+:(?:\w+:\/\/)?(?=[^\s/]*[a-z])(?:[^\s@:/]+@)?[^\s@:/]+:\d+(?: \([^)]*\))*$/i;
/**
 * Files that by convention contain one certificate with its chain, and whose name says what it is for. Folders are not named like this. Key
 * stores, PKCS #7 files and archives contain any number of certificates, whatever their name, and so does a numbered entry (`all.pem#2`).
 */
const FILE = /\.(?:pem|crt|cer|cert|der|key)$/i;
/** Names of such files that contain many certificates: `ca-bundle.crt`, `fullchain.pem`, `all.pem`, `ca.pem`. */
const BUNDLE =
  /(?:bundle|chain|certs|certificates|trust|store)[^/]*$|(?:^|[^a-z])(?:all|cas?|roots?|combined)(?:[^a-z/][^/]*)?$/i;

function isOneCertificate(place: string): boolean {
  return FILE.test(place) && !BUNDLE.test(place) && !/[*?[\]{}]/.test(place);
}

/** Whether a name stands for a single place and says what it contains. false if that is uncertain. */
function isOnePlace({ role, storedIn }: StoreRole, { place, error }: ports.UnseenPlace): boolean {
  if (role === 'served') return NAMED_SITE.test(place);
  switch (storedIn) {
    case 'files':
      return isOneCertificate(place) && !/larger than/.test(error.message);
    case 'secrets':
      // A key of a secret (`vault:secret/cf/uaa:certificate`), or a secret that may be listed but not read.
      return !place.endsWith('/') && (/:.+:/.test(place) || /\blacks `read`/.test(error.message));
    default:
      return false;
  }
}
