import { resolve } from 'node:path';
import { formatCount, timeInWords } from '../../check/report-in-words.ts';
import { type AuditFile, openAuditFile, UnreadableFile } from '../../store/audit/file.ts';
import { seenHeadMismatch } from '../../store/audit/find-entry.ts';
import type { AuditEntry, SeenHead } from '../../store/audit/entry.ts';
import { openAuditLog } from '../../store/audit/audit-log.ts';
import { type CompareResult, type ExternalAudit, verifyAgainstCopies } from '../../store/audit/compare.ts';
import { headFileOf, invalidHeadReason, readHeadFile } from '../../store/audit/head-file.ts';
import { readWhole } from '../../store/audit/read.ts';
import { type VerifyResult, verifyAudit } from '../../store/audit/verify.ts';
import { PREFIX } from '../../queue/queues.ts';
import type { AuditTerminal } from './terminal.ts';
import { EXIT_NOT_READ, withRedis } from './redis.ts';

/** `broken`: the audit is not intact, or it does not match the copy or the last head seen. */
const VERIFY_EXIT = { fine: 0, broken: 1 } as const;

const HOW_TO_PROVE =
  'Run this on the host of the bot, as its user and with its WRENCH_CONFIG and WRENCH_DATA; or set `audit.copyTo` and verify the copy with `--file`';

/** `wrench audit verify`: verifies the audit in Redis, and compares it with the copy and the last head seen. Writes nothing. @returns the exit code. */
export function verifyRedis(terminal: AuditTerminal): Promise<number> {
  return withRedis(terminal.error, async ({ connection, config, settings }) => {
    const { copyTo } = config.audit;
    const headFile = headFileOf(copyTo, settings.dataPath);
    const copyPath = copyTo === undefined || copyTo === 'stdout' ? undefined : resolve(copyTo);
    const unread: string[] = [];
    // Read before Redis, which may grow meanwhile and is never behind them.
    const seen = await readHead(headFile, unread);
    const copy = copyPath === undefined ? undefined : await openFileOrNote(copyPath, unread);
    if (seen === 'invalid') return printBroken('The audit', invalidHeadReason(headFile), terminal);
    if (seen && copyPath !== undefined && !copy && unread.length === 0)
      return printBroken('The audit', missingCopyText(copyPath, seen), terminal);
    const external: ExternalAudit = { ...(seen && { seen }), ...(copy && { copy }) };
    const compared = await verifyAgainstCopies(
      await readWhole(openAuditLog(connection, PREFIX)),
      external,
    ).catch((error: unknown) => noteUnreadable(error, unread));
    if (compared?.kind === 'broken') return printBroken('The audit', compared.because, terminal);
    if (compared) await terminal.print(intactText('The audit', compared));
    for (const why of unread) terminal.error(`wrench: ${why}\n`);
    if (!compared || unread.length > 0) return EXIT_NOT_READ;
    return printProof(compared, external, terminal);
  });
}

/** `wrench audit verify --file`: verifies the audit in a file, and compares it with the head file next to it. @returns the exit code. */
export async function verifyFile(path: string, terminal: AuditTerminal): Promise<number> {
  const unread: string[] = [];
  const headFile = `${path}.head`;
  const seen = await readHead(headFile, unread);
  const file = await openFileOrNote(path, unread);
  if (!file && unread.length === 0) unread.push(`Couldn't read ${path} (ENOENT)`);
  let entryAtHead: AuditEntry | undefined;
  const verified = file
    ? await verifyAudit(file.lines, undefined, async (entry) => {
        if (typeof seen === 'object' && entry.seq === seen.seq) entryAtHead = entry;
        return undefined;
      }).catch((error: unknown) => noteUnreadable(error, unread))
    : undefined;
  if (verified?.kind === 'broken') return printBroken(path, verified.because, terminal);
  if (seen === 'invalid') return printBroken(path, invalidHeadReason(headFile), terminal);
  if (verified && seen) {
    const newest = { seq: verified.to ?? 0, hash: verified.hash ?? '' };
    // A part that starts after the last head seen can't be compared with it.
    const wrong =
      (verified.from ?? 0) > seen.seq ? undefined : seenHeadMismatch(seen, newest, entryAtHead, 'the file');
    if (wrong !== undefined) return printBroken(path, wrong, terminal);
  }
  // An empty file isn't a successful verification.
  if (verified?.entries === 0 && unread.length === 0)
    unread.push(`${path} has no entries; nothing was verified`);
  else if (verified) await terminal.print(intactText(path, verified));
  for (const why of unread) terminal.error(`wrench: ${why}\n`);
  if (unread.length > 0) return EXIT_NOT_READ;
  if (file?.isTorn()) terminal.error(`wrench: ${incompleteLineText(path)}\n`);
  if (entryAtHead && seen) await terminal.print(`Its end matches the last head seen (${headText(seen)}).\n`);
  else terminal.error(`wrench: couldn't verify the end of ${path}: ${noProofText(headFile, seen)}\n`);
  return VERIFY_EXIT.fine;
}

function noProofText(headFile: string, seen: SeenHead | undefined): string {
  return seen
    ? `it starts after the last head seen, entry ${formatCount(seen.seq)}`
    : `${headFile}, which the bot writes next to its copy, doesn't exist`;
}

async function readHead(path: string, unread: string[]): Promise<SeenHead | 'invalid' | undefined> {
  try {
    const seen = await readHeadFile(path);
    return seen === 'missing' ? undefined : seen;
  } catch (error) {
    return noteUnreadable(new UnreadableFile(path, error), unread);
  }
}

async function openFileOrNote(path: string, unread: string[]): Promise<AuditFile | undefined> {
  try {
    return await openAuditFile(path);
  } catch (error) {
    return noteUnreadable(error, unread);
  }
}

/** Notes why a file could not be read. @throws any other error. */
function noteUnreadable(error: unknown, unread: string[]): undefined {
  if (!(error instanceof UnreadableFile)) throw error;
  unread.push(error.message);
  return undefined;
}

async function printBroken(what: string, because: string, { print }: AuditTerminal): Promise<number> {
  await print(`${what} failed verification: ${because}.\n`);
  return VERIFY_EXIT.broken;
}

function intactText(what: string, verified: Extract<VerifyResult, { kind: 'intact' }>): string {
  const { entries, from = 0, to = 0, hash } = verified;
  if (hash === undefined) return `${what} has no entries yet.\n`;
  const count = entries === 1 ? '1 entry' : `${formatCount(entries)} entries`;
  const start = from === 1 ? '' : ` Entries before ${from} aren't in it.`;
  return `${what} is intact: ${count}, ${from} to ${to}.${start}\nIts last hash is ${hash}. Save it elsewhere to prove later that no entry up to here was changed.\n`;
}

/** Prints what the end matches on stdout, or on stderr that there is nothing to compare it with. */
async function printProof(
  { to = 0, copied }: Extract<CompareResult, { kind: 'intact' }>,
  { seen, copy }: ExternalAudit,
  { print, error }: AuditTerminal,
): Promise<number> {
  if (copy?.isTorn()) error(`wrench: ${incompleteLineText(copy.path)}\n`);
  const proofs = [
    ...(copied && copy ? [`the copy ${copy.path} (entries ${copied.from} to ${copied.to})`] : []),
    ...(seen ? [`the last head seen (${headText(seen)})`] : []),
  ];
  if (proofs.length === 0) {
    error(
      `wrench: couldn't verify the end of the audit: there is no copy and no head file here. ${HOW_TO_PROVE}.\n`,
    );
    return VERIFY_EXIT.fine;
  }
  await print(`Its end matches ${proofs.join(' and ')}.\n`);
  const last = Math.max(copied?.to ?? 0, seen?.seq ?? 0);
  if (to > last) await print(`Entries after ${last} are newer and haven't been compared yet.\n`);
  return VERIFY_EXIT.fine;
}

function missingCopyText(path: string, seen: SeenHead): string {
  return `the copy ${path} is missing, but ${headText(seen)}, was copied to it`;
}

function incompleteLineText(path: string): string {
  return `the last line of ${path} is incomplete, as after a crash; it was not verified`;
}

function headText({ seq, at }: SeenHead): string {
  return `entry ${formatCount(seq)}, seen on ${timeInWords(at)}`;
}
