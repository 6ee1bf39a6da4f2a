import { FINDING_ID } from '../../check/finding-id.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import { readSilence, type SilenceRequest } from '../../request/read-silence.ts';
import { list } from '../../text/wording.ts';
import { nearest } from '../../text/nearest.ts';
import type { KnownFinding } from '../../store/history/tracked-findings.ts';
import { isCovered } from '../../store/silences/is-covered.ts';
import type { Silence, SilenceScope } from '../../store/silences/silences.ts';
import type { AskFromScope } from '../access/ask-from.ts';
import { refuseToAsk } from '../access/may-ask.ts';
import type { Refusal } from '../access/refusal.ts';
import { endSilence, silenceFinding, silencePattern } from '../findings/finding-changes.ts';
import { endlessProblem, goneProblem, SILENCE_REASON_LENGTH } from '../findings/rules.ts';
import { renderSilenced, renderSilences, renderUnsilenced } from '../render/findings/changes.ts';
import {
  type AdminAnswer,
  type AdminCommand,
  type AdminCommandDeps,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';
import { findForCommand, originOfCommand } from './find-for-command.ts';

const SILENCE_USAGE = [ADMIN_COMMANDS.silence.usage, ...ADMIN_COMMANDS.silence.variants];
const SILENCE_ID = /^s[0-9a-f]{10}$/;

/** `/wrench silence <finding> --until 3d --because "…"`, or by reason and target. */
export const silenceCommand: AdminCommand = {
  roles: ['requester', 'approver'],
  changes: true,
  run: async (deps, request) => {
    const { checks, rules } = deps;
    const environments = Object.keys(rules.environments);
    const wanted = readSilence(request.rest, { nowMs: request.nowMs, environments, checks });
    if (typeof wanted === 'string') return adminProblem(wanted, ...SILENCE_USAGE);
    const { min, max } = SILENCE_REASON_LENGTH;
    const { length } = wanted.because;
    if (length < min || length > max)
      return adminProblem(`The reason must have ${min} to ${max} characters.`, ...SILENCE_USAGE);
    return wanted.what.kind === 'finding'
      ? silenceOne(deps, request, wanted, wanted.what.id)
      : silenceMatching(deps, request, wanted, wanted.what);
  },
};

async function silenceOne(
  deps: AdminCommandDeps,
  request: AdminRequest,
  { because, untilMs }: SilenceRequest,
  id: string,
): Promise<AdminAnswer | Refusal> {
  const found = await findForCommand(deps, request.sender, id, ADMIN_COMMANDS.silence.usage);
  if ('answer' in found) return found.answer;
  const { known } = found;
  const problem =
    goneProblem(known, new Date(request.nowMs)) ??
    (untilMs === undefined ? endlessProblem(known) : undefined);
  if (problem !== undefined) return adminProblem(problem, ...SILENCE_USAGE);
  request.late.throwIfAborted();
  const silence = await silenceFinding(deps.findings, known, originOfCommand(request, id), {
    because,
    ...untilOf(untilMs),
  });
  return typeof silence === 'string' ? adminProblem(silence) : shownToAll(renderSilenced(silence, [known]));
}

async function silenceMatching(
  deps: AdminCommandDeps,
  request: AdminRequest,
  { because, untilMs }: SilenceRequest,
  scope: Extract<SilenceScope, { kind: 'pattern' }>,
): Promise<AdminAnswer | Refusal> {
  const refusal = await refuseToAsk(deps, scopesOf(deps, scope), request.sender);
  if (refusal) return refusal;
  const all = await deps.findings.history.list();
  const matching = all.filter((known) => isCovered(scope, known));
  if (matching.length === 0) return adminProblem(noMatchProblem(scope, all));
  request.late.throwIfAborted();
  const silence = await silencePattern(deps.findings, scope, matching, originOfCommand(request), {
    because,
    ...untilOf(untilMs),
  });
  return typeof silence === 'string' ? adminProblem(silence) : shownToAll(renderSilenced(silence, matching));
}

/** Why a pattern covers nothing. Names only findings of its check and environment, which the sender may see. */
function noMatchProblem(
  { reason, targetPattern, check, environment }: Extract<SilenceScope, { kind: 'pattern' }>,
  all: readonly KnownFinding[],
): string {
  const inScope = all.filter(
    (known) =>
      (check === undefined || known.check === check) &&
      (environment === undefined || known.environment === environment),
  );
  const reasons = [...new Set(inScope.map(({ finding }) => finding.reason))];
  if (reasons.includes(reason)) {
    const targets = inScope.flatMap(({ finding }) => (finding.reason === reason ? [finding.target] : []));
    return `No finding with the reason \`${reason}\` has a target that matches \`${targetPattern.slice(0, 80)}\`. Available: ${list(targets.map((target) => `\`${target.slice(0, 120)}\``))}.`;
  }
  const meant = nearest(reason, reasons);
  const known = list(reasons.toSorted(), 10);
  const hint =
    meant === undefined
      ? known === ''
        ? 'There are no findings.'
        : `Available: ${known}.`
      : `Did you mean \`${meant}\`?`;
  return `No finding has the reason \`${reason.slice(0, 60)}\`. ${hint}`;
}

/** `/wrench silences` */
export const silencesCommand: AdminCommand = {
  roles: 'anyone',
  changes: false,
  run: async (deps, { sender, rest, nowMs }) => {
    if (rest.trim() !== '')
      return adminProblem(
        `Unexpected argument \`${rest.trim().slice(0, 40)}\`.`,
        ADMIN_COMMANDS.silences.usage,
      );
    const shown: Silence[] = [];
    for (const silence of await deps.findings.silences.list())
      if (await mayAskAboutAny(deps, scopesOf(deps, silence.scope), sender)) shown.push(silence);
    return { message: renderSilences(shown, new Date(nowMs)), outcome: 'done' };
  },
};

async function mayAskAboutAny(
  deps: AdminCommandDeps,
  scopes: readonly AskFromScope[],
  sender: AdminRequest['sender'],
): Promise<boolean> {
  for (const scope of scopes) if (!(await refuseToAsk(deps, [scope], sender))) return true;
  return false;
}

/** `/wrench unsilence <silence or finding>` */
export const unsilenceCommand: AdminCommand = {
  roles: ['requester', 'approver'],
  changes: true,
  run: async (deps, request) => {
    const { usage } = ADMIN_COMMANDS.unsilence;
    const id = request.rest.trim().toLowerCase();
    if (SILENCE_ID.test(id)) return endById(deps, request, id);
    if (!FINDING_ID.test(id))
      return adminProblem(
        id === ''
          ? 'Which one? Give the id of a silence or a finding. `/wrench silences` lists the silences.'
          : `Invalid id \`${id.slice(0, 40)}\`. Give the id of a silence or a finding. \`/wrench silences\` lists the silences.`,
        usage,
      );
    const found = await findForCommand(deps, request.sender, id, usage);
    if ('answer' in found) return found.answer;
    const silence = await deps.findings.silences.covering(found.known);
    if (!silence) return adminProblem("This finding isn't silenced.");
    return end(deps, request, silence, id);
  },
};

async function endById(
  deps: AdminCommandDeps,
  request: AdminRequest,
  id: string,
): Promise<AdminAnswer | Refusal> {
  const silences = await deps.findings.silences.list();
  const silence = silences.find((one) => one.id === id);
  return silence
    ? end(deps, request, silence, id)
    : adminProblem(
        `Unknown silence \`${id}\`: the id is wrong, or it has ended. \`/wrench silences\` lists the active ones.`,
      );
}

async function end(
  deps: AdminCommandDeps,
  request: AdminRequest,
  silence: Silence,
  typed: string,
): Promise<AdminAnswer | Refusal> {
  const refusal = await refuseToAsk(deps, scopesOf(deps, silence.scope), request.sender);
  if (refusal) return refusal;
  const all = await deps.findings.history.list();
  const covered = all.filter((known) => isCovered(silence.scope, known));
  request.late.throwIfAborted();
  return (await endSilence(deps.findings, silence, covered, originOfCommand(request, typed)))
    ? shownToAll(renderUnsilenced(silence))
    : adminProblem('This silence has already ended.');
}

/** Everything that a silence may cover: a pattern without an environment or a check covers all of them. */
function scopesOf({ checks, rules }: AdminCommandDeps, scope: SilenceScope): readonly AskFromScope[] {
  const environments =
    scope.environment === undefined ? Object.keys(rules.environments) : [scope.environment];
  const names = scope.check === undefined ? checks : [scope.check];
  const areas = [...new Set(names.map((name) => name.split('/')[0] ?? ''))];
  return environments.flatMap((environment) => areas.map((area) => ({ environment, area })));
}

function untilOf(untilMs: number | undefined): { readonly until?: string } {
  return untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
}

function shownToAll(message: AdminAnswer['message']): AdminAnswer {
  return { message, inChannel: true, outcome: 'done' };
}
