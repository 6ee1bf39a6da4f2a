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
        'entries removed from the end of the audit may go unnoticed: `audit.copyTo` is not set',
        'Set it to a file on another disk than Redis uses, or to `stdout` if your logs are collected',
      ),
    ];
  if (copyTo === 'stdout') return [ok(ABOUT, 'copied to stdout')];
  try {
    await assertWritable(copyTo);
    return [ok(ABOUT, `copied to ${copyTo}`)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      failed(
        ABOUT,
        `can't be copied to ${copyTo} (${code})`,
        "Let the bot's user write there, or set `audit.copyTo` to another file or to `stdout`",
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

/** Copies that have stopped, and heads that can't be saved. */
export function copyLines(states: readonly AuditCopyState[]): readonly DoctorLine[] {
  return states.flatMap(({ bot, to, stopped, headProblem }) => {
    const who = `the bot on ${cleanText(bot)}`;
    const what =
      to === undefined ? "hasn't followed the audit" : `hasn't copied the audit to ${cleanText(to)}`;
    return [
      ...(stopped
        ? [
            failed(
              ABOUT,
              `${who} ${what} since ${timeInWords(stopped.since)}: ${cleanText(stopped.because)}`,
              'Run `wrench audit verify` on its host to see what happened. The bot continues within a minute after the cause is fixed',
            ),
          ]
        : []),
      ...(headProblem === undefined
        ? []
        : [
            warning(
              ABOUT,
              `${who} can't save the last audit head it has seen: ${cleanText(headProblem)}`,
              'Let the bot write to the folder of the copy. If the copy is not a file, set WRENCH_DATA to a folder that the bot can write to',
            ),
          ]),
    ];
  });
}

/** The problem with the end of the audit; `isUnknown` if the last head seen, which is compared with it, can't be read. */
export type AuditEndProblem = { readonly because: string; readonly isUnknown: boolean };

/** The audit in Redis must continue the last head that a bot on this host has seen. */
export function auditEndLines(problem: AuditEndProblem | undefined): readonly DoctorLine[] {
  if (!problem) return [];
  const because = cleanText(problem.because);
  return [
    problem.isUnknown
      ? warning(ABOUT, because, 'Run the doctor as the same user as the bot')
      : failed(
          ABOUT,
          because,
          'Entries were removed or changed, or Redis was restored from a backup. Run `wrench audit verify` to compare the audit with its copy',
        ),
  ];
}
