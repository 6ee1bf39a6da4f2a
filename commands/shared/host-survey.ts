import { type Finding, nearest, type ports, type ReadContext, SourceError } from '../kit.ts';
import { chooseSources, splitNames } from './sources.ts';
import { field } from './evidence.ts';

/** One host and its source. */
export interface SurveyedHost {
  readonly source: ports.Hosts;
  readonly host: ports.Host;
  /** As findings name it: with its source in front if another source has a host of the same name. */
  readonly name: string;
}

/**
 * Asks one question of a host. An answer that can't be read is a gap, and undefined. Once a host couldn't be reached, its further questions are not
 * further gaps.
 */
export type AskHost = <T>(
  question: string,
  read: (query: ports.HostQuery) => Promise<T>,
) => Promise<T | undefined>;

/** Hosts whose keys were rejected, by the machine that presented the key. */
export interface RejectedHostKey {
  readonly key: NonNullable<SourceError['hostKey']>;
  /** The hosts that couldn't be read because of it. */
  readonly hosts: readonly string[];
  readonly message: string;
}

export interface HostSurvey<T> {
  readonly results: readonly T[];
  readonly rejectedKeys: readonly RejectedHostKey[];
}

interface Failure {
  readonly host: string;
  readonly question: string;
  readonly error: SourceError;
}

/** Gaps of this many hosts with one kind of failure are one gap. */
const MANY_HOSTS = 3;
/** Failures that are about the host, not about one question. */
const OF_THE_HOST: ReadonlySet<string | undefined> = new Set(['unreachable']);

/**
 * Reads all hosts at once, or those that `--source` and `--hosts` name. A host that doesn't answer is a gap and holds up no other host. `read` returns
 * undefined for a host with nothing to examine.
 */
export async function surveyHosts<T>(
  context: Pick<ReadContext<'hosts'>, 'read' | 'gap' | 'signal' | 'saw'>,
  args: { readonly source?: string | undefined; readonly hosts?: string | undefined },
  read: (host: SurveyedHost, ask: AskHost) => Promise<T | undefined>,
): Promise<HostSurvey<T>> {
  const failures: Failure[] = [];
  const results = await Promise.all(
    chooseHosts(context, args).map(async (one) => {
      let isLost = false;
      let answers = 0;
      const ask: AskHost = async (question, answer) => {
        try {
          const value = await answer({ host: one.host.name, signal: context.signal });
          answers += 1;
          return value;
        } catch (error) {
          const cause: unknown = context.signal.aborted ? context.signal.reason : error;
          if (!(cause instanceof SourceError)) throw error;
          const ofHost = cause.hostKey !== undefined || OF_THE_HOST.has(cause.kind);
          if (!(ofHost && isLost)) failures.push({ host: one.name, question, error: cause });
          isLost ||= ofHost;
          return undefined;
        }
      };
      const result = await read(one, ask);
      if (answers > 0) context.saw(one.source.name);
      return result;
    }),
  );
  reportGaps(context, failures);
  return { results: results.filter((one) => one !== undefined), rejectedKeys: rejectedKeysIn(failures) };
}

function chooseHosts(
  context: Pick<ReadContext<'hosts'>, 'read' | 'gap'>,
  args: { readonly source?: string | undefined; readonly hosts?: string | undefined },
): readonly SurveyedHost[] {
  const all = context.read.hosts.flatMap((source) => source.hosts.map((host) => ({ source, host })));
  const isShared = (name: string): boolean => all.filter(({ host }) => host.name === name).length > 1;
  const sources = new Set(chooseSources(context, 'hosts', args.source).map(({ name }) => name));
  const named = all
    .filter(({ source }) => sources.has(source.name))
    .map((one) => ({
      ...one,
      name: isShared(one.host.name) ? `${one.source.name}:${one.host.name}` : one.host.name,
    }));
  if (args.hosts === undefined) return named;
  const wanted = splitNames(args.hosts);
  const known = named.map(({ host }) => host.name);
  for (const name of wanted.filter((one) => !known.includes(one)))
    context.gap(`--hosts ${name}`, unknownHost(name, known));
  return named.filter(({ host }) => wanted.includes(host.name));
}

/** Someone named a host that none of the known ones is. */
export function unknownHost(name: string, known: readonly string[]): SourceError {
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return new SourceError(name, 'missing', `no host has this name${hint}`);
}

/** Many hosts with one kind of failure are one gap that counts them: 50 dead hosts must not hide the findings. */
function reportGaps({ gap }: Pick<ReadContext, 'gap'>, failures: readonly Failure[]): void {
  const groups = Map.groupBy(failures, ({ question, error }) =>
    error.hostKey || OF_THE_HOST.has(error.kind)
      ? `${error.kind} ${error.code}`
      : `${question} ${error.kind} ${error.code}`,
  );
  for (const group of groups.values()) {
    const [{ question, error: first }] = group as [Failure, ...Failure[]];
    const error = withoutKey(first);
    const isOfHost = error.hostKey !== undefined || OF_THE_HOST.has(error.kind);
    if (group.length <= MANY_HOSTS)
      for (const one of group)
        gap(isOfHost ? one.host : `${one.host}: ${one.question}`, withoutKey(one.error));
    else {
      const names = group.map(({ host }) => host).toSorted();
      const shown = `${names.slice(0, MANY_HOSTS).join(', ')} and ${names.length - MANY_HOSTS} more`;
      gap(
        isOfHost ? shown : `${shown}: ${question}`,
        new SourceError(error.source, error.kind, error.message, {
          places: names.length,
          placeNames: names,
          cause: error,
        }),
      );
    }
  }
}

/** A rejected host key is a finding, which explains it. */
function withoutKey(error: SourceError): SourceError {
  const { source, kind, code, hostKey } = error;
  return hostKey
    ? new SourceError(source, kind, 'the host key was rejected', {
        ...(code !== undefined && { code }),
        hostKey,
      })
    : error;
}

function rejectedKeysIn(failures: readonly Failure[]): readonly RejectedHostKey[] {
  const rejected = failures.flatMap(({ host, error }) =>
    error.hostKey ? [{ host, key: error.hostKey, message: error.message }] : [],
  );
  return [...Map.groupBy(rejected, ({ key }) => `${key.host} ${key.is} ${key.fingerprint}`).values()].map(
    (group) => ({
      key: group[0]!.key,
      message: group[0]!.message,
      hosts: [...new Set(group.map(({ host }) => host))].toSorted(),
    }),
  );
}

/** A finding for each machine whose host key was rejected. Its hosts are gaps as well. */
export function hostKeyFindings(rejected: readonly RejectedHostKey[]): readonly Finding<never>[] {
  return rejected.map(({ key, hosts, message }) => ({
    reason: key.is === 'changed' || key.is === 'revoked' ? 'host-key-changed' : 'host-key-unknown',
    severity: 'warning',
    target: key.host,
    ...(hosts.length > 1 && { targets: hosts }),
    summary: `${rejectionInWords(key)}, so Wrench didn't log in. ${key.is === 'changed' ? 'The connection may be intercepted. ' : ''}Verify the key on the host`,
    evidence: [field('Host key', key.fingerprint), field('Details', message)],
  }));
}

function rejectionInWords({ host, is }: RejectedHostKey['key']): string {
  switch (is) {
    case 'unknown':
      return `The host key of ${host} is unknown`;
    case 'changed':
      return `The host key of ${host} has changed`;
    case 'revoked':
      return `The host key of ${host} was revoked`;
    case 'other type':
      return `The host key of ${host} is of a type that isn't known for it`;
  }
}
