import { nearest } from '../text/nearest.ts';
import { readMoment, readPerson } from '../store/audit/parse-query.ts';
import type { AuditEntry } from '../store/audit/entry.ts';
import { openAuditLog, parseEntry } from '../store/audit/audit-log.ts';
import { readAudit, type TimeRange } from '../store/audit/read.ts';
import { PREFIX } from '../queue/queues.ts';
import { renderAuditTerminal } from '../terminal/audit.ts';
import { verifyFile, verifyRedis } from './shared/verify-audit.ts';
import { withRedis } from './shared/redis.ts';
import { type AuditTerminal, EXIT } from './shared/terminal.ts';
import { type ParsedFlags, parseFlags } from './shared/parse-flags.ts';

const USAGE = `Usage: wrench audit [--since 7d] [--until 2026-11-20] [--user U0123ADA]
       wrench audit export [--since 7d] [--until 2026-11-20] [--user U0123ADA]
       wrench audit verify [--file audit.jsonl]
`;

const TABLE_SINCE = '7d';

/** `wrench audit`, `wrench audit export` and `wrench audit verify`. @returns the exit code. */
export async function audit(words: readonly string[], terminal: AuditTerminal): Promise<number> {
  const [first = ''] = words;
  const verb = first === 'export' || first === 'verify' ? first : 'show';
  const known = verb === 'verify' ? ['file'] : ['since', 'until', 'user'];
  const parsed = parseFlags(verb === 'show' ? words : words.slice(1), known);
  if (typeof parsed === 'string') return usageError(parsed, terminal);
  if (parsed.asksForHelp) return printUsage(USAGE, terminal);
  const [stray] = parsed.positionals;
  if (stray !== undefined) return usageError(unknownWord(stray), terminal);
  const { file } = parsed.flags;
  if (verb === 'verify') return file === undefined ? verifyRedis(terminal) : verifyFile(file, terminal);
  const query = readAuditQuery(parsed, verb === 'show' ? TABLE_SINCE : undefined);
  if (typeof query === 'string') return usageError(query, terminal);
  return verb === 'export' ? exportAll(query, terminal) : printTable(query, terminal);
}

function unknownWord(word: string): string {
  const meant = nearest(word, ['export', 'verify']);
  return `There is no \`${word}\` here.${meant ? ` Did you mean \`${meant}\`?` : ''}`;
}

async function printUsage(text: string, { print }: AuditTerminal): Promise<number> {
  await print(text);
  return EXIT.clear;
}

function usageError(what: string, { error }: AuditTerminal): number {
  error(`wrench: ${what}\n${USAGE}`);
  return EXIT.usage;
}

interface AuditQuery extends TimeRange {
  readonly user?: string;
}

function readAuditQuery({ flags }: ParsedFlags, byDefault: string | undefined): AuditQuery | string {
  const nowMs = Date.now();
  const moments: { sinceMs?: number; untilMs?: number } = {};
  for (const name of ['since', 'until'] as const) {
    const written = flags[name] ?? (name === 'since' ? byDefault : undefined);
    if (written === undefined) continue;
    const at = readMoment(written, nowMs);
    if (at === undefined)
      return `\`--${name}\` takes a length of time such as 7d, or a date such as 2026-11-20.`;
    moments[`${name}Ms`] = at;
  }
  const { user: written } = flags;
  if (written === undefined) return moments;
  const user = readPerson(written);
  return user === undefined
    ? '`--user` takes an id such as U0123ADA, `terminal` or `wrench`: nobody is known by a name.'
    : { ...moments, user };
}

/** Prints whole entries as they are stored, one per line, and nothing else on stdout. */
function exportAll({ user, ...span }: AuditQuery, { print, error }: AuditTerminal): Promise<number> {
  return withRedis(error, async ({ connection }) => {
    for await (const raw of readAudit(openAuditLog(connection, PREFIX), span))
      if (user === undefined || parseEntry(raw)?.entry.who.includes(user)) await print(`${raw}\n`);
    return EXIT.clear;
  });
}

function printTable({ user, ...span }: AuditQuery, { print, error }: AuditTerminal): Promise<number> {
  return withRedis(error, async ({ connection }) => {
    const entries: AuditEntry[] = [];
    let unread = 0;
    for await (const raw of readAudit(openAuditLog(connection, PREFIX), span)) {
      const entry = parseEntry(raw);
      if (!entry) unread += 1;
      else if (user === undefined || entry.entry.who.includes(user)) entries.push(entry);
    }
    await print(renderAuditTerminal(entries));
    if (unread > 0)
      error(`wrench: ${unread} of them could not be read as audit entries: wrench audit verify\n`);
    return EXIT.clear;
  });
}
