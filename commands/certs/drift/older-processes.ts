import { wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import type { Facts } from './collect.ts';
import { isReloadedInPlace, readerOf } from './file-readers.ts';
import type { DriftFinding } from './finding-words.ts';
import type { Matched } from './match.ts';
import { type FileOnHost, filesOnHosts } from './process-times.ts';
import { nameOfFile, processOf, type RunningProcess } from './running-process.ts';
import { isStale } from './stale-sites.ts';
import { isStaticPod, staticPodSteps } from './static-pods.ts';

/** A process may be started at any moment of a deploy. */
const PATIENCE_MS = 10 * 60_000;

export interface OlderProcesses {
  readonly findings: readonly DriftFinding[];
  /** How many processes were compared with their files. */
  readonly compared: number;
}

type Started = RunningProcess & { readonly startedAt: Date };

interface Compared {
  readonly file: FileOnHost;
  readonly process: Started;
}

/**
 * Processes that are older than a certificate file that they read only when they start. That they serve the former certificate is inferred, so what a site
 * shows decides: a site that serves the content of the file has loaded it, and one that doesn't is a finding already.
 */
export function reportOlder(
  { survey, processTimes }: Pick<Facts, 'survey' | 'processTimes'>,
  matched: readonly Matched[],
  now: Date,
): OlderProcesses {
  const isShown = shownBySites(survey.places, matched);
  const compared = filesOnHosts(survey).flatMap((file): readonly Compared[] => {
    if (readerOf(file.place)?.reloads !== false || isShown(file)) return [];
    const {
      place,
      store,
      host,
      chain: [leaf],
    } = file;
    const process = processOf({ place, store, host, leaf }, processTimes, survey);
    const isFromPrograms = processTimes.programs.some(
      (one) => one.host === host && one.program === process?.name,
    );
    // A supervisor knows only the oldest process of these.
    if (!process?.startedAt || (isReloadedInPlace(process.name) && !isFromPrograms)) return [];
    return [{ file, process: { ...process, startedAt: process.startedAt } }];
  });
  const older = compared.filter(
    ({ file: { storedSince }, process }) =>
      process.startedAt < storedSince && now.getTime() - storedSince.getTime() > PATIENCE_MS,
  );
  const groups = Map.groupBy(older, ({ file, process }) => `${file.host} ${process.name}`);
  return {
    compared: new Set(compared.map(({ file, process }) => `${file.host} ${process.name}`)).size,
    findings: [...groups].map(([target, all]) => findingFor(target, all, now)),
  };
}

/** Without the machine of a site, it shows only a certificate that is on one machine. */
function shownBySites(
  places: Facts['survey']['places'],
  matched: readonly Matched[],
): (file: FileOnHost) => boolean {
  const hosts = Map.groupBy(
    places.filter(({ role, host }) => role === 'stored' && host !== undefined),
    ({ chain: [leaf] }) => leaf.fingerprint,
  );
  const staleAt = new Set(matched.filter(isStale).map(({ origin }) => origin.at.place));
  return ({ place, host, chain: [leaf] }) => {
    const isOnlyHere = (hosts.get(leaf.fingerprint) ?? []).every((one) => one.host === host);
    return (
      staleAt.has(place) ||
      matched.some(
        (one) =>
          one.leaf.fingerprint === leaf.fingerprint &&
          (one.host === undefined ? isOnlyHere : one.host === host),
      )
    );
  };
}

function findingFor(target: string, all: readonly Compared[], now: Date): DriftFinding {
  const [first] = all.toSorted((a, b) => b.file.storedSince.getTime() - a.file.storedSince.getTime());
  if (!first) throw new TypeError('a group has members');
  const { file, process } = first;
  const { host, storedSince } = file;
  const isPod = isStaticPod(process.name);
  const files = all.map((one) => nameOfFile(one.file.place, host)).toSorted();
  const { restart } = process;
  return {
    reason: 'process-older-than-file',
    severity: 'warning',
    target,
    summary: `${process.name} on ${host} has run since ${wording.utcTime(process.startedAt)}, but its certificate file changed at ${wording.utcTime(storedSince)} (${wording.span(now.getTime() - storedSince.getTime())} ago): it may still use the former certificate. ${isPod ? `Restart the static pod ${process.name}` : 'Reload or restart it'}`,
    evidence: [
      ...steps(isPod ? staticPodSteps(process.name, host) : []),
      field(
        'Inferred',
        'from the times of process and file; a process that reads the file again needs no restart',
      ),
      field(files.length === 1 ? 'File' : 'Files', wording.list(files, 5)),
      ...optionalField(
        'Restart',
        restart && 'because' in restart ? `not offered: ${restart.because}` : undefined,
      ),
    ],
    ...(restart && 'params' in restart && { offers: [restart] }),
  };
}
