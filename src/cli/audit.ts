import { countInWords } from '../check/report-in-words.ts';
import { readMoment, readPerson } from '../store/audit/parse-query.ts';
import type { AuditEntry } from '../store/audit/entry.ts';
import { openAuditLog, parseEntry } from '../store/audit/audit-log.ts';
import { readAudit, type TimeRange } from '../store/audit/read.ts';
import { PREFIX } from '../queue/queues.ts';
import { renderAuditTerminal } from '../terminal/audit.ts';
import { verifyFile, verifyRedis } from './shared/verify-audit.ts';
import { withRedis } from './shared/redis.ts';
import { type AuditTerminal, EXIT } from './shared/terminal.ts';
import { type HelpPage, renderHelpPage } from '../terminal/help-page.ts';
import { HELP_FLAG, unexpectedText, unknownText, usageErrorText } from './shared/usage.ts';
import { type ParsedFlags, parseFlags } from './shared/parse-flags.ts';

const HELP: HelpPage = {
  about: 'Show who requested, approved, applied, refused or silenced what.',
  usage: [
    'wrench audit [--since TIME] [--until TIME] [--user USER]',
    'wrench audit export [--since TIME] [--until TIME] [--user USER]',
    'wrench audit verify [--file FILE]',
  ],
  lists: {
    Commands: {
      export: 'Print whole entries as JSON lines, and nothing else',
      verify: 'Verify that no entry was changed, deleted or inserted',
    },
    Flags: {
      '--since TIME': 'Only entries since then: 7d, 12h or 2026-11-20. Default: 7d; for export, all',
      '--until TIME': 'Only entries until then',
      '--user USER': 'Only entries of this user: a Slack user ID such as U0123ADA, terminal or wrench',
      '--file FILE': 'Verify this copy of the audit instead of the one in Redis',
      ...HELP_FLAG,
    },
    'Exit codes': {
      '0': 'Done; for verify, the audit is intact',
      '1': 'The audit failed verification',
      '2': "Redis or a file couldn't be read",
      '64': 'The command line is invalid',
    },
  },
  examples: [
    'wrench audit --since 30d --user U0123ADA',
    'wrench audit export > audit.jsonl',
    'wrench audit verify --file audit.jsonl',
  ],
};

const TABLE_SINCE = '7d';

/** `wrench audit`, `wrench audit export` and `wrench audit verify`. @returns the exit code. */
export async function audit(words: readonly string[], terminal: AuditTerminal): Promise<number> {
  const [first = ''] = words;
  const verb = first === 'export' || first === 'verify' ? first : 'show';
  const known = verb === 'verify' ? ['file'] : ['since', 'until', 'user'];
  const parsed = parseFlags(verb === 'show' ? words : words.slice(1), known);
  if (typeof parsed === 'string') return usageError(parsed, terminal);
  if (parsed.asksForHelp) return printHelp(terminal);
  const [stray] = parsed.positionals;
  if (stray !== undefined) {
    const wrong =
      verb === 'show' ? unknownText('command', stray, ['export', 'verify']) : unexpectedText(stray);
    return usageError(wrong, terminal);
  }
  const { file } = parsed.flags;
  if (verb === 'verify') return file === undefined ? verifyRedis(terminal) : verifyFile(file, terminal);
  const query = readAuditQuery(parsed, verb === 'show' ? TABLE_SINCE : undefined);
  if (typeof query === 'string') return usageError(query, terminal);
  return verb === 'export' ? exportAll(query, terminal) : printTable(query, terminal);
}

async function printHelp({ print }: AuditTerminal): Promise<number> {
  await print(renderHelpPage(HELP));
  return EXIT.clear;
}

function usageError(what: string, { error }: AuditTerminal): number {
  error(usageErrorText(what, 'audit'));
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
    if (at === undefined) return `Invalid time \`${written}\` for \`--${name}\`. Try 7d, 12h or 2026-11-20.`;
    moments[`${name}Ms`] = at;
  }
  const { user: written } = flags;
  if (written === undefined) return moments;
  const user = readPerson(written);
  return user === undefined
    ? `Invalid user \`${written}\` for \`--user\`. Use a Slack user ID such as U0123ADA, \`terminal\` or \`wrench\`.`
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
      error(
        `wrench: ${countInWords(unread, 'entry', 'entries')} couldn't be read. To find out why: wrench audit verify\n`,
      );
    return EXIT.clear;
  });
}
