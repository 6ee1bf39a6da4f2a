import { makeRedact } from '../text/redact.ts';
import { capitalize, count } from '../text/wording.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { type Config, ConfigError, type ProcessSettings } from '../config/read-config.ts';
import { checkAuditCopy } from './audit-copy.ts';
import { configuredIdsIn } from './configured-ids.ts';
import { warning, failed, type DoctorLine, ok } from './line.ts';
import { type CallRedis, checkRedis } from './redis.ts';
import { checkRemediationPolicy, type StoredState } from './remediations.ts';
import { checkRepeatedPosts, testRepeatedPosts } from './repeated-posts.ts';
import { openSlackApi, checkSlack } from './slack.ts';
import { checkSource } from './sources.ts';
import type { Source } from '../ports/source.ts';

/** What the doctor checks. The caller opens the connections. */
export interface DoctorInput {
  /** The role to check: the bot needs Slack, a worker must not have its tokens. */
  readonly role: 'bot' | 'worker' | 'all';
  readonly settings: ProcessSettings | ConfigError;
  readonly config: Config | ConfigError;
  /** Sends a command to the configured Redis. Absent if the configuration names none that could be opened. */
  readonly callRedis?: CallRedis;
  /** What that Redis stores about remediations and the audit. */
  readonly stored?: StoredState;
  /** The id of a channel in which to test whether Slack drops repeated posts. */
  readonly provePostingIn?: string;
  readonly sources: readonly { readonly environment: string; readonly source: Source }[];
  /** All checks by name, for the permissions that they need in the sources. */
  readonly checks: ReadonlyMap<string, AnyCheck>;
  /** How long to wait for each response. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** Runs all checks concurrently. Never throws: a failure becomes a line with a hint. No line shows a secret. */
export async function runDoctor(input: DoctorInput): Promise<readonly DoctorLine[]> {
  const { settings, callRedis, stored, sources, checks, timeoutMs = TIMEOUT_MS } = input;
  const slow: readonly Promise<readonly DoctorLine[]>[] = [
    ...(callRedis ? [checkRedis(callRedis, timeoutMs, stored)] : []),
    ...(settings instanceof ConfigError ? [] : [checkRole(input, settings, timeoutMs)]),
    ...sources.map((opened) => checkSource({ ...opened, checks }, timeoutMs)),
  ];
  const lines = [checkConfiguration(input), ...(await Promise.all(slow))];
  const redact = makeRedact(secretsOf(input));
  return lines.flat().map(({ message, hint, ...line }) => ({
    ...line,
    message: redact(message),
    ...(hint !== undefined && { hint: redact(hint) }),
  }));
}

/** The exit code: 1 if anything failed; a warning is not a failure. */
export function exitCodeOf(lines: readonly DoctorLine[]): 0 | 1 {
  return lines.some(({ level }) => level === 'failed') ? 1 : 0;
}

const MARKS = { ok: '✔', warning: '!', failed: '✖' } as const;

/** For people: one line each, with its hint below. */
export function writeLines(lines: readonly DoctorLine[]): string {
  return lines
    .flatMap(({ level, about, message, hint }) => [
      `${MARKS[level]} ${about}: ${message}\n`,
      ...(hint === undefined ? [] : [`    ${asSentence(hint)}\n`]),
    ])
    .join('');
}

/** Hints of sources are not always sentences. */
function asSentence(text: string): string {
  return capitalize(/[.?!]$/.test(text) ? text : `${text}.`);
}

/** For machines: one JSON document. Its keys are an interface since 0.2: `said` is the message, `cure` the hint. */
export function writeLinesAsJson(lines: readonly DoctorLine[]): string {
  const written = lines.map(({ level, about, message: said, hint: cure }) => ({ level, about, said, cure }));
  return `${JSON.stringify({ ok: exitCodeOf(lines) === 0, lines: written }, null, 2)}\n`;
}

function checkConfiguration({ role, settings, config }: DoctorInput): readonly DoctorLine[] {
  const broken = [settings, config].filter((one) => one instanceof ConfigError);
  const lines = broken.flatMap((error) => problemLines(failed, error));
  return config instanceof ConfigError
    ? lines
    : [
        ...lines,
        ...(config.deprecated ? problemLines(warning, config.deprecated) : []),
        ...checkEnvironments(config, role),
        checkRemediationPolicy(config),
      ];
}

function problemLines(
  level: typeof failed | typeof warning,
  { file, problems }: Pick<ConfigError, 'file' | 'problems'>,
): readonly DoctorLine[] {
  return problems.map(({ at, path, what, hint }) => {
    const where = [at ? `${file}:${at.line}:${at.column}` : file, path].filter(Boolean).join(' ');
    return level(
      'configuration',
      `${where}: ${capitalize(what)}`,
      hint ?? 'Correct it: see docs/configuration.md',
    );
  });
}

function checkEnvironments(
  { environments, defaultEnvironment }: Config,
  role: DoctorInput['role'],
): readonly DoctorLine[] {
  const names = Object.keys(environments);
  const total = Object.values(environments).reduce((sum, { sources }) => sum + sources.length, 0);
  // The bot doesn't read the sources.
  const sources = role === 'bot' ? '' : `: ${count(total, 'source')}`;
  const status = ok('configuration', `${names.join(', ')}${sources}`);
  if (defaultEnvironment !== undefined) return [status];
  const hint = 'Set `defaultEnvironment`, or use --env in channels that are not listed under `channels`';
  return [status, warning('configuration', 'no default environment', hint)];
}

const NOTHING_CONFIGURED: Parameters<typeof configuredIdsIn>[0] = {
  digests: {},
  roles: { requester: [], approver: [], auditor: [] },
  environments: {},
  commands: {},
  audit: {},
  remediations: { remind: { alsoNotify: [] } },
};

async function checkRole(
  { role, config, stored, provePostingIn }: DoctorInput,
  settings: ProcessSettings,
  timeoutMs: number,
): Promise<readonly DoctorLine[]> {
  if (role !== 'worker') {
    const isUnread = config instanceof ConfigError;
    const known = isUnread ? NOTHING_CONFIGURED : config;
    const copied = isUnread ? [] : await checkAuditCopy(known.audit.copyTo);
    const slack = await checkSlack(settings, configuredIdsIn(known), timeoutMs);
    const token = settings.slackBotToken;
    if (!stored || token === undefined) return [...copied, ...slack];
    const posting =
      provePostingIn === undefined
        ? await checkRepeatedPosts(stored.repeats.read)
        : await testRepeatedPosts(
            openSlackApi(settings, token, timeoutMs),
            provePostingIn,
            stored.repeats.save,
          );
    return [...copied, ...slack, posting];
  }
  if (settings.slackBotToken === undefined && settings.slackAppToken === undefined) return [];
  return [
    warning(
      'Slack',
      'the worker has a Slack token, but needs none',
      'Remove SLACK_BOT_TOKEN and SLACK_APP_TOKEN from its environment',
    ),
  ];
}

function secretsOf({ settings, config }: DoctorInput): readonly string[] {
  return [settings, config].flatMap((one) => (one instanceof ConfigError ? [] : one.secrets));
}
