import { type Catalogue, loadCatalogue } from '../request/catalogue.ts';
import {
  type Config,
  ConfigError,
  type ProcessSettings,
  readConfig,
  readEnvironment,
} from '../config/read-config.ts';
import { loadVariables } from '../config/variables.ts';
import {
  exitCodeOf,
  type DoctorInput,
  runDoctor,
  writeLines,
  writeLinesAsJson,
} from '../doctor/run-doctor.ts';
import { failed, type DoctorLine, ok } from '../doctor/line.ts';
import type { CallRedis } from '../doctor/redis.ts';
import type { StoredState } from '../doctor/remediations.ts';
import { seenHeadMismatchInRedis } from '../store/audit/find-entry.ts';
import { type AuditLog, openAuditLog, parseEntry } from '../store/audit/audit-log.ts';
import { openAuditCopyStates } from '../store/audit/copy-states.ts';
import { confirmDurability } from '../store/remediation/durability.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { headFileOf, invalidHeadReason, readHeadFile } from '../store/audit/head-file.ts';
import { openPostDeduplication } from '../store/thread/post-deduplication.ts';
import { connectBlocking, type RedisConnection } from '../queue/connection.ts';
import { findLocalRedis, NoRedis } from '../queue/local-redis.ts';
import { PREFIX } from '../queue/queues.ts';
import { configuredRedis, findRedis } from '../app/shared.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';
import { type HelpPage, renderHelpPage } from '../terminal/help-page.ts';
import { HELP_FLAG, unexpectedText, unknownText, usageErrorText } from './shared/usage.ts';
import { type ParsedFlags, parseFlags } from './shared/parse-flags.ts';
import { closeEnvironments, openEnvironments } from '../app/environments.ts';

const HELP: HelpPage = {
  about: "Check the configuration, Redis, Slack and the sources, and show how to fix what's wrong.",
  usage: ['wrench doctor [bot|worker] [--json] [--prove-posting CHANNEL]'],
  lists: {
    Roles: {
      bot: 'Check only what the bot needs',
      worker: 'Check only what the worker needs',
    },
    Flags: {
      '--json': 'Print the result as JSON',
      '--prove-posting CHANNEL':
        'Post a message twice in this channel (an ID such as C0123ABC), delete it, and save whether Slack dropped the second. The bot must be in the channel',
      ...HELP_FLAG,
    },
    'Exit codes': {
      '0': 'Nothing failed',
      '1': 'Something failed',
      '64': 'The command line is invalid',
    },
  },
};

/** `wrench doctor`. @returns the exit code: 0, or 1 if anything failed. */
export async function doctor(
  words: readonly string[],
  { out, error }: Pick<Terminal, 'out' | 'error'>,
): Promise<number> {
  const parsed = parseFlags(words, ['prove-posting'], ['json']);
  const wrong = typeof parsed === 'string' ? parsed : usageProblem(parsed);
  if (typeof parsed === 'string' || wrong !== undefined) {
    error(usageErrorText(wrong ?? '', 'doctor'));
    return EXIT.usage;
  }
  if (parsed.asksForHelp) {
    out(renderHelpPage(HELP));
    return 0;
  }
  const [named] = parsed.positionals;
  const role = named === 'bot' || named === 'worker' ? named : 'all';
  const provePostingIn = parsed.flags['prove-posting'];
  const settings = orConfigError(() => readEnvironment());
  const { checks } = await loadCatalogue();
  const config = readConfigFor(role, settings, checks);
  const environments = await openEnvironments(config instanceof ConfigError ? {} : config.environments);
  const redis = await connectRedis(settings, config);
  try {
    const sources = [...environments.values()].flatMap(({ name, sources: opened }) =>
      opened.map((source) => ({ environment: name, source })),
    );
    const input: DoctorInput = {
      role,
      settings,
      config,
      sources,
      checks,
      ...redis.open,
      ...(provePostingIn !== undefined && { provePostingIn }),
    };
    const lines = [...(await runDoctor(input)), ...redis.lines];
    out(parsed.switches.includes('json') ? writeLinesAsJson(lines) : writeLines(lines));
    return exitCodeOf(lines);
  } finally {
    await closeEnvironments(environments);
    await redis.close();
  }
}

function usageProblem({ positionals, flags }: ParsedFlags): string | undefined {
  const [role, ...more] = positionals;
  if (role !== undefined && !['bot', 'worker', 'all'].includes(role))
    return unknownText('role', role, ['bot', 'worker']);
  if (more[0] !== undefined) return unexpectedText(more[0]);
  const channel = flags['prove-posting'];
  if (channel === undefined) return undefined;
  if (role === 'worker') return "`--prove-posting` needs the bot token, which a worker doesn't have.";
  if (/^[CGD][A-Z0-9]{2,}$/.test(channel)) return undefined;
  return `Invalid channel \`${channel}\` for \`--prove-posting\`. Use the ID of a channel, such as C0123ABC.`;
}

function orConfigError<T>(read: () => T): T | ConfigError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function readConfigFor(
  role: DoctorInput['role'],
  settings: ProcessSettings | ConfigError,
  checks: Catalogue['checks'],
): Config | ConfigError {
  // The file is read even if a token is invalid.
  const { configPath: path } =
    settings instanceof ConfigError
      ? readEnvironment({ WRENCH_CONFIG: loadVariables()['WRENCH_CONFIG'] })
      : settings;
  return orConfigError(() =>
    readConfig(path, undefined, { sources: role === 'bot' ? 'skip' : 'read', checks }),
  );
}

interface OpenedRedis {
  readonly open?: Required<Pick<DoctorInput, 'callRedis' | 'stored'>>;
  readonly lines: readonly DoctorLine[];
  readonly close: () => Promise<void>;
}

/** Connects to the configured Redis, or to the private one, which another Wrench process may have started. */
async function connectRedis(
  settings: ProcessSettings | ConfigError,
  config: Config | ConfigError,
): Promise<OpenedRedis> {
  const nothing = async () => undefined;
  if (settings instanceof ConfigError || config instanceof ConfigError) return { lines: [], close: nothing };
  try {
    const running = configuredRedis(settings, config) ? undefined : await findLocalRedis(settings.dataPath);
    const found = running
      ? { redis: running, close: nothing }
      : await findRedis(settings, config, () => undefined);
    const disconnected = Promise.withResolvers<never>();
    disconnected.promise.catch(() => undefined);
    const connection = connectBlocking(found.redis, disconnected.reject);
    const ask: CallRedis = (command, ...words) =>
      Promise.race([connection.call(command, ...words), disconnected.promise]);
    const headFile = headFileOf(config.audit.copyTo, settings.dataPath);
    const close = async () => {
      connection.disconnect();
      await found.close();
    };
    return { open: { callRedis: ask, stored: storedStateIn(connection, headFile) }, lines: [], close };
  } catch (error) {
    if (!(error instanceof NoRedis)) throw error;
    const inUse = error.message.includes('in use');
    const line = inUse
      ? ok('Redis', 'another Wrench process is using the private Redis')
      : failed('Redis', error.message, 'Install Redis, or set REDIS_URL.');
    return { lines: [line], close: nothing };
  }
}

function storedStateIn(connection: RedisConnection, headFile: string): StoredState {
  const auditLog = openAuditLog(connection, PREFIX);
  return {
    durability: () => confirmDurability(connection),
    frozen: openFreeze(connection, PREFIX, auditLog).read,
    repeats: openPostDeduplication(connection, PREFIX),
    audit: async () => {
      const { head, lastId } = await auditLog.end();
      const newest = lastId === undefined ? [] : await auditLog.pageBackwards(undefined, lastId);
      const last = newest.find(({ id }) => id === lastId);
      const entries = await connection.xlen(auditLog.streamKey);
      return { head, entries, ...(last && { last: parseEntry(last.raw) ?? 'unreadable' }) };
    },
    auditEnd: () => auditEndProblem(auditLog, headFile),
    copies: openAuditCopyStates(connection, PREFIX).list,
  };
}

/** Without a head file on this host there is nothing to compare with. */
async function auditEndProblem(auditLog: AuditLog, headFile: string): ReturnType<StoredState['auditEnd']> {
  const seen = await readHeadFile(headFile).catch((error: NodeJS.ErrnoException) => ({ code: error.code }));
  if (seen === 'missing') return undefined;
  if (seen === 'invalid') return { because: invalidHeadReason(headFile), isUnknown: false };
  if ('code' in seen) return { because: `couldn't read ${headFile} (${seen.code})`, isUnknown: true };
  const because = await seenHeadMismatchInRedis(auditLog, seen);
  return because === undefined ? undefined : { because, isUnknown: false };
}
