import { cleanText } from '../text/clean-text.ts';
import { nearest } from '../text/nearest.ts';
import { countInWords, timeInWords } from '../check/report-in-words.ts';
import { within } from '../telemetry/within.ts';
import type { Config } from '../config/read-config.ts';
import { type CopyState, sayCopies, sayEnd, type WrongEnd } from './audit-copy.ts';
import { because, doubtful, ill, type Line, well } from './line.ts';
import type { Repeats } from './posting.ts';

/** What Redis remembers of remediations, as far as it can be looked at quickly. Each may throw while Redis is away. */
export interface Memory {
  /** Whether what is written now would survive a crash: it is on disk, will be soon, or never is. */
  readonly durability: () => Promise<'on-disk' | 'soon' | 'never'>;
  readonly frozen: () => Promise<Frozen | undefined>;
  readonly audit: () => Promise<AuditEnds>;
  readonly repeats: Repeats;
  /** What is wrong with the end of the audit, compared with the last head that a bot on this host has seen. */
  readonly auditEnd: () => Promise<WrongEnd | undefined>;
  /** The state of each bot's copy of the audit. */
  readonly copies: () => Promise<readonly CopyState[]>;
}

interface Frozen {
  readonly by: string;
  readonly at: string;
  readonly because: string;
}

/** Both ends of the audit: its head, and the stream that it is the head of. */
export interface AuditEnds {
  readonly head: { readonly seq: number; readonly hash: string };
  /** The last entry of the stream; `unreadable` where it is no entry, absent where there is none. */
  readonly last?: { readonly seq: number; readonly hash: string } | 'unreadable';
  /** How many the stream holds, counted after both were read. */
  readonly entries: number;
}

const ABOUT = 'remediations';
const AUDIT = 'audit';

/** Whether the configuration lets anybody ask and approve. */
export function examinePolicy(
  { roles, remediations }: Pick<Config, 'roles' | 'remediations'>,
  known: readonly string[],
): readonly Line[] {
  const { requester, approver } = roles;
  const unknown = unknownNames(remediations, known);
  // Reading alone is what a new installation begins with.
  if (requester.length === 0)
    return [...unknown, well(ABOUT, 'none is offered: nobody may ask for them, `roles.requester` is empty')];
  if (approver.length === 0)
    return [
      ...unknown,
      doubtful(
        ABOUT,
        'nobody may approve: `roles.approver` is empty, and only what is safe is offered',
        'Name people or user groups in `roles.approver`, by their ids',
      ),
    ];
  const { disruptive } = remediations.approvals;
  const tooFew = !approver.some((id) => id.startsWith('S')) && approver.length < disruptive;
  const asked = well(ABOUT, 'there are people who may ask, and people who may approve');
  if (!tooFew) return [...unknown, asked];
  return [
    ...unknown,
    doubtful(
      ABOUT,
      `${disruptive} must approve, and \`roles.approver\` names ${approver.length}`,
      'Name more people there, or lower `remediations.approvals.disruptive`',
    ),
  ];
}

/** A name with a slip in it switches nothing off. */
function unknownNames({ off, destructive }: Config['remediations'], known: readonly string[]): Line[] {
  return Object.entries({ off, destructive }).flatMap(([list, names]) =>
    names
      .filter((name) => !known.includes(name))
      .map((name) => {
        const meant = nearest(name, known);
        const cure = meant ? `Did you mean \`${meant}\`?` : `Known: ${known.join(', ') || 'none'}`;
        return ill(
          'configuration',
          `remediations.${list}: there is no remediation \`${cleanText(name)}\``,
          cure,
        );
      }),
  );
}

/** Whether Redis is durable enough to act, whether fixes are frozen, whether the audit's two ends agree and continue the last head seen, and whether copies have stopped. */
export async function examineMemory(
  { durability, frozen, audit, auditEnd, copies }: Memory,
  timeoutMs: number,
): Promise<readonly Line[]> {
  const examined = await Promise.all([
    attempt(ABOUT, async () => sayDurability(await within(timeoutMs, durability()))),
    attempt(ABOUT, async () => sayFrozen(await within(timeoutMs, frozen()))),
    attempt(AUDIT, async () => sayAudit(await within(timeoutMs, audit()))),
    attempt(AUDIT, async () => sayEnd(await within(timeoutMs, auditEnd()))),
    attempt(AUDIT, async () => sayCopies(await within(timeoutMs, copies()))),
  ]);
  return examined.flat();
}

function sayDurability(durability: Awaited<ReturnType<Memory['durability']>>): readonly Line[] {
  if (durability === 'on-disk')
    return [well(ABOUT, 'Redis has on disk what was begun before anything is done')];
  const always =
    'Set `appendfsync always`, or use Redis 7.2 or newer, which says when it has written (WAITAOF)';
  return durability === 'soon'
    ? [
        doubtful(
          ABOUT,
          'applied only where their plan is bound to what it found: Redis may forget its last second',
          always,
        ),
      ]
    : [
        doubtful(
          ABOUT,
          'none is applied: Redis keeps no append-only file, and would not remember what was begun',
          `Set \`appendonly yes\`. ${always}`,
        ),
      ];
}

function sayFrozen(frozen: Frozen | undefined): readonly Line[] {
  if (!frozen) return [];
  const why = frozen.because === '' ? '' : `: ${cleanText(frozen.because)}`;
  return [
    doubtful(
      ABOUT,
      `none is applied: frozen since ${timeInWords(frozen.at)} by ${cleanText(frozen.by)}${why}`,
      'Once that is over: `/wrench thaw`, or `wrench thaw`',
    ),
  ];
}

function sayAudit({ head, last, entries }: AuditEnds): readonly Line[] {
  const broken = (what: string) => [
    ill(
      AUDIT,
      what,
      '`wrench audit verify` names the first broken entry; compare with the copy of `audit.copyTo`',
    ),
  ];
  if (last === 'unreadable') return broken('the stream ends with something that is not an audit entry');
  const end = last ?? { seq: 0, hash: head.seq === 0 ? head.hash : '' };
  if (end.seq !== head.seq) return broken(`the stream ends at ${end.seq} and the head says ${head.seq}`);
  if (end.hash !== head.hash) return broken(`entry ${end.seq} is not the one that the head names`);
  // Whoever appends meanwhile can only make it more.
  if (entries < head.seq)
    return broken(
      `the head says ${head.seq}, and the stream holds ${countInWords(entries, 'entry', 'entries')}`,
    );
  const held = countInWords(head.seq, 'entry', 'entries');
  return [well(AUDIT, head.seq === 0 ? 'no entries yet' : `${held}; the stream ends where its head says`)];
}

async function attempt(about: string, examine: () => Promise<readonly Line[]>): Promise<readonly Line[]> {
  try {
    return await examine();
  } catch (error) {
    return [
      ill(
        about,
        `Redis could not be asked: ${because(error)}`,
        'Ask the doctor again; where Redis has users, ours needs all commands on the keys of Wrench',
      ),
    ];
  }
}
