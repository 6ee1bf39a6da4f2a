import { userInfo } from 'node:os';
import { cleanText } from '../text/clean-text.ts';
import { timeInWords } from '../check/report-in-words.ts';
import { type FreezeRecord, openFreeze, parseFreezeReason } from '../store/remediation/freeze.ts';
import { PREFIX } from '../queue/queues.ts';
import { withRedis } from './shared/redis.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';
import { type HelpPage, renderHelpPage } from '../terminal/help-page.ts';
import { HELP_FLAG, usageErrorText } from './shared/usage.ts';
import { parseFlags } from './shared/parse-flags.ts';

const BECAUSE_FLAGS = {
  '--because REASON': 'Why; it appears in the audit',
  ...HELP_FLAG,
};

const HELP: Readonly<Record<'freeze' | 'unfreeze', HelpPage>> = {
  freeze: {
    about: 'Stop all fixes in every environment. Checks still work.',
    usage: ['wrench freeze [--because REASON]'],
    lists: { Flags: BECAUSE_FLAGS },
    examples: ['wrench freeze --because "network maintenance"'],
  },
  unfreeze: {
    about: 'Let fixes run again.',
    usage: ['wrench unfreeze [--because REASON]'],
    lists: { Flags: BECAUSE_FLAGS },
  },
};

type Output = Pick<Terminal, 'out' | 'error'>;

/** `wrench freeze`. Audited as `terminal`. @returns the exit code. */
export function freeze(words: readonly string[], output: Output): Promise<number> {
  return switchFreeze('freeze', words, output);
}

/** `wrench unfreeze`. Audited as `terminal`. @returns the exit code. */
export function unfreeze(words: readonly string[], output: Output): Promise<number> {
  return switchFreeze('unfreeze', words, output);
}

async function switchFreeze(
  verb: 'freeze' | 'unfreeze',
  words: readonly string[],
  { out, error }: Output,
): Promise<number> {
  const parsed = parseFlags(words, ['because']);
  if (typeof parsed === 'string') {
    error(usageErrorText(parsed, verb));
    return EXIT.usage;
  }
  if (parsed.asksForHelp) {
    out(renderHelpPage(HELP[verb]));
    return 0;
  }
  const typed = parsed.flags['because'] ?? parsed.positionals.join(' ');
  return withRedis(error, async ({ connection, redact }) => {
    const store = openFreeze(connection, PREFIX);
    const [seconds] = await connection.time();
    const entry: FreezeRecord = {
      by: 'terminal',
      at: new Date(Number(seconds) * 1_000).toISOString(),
      because: reasonWithAccount(parseFreezeReason(redact(typed))),
    };
    if (verb === 'unfreeze')
      out(
        (await store.unfreeze(entry))
          ? 'Unfrozen. Fixes can run again. Request stopped plans again.\n'
          : 'Nothing is frozen.\n',
      );
    else if (await store.freeze(entry)) out(`Frozen. ${NO_FIXES}\n`);
    else out(alreadyFrozenText(await store.read()));
    return 0;
  });
}

const NO_FIXES = 'No fixes run in any environment; checks still work. To resume: wrench unfreeze';

function alreadyFrozenText(before: FreezeRecord | undefined): string {
  if (!before) return 'Someone unfroze at the same moment. Nothing is frozen.\n';
  const why = before.because === '' ? '' : `: ${cleanText(before.because)}`;
  return `Already frozen by ${cleanText(before.by)} since ${timeInWords(before.at)}${why}. ${NO_FIXES}\n`;
}

/** A person at a terminal has no Slack id, so the reason names the account. */
function reasonWithAccount(because: string): string {
  const who = `by ${account()} at a terminal`;
  return because === '' ? who : `${because} (${who})`;
}

function account(): string {
  try {
    return cleanText(userInfo().username);
  } catch {
    // In a container a user may have a number and no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
