import type { UnseenPlace } from '../../ports/certificates.ts';
import type { ManagedCertificate } from '../../ports/managed-certificates.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { count } from '../../text/wording.ts';
import type { CredhubConfig } from './config.ts';
import { type CertificateEntryList, readCertificateList } from './read-list.ts';
import type { CredhubSession } from './session.ts';
import {
  activeVersionOf,
  isBelowPrefix,
  foldName,
  listedNameOf,
  toCredhubCertificate,
} from './to-managed.ts';

interface Listing {
  readonly config: CredhubConfig;
  readonly session: CredhubSession;
}

/**
 * All certificates that the credential can read, below the configured paths, in one request without key material. What can't be read is yielded as
 * `unseen`: an entry of an unknown shape, a path below which nothing is listed, an authority that is not listed.
 * @throws {SourceError} if there is no list.
 */
export async function* listCredhubCertificates(
  { config, session }: Listing,
  { signal, onProgress }: ReadOptions,
): AsyncGenerator<ManagedCertificate | UnseenPlace, void> {
  const { paths } = config;
  const list = await readCertificateList(session, signal);
  // Names first: an entry may name an authority that is listed later, in another case. Entries are not kept, because collecting them takes longer.
  const names = await readNames(list);
  onProgress?.({ read: names.listed.size, unit: 'certificates' });
  const problems = openProblems(config);
  const repeated = new Map<string, ManagedCertificate>();
  for await (const part of list.parts())
    for (const value of part) {
      const managed = toCredhubCertificate(config.name, value);
      if (!managed) {
        problems.addUnknown(value);
        continue;
      }
      const { name, signedBy } = managed;
      if (paths && !isBelowPrefix(name, paths)) continue;
      if (names.repeated.size > 0 && names.repeated.has(foldName(name))) {
        const before = repeated.get(foldName(name));
        if (before && !isSame(before, managed)) problems.addDifferent(before.name);
        if (before) continue;
        repeated.set(foldName(name), managed);
      }
      if (signedBy !== undefined) {
        const authority = names.listed.get(foldName(signedBy));
        if (authority === undefined) problems.addUnlisted(signedBy);
        else managed.signedBy = authority;
      }
      if (config.allow.renew && isRenewable(config, managed)) managed.renewable = true;
      yield managed;
    }
  yield* problems.all();
  yield* unlistedPaths(config, names.listed);
}

interface ListedNames {
  /** By the name in lower case. */
  readonly listed: ReadonlyMap<string, string>;
  /** In lower case. */
  readonly repeated: ReadonlySet<string>;
}

/** Also of entries that can't be used. */
async function readNames(list: CertificateEntryList): Promise<ListedNames> {
  const listed = new Map<string, string>();
  const repeated = new Set<string>();
  for await (const part of list.parts())
    for (const value of part) {
      const name = listedNameOf(value);
      if (name === undefined) continue;
      const key = foldName(name);
      if (listed.has(key)) repeated.add(key);
      else listed.set(key, name);
    }
  return { listed, repeated };
}

function unseen(
  { name: source }: CredhubConfig,
  name: string,
  kind: SourceErrorKind,
  message: string,
): UnseenPlace {
  return { kind: 'unseen', place: `${source}:${name}`, error: new SourceError(source, kind, message) };
}

/** Collects entries that can't be used, and what should be listed. */
function openProblems(config: CredhubConfig) {
  const found: UnseenPlace[] = [];
  const unlisted = new Set<string>();
  let unnamed = 0;
  const add = (name: string, message: string): void => {
    if (isBelowPrefix(name, config.paths)) found.push(unseen(config, name, 'malformed', message));
  };
  return {
    addUnknown: (value: unknown): void => {
      const name = listedNameOf(value);
      if (name === undefined) unnamed += 1;
      else add(name, 'CredHub lists it in an unknown format');
    },
    addDifferent: (name: string): void => add(name, 'CredHub lists it twice, with different versions'),
    /** An authority that signs what is listed. */
    addUnlisted: (name: string): void => {
      if (unlisted.has(foldName(name)) || !isBelowPrefix(name, config.paths)) return;
      unlisted.add(foldName(name));
      found.push(
        unseen(
          config,
          name,
          'missing',
          'it signs other certificates, but CredHub does not list it: it was deleted, or the credential has no permission `read` for it',
        ),
      );
    },
    all: (): readonly UnseenPlace[] => {
      if (unnamed === 0) return found;
      const entries = count(unnamed, 'entry', 'entries');
      return [...found, unseen(config, '/', 'malformed', `CredHub lists ${entries} without a name`)];
    },
  };
}

function isRenewable(
  { allow, paths }: CredhubConfig,
  { name, versions, renewedBy }: ManagedCertificate,
): boolean {
  return (
    renewedBy === 'store' &&
    activeVersionOf(versions) !== undefined &&
    isBelowPrefix(name, allow.renew?.paths ?? paths)
  );
}

/** A missing permission looks as if nothing were there. */
function* unlistedPaths(config: CredhubConfig, listed: ListedNames['listed']): Generator<UnseenPlace, void> {
  const { paths } = config;
  if (!paths && listed.size === 0)
    yield unseen(
      config,
      '/',
      'missing',
      'CredHub lists no certificates: there are none, or the credential has no permission `read` for them',
    );
  for (const path of paths ?? []) {
    if (listed.values().some((name) => isBelowPrefix(name, [path]))) continue;
    const message = `CredHub lists no certificate below ${path}: there is none, or the credential has no permission \`read\` for it`;
    yield unseen(config, path, 'missing', message);
  }
}

function isSame({ versions }: ManagedCertificate, other: ManagedCertificate): boolean {
  return (
    versions.length === other.versions.length &&
    versions.every(({ id, transitional }, at) => {
      const version = other.versions[at];
      return version?.id === id && version.transitional === transitional;
    })
  );
}
