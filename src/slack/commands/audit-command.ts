import { unknownFlagText } from '../../text/nearest.ts';
import { splitWords, WordsError } from '../../text/split-words.ts';
import { readMoment, readPerson } from '../../store/audit/parse-query.ts';
import { readNewest } from '../../store/audit/read.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import { renderAudit } from '../render/replies/audit.ts';
import {
  type AdminAnswer,
  type AdminCommand,
  type AdminCommandDeps,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';

const DEFAULT_SINCE = '7d';
const MAX_ENTRIES = 60;

/** `/wrench audit [--since 7d] [--user @someone]` */
export const auditCommand: AdminCommand = {
  roles: ['auditor', 'approver'],
  changes: false,
  run: readAuditFor,
};

async function readAuditFor(
  { audit }: AdminCommandDeps,
  { rest, nowMs }: AdminRequest,
): Promise<AdminAnswer> {
  const asked = readAuditQuery(rest, nowMs);
  if (typeof asked === 'string') return adminProblem(asked, ADMIN_COMMANDS.audit.usage);
  const { sinceMs, user } = asked;
  const { entries, total, more } = await readNewest(audit, {
    sinceMs,
    most: MAX_ENTRIES,
    wanted: ({ entry }) => user === undefined || entry.who.includes(user),
  });
  const since = new Date(sinceMs).toISOString();
  return { message: renderAudit(entries, { since, total, more }), outcome: 'done' };
}

/** The query, or the problem with it. */
function readAuditQuery(rest: string, nowMs: number): { sinceMs: number; user?: string } | string {
  try {
    const { flags, bare } = splitWords(rest);
    const [extra] = bare;
    if (extra !== undefined) return `Unexpected argument \`${extra.slice(0, 40)}\`.`;
    for (const flag of flags.keys()) {
      if (flag === 'since' || flag === 'user') continue;
      return unknownFlagText(flag, ['since', 'user']);
    }
    const since = flags.get('since') ?? DEFAULT_SINCE;
    const sinceMs = readMoment(since, nowMs);
    if (sinceMs === undefined)
      return `Invalid time \`${since.slice(0, 40)}\` for \`--since\`. Try 7d or 2026-11-20.`;
    const written = flags.get('user');
    if (written === undefined) return { sinceMs };
    const user = readPerson(written);
    return user === undefined
      ? `Invalid user \`${written.slice(0, 40)}\` for \`--user\`. Use a mention or an id such as \`U0123ADA\`.`
      : { sinceMs, user };
  } catch (error) {
    if (error instanceof WordsError) return error.message;
    throw error;
  }
}
