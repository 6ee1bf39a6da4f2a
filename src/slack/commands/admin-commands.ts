import { nearest } from '../../text/nearest.ts';
import { splitWords, WordsError } from '../../text/split-words.ts';
import { readMoment, readPerson } from '../../store/audit/parse-query.ts';
import type { AuditLog } from '../../store/audit/audit-log.ts';
import { type Freeze, parseFreezeReason } from '../../store/remediation/freeze.ts';
import type { AccessRole } from '../../store/remediation/policy.ts';
import { readNewest } from '../../store/audit/read.ts';
import type { Refusals } from '../../store/audit/refusals.ts';
import { adminCommandNamed, ADMIN_COMMANDS, type AdminCommandName } from '../../request/parse.ts';
import type { Log } from '../../telemetry/log.ts';
import type { UserDirectory } from '../access/user-directory.ts';
import { renderAudit } from '../render/replies/audit.ts';
import { renderFrozen, renderUnfrozen } from '../render/replies/freeze.ts';
import { renderHelp, renderProblem } from '../render/replies/help.ts';
import type { Message } from '../render/message.ts';
import { renderRefusal } from '../render/replies/refusal.ts';

/** What `/wrench freeze`, `unfreeze` and `audit` need. */
export interface AdminCommandDeps {
  readonly directory: Pick<UserDirectory, 'authorize'>;
  readonly freeze: Freeze;
  readonly audit: AuditLog;
  readonly refusals: Pick<Refusals, 'auditRefusal'>;
  /** True the first time it is asked about a delivery. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  /** Milliseconds since the epoch, by the clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

export interface AdminAnswer {
  readonly message: Message;
  /** Visible to everybody in the channel; otherwise only to the person who typed the command. */
  readonly inChannel?: boolean;
  readonly outcome: 'done' | 'refused' | 'help' | 'problem' | 'redis-down';
}

const ALLOWED_ROLES: Readonly<Record<AdminCommandName, readonly AccessRole[]>> = {
  freeze: ['requester', 'approver'],
  unfreeze: ['approver'],
  audit: ['auditor', 'approver'],
};

/** Of Slack's 3 s. */
const ANSWER_WITHIN_MS = 1_700;
const DEFAULT_SINCE = '7d';
const MAX_ENTRIES = 60;

/**
 * Answers a command of `/wrench` itself within 2 s, even if Redis or Slack does not respond. `text` is what follows `/wrench`, decoded and redacted.
 * @returns undefined if the first word is not such a command.
 */
export async function answerAdminCommand(
  deps: AdminCommandDeps,
  sender: AdminCommandSender,
  text: string,
): Promise<AdminAnswer | undefined> {
  const { name, typed, rest, asksForHelp } = readAdminCommand(text);
  if (!name) return undefined;
  if (asksForHelp) return help(name);
  const late = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const lateAnswer = new Promise<AdminAnswer>((resolve) => {
    late.addEventListener('abort', () => resolve(outcomeUnknown(name, typed)), { once: true });
  });
  const work = runAdminCommand(deps, { name, typed, rest, sender, late }).catch((error: unknown) => {
    deps.log.warn({ err: error, word: typed }, 'a command of Wrench itself could not be answered');
    return outcomeUnknown(name, typed);
  });
  return Promise.race([work, lateAnswer]);
}

/** Whether `text` is a command of `/wrench` itself. */
export function isAdminCommand(text: string): boolean {
  return readAdminCommand(text).name !== undefined;
}

function readAdminCommand(text: string) {
  const [, first = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  const asksForHelp = isHelp(first) || isHelp(rest);
  const typed = (isHelp(first) ? rest : first).toLowerCase();
  return { name: adminCommandNamed(typed), typed, rest, asksForHelp };
}

function isHelp(word: string): boolean {
  return /^(help|--?h(elp)?|—help|\?)$/i.test(word.trim());
}

export interface AdminCommandSender {
  readonly userId: string;
  /** Identifies the delivery: Slack may deliver a command several times. */
  readonly deliveryId: string;
}

interface AdminRequest {
  readonly name: AdminCommandName;
  /** The name or alias that was typed, for messages and the audit. */
  readonly typed: string;
  readonly rest: string;
  readonly sender: AdminCommandSender;
  /** Aborted once the person was answered without the result: nothing is started after that. */
  readonly late: AbortSignal;
}

async function runAdminCommand(deps: AdminCommandDeps, request: AdminRequest): Promise<AdminAnswer> {
  const { name, typed, rest, sender, late } = request;
  const { userId, deliveryId } = sender;
  const what = `/wrench ${typed}`;
  const may = await deps.directory.authorize(ALLOWED_ROLES[name], userId);
  const nowMs = await deps.clock();
  late.throwIfAborted();
  if (may !== true) {
    const at = new Date(nowMs).toISOString();
    // A command is answered however often the person is refused: the answer is the acknowledgement, which costs no call to Slack.
    await deps.refusals.auditRefusal({ kind: 'refused', at, who: [userId], what, because: may });
    return { message: renderRefusal({ because: may, what }), outcome: 'refused' };
  }
  if (name === 'audit') return audit(deps, rest, nowMs);
  // `own` is kept from 0.2: part of a key in Redis.
  if (!(await deps.isFirst(`own ${deliveryId}`))) return answerRepeated(deps, name);
  late.throwIfAborted();
  return name === 'freeze' ? freeze(deps, userId, rest, nowMs) : unfreeze(deps, userId, rest, nowMs);
}

/** A repeated delivery does nothing: somebody may have done the opposite in between. */
async function answerRepeated(deps: AdminCommandDeps, name: 'freeze' | 'unfreeze'): Promise<AdminAnswer> {
  const frozen = await deps.freeze.read();
  if (name === 'freeze' && frozen) return { message: renderFrozen(frozen), outcome: 'done' };
  if (name === 'unfreeze' && !frozen) return problem(NOT_FROZEN);
  return problem(
    'Slack delivered this command a second time, so it was not run again. To run it again, type it again.',
  );
}

const NOT_FROZEN = 'Nothing is frozen.';

async function freeze(deps: AdminCommandDeps, by: string, rest: string, nowMs: number): Promise<AdminAnswer> {
  const frozen = { by, at: new Date(nowMs).toISOString(), because: parseFreezeReason(rest) };
  if (await deps.freeze.freeze(frozen))
    return { message: renderFrozen(frozen), inChannel: true, outcome: 'done' };
  const before = await deps.freeze.read();
  return before
    ? { message: renderFrozen(before), outcome: 'done' }
    : problem('It was thawed at this very moment. Type it again.', ADMIN_COMMANDS.freeze.usage);
}

async function unfreeze(
  deps: AdminCommandDeps,
  by: string,
  rest: string,
  nowMs: number,
): Promise<AdminAnswer> {
  const thawed = { by, at: new Date(nowMs).toISOString(), because: parseFreezeReason(rest) };
  return (await deps.freeze.unfreeze(thawed))
    ? { message: renderUnfrozen(thawed), inChannel: true, outcome: 'done' }
    : problem(NOT_FROZEN);
}

async function audit({ audit }: AdminCommandDeps, rest: string, nowMs: number): Promise<AdminAnswer> {
  const asked = readAuditQuery(rest, nowMs);
  if (typeof asked === 'string') return problem(asked, ADMIN_COMMANDS.audit.usage);
  const { sinceMs, user } = asked;
  const { entries, total, more } = await readNewest(audit, {
    sinceMs,
    most: MAX_ENTRIES,
    wanted: ({ entry }) => user === undefined || entry.who.includes(user),
  });
  const since = new Date(sinceMs).toISOString();
  return { message: renderAudit(entries, { since, total, more }), outcome: 'done' };
}

/** The query, or what is wrong with it. */
function readAuditQuery(rest: string, nowMs: number): { sinceMs: number; user?: string } | string {
  try {
    const { flags, bare } = splitWords(rest);
    const [stray] = bare;
    if (stray !== undefined) return `There is no \`${stray.slice(0, 40)}\` here.`;
    for (const flag of flags.keys()) {
      if (flag === 'since' || flag === 'user') continue;
      const meant = nearest(flag, ['since', 'user']);
      return `There is no \`--${flag.slice(0, 40)}\` here.${meant ? ` Did you mean \`--${meant}\`?` : ''}`;
    }
    const sinceMs = readMoment(flags.get('since') ?? DEFAULT_SINCE, nowMs);
    if (sinceMs === undefined)
      return '`--since` takes a length of time such as `7d`, or a date such as `2026-11-20`.';
    const written = flags.get('user');
    if (written === undefined) return { sinceMs };
    const user = readPerson(written);
    return user === undefined
      ? '`--user` takes a mention or an id such as `U0123ADA`: nobody is known by a name.'
      : { sinceMs, user };
  } catch (error) {
    if (error instanceof WordsError) return error.message;
    throw error;
  }
}

function help(name: AdminCommandName): AdminAnswer {
  const { usage, about } = ADMIN_COMMANDS[name];
  return { message: renderHelp({ title: about, entries: [{ usage, about: '' }] }), outcome: 'help' };
}

function problem(what: string, ...usage: readonly string[]): AdminAnswer {
  return { message: renderProblem({ problem: what, usage }), outcome: 'problem' };
}

/** Work that was started may still finish. */
function outcomeUnknown(name: AdminCommandName, typed: string): AdminAnswer {
  const what =
    name === 'audit'
      ? 'Redis does not answer, or Slack does not say who you are. Try again in a minute.'
      : `Redis does not answer, or Slack does not say who you are: it is not known whether \`/wrench ${typed}\` was done. Type it again: a second time does no harm.`;
  return { ...problem(what), outcome: 'redis-down' };
}
