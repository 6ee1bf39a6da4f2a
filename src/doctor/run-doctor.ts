import { makeRedact } from '../text/redact.ts';
import { within } from '../telemetry/within.ts';
import { type Config, ConfigError, type ProcessSettings } from '../config/read-config.ts';
import { examineAuditCopy } from './audit-copy.ts';
import { namedIn } from './named-ids.ts';
import { because, doubtful, ill, type Line, well } from './line.ts';
import { type AskRedis, examineRedis } from './redis.ts';
import { examinePolicy, type Memory } from './remediations.ts';
import { examinePosting, provePosting } from './posting.ts';
import { callSlack, examineSlack } from './slack.ts';
import type { Source } from '../ports/source.ts';

/** What the doctor looks at; the composition root opens what there is to open. */
export interface Patient {
  /** Which role will run with it: the bot needs Slack, a worker must not have its tokens. */
  readonly role: 'bot' | 'worker' | 'all';
  readonly settings: ProcessSettings | ConfigError;
  readonly config: Config | ConfigError;
  /** Sends a command to the configured Redis. Absent: the configuration did not get that far. */
  readonly askRedis?: AskRedis;
  /** What that Redis remembers of remediations. */
  readonly memory?: Memory;
  /** The id of a channel in which to test whether Slack drops repeated posts. */
  readonly provePostingIn?: string;
  /** The remediations that there are, as `etcd/doppler:restart`. */
  readonly remediations: readonly string[];
  readonly sources: readonly { readonly environment: string; readonly source: Source }[];
  /** How long each answer is waited for. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** Examines everything at once. Never throws: what fails is a line, with its cure; no line shows a secret. */
export async function runDoctor(patient: Patient): Promise<readonly Line[]> {
  const { settings, askRedis, memory, sources, timeoutMs = TIMEOUT_MS } = patient;
  const slow: readonly Promise<readonly Line[]>[] = [
    ...(askRedis ? [examineRedis(askRedis, timeoutMs, memory)] : []),
    ...(settings instanceof ConfigError ? [] : [examineRole(patient, settings, timeoutMs)]),
    ...sources.map(async ({ environment, source }) => [await examineSource(environment, source, timeoutMs)]),
  ];
  const lines = [examineConfiguration(patient), ...(await Promise.all(slow))];
  const redact = makeRedact(secretsOf(patient));
  return lines.flat().map(({ said, cure, ...line }) => ({
    ...line,
    said: redact(said),
    ...(cure !== undefined && { cure: redact(cure) }),
  }));
}

/** The process' exit code: 1 where anything failed; a warning is not a failure. */
export function exitCodeOf(lines: readonly Line[]): 0 | 1 {
  return lines.some(({ level }) => level === 'failed') ? 1 : 0;
}

const MARKS = { ok: '✔', warning: '!', failed: '✖' } as const;

/** For people: one line each, the cure below it. */
export function writeLines(lines: readonly Line[]): string {
  return lines
    .flatMap(({ level, about, said, cure }) => [
      `${MARKS[level]} ${about}: ${said}\n`,
      ...(cure === undefined ? [] : [`    ${asSentence(cure)}\n`]),
    ])
    .join('');
}

/** Sources write their cures as they please. */
function asSentence(text: string): string {
  const end = /[.?!]$/.test(text) ? '' : '.';
  return text.charAt(0).toUpperCase() + text.slice(1) + end;
}

/** For machines: one JSON document. */
export function writeLinesAsJson(lines: readonly Line[]): string {
  return `${JSON.stringify({ ok: exitCodeOf(lines) === 0, lines }, null, 2)}\n`;
}

function examineConfiguration({ role, settings, config, remediations }: Patient): readonly Line[] {
  const broken = [settings, config].filter((one) => one instanceof ConfigError);
  const lines = broken.flatMap(({ file, problems }) =>
    problems.map(({ at, path, what, cure }) => {
      const where = [at ? `${file}:${at.line}:${at.column}` : file, path].filter(Boolean).join(' ');
      return ill('configuration', `${where}: ${what}`, cure ?? 'Correct it; the README has the reference');
    }),
  );
  return config instanceof ConfigError
    ? lines
    : [...lines, ...examineConfig(config, role), ...examinePolicy(config, remediations)];
}

function examineConfig({ environments, defaultEnvironment }: Config, role: Patient['role']): readonly Line[] {
  const names = Object.keys(environments);
  const count = Object.values(environments).reduce((sum, { sources }) => sum + sources.length, 0);
  // The bot leaves the sources unread: they are the worker's.
  const sources = role === 'bot' ? '' : `: ${count} ${count === 1 ? 'source' : 'sources'}`;
  const line = well('configuration', `${names.join(', ')}${sources}`);
  if (defaultEnvironment !== undefined) return [line];
  const cure = 'Name one as `defaultEnvironment`, or let people say --env where the channel does not tell';
  return [line, doubtful('configuration', 'no environment is the default', cure)];
}

const UNKNOWN: Pick<Config, 'roles' | 'environments' | 'commands' | 'audit'> = {
  roles: { requester: [], approver: [], auditor: [] },
  environments: {},
  commands: {},
  audit: {},
};

async function examineRole(
  { role, config, memory, provePostingIn }: Patient,
  settings: ProcessSettings,
  timeoutMs: number,
): Promise<readonly Line[]> {
  if (role !== 'worker') {
    const isUnread = config instanceof ConfigError;
    const known = isUnread ? UNKNOWN : config;
    const copied = isUnread ? [] : await examineAuditCopy(known.audit.copyTo);
    const slack = await examineSlack(settings, namedIn(known), timeoutMs);
    const token = settings.slackBotToken;
    if (!memory || token === undefined) return [...copied, ...slack];
    const posting =
      provePostingIn === undefined
        ? await examinePosting(memory.repeats.read)
        : await provePosting(callSlack(settings, token, timeoutMs), provePostingIn, memory.repeats.save);
    return [...copied, ...slack, posting];
  }
  if (settings.slackBotToken === undefined && settings.slackAppToken === undefined) return [];
  return [
    doubtful(
      'Slack',
      'a worker holds a Slack token, and needs none',
      'Take SLACK_BOT_TOKEN and SLACK_APP_TOKEN out of its environment',
    ),
  ];
}

async function examineSource(environment: string, source: Source, timeoutMs: number): Promise<Line> {
  const about = `${environment}/${source.name}`;
  try {
    const { ok, summary, hint } = await within(timeoutMs, source.healthCheck(AbortSignal.timeout(timeoutMs)));
    return ok
      ? well(about, summary)
      : ill(about, summary, hint ?? `Look at the source \`${source.name}\` in the file`);
  } catch (error) {
    return ill(about, because(error), `Look at whether ${source.kind} answers from here`);
  }
}

function secretsOf({ settings, config }: Patient): readonly string[] {
  return [settings, config].flatMap((one) => (one instanceof ConfigError ? [] : one.secrets));
}
