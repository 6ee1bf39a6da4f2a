import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import type { Report } from '../../src/check/finding.ts';
import type { NewSample, SavedSample } from '../../src/check/remembers.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { makeRedact } from '../../src/text/redact.ts';

export interface RecordedRun {
  readonly report: Report;
  /** As it is written to the file. */
  readonly text: string;
  readonly recording: Recording;
  /** What the run would save, for a check that remembers samples. */
  readonly samples: readonly NewSample[];
}

export interface RecordRunOptions {
  readonly args?: Readonly<Record<string, string>>;
  readonly earlier?: readonly SavedSample[];
  /** The secrets in the configuration. */
  readonly secrets?: readonly string[];
}

/** Runs a check against sources as `wrench run --record` does. */
export async function recordRun(
  name: string,
  sources: readonly object[],
  { args = {}, earlier, secrets = [] }: RecordRunOptions = {},
): Promise<RecordedRun> {
  const check = (await loadCatalogue()).checks.get(name)!;
  const { environments: configured } = configSchema.parse({ environments: { prod: { sources } } });
  const now = new Date();
  const recorder = startRecorder(now, secrets);
  const environments = await openEnvironments(configured, recorder);
  const asked = { check: name, environment: 'prod', args, ...(earlier && { earlier }) };
  let samples: readonly NewSample[] = [];
  try {
    const report = await runCheck(check, {
      ...asked,
      now,
      read: environments.get('prod')?.readers ?? {},
      signal: new AbortController().signal,
      deadlineMs: 40_000,
      redact: makeRedact(secrets),
      onSamples: (made) => (samples = made),
    });
    const text = recorder.write({ ...asked, sources: configured['prod']!.sources });
    return { report, text, recording: JSON.parse(text) as Recording, samples };
  } finally {
    await closeEnvironments(environments);
  }
}
