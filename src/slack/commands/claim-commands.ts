import { cleanText, NOTHING_VISIBLE } from '../../text/clean-text.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import { releaseFinding, takeFinding } from '../findings/finding-changes.ts';
import { goneProblem, MAX_COMMENT_CHARS } from '../findings/rules.ts';
import { renderReleased, renderTaken } from '../render/findings/changes.ts';
import { type AdminCommand, adminProblem } from './admin-answer.ts';
import { findForCommand, originOfCommand, WHICH_FINDING } from './find-for-command.ts';

/** `/wrench take <finding> [comment]` */
export const takeCommand: AdminCommand = {
  roles: 'anyone',
  changes: true,
  run: async (deps, request) => {
    const { usage } = ADMIN_COMMANDS.take;
    const { id, rest } = firstWord(request.rest);
    if (id === '') return adminProblem(WHICH_FINDING, usage);
    const comment = commentIn(rest);
    if (comment !== undefined && comment.length > MAX_COMMENT_CHARS)
      return adminProblem(`The comment is too long: use at most ${MAX_COMMENT_CHARS} characters.`, usage);
    const found = await findForCommand(deps, request.sender, id, usage);
    if ('answer' in found) return found.answer;
    const { known } = found;
    const gone = goneProblem(known, new Date(request.nowMs));
    if (gone !== undefined) return adminProblem(gone);
    request.late.throwIfAborted();
    const replaced = await takeFinding(deps.findings, known, originOfCommand(request, id), comment);
    return { message: renderTaken(known, { comment, replaced }), inChannel: true, outcome: 'done' };
  },
};

/** `/wrench release <finding>` */
export const releaseCommand: AdminCommand = {
  roles: 'anyone',
  changes: true,
  run: async (deps, request) => {
    const { usage } = ADMIN_COMMANDS.release;
    const { id, rest } = firstWord(request.rest);
    if (id === '') return adminProblem(WHICH_FINDING, usage);
    if (rest !== '') return adminProblem(`Unexpected argument \`${rest.slice(0, 40)}\`.`, usage);
    const found = await findForCommand(deps, request.sender, id, usage);
    if ('answer' in found) return found.answer;
    request.late.throwIfAborted();
    return (await releaseFinding(deps.findings, found.known, originOfCommand(request, id)))
      ? { message: renderReleased(found.known), inChannel: true, outcome: 'done' }
      : adminProblem('No one is working on this finding.');
  },
};

function firstWord(typed: string): { readonly id: string; readonly rest: string } {
  const [, id = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(typed.trim()) ?? [];
  return { id, rest };
}

/** Quotes around a comment are not part of it. */
function commentIn(typed: string): string | undefined {
  const comment = cleanText(typed.replace(/^(["'“”‘’])([\s\S]*)["'“”‘’]$/, '$2'));
  return comment === NOTHING_VISIBLE ? undefined : comment;
}
