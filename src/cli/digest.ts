import { compareDigest } from '../check/compare-digest.ts';
import { digestHeadline } from '../check/digest-in-words.ts';
import { listDigest, meantDigestWord } from '../check/digest-listing.ts';
import { type Config, readEnvironment } from '../config/read-config.ts';
import { openQueues, PREFIX, runIdOf } from '../queue/queues.ts';
import { type DigestStore, openDigests } from '../store/digests/open-digests.ts';
import { isDigestRunning } from '../store/digests/schedule.ts';
import { readClock } from '../store/read-clock.ts';
import { renderDigestTerminal } from '../terminal/digest.ts';
import { renderDigestListTerminal } from '../terminal/digest-list.ts';
import { DEMO, demoSettings } from './shared/demo.ts';
import { parseFlags } from './shared/parse-flags.ts';
import { type RedisSession, withRedis } from './shared/redis.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';

const USAGE = `Usage: wrench digest list
       wrench digest run <name>
       wrench digest show <name> [--json]

  --env demo  the digests of the demo that \`npm run demo\` has started
`;
const VERBS = ['list', 'run', 'show'] as const;

/**
 * `wrench digest list`, `wrench digest run <name>` and `wrench digest show <name>`, for whoever can reach Redis. `run` starts a digest, which is
 * then posted in its channel. `--env demo` is about the running demo. `show` exits like `wrench run`, with 2 if the digest has not run yet. @returns the exit code.
 */
export async function digest(words: readonly string[], terminal: Terminal): Promise<number> {
  const parsed = parseFlags(words, ['env'], ['json']);
  if (typeof parsed === 'string') return usageError(parsed, terminal);
  const [word = 'list', name, stray] = parsed.positionals;
  if (parsed.asksForHelp) {
    terminal.out(USAGE);
    return EXIT.clear;
  }
  const verb = VERBS.find((one) => one === word);
  if (!verb) return usageError(`There is no \`${word}\` here.${meantDigestWord(word, VERBS)}`, terminal);
  const tooMany = verb === 'list' ? name : stray;
  if (tooMany !== undefined) return usageError(`There is no \`${tooMany}\` here.`, terminal);
  if (verb !== 'show' && parsed.switches.length > 0)
    return usageError('`--json` is for `wrench digest show`.', terminal);
  if (verb !== 'list' && name === undefined)
    return usageError('Which digest? `wrench digest list` lists them.', terminal);
  const { env } = parsed.flags;
  if (env !== undefined && env !== DEMO)
    return usageError('A digest has its own environments. `--env` only takes `demo`.', terminal);
  const settings = readEnvironment();
  const work = async (session: RedisSession): Promise<number> => {
    const { config, connection } = session;
    const digests = openDigests(connection, PREFIX);
    if (verb === 'list') return list(session, digests, terminal);
    const known = Object.keys(config.digests);
    const wanted = known.find((one) => one === name);
    if (wanted === undefined)
      return usageError(
        `There is no digest \`${name ?? ''}\`.${meantDigestWord(name ?? '', known)}`,
        terminal,
      );
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
    out(`The digest ${name} is already running. It will be posted in ${channel}.\n`);
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
  out(`Running the digest ${name}. It will be posted in ${channel}.\n`);
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
    terminal.error(`wrench: ${name} has not run yet. To run it now: wrench digest run ${name}\n`);
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
  error(`wrench: ${what}\n${USAGE}`);
  return EXIT.usage;
}
