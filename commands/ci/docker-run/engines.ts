import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { containerOwner } from '../../shared/container-owners.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { type EngineOfSource, enginesOf, withoutDomain } from '../../shared/match-engine.ts';
import { withinTime } from '../../shared/within-time.ts';
import type { EngineFacts, LeftContainer } from './facts.ts';

type Context = Pick<ReadContext<'pipelines', 'engines'>, 'read' | 'signal' | 'leftMs' | 'note' | 'now'>;

/** With less time left, engines are not read. */
const RESERVE_MS = 2_000;
const ENGINES_AT_ONCE = 16;
/** Unread engines that a note names. */
const MAX_NAMED = 3;
/** The next command may still read or remove one that has just exited. */
const MIN_AGE_MS = 3_600_000;
const STOPPED: ReadonlySet<string> = new Set(['exited', 'dead']);

/**
 * The stopped containers without an owner on all engines, for at most half of the remaining time: they show what commands have left, but don't decide whether
 * one does.
 */
export async function readEngines({
  read,
  signal,
  leftMs,
  note,
  now,
}: Context): Promise<readonly EngineFacts[]> {
  const engines = enginesOf(read.engines ?? []);
  const found = new Map<EngineOfSource, EngineFacts>();
  const unread: { readonly of: EngineOfSource; readonly what: string; readonly because: string }[] = [];
  await withinTime(signal, (leftMs() - RESERVE_MS) / 2, async (untilLate) => {
    const limited = limitTasks(ENGINES_AT_ONCE);
    const readOne = async (of: EngineOfSource): Promise<void> => {
      if (untilLate.aborted) return;
      const skip = (what: string, because: string) => void unread.push({ of, what, because });
      try {
        found.set(of, await readEngine(of, { signal: untilLate, now, skip }));
      } catch (error) {
        if (error instanceof SourceError) skip(of.target, error.message);
        else if (!untilLate.aborted) throw error;
      }
    };
    await Promise.all(engines.map((of) => limited(() => readOne(of))));
  });
  const all = engines.flatMap((of) => {
    const own = unread.filter((one) => one.of === of);
    return found.has(of) || own.length > 0 ? own : [{ what: of.target, because: 'not read in time' }];
  });
  if (all.length > 0)
    note(
      `Couldn't read all containers, so commands may have left more: ${wording.list(
        all.map(({ what, because }) => `${what} (${because})`),
        MAX_NAMED,
      )}`,
    );
  return engines.flatMap((of) => found.get(of) ?? []);
}

interface Reading {
  readonly signal: AbortSignal;
  readonly now: Date;
  /** Records what is unknown. */
  readonly skip: (what: string, because: string) => void;
}

async function readEngine(
  { source, engine, target }: EngineOfSource,
  { signal, now, skip }: Reading,
): Promise<EngineFacts> {
  const containers: LeftContainer[] = [];
  for await (const batch of source.containers({ engine: engine.name, signal }))
    for (const container of batch) {
      const { name, image, labels } = container;
      const answer = isLeft(container, now);
      if (answer === true) containers.push({ name, image, labels });
      if (typeof answer === 'string') skip(`${target}: ${name}`, answer);
    }
  const hosts = [engine.name, engine.host, ...(engine.node === undefined ? [] : [engine.node])];
  return { target, machine: [...new Set([...hosts, ...hosts.map(withoutDomain)])], containers };
}

/** Whether a container has stopped long enough ago, and has no owner. A text says why that is unknown. */
function isLeft(container: ports.EngineContainer, now: Date): boolean | string {
  const { state, details, error } = container;
  if (!STOPPED.has(state) || containerOwner(container) !== undefined) return false;
  if (!details) return error ?? "couldn't be inspected";
  if (details.autoRemove || !['', 'no'].includes(details.restartPolicy)) return false;
  if (!details.finishedAt) return 'the engine does not report when it finished';
  return now.getTime() - details.finishedAt.getTime() > MIN_AGE_MS;
}
