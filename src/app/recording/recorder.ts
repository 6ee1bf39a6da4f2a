import type { Source } from '../../ports/source.ts';
import { makeRedactWhole } from '../../text/redact.ts';
import { secretEncodings } from '../../text/secret-encodings.ts';
import { type HideSecrets, makeHideSecrets } from '../../wire/hide-secrets.ts';
import type { EnvironmentRecorder } from '../environments.ts';
import { recordBuilds } from './record-builds.ts';
import { recordDatabase } from './record-database.ts';
import { recordHosts } from './record-hosts.ts';
import { recordLogs } from './record-logs.ts';
import { recordPipelines } from './record-pipelines.ts';
import { recordStore } from './record-store.ts';
import { recordSource } from './record-source.ts';
import type { Answered, Asked, RecordedAnswer, Recording } from './recording.ts';

export interface Recorder extends EnvironmentRecorder {
  /** The recording up to now as JSON, pretty-printed, with its answers in a stable order. */
  readonly write: (run: Omit<Recording, 'now' | 'answers'>) => string;
}

/**
 * Starts the recording of a run. Nothing in it contains one of `secrets` in any encoding, a private key, or a value whose name indicates a secret.
 * @param now when the run starts
 */
export function startRecorder(now: Date, secrets: readonly string[]): Recorder {
  const hide = makeHideSecrets(makeRedactWhole(secrets.flatMap(secretEncodings)));
  // Secrets are searched for after the run, so that the search doesn't delay the sources.
  const noted: (() => RecordedAnswer)[] = [];
  const startedAt = performance.now();
  const noteFrom =
    ({ kind, name }: Pick<Source, 'kind' | 'name'>) =>
    (asked: Asked, answered: Answered) => {
      const afterMs = Math.round((performance.now() - startedAt) * 1_000) / 1_000;
      const from = `${kind}:${name}`;
      const hidden = hide.inJson(asked) as Asked;
      noted.push(() => ({ from, ...hideIn(hide, hidden, answered), afterMs }) as RecordedAnswer);
    };
  return {
    source: (config) => recordSource(config.name, noteFrom(config), hide),
    opened: (source) => {
      const { builds, certificates, databases, hosts, logs, pipelines } = source.reads;
      if (!builds && !certificates && !databases && !hosts && !logs && !pipelines) return source;
      const note = noteFrom(source);
      const recorded = {
        ...(builds && { builds: recordBuilds(builds, note) }),
        ...(certificates && { certificates: recordStore(certificates, note) }),
        ...(databases && { databases: recordDatabase(databases, note) }),
        ...(hosts && { hosts: recordHosts(hosts, note) }),
        ...(logs && { logs: recordLogs(logs, note) }),
        ...(pipelines && { pipelines: recordPipelines(pipelines, note) }),
      };
      return { ...source, reads: { ...source.reads, ...recorded } };
    },
    write: (run) => {
      const { check, environment, args, ...rest } = hide.inJson(run) as typeof run;
      const asked = { check, environment, args, now: now.toISOString() };
      const answers = noted.map((answer) => answer()).toSorted(byOrigin);
      const recording: Recording = { ...asked, ...rest, answers };
      return `${JSON.stringify(recording, null, 2)}\n`;
    },
  };
}

/** The answer without secrets. An answer that is nested too deeply to be searched for secrets is left out: recording must not make a run fail. */
function hideIn(hide: HideSecrets, asked: Asked, answered: Answered): object {
  try {
    return { ...asked, ...(hide.inJson(answered()) as object) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...asked, error: { kind: 'other', message: 'the answer is nested too deeply to be recorded' } };
  }
}

/** Answers to the same request stay in the order in which they came. */
function byOrigin(one: RecordedAnswer, other: RecordedAnswer): number {
  const [a, b] = [originOf(one), originOf(other)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function originOf(answer: RecordedAnswer): string {
  const { from, at = '', request = '', place = '', observed = '' }: Asked & { from: string } = answer;
  return JSON.stringify([from, at, request, place, observed]);
}
