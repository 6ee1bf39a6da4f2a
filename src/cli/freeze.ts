import { userInfo } from 'node:os';
import { cleanText } from '../text/clean-text.ts';
import { timeInWords } from '../check/report-in-words.ts';
import { type Frozen, openFreeze, reasonIn } from '../store/remediation/freeze.ts';
import { PREFIX } from '../queue/queues.ts';
import { withRedis } from './shared/redis.ts';
import { EXIT, type Terminal } from './shared/terminal.ts';
import { sortShellWords } from './shared/words.ts';

/**
 * `wrench freeze [--because "…"]` and `wrench thaw`: whoever reaches Redis may. Both are audited, in the name of `terminal`.
 * @returns the exit code.
 */
export async function switchFreeze(
  verb: 'freeze' | 'thaw',
  words: readonly string[],
  { out, error }: Pick<Terminal, 'out' | 'error'>,
): Promise<number> {
  const usage = `Usage: wrench ${verb} [--because "…"]\n`;
  const sorted = sortShellWords(words, ['because']);
  if (typeof sorted === 'string') {
    error(`wrench: ${sorted}\n${usage}`);
    return EXIT.usage;
  }
  if (sorted.asksForHelp) {
    out(usage);
    return 0;
  }
  const typed = sorted.flags['because'] ?? sorted.bare.join(' ');
  return withRedis(error, async ({ connection, redact }) => {
    const freeze = openFreeze(connection, PREFIX);
    const [seconds] = await connection.time();
    const said: Frozen = {
      by: 'terminal',
      at: new Date(Number(seconds) * 1_000).toISOString(),
      because: reasonAt(reasonIn(redact(typed))),
    };
    if (verb === 'thaw')
      out((await freeze.thaw(said)) ? 'Thawed. Approved plans are applied again.\n' : 'Nothing is frozen.\n');
    else if (await freeze.freeze(said)) out(`Frozen. ${NOTHING}\n`);
    else out(frozenAlready(await freeze.read()));
    return 0;
  });
}

const NOTHING = 'Nothing is applied in any environment; checks still run.';

function frozenAlready(before: Frozen | undefined): string {
  if (!before) return 'It was thawed at this very moment: nothing is frozen.\n';
  const why = before.because === '' ? '' : `: ${cleanText(before.because)}`;
  return `Frozen already by ${cleanText(before.by)} since ${timeInWords(before.at)}${why}. ${NOTHING}\n`;
}

/** Slack knows nobody at a terminal; the machine knows an account. */
function reasonAt(because: string): string {
  const who = `by ${account()} at a terminal`;
  return because === '' ? who : `${because} (${who})`;
}

function account(): string {
  try {
    return cleanText(userInfo().username);
  } catch {
    // A container's user may have a number and no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
