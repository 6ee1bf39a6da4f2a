import { userInfo } from 'node:os';
import { cleanText } from '../text/clean-text.ts';
import { timeInWords } from '../check/report-in-words.ts';
import { type FreezeRecord, openFreeze, parseFreezeReason } from '../store/remediation/freeze.ts';
import { PREFIX } from '../queue/queues.ts';
import { withRedis } from './shared/redis.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';
import { parseFlags } from './shared/parse-flags.ts';

type Output = Pick<Terminal, 'out' | 'error'>;

/** `wrench freeze [--because "…"]`, for whoever can reach Redis. Audited as `terminal`. @returns the exit code. */
export function freeze(words: readonly string[], output: Output): Promise<number> {
  return switchFreeze('freeze', words, output);
}

/** `wrench unfreeze [--because "…"]`, like {@link freeze}. @returns the exit code. */
export function unfreeze(words: readonly string[], output: Output): Promise<number> {
  return switchFreeze('unfreeze', words, output);
}

async function switchFreeze(
  verb: 'freeze' | 'unfreeze',
  words: readonly string[],
  { out, error }: Output,
): Promise<number> {
  const usage = `Usage: wrench ${verb} [--because "…"]\n`;
  const parsed = parseFlags(words, ['because']);
  if (typeof parsed === 'string') {
    error(`wrench: ${parsed}\n${usage}`);
    return EXIT.usage;
  }
  if (parsed.asksForHelp) {
    out(usage);
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
          ? 'Thawed. Approved plans are applied again.\n'
          : 'Nothing is frozen.\n',
      );
    else if (await store.freeze(entry)) out(`Frozen. ${NOTHING_APPLIED}\n`);
    else out(alreadyFrozenText(await store.read()));
    return 0;
  });
}

const NOTHING_APPLIED = 'Nothing is applied in any environment; checks still run.';

function alreadyFrozenText(before: FreezeRecord | undefined): string {
  if (!before) return 'It was thawed at this very moment: nothing is frozen.\n';
  const why = before.because === '' ? '' : `: ${cleanText(before.because)}`;
  return `Frozen already by ${cleanText(before.by)} since ${timeInWords(before.at)}${why}. ${NOTHING_APPLIED}\n`;
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
