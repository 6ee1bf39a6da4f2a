import { wording } from '../../kit.ts';
import { readCommands } from '../../shared/pipelines/read-commands.ts';
import type { Context, EngineFacts, Facts } from './facts.ts';

/** With less time left, pipelines are not read. */
const RESERVE_MS = 2_000;
/** Unread pipelines that a note names. */
const MAX_NAMED = 3;

/**
 * The commands that containers may come from. Reads pipelines only if something is left over and after all engines, for at most half of the remaining time:
 * they explain leftovers, but don't decide what is one. A run that verifies a fix needs no explanation again.
 */
export async function readPipelines(
  { read, signal, leftMs, note, isVerification }: Context,
  engines: readonly EngineFacts[],
): Promise<Facts['pipelines']> {
  const isAnythingLeft = engines.some(({ containers }) => containers.leftovers.length > 0);
  if (!read.pipelines || !isAnythingLeft || isVerification) return undefined;
  const withinMs = (leftMs() - RESERVE_MS) / 2;
  const { commands, unread } = await readCommands(read.pipelines, { signal, withinMs });
  if (unread.length > 0)
    note(
      `Couldn't read all pipelines, so it may be unknown where containers come from: ${wording.list(
        unread.map(({ what, because }) => `${what} (${because})`),
        MAX_NAMED,
      )}`,
    );
  return { commands, areAllKnown: unread.length === 0 };
}
