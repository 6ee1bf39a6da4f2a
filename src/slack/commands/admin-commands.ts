import { nearest } from '../../text/nearest.ts';
import { splitWords, WordsError } from '../../text/words.ts';
import { readMoment, readPerson } from '../../store/audit/parse-query.ts';
import type { Chain } from '../../store/audit/chain.ts';
import { type Freeze, reasonIn } from '../../store/remediation/freeze.ts';
import type { RoleOf } from '../../store/remediation/policy.ts';
import { readNewest } from '../../store/audit/read.ts';
import type { Refusals } from '../../store/audit/refusals.ts';
import { isOwnWord, OWN_WORDS, type OwnWord } from '../../request/parse.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Directory } from '../access/directory.ts';
import { renderAudit } from '../render/replies/audit.ts';
import { renderFrozen, renderUnfrozen } from '../render/replies/freeze.ts';
import { renderHelp, renderProblem } from '../render/replies/help.ts';
import type { Message } from '../render/message.ts';
import { renderRefusal } from '../render/replies/refusal.ts';

/** What `/wrench freeze`, `thaw` and `audit` need. */
export interface OwnCommands {
  readonly directory: Pick<Directory, 'may'>;
  readonly freeze: Freeze;
  readonly chain: Chain;
  readonly refusals: Pick<Refusals, 'auditRefusal'>;
  /** True the first time it is asked about a delivery. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  /** Milliseconds of the epoch, by the one clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

export interface OwnAnswer {
  readonly message: Message;
  /** For everybody in the channel; else for who typed it. */
  readonly inChannel?: boolean;
  readonly outcome: 'done' | 'refused' | 'help' | 'problem' | 'redis-down';
}

const MAY: Readonly<Record<OwnWord, readonly RoleOf[]>> = {
  freeze: ['requester', 'approver'],
  thaw: ['approver'],
  audit: ['auditor', 'approver'],
};

/** Slack gives 3 s for everything. */
const ANSWER_WITHIN_MS = 1_700;
const SINCE = '7d';
const MOST_ENTRIES = 60;

/**
 * Answers what `/wrench` itself can do, within 2 s whatever Redis and Slack do. `text` is what follows `/wrench`, plain and redacted.
 * @returns undefined where the first word is none of these.
 */
export async function answerOwnCommand(
  own: OwnCommands,
  command: OwnCommand,
  text: string,
): Promise<OwnAnswer | undefined> {
  const { word, rest, asksForHelp } = readOwn(text);
  if (!word) return undefined;
  if (asksForHelp) return help(word);
  const late = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const lateAnswer = new Promise<OwnAnswer>((resolve) => {
    late.addEventListener('abort', () => resolve(notKnown(word)), { once: true });
  });
  const work = answer(own, { word, rest, command, late }).catch((error: unknown) => {
    own.log.warn({ err: error, word }, 'a command of Wrench itself could not be answered');
    return notKnown(word);
  });
  return Promise.race([work, lateAnswer]);
}

/** Whether `text` is one of the commands of `/wrench` itself. */
export function isOwnCommand(text: string): boolean {
  return readOwn(text).word !== undefined;
}

function readOwn(text: string) {
  const [, first = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  const asksForHelp = isHelp(first) || isHelp(rest);
  return { word: toWord(isHelp(first) ? rest : first), rest, asksForHelp };
}

function toWord(written: string): OwnWord | undefined {
  const word = written.toLowerCase();
  return isOwnWord(word) ? word : undefined;
}

function isHelp(word: string): boolean {
  return /^(help|--?h(elp)?|—help|\?)$/i.test(word.trim());
}

export interface OwnCommand {
  readonly user_id: string;
  /** Identifies the delivery. */
  readonly delivery: string;
}

interface OwnQuestion {
  readonly word: OwnWord;
  readonly rest: string;
  readonly command: OwnCommand;
  /** Aborted once the person was told that it is not known: nothing is begun after that. */
  readonly late: AbortSignal;
}

async function answer(own: OwnCommands, question: OwnQuestion): Promise<OwnAnswer> {
  const { word, rest, command, late } = question;
  const { user_id: userId, delivery } = command;
  const what = `/wrench ${word}`;
  const may = await own.directory.may(MAY[word], userId);
  const nowMs = await own.clock();
  late.throwIfAborted();
  if (may !== true) {
    const at = new Date(nowMs).toISOString();
    // A command is answered however often the person is refused: the answer is the acknowledgement, which costs no call to Slack.
    await own.refusals.auditRefusal({ kind: 'refused', at, who: [userId], what, because: may });
    return { message: renderRefusal({ because: may, what }), outcome: 'refused' };
  }
  if (word === 'audit') return audit(own, rest, nowMs);
  if (!(await own.isFirst(`own ${delivery}`))) return again(own, word);
  late.throwIfAborted();
  return word === 'freeze' ? freeze(own, userId, rest, nowMs) : thaw(own, userId, rest, nowMs);
}

/** A repeated delivery does nothing: somebody may have done the opposite in between. */
async function again(own: OwnCommands, word: 'freeze' | 'thaw'): Promise<OwnAnswer> {
  const frozen = await own.freeze.read();
  if (word === 'freeze' && frozen) return { message: renderFrozen(frozen), outcome: 'done' };
  if (word === 'thaw' && !frozen) return problem(NOT_FROZEN);
  return problem(
    'Slack delivered this command a second time, so it was not run again. To run it again, type it again.',
  );
}

const NOT_FROZEN = 'Nothing is frozen.';

async function freeze(own: OwnCommands, by: string, rest: string, nowMs: number): Promise<OwnAnswer> {
  const frozen = { by, at: new Date(nowMs).toISOString(), because: reasonIn(rest) };
  if (await own.freeze.freeze(frozen))
    return { message: renderFrozen(frozen), inChannel: true, outcome: 'done' };
  const before = await own.freeze.read();
  return before
    ? { message: renderFrozen(before), outcome: 'done' }
    : problem('It was thawed at this very moment. Type it again.', OWN_WORDS.freeze.usage);
}

async function thaw(own: OwnCommands, by: string, rest: string, nowMs: number): Promise<OwnAnswer> {
  const thawed = { by, at: new Date(nowMs).toISOString(), because: reasonIn(rest) };
  return (await own.freeze.thaw(thawed))
    ? { message: renderUnfrozen(thawed), inChannel: true, outcome: 'done' }
    : problem(NOT_FROZEN);
}

async function audit({ chain }: OwnCommands, rest: string, nowMs: number): Promise<OwnAnswer> {
  const asked = readAsked(rest, nowMs);
  if (typeof asked === 'string') return problem(asked, OWN_WORDS.audit.usage);
  const { sinceMs, user } = asked;
  const { entries, total, more } = await readNewest(chain, {
    sinceMs,
    most: MOST_ENTRIES,
    wanted: ({ entry }) => user === undefined || entry.who.includes(user),
  });
  const since = new Date(sinceMs).toISOString();
  return { message: renderAudit(entries, { since, total, more }), outcome: 'done' };
}

/** What is asked of the audit, or what is wrong with that. */
function readAsked(rest: string, nowMs: number): { sinceMs: number; user?: string } | string {
  try {
    const { flags, bare } = splitWords(rest);
    const [stray] = bare;
    if (stray !== undefined) return `There is no \`${stray.slice(0, 40)}\` here.`;
    for (const flag of flags.keys()) {
      if (flag === 'since' || flag === 'user') continue;
      const meant = nearest(flag, ['since', 'user']);
      return `There is no \`--${flag.slice(0, 40)}\` here.${meant ? ` Did you mean \`--${meant}\`?` : ''}`;
    }
    const sinceMs = readMoment(flags.get('since') ?? SINCE, nowMs);
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

function help(word: OwnWord): OwnAnswer {
  const { usage, about } = OWN_WORDS[word];
  return { message: renderHelp({ title: about, entries: [{ usage, about: '' }] }), outcome: 'help' };
}

function problem(what: string, ...usage: readonly string[]): OwnAnswer {
  return { message: renderProblem({ problem: what, usage }), outcome: 'problem' };
}

/** What was under way may still happen. */
function notKnown(word: OwnWord): OwnAnswer {
  const what =
    word === 'audit'
      ? 'Redis does not answer, or Slack does not say who you are. Try again in a minute.'
      : `Redis does not answer, or Slack does not say who you are: it is not known whether \`/wrench ${word}\` was done. Type it again: a second time does no harm.`;
  return { ...problem(what), outcome: 'redis-down' };
}
