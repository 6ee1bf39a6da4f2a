import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cleanText } from '../text/clean-text.ts';
import { timeInWords } from '../check/report-in-words.ts';
import type { AuditCopyState } from '../store/audit/copy-states.ts';
import { warning, failed, type DoctorLine, ok } from './line.ts';

const ABOUT = 'audit';

/** Checks that the bot can write its copy of the audit. Writes nothing. */
export async function checkAuditCopy(copyTo: string | undefined): Promise<readonly DoctorLine[]> {
  if (copyTo === undefined)
    return [
      warning(
        ABOUT,
        'the end of the audit cannot be proven: `audit.copyTo` is not set',
        'Set it to a file on another disk than that of Redis, or to `stdout` if logs are collected',
      ),
    ];
  if (copyTo === 'stdout') return [ok(ABOUT, 'is copied to stdout')];
  try {
    await assertWritable(copyTo);
    return [ok(ABOUT, `is copied to ${copyTo}`)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      failed(
        ABOUT,
        `cannot be copied to ${copyTo} (${code})`,
        'Let the user of the bot write there, or name another file, or `stdout`, as `audit.copyTo`',
      ),
    ];
  }
}

/** A file that does not exist yet needs a folder in which it can be created. */
async function assertWritable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await access(dirname(path), constants.W_OK | constants.X_OK);
  }
}

/** Copies that have stopped, and heads that cannot be saved. */
export function copyLines(states: readonly AuditCopyState[]): readonly DoctorLine[] {
  return states.flatMap(({ bot, to, stopped, headProblem }) => {
    const who = `the bot on ${cleanText(bot)}`;
    const what =
      to === undefined ? 'has not followed the audit' : `has not copied the audit to ${cleanText(to)}`;
    return [
      ...(stopped
        ? [
            failed(
              ABOUT,
              `${who} ${what} since ${timeInWords(stopped.since)}: ${cleanText(stopped.because)}`,
              'Run `wrench audit verify` on its host to see what happened; the bot continues within a minute once the cause is fixed (README, Operations)',
            ),
          ]
        : []),
      ...(headProblem === undefined
        ? []
        : [
            warning(
              ABOUT,
              `${who} cannot save the last head seen: ${cleanText(headProblem)}`,
              'Let the bot write to the folder of the copy, or, without a copy in a file, set WRENCH_DATA to a folder that it can write to',
            ),
          ]),
    ];
  });
}

/** What is wrong with the end of the audit, or why the last head seen, which would prove it, cannot be read. */
export type AuditEndProblem = { readonly because: string; readonly isUnknown: boolean };

/** The audit in Redis must continue the last head that a bot on this host has seen. */
export function auditEndLines(wrong: AuditEndProblem | undefined): readonly DoctorLine[] {
  if (!wrong) return [];
  const because = cleanText(wrong.because);
  return [
    wrong.isUnknown
      ? warning(ABOUT, because, 'Run the doctor as the same user as the bot')
      : failed(
          ABOUT,
          because,
          'Entries were removed or changed, or Redis was restored from a backup. Run `wrench audit verify` to compare it with the copy (README, Operations)',
        ),
  ];
}
