import { unknownFlagText } from '../../text/nearest.ts';
import { formatCount } from '../../check/report-in-words.ts';
import { splitWords, WordsError } from '../../text/split-words.ts';
import { readMoment, readPerson } from '../../store/audit/parse-query.ts';
import { readNewest } from '../../store/audit/read.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import { type AuditLine, isBy, summarizeAudit } from '../render/replies/summarize-audit.ts';
import { EXPORT_HINT, renderAudit, renderAuditedFix } from '../render/replies/audit.ts';
import {
  type AdminAnswer,
  type AdminCommand,
  type AdminCommandDeps,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';

const DEFAULT_SINCE = '7d';
const MAX_ENTRIES = 5_000;
const FLAGS = ['since', 'user', 'fix'];

/** `/wrench audit [--since 7d] [--user @someone] [--fix <id>]` */
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
  const { sinceMs, user, fix } = asked;
  const { entries, more } = await readNewest(audit, { sinceMs, most: MAX_ENTRIES, wanted: () => true });
  const lines = summarizeAudit(entries).filter((one) => user === undefined || isBy(one, user));
  if (fix !== undefined) return oneFix(lines, fix, more);
  const since = new Date(sinceMs).toISOString();
  return { message: renderAudit(lines, { since, more }), outcome: 'done' };
}

/** `more`: there may be older entries that were not read. */
function oneFix(lines: readonly AuditLine[], asked: string, more: boolean): AdminAnswer {
  const found = lines.flatMap((one) => (one.kind === 'fix' && one.fix.id.startsWith(asked) ? [one.fix] : []));
  const [only] = found;
  if (only && found.length === 1) {
    const hasMore = more && only.events[0]?.kind !== 'asked';
    return { message: renderAuditedFix(only, { hasMore }), outcome: 'done' };
  }
  const shown = asked.slice(0, 40);
  return adminProblem(
    only
      ? `\`${shown}\` is the beginning of ${found.length} ids. Add more characters.`
      : more
        ? `No fix \`${shown}\` in the last ${formatCount(MAX_ENTRIES)} entries. ${EXPORT_HINT}`
        : `No fix \`${shown}\` in this period. Try an earlier \`--since\`.`,
    ADMIN_COMMANDS.audit.usage,
  );
}

interface AuditQuery {
  readonly sinceMs: number;
  readonly user?: string;
  /** The beginning of the id of a fix. */
  readonly fix?: string;
}

/** The query, or the problem with it. */
function readAuditQuery(rest: string, nowMs: number): AuditQuery | string {
  try {
    const { flags, bare } = splitWords(rest);
    const [extra] = bare;
    if (extra !== undefined) return `Unexpected argument \`${extra.slice(0, 40)}\`.`;
    for (const flag of flags.keys()) if (!FLAGS.includes(flag)) return unknownFlagText(flag, FLAGS);
    const since = flags.get('since') ?? DEFAULT_SINCE;
    const sinceMs = readMoment(since, nowMs);
    if (sinceMs === undefined)
      return `Invalid time \`${since.slice(0, 40)}\` for \`--since\`. Try 7d or 2026-11-20.`;
    const fix = flags.get('fix');
    if (fix !== undefined && !/^m[0-9a-f]{3,16}$/.test(fix))
      return `Invalid id \`${fix.slice(0, 40)}\` for \`--fix\`. \`/wrench audit\` shows the id of each fix.`;
    const written = flags.get('user');
    const user = written === undefined ? undefined : readPerson(written);
    if (written !== undefined && user === undefined)
      return `Invalid user \`${written.slice(0, 40)}\` for \`--user\`. Use a mention or an id such as \`U0123ADA\`.`;
    return { sinceMs, ...(user !== undefined && { user }), ...(fix !== undefined && { fix }) };
  } catch (error) {
    if (error instanceof WordsError) return error.message;
    throw error;
  }
}
