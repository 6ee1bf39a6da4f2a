import { compareDigest } from '../../check/compare-digest.ts';
import { listDigest, meantDigestWord } from '../../check/digest-listing.ts';
import type { DigestRun } from '../../check/digest-run.ts';
import { runIdOf } from '../../queue/queues.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import type { DigestDefinition } from '../../store/digests/digest-state.ts';
import { isDigestRunning } from '../../store/digests/schedule.ts';
import type { AskFromScope } from '../access/ask-from.ts';
import { refuseToAsk } from '../access/may-ask.ts';
import type { Refusal } from '../access/refusal.ts';
import { renderDigestRoot } from '../render/digest/root.ts';
import { renderDigestList, renderDigestRunning, renderDigestStarted } from '../render/digest/list.ts';
import {
  type AdminAnswer,
  type AdminCommand,
  type AdminCommandDeps,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';

const { usage: USAGE } = ADMIN_COMMANDS.digest;
const WORDS = ['list', 'run', 'show'] as const;

/**
 * `/wrench digest list | run <name> | show <name>`. A person may run and read a digest if they may run all of its checks. The answers are visible
 * only to them, because others in the channel may not be allowed to.
 */
export const digestCommand: AdminCommand = {
  roles: 'anyone',
  // A run is queued once for each delivery.
  changes: false,
  run: async (deps, request) => {
    const [word = 'list', name, extra] = request.rest.trim().split(/\s+/).filter(Boolean);
    const verb = WORDS.find((one) => one === word.toLowerCase());
    if (!verb)
      return adminProblem(
        `Unknown command \`/wrench digest ${word.slice(0, 40)}\`.${meantDigestWord(word, WORDS)}`,
        USAGE,
      );
    const unexpected = verb === 'list' ? name : extra;
    if (unexpected !== undefined)
      return adminProblem(`Unexpected argument \`${unexpected.slice(0, 40)}\`.`, USAGE);
    if (verb === 'list') return list(deps, request);
    if (name === undefined) return adminProblem('Which digest? `/wrench digest list` lists them.', USAGE);
    const { definitions } = deps.digests;
    const definition = definitions.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (!definition) {
      const known = definitions.map((one) => one.name);
      return adminProblem(`Unknown digest \`${name.slice(0, 40)}\`.${meantDigestWord(name, known)}`, USAGE);
    }
    return verb === 'run' ? start(deps, request, definition) : show(deps, request, definition);
  },
};

async function list(deps: AdminCommandDeps, { sender, nowMs }: AdminRequest): Promise<AdminAnswer> {
  const { definitions, store } = deps.digests;
  const listings = await Promise.all(
    definitions.map(async (definition) => {
      const [state, lastRun] = await Promise.all([
        store.read(definition.name),
        store.lastRun(definition.name),
      ]);
      const refusal = await refuseToAsk(deps, scopesOf(definition, lastRun), sender);
      const history = { ...state, ...(lastRun && { lastRun }) };
      return listDigest(definition, history, { nowMs, showsResult: refusal === undefined });
    }),
  );
  return { message: renderDigestList(listings, new Date(nowMs)), outcome: 'done' };
}

async function start(
  deps: AdminCommandDeps,
  { sender, nowMs, late }: AdminRequest,
  definition: DigestDefinition,
): Promise<AdminAnswer | Refusal> {
  const refusal = await refuseToAsk(deps, scopesOf(definition), sender);
  if (refusal) return { ...refusal, what: `/wrench digest run ${definition.name}` };
  const { name, channel } = definition;
  const state = await deps.digests.store.read(name);
  if (state?.run && isDigestRunning(state))
    return {
      message: renderDigestRunning({ name, channel, since: state.run.startedAt }),
      outcome: 'done',
    };
  late.throwIfAborted();
  await deps.digests.enqueueStart({
    kind: 'start',
    name,
    runId: runIdOf(`digest ${sender.deliveryId}`),
    asked: {
      by: sender.userId,
      teamId: sender.teamId ?? '',
      channelId: channel,
      as: `/wrench digest run ${name}`,
      at: new Date(nowMs).toISOString(),
    },
  });
  return { message: renderDigestStarted({ name, channel }), outcome: 'done' };
}

async function show(
  deps: AdminCommandDeps,
  { sender }: AdminRequest,
  definition: DigestDefinition,
): Promise<AdminAnswer | Refusal> {
  const run = await deps.digests.store.lastRun(definition.name);
  const refusal = await refuseToAsk(deps, scopesOf(definition, run), sender);
  if (refusal) return { ...refusal, what: `/wrench digest show ${definition.name}` };
  if (!run)
    return adminProblem(`\`${definition.name}\` hasn't run yet.`, `/wrench digest run ${definition.name}`);
  return { message: renderDigestRoot(run, compareDigest(undefined, run)).message, outcome: 'done' };
}

/** Everything that the digest checks, and that its last run checked: the configuration may have changed since. */
function scopesOf({ questions }: DigestDefinition, run?: DigestRun): readonly AskFromScope[] {
  return [...questions, ...(run?.parts ?? [])].map(({ check, environment }) => ({
    environment,
    area: check.split('/')[0] ?? '',
  }));
}
