import { adminCommandNamed, ADMIN_COMMANDS, type AdminCommandName } from '../../request/parse.ts';
import { renderHelp } from '../render/replies/help.ts';
import { renderRefusal } from '../render/replies/refusal.ts';
import type { Refusal } from '../access/refusal.ts';
import {
  type AdminAnswer,
  type AdminCommand,
  type AdminCommandDeps,
  type AdminCommandSender,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';
import { auditCommand } from './audit-command.ts';
import { releaseCommand, takeCommand } from './claim-commands.ts';
import { digestCommand } from './digest-command.ts';
import { freezeCommand, unfreezeCommand } from './freeze-commands.ts';
import { silenceCommand, silencesCommand, unsilenceCommand } from './silence-commands.ts';

/** Who may run each command of `/wrench` itself, and what it does. */
const COMMANDS: Readonly<Record<AdminCommandName, AdminCommand>> = {
  freeze: freezeCommand,
  unfreeze: unfreezeCommand,
  audit: auditCommand,
  digest: digestCommand,
  take: takeCommand,
  release: releaseCommand,
  silence: silenceCommand,
  silences: silencesCommand,
  unsilence: unsilenceCommand,
};

/** Of Slack's 3 s. */
const ANSWER_WITHIN_MS = 1_700;

/**
 * Answers a command of `/wrench` itself within 2 s, even if Redis or Slack doesn't respond. `text` is what follows `/wrench`, decoded and redacted.
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
    deps.log.warn(
      { event: 'admin-command-failed', err: error, word: typed },
      "Couldn't finish a /wrench command",
    );
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

async function runAdminCommand(
  deps: AdminCommandDeps,
  asked: Omit<AdminRequest, 'nowMs'>,
): Promise<AdminAnswer> {
  const { roles, changes, run, repeat } = COMMANDS[asked.name];
  const { late, sender } = asked;
  const { userId, deliveryId } = sender;
  const may = roles === 'anyone' || (await deps.directory.authorize(roles, userId));
  const nowMs = await deps.clock();
  const request = { ...asked, nowMs };
  late.throwIfAborted();
  if (may !== true) return refuse(deps, request, { rule: 'role', ...may });
  // `own` dates from 0.2 and is part of a key in Redis.
  if (changes && !(await deps.isFirst(`own ${deliveryId}`)))
    return (
      (await repeat?.(deps)) ??
      // Someone may have done the opposite in between.
      adminProblem(
        "Slack delivered this command twice, and Wrench didn't run it again. To run it again, type it again.",
      )
    );
  late.throwIfAborted();
  const answer = await run(deps, request);
  return 'rule' in answer ? refuse(deps, request, answer) : answer;
}

/** A command gets an answer however often the person is refused: the answer is the acknowledgement, which costs no call to Slack. */
async function refuse(
  { refusals }: AdminCommandDeps,
  { typed, sender, nowMs }: AdminRequest,
  { because, toPerson = because, what = `/wrench ${typed}`, askIn }: Refusal,
): Promise<AdminAnswer> {
  const at = new Date(nowMs).toISOString();
  await refusals.auditRefusal({ kind: 'refused', at, who: [sender.userId], what, because });
  return {
    message: renderRefusal({ because: toPerson, what, ...(askIn && { askIn }) }),
    outcome: 'refused',
  };
}

function help(name: AdminCommandName): AdminAnswer {
  const {
    usage,
    about,
    variants = [],
  } = ADMIN_COMMANDS[name] as {
    readonly usage: string;
    readonly about: string;
    readonly variants?: readonly string[];
  };
  return { message: renderHelp({ title: about, usage: [usage, ...variants] }), outcome: 'help' };
}

/** The command may still take effect. */
function outcomeUnknown(name: AdminCommandName, typed: string): AdminAnswer {
  const what = COMMANDS[name].changes
    ? `Redis or Slack didn't respond, so it's unknown whether \`/wrench ${typed}\` took effect. Run it again; running it twice is safe.`
    : "Redis or Slack didn't respond. Try again in a minute.";
  return { ...adminProblem(what), outcome: 'redis-down' };
}
