import { cleanText, NOTHING_VISIBLE } from '../text/clean-text.ts';
import { suggest, unknownFlagText } from '../text/nearest.ts';
import { LONGEST_TEXT, splitWords, WordsError } from '../text/split-words.ts';
import { readUntil } from './read-until.ts';

/** What to silence, until when and why. */
export interface SilenceRequest {
  readonly what:
    | { readonly kind: 'finding'; readonly id: string }
    | {
        readonly kind: 'pattern';
        readonly reason: string;
        readonly targetPattern: string;
        readonly check?: string;
        readonly environment?: string;
      };
  /** Milliseconds since the epoch. If absent, the silence lasts until the finding is gone. */
  readonly untilMs?: number;
  readonly because: string;
}

const WHICH = 'Which finding? Give its id, such as `f35ef764f5e`, or `--reason` and `--target`.';
const FLAGS = ['until', 'because', 'reason', 'target', 'check', 'env'];
/** The reason may be typed without quotes: it then ends at the next flag, or at the end of the text. */
const BECAUSE =
  /(?:^|\s)(?:--|[—–-])?because(?:\s*[=:]\s*|\s+)(?:"([^"]*)"(?=\s|$)|'([^']*)'(?=\s|$)|([\s\S]*?)(?=\s+(?:--|[—–])(?:until|reason|target|check|env)\b|\s*$))/i;

/** Parses the text after `/wrench silence`. @returns the request, or the problem with it, for people. */
export function readSilence(
  typed: string,
  context: {
    readonly nowMs: number;
    readonly environments: readonly string[];
    readonly checks: readonly string[];
  },
): SilenceRequest | string {
  if (typed.length > LONGEST_TEXT)
    return `The command has ${typed.length} characters; the limit is ${LONGEST_TEXT}.`;
  if (typed.trim() === '') return WHICH;
  const text = typed.replaceAll(/[“”„‟«»]/g, '"').replaceAll(/[‘’‚‛]/g, "'");
  const [all = '', double, single, bare] = BECAUSE.exec(text) ?? [];
  const because = cleanText(double ?? single ?? bare ?? '');
  if (!/[\p{L}\p{N}]/u.test(because) || because === NOTHING_VISIBLE)
    return 'Missing `--because`. Add the reason, such as `--because "rotates on Friday"`; everyone can see it.';
  try {
    const { bare: words, flags } = splitWords(text.replace(all, ' '));
    for (const flag of flags.keys()) if (!FLAGS.includes(flag)) return unknownFlagText(flag, FLAGS);
    const [id, extra] = words;
    if (extra !== undefined) return `Unexpected argument \`${extra.slice(0, 40)}\`.`;
    const written = flags.get('until');
    const until = written === undefined ? undefined : readUntil(written, context.nowMs);
    if (typeof until === 'string') return until;
    const what = id === undefined ? readPattern(flags, context) : readFinding(id, flags);
    if (typeof what === 'string') return what;
    if (what.kind === 'pattern' && until === undefined)
      return 'A silence by pattern needs an end: add `--until 3d`.';
    return { what, because, ...(until !== undefined && { untilMs: until }) };
  } catch (error) {
    if (error instanceof WordsError) return error.message;
    throw error;
  }
}

function readFinding(id: string, flags: ReadonlyMap<string, string>): SilenceRequest['what'] | string {
  const extra = ['reason', 'target', 'check', 'env'].find((flag) => flags.has(flag));
  return extra === undefined
    ? { kind: 'finding', id }
    : `\`--${extra}\` only works with a pattern. To silence only \`${id.slice(0, 40)}\`, remove it.`;
}

function readPattern(
  flags: ReadonlyMap<string, string>,
  { environments, checks }: { readonly environments: readonly string[]; readonly checks: readonly string[] },
): SilenceRequest['what'] | string {
  const reason = flags.get('reason') ?? '';
  const targetPattern = flags.get('target') ?? '';
  if (reason === '' && targetPattern === '') return WHICH;
  if (reason === '')
    return 'Missing `--reason`. Use the reason of the findings, such as `certificate-expired`.';
  if (targetPattern === '')
    return 'Missing `--target`. Use a target such as `vault:secret/old/*`; `*` matches anything.';
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(reason))
    return `Invalid reason \`${reason.slice(0, 40)}\`. Reasons look like \`certificate-expired\`.`;
  const check = flags.get('check')?.replace(/^\//, '').replace(/\s+/, '/');
  const environment = flags.get('env');
  return (
    unknownName('check', check, checks) ??
    unknownName('environment', environment, environments) ?? {
      kind: 'pattern',
      reason,
      targetPattern,
      ...(check !== undefined && { check }),
      ...(environment !== undefined && { environment }),
    }
  );
}

function unknownName(
  what: string,
  written: string | undefined,
  names: readonly string[],
): string | undefined {
  if (written === undefined || names.includes(written)) return undefined;
  return `Unknown ${what} \`${written.slice(0, 40)}\`.${suggest(written, names)}`;
}
