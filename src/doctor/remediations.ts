import { cleanText } from '../text/clean-text.ts';
import { countInWords, timeInWords } from '../check/report-in-words.ts';
import { within } from '../telemetry/within.ts';
import type { Config } from '../config/read-config.ts';
import type { AuditHead } from '../store/audit/entry.ts';
import type { AuditCopyState } from '../store/audit/copy-states.ts';
import type { FreezeRecord } from '../store/remediation/freeze.ts';
import type { PostDeduplication } from '../store/thread/post-deduplication.ts';
import { copyLines, auditEndLines, type AuditEndProblem } from './audit-copy.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';

/** What Redis stores about remediations and the audit, as far as it can be read quickly. Each function may throw while Redis is unreachable. */
export interface StoredState {
  /** Whether what is written now would survive a crash: it is on disk, will be soon, or never is. */
  readonly durability: () => Promise<'on-disk' | 'soon' | 'never'>;
  readonly frozen: () => Promise<FreezeRecord | undefined>;
  readonly audit: () => Promise<AuditEnds>;
  readonly repeats: Pick<PostDeduplication, 'read' | 'save'>;
  /** What is wrong with the end of the audit, compared with the last head that a bot on this host has seen. */
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
  if (requester.length === 0)
    return ok(ABOUT, 'none is offered: nobody may ask for them, `roles.requester` is empty');
  if (approver.length === 0)
    return warning(
      ABOUT,
      'nobody may approve: `roles.approver` is empty, and only what is safe is offered',
      'Name people or user groups in `roles.approver`, by their ids',
    );
  const isOnlyPeople = !approver.some((id) => id.startsWith('S'));
  if (isOnlyPeople && approver.length < approvals.disruptive)
    return warning(
      ABOUT,
      `${approvals.disruptive} must approve, and \`roles.approver\` names ${approver.length}`,
      'Name more people there, or lower `remediations.approvals.disruptive`',
    );
  return ok(ABOUT, 'there are people who may ask, and people who may approve');
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
  if (durability === 'on-disk')
    return [ok(ABOUT, 'Redis has on disk what was begun before anything is done')];
  const always =
    'Set `appendfsync always`, or use Redis 7.2 or newer, which says when it has written (WAITAOF)';
  return durability === 'soon'
    ? [
        warning(
          ABOUT,
          'applied only where their plan is bound to what it found: Redis may forget its last second',
          always,
        ),
      ]
    : [
        warning(
          ABOUT,
          'none is applied: Redis keeps no append-only file, and would not remember what was begun',
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
      `none is applied: frozen since ${timeInWords(frozen.at)} by ${cleanText(frozen.by)}${why}`,
      'Once that is over: `/wrench unfreeze`, or `wrench unfreeze`',
    ),
  ];
}

function auditLines({ head, last, entries }: AuditEnds): readonly DoctorLine[] {
  const broken = (what: string) => [
    failed(
      AUDIT,
      what,
      '`wrench audit verify` names the first broken entry; compare with the copy of `audit.copyTo`',
    ),
  ];
  if (last === 'unreadable') return broken('the stream ends with something that is not an audit entry');
  const end = last ?? { seq: 0, hash: head.seq === 0 ? head.hash : '' };
  if (end.seq !== head.seq) return broken(`the stream ends at ${end.seq} and the head says ${head.seq}`);
  if (end.hash !== head.hash) return broken(`entry ${end.seq} is not the one that the head names`);
  // An entry that is appended meanwhile only adds to the count.
  if (entries < head.seq)
    return broken(
      `the head says ${head.seq}, and the stream holds ${countInWords(entries, 'entry', 'entries')}`,
    );
  const held = countInWords(head.seq, 'entry', 'entries');
  return [ok(AUDIT, head.seq === 0 ? 'no entries yet' : `${held}; the stream ends where its head says`)];
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
        `Redis could not be asked: ${errorText(error)}`,
        'Ask the doctor again; where Redis has users, ours needs all commands on the keys of Wrench',
      ),
    ];
  }
}
