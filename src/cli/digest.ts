import { compareDigest } from '../check/compare-digest.ts';
import { digestHeadline } from '../check/digest-in-words.ts';
import { listDigest } from '../check/digest-listing.ts';
import { type Config, readEnvironment } from '../config/read-config.ts';
import { openQueues, PREFIX, runIdOf } from '../queue/queues.ts';
import { type DigestStore, openDigests } from '../store/digests/open-digests.ts';
import { isDigestRunning } from '../store/digests/schedule.ts';
import { readClock } from '../store/read-clock.ts';
import { renderDigestTerminal } from '../terminal/digest.ts';
import { renderDigestListTerminal } from '../terminal/digest-list.ts';
import { type HelpPage, renderHelpPage } from '../terminal/help-page.ts';
import { HELP_FLAG, REPORT_EXIT_CODES, unexpectedText, unknownText, usageErrorText } from './shared/usage.ts';
import { DEMO, demoSettings } from './shared/demo.ts';
import { parseFlags } from './shared/parse-flags.ts';
import { type RedisSession, withRedis } from './shared/redis.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';

const HELP: HelpPage = {
  about: 'List digests, run one now, or show what its last run found.',
  usage: ['wrench digest list', 'wrench digest run NAME', 'wrench digest show NAME [--json]'],
  lists: {
    Commands: {
      list: 'List the digests: when they run, and what they found',
      run: 'Run a digest now. It is posted in its channel',
      show: 'Show what the last run of a digest found',
    },
    Flags: {
      '--env demo': 'Use the digests of the running demo (`npm run demo`)',
      '--json': 'With show: print only the last run, as JSON',
      ...HELP_FLAG,
    },
    'Exit codes of show': REPORT_EXIT_CODES,
  },
};
const VERBS = ['list', 'run', 'show'] as const;

/** `wrench digest`. `show` exits with 2 if the digest has not run yet. @returns the exit code. */
export async function digest(words: readonly string[], terminal: Terminal): Promise<number> {
  const parsed = parseFlags(words, ['env'], ['json']);
  if (typeof parsed === 'string') return usageError(parsed, terminal);
  const [word = 'list', name, stray] = parsed.positionals;
  if (parsed.asksForHelp) {
    terminal.out(renderHelpPage(HELP));
    return EXIT.clear;
  }
  const verb = VERBS.find((one) => one === word);
  if (!verb) return usageError(unknownText('command', word, VERBS), terminal);
  const tooMany = verb === 'list' ? name : stray;
  if (tooMany !== undefined) return usageError(unexpectedText(tooMany), terminal);
  if (verb !== 'show' && parsed.switches.length > 0)
    return usageError('`--json` only works with `wrench digest show`.', terminal);
  if (verb !== 'list' && name === undefined)
    return usageError('Missing the name of a digest. To list them: wrench digest list', terminal);
  const { env } = parsed.flags;
  if (env !== undefined && env !== DEMO)
    return usageError(
      `Invalid environment \`${env}\` for \`--env\`. Only \`demo\` is possible: a digest has its own environments.`,
      terminal,
    );
  const settings = readEnvironment();
  const work = async (session: RedisSession): Promise<number> => {
    const { config, connection } = session;
    const digests = openDigests(connection, PREFIX);
    if (verb === 'list') return list(session, digests, terminal);
    const known = Object.keys(config.digests);
    const wanted = known.find((one) => one === name);
    if (wanted === undefined) return usageError(unknownText('digest', name ?? '', known), terminal);
    return verb === 'run'
      ? start(session, digests, wanted, terminal)
      : show(digests, wanted, parsed.switches.includes('json'), terminal);
  };
  return withRedis(terminal.error, work, env === DEMO ? demoSettings(settings) : settings);
}

async function list(
  { config, connection }: RedisSession,
  digests: DigestStore,
  { out }: Terminal,
): Promise<number> {
  const nowMs = await readClock(connection);
  const listings = [];
  for (const [name, digestConfig] of Object.entries(config.digests)) {
    const lastRun = await digests.lastRun(name);
    const history = { ...(await digests.read(name)), ...(lastRun && { lastRun }) };
    listings.push(listDigest(shownOf(name, digestConfig), history, { nowMs, showsResult: true }));
  }
  out(renderDigestListTerminal(listings, new Date(nowMs)));
  return EXIT.clear;
}

function shownOf(name: string, { cron, timeZone, channel, quiet }: Config['digests'][string]) {
  return { name, cron, timeZone, channel, isQuiet: quiet };
}

async function start(
  { config, connection }: RedisSession,
  digests: DigestStore,
  name: string,
  { out, error }: Terminal,
): Promise<number> {
  const channel = config.digests[name]?.channel ?? '';
  const state = await digests.read(name);
  if (state && isDigestRunning(state)) {
    out(`The digest ${name} is already running. Wrench will post it in ${channel}.\n`);
    return EXIT.clear;
  }
  const queues = openQueues(connection, (failure) => error(`wrench: Redis: ${failure.message}\n`));
  try {
    await queues.enqueueDigestStart({
      kind: 'start',
      name,
      runId: runIdOf(`terminal ${crypto.randomUUID()}`),
      asked: {
        by: 'terminal',
        teamId: '',
        channelId: channel,
        as: `wrench digest run ${name}`,
        at: new Date(await readClock(connection)).toISOString(),
      },
    });
  } finally {
    await queues.close();
  }
  out(`Running the digest ${name}. Wrench will post it in ${channel}.\n`);
  return EXIT.clear;
}

async function show(
  digests: DigestStore,
  name: string,
  asJson: boolean,
  terminal: Terminal,
): Promise<number> {
  const run = await digests.lastRun(name);
  if (!run) {
    terminal.error(`wrench: ${name} hasn't run yet. To run it now: wrench digest run ${name}\n`);
    return EXIT.unknown;
  }
  // Compared with nothing: shows everything that the run found.
  const changes = compareDigest(undefined, run);
  terminal.out(asJson ? `${JSON.stringify(run, null, 2)}\n` : renderDigestTerminal(run, changes, terminal));
  const headline = digestHeadline(changes);
  if (headline === 'CLEAR') return EXIT.clear;
  return headline === 'UNKNOWN' ? EXIT.unknown : EXIT.found;
}

function usageError(what: string, { error }: Terminal): number {
  error(usageErrorText(what, 'digest'));
  return EXIT.usage;
}
