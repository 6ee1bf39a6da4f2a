import { cleanText } from '../text/clean-text.ts';
import { count } from '../text/wording.ts';
import { countInWords, timeInWords } from '../check/report-in-words.ts';
import { within } from '../telemetry/within.ts';
import type { Config } from '../config/read-config.ts';
import type { AuditHead } from '../store/audit/entry.ts';
import type { AuditCopyState } from '../store/audit/copy-states.ts';
import type { FreezeRecord } from '../store/remediation/freeze.ts';
import type { PostDeduplication } from '../store/thread/post-deduplication.ts';
import { copyLines, auditEndLines, type AuditEndProblem } from './audit-copy.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';

/** What Redis stores about remediations and the audit. Each read is quick, and may throw if Redis is unreachable. */
export interface StoredState {
  /** When a write reaches the disk, and so survives a crash: immediately, soon, or never. */
  readonly durability: () => Promise<'on-disk' | 'soon' | 'never'>;
  readonly frozen: () => Promise<FreezeRecord | undefined>;
  readonly audit: () => Promise<AuditEnds>;
  readonly repeats: Pick<PostDeduplication, 'read' | 'save'>;
  /** The problem with the end of the audit, compared with the last head that a bot on this host has seen. */
  readonly auditEnd: () => Promise<AuditEndProblem | undefined>;
  /** The state of each bot's copy of the audit. */
  readonly copies: () => Promise<readonly AuditCopyState[]>;
}

/** The head of the audit, and the end of the stream that it belongs to. */
export interface AuditEnds {
  readonly head: AuditHead;
  /** The last entry of the stream; `unreadable` if it is not an entry, absent if the stream is empty. */
  readonly last?: AuditHead | 'unreadable';
  /** The length of the stream, counted after both were read. */
  readonly entries: number;
}

const ABOUT = 'remediations';
const AUDIT = 'audit';

/** Checks that the configuration names people who may request and approve. */
export function checkRemediationPolicy({
  roles: { requester, approver },
  remediations: { approvals },
}: Pick<Config, 'roles' | 'remediations'>): DoctorLine {
  // A new installation starts without fixes.
  if (requester.length === 0) return ok(ABOUT, 'no fixes are offered: `roles.requester` is empty');
  if (approver.length === 0)
    return warning(
      ABOUT,
      'only safe fixes are offered: `roles.approver` is empty',
      'Add the ids of people or user groups to `roles.approver`',
    );
  const isOnlyPeople = !approver.some((id) => id.startsWith('S'));
  if (isOnlyPeople && approver.length < approvals.disruptive)
    return warning(
      ABOUT,
      `disruptive fixes need ${count(approvals.disruptive, 'approval')}, but \`roles.approver\` lists ${count(approver.length, 'person', 'people')}`,
      'Add more people, or lower `remediations.approvals.disruptive`',
    );
  return ok(ABOUT, 'people can request and approve fixes');
}

/** Checks that Redis is durable enough to apply fixes, that they are not frozen, that the audit's head matches its stream and the last head seen, and that no copy has stopped. */
export async function checkStoredState(
  { durability, frozen, audit, auditEnd, copies }: StoredState,
  timeoutMs: number,
): Promise<readonly DoctorLine[]> {
  const results = await Promise.all([
    linesOrError(ABOUT, async () => durabilityLines(await within(timeoutMs, durability()))),
    linesOrError(ABOUT, async () => freezeLines(await within(timeoutMs, frozen()))),
    linesOrError(AUDIT, async () => auditLines(await within(timeoutMs, audit()))),
    linesOrError(AUDIT, async () => auditEndLines(await within(timeoutMs, auditEnd()))),
    linesOrError(AUDIT, async () => copyLines(await within(timeoutMs, copies()))),
  ]);
  return results.flat();
}

function durabilityLines(durability: Awaited<ReturnType<StoredState['durability']>>): readonly DoctorLine[] {
  if (durability === 'on-disk') return [ok(ABOUT, 'Redis writes each fix to disk before it is applied')];
  const always = 'Set `appendfsync always`, or use Redis 7.2 or newer, which can confirm writes (WAITAOF)';
  return durability === 'soon'
    ? [
        warning(
          ABOUT,
          'only fixes whose plans have preconditions are applied: Redis may lose the last second',
          always,
        ),
      ]
    : [
        warning(
          ABOUT,
          'no fixes are applied: Redis has no append-only file, so a restart would lose which ones were started',
          `Set \`appendonly yes\`. ${always}`,
        ),
      ];
}

function freezeLines(frozen: FreezeRecord | undefined): readonly DoctorLine[] {
  if (!frozen) return [];
  const why = frozen.because === '' ? '' : `: ${cleanText(frozen.because)}`;
  return [
    warning(
      ABOUT,
      `no fixes are applied: frozen since ${timeInWords(frozen.at)} by ${cleanText(frozen.by)}${why}`,
      'To resume, run `/wrench unfreeze` in Slack or `wrench unfreeze` in a terminal',
    ),
  ];
}

function auditLines({ head, last, entries }: AuditEnds): readonly DoctorLine[] {
  const broken = (what: string) => [
    failed(
      AUDIT,
      what,
      'Run `wrench audit verify` to find the first broken entry, and compare with the copy in `audit.copyTo`',
    ),
  ];
  if (last === 'unreadable') return broken('the stream ends with something that is not an audit entry');
  const end = last ?? { seq: 0, hash: head.seq === 0 ? head.hash : '' };
  if (end.seq !== head.seq)
    return broken(`the stream ends at entry ${end.seq}, but the head is at entry ${head.seq}`);
  if (end.hash !== head.hash) return broken(`entry ${end.seq} doesn't match the head`);
  // An entry appended in the meantime only adds to the count.
  if (entries < head.seq)
    return broken(
      `the head is at entry ${head.seq}, but the stream has ${countInWords(entries, 'entry', 'entries')}`,
    );
  const total = countInWords(head.seq, 'entry', 'entries');
  return [ok(AUDIT, head.seq === 0 ? 'no entries yet' : `${total}; the end of the stream matches the head`)];
}

async function linesOrError(
  about: string,
  examine: () => Promise<readonly DoctorLine[]>,
): Promise<readonly DoctorLine[]> {
  try {
    return await examine();
  } catch (error) {
    return [
      failed(
        about,
        `couldn't read from Redis: ${errorText(error)}`,
        'Run `wrench doctor` again. If Redis has users, allow the user of Wrench all commands on its keys',
      ),
    ];
  }
}
