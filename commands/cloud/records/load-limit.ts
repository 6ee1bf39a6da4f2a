import { wording } from '../../kit.ts';
import type { ArchiveParams } from './archive-params.ts';
import { type ArchiveContext, findDatabase, findHosts } from './plan-archive.ts';

/** More statements at once show that the database is busy with something else. */
export const MAX_RUNNING_STATEMENTS = 50;
/** Archiving makes a replica that is behind fall behind further. */
export const MAX_LAG_SECONDS = 60;

/**
 * Why no further batch may start now. undefined if it may.
 * @throws {SourceError} if the load is unknown, so that none may start either.
 */
export async function whyBusy(
  context: Pick<ArchiveContext, 'read' | 'signal'>,
  asked: ArchiveParams,
  maxLoadPerCpu: number,
): Promise<string | undefined> {
  const { signal } = context;
  const { host, database } = asked;
  const [load, state] = await Promise.all([
    findHosts(context, asked).load({ host, signal }),
    findDatabase(context, asked).state({ signal }),
  ]);
  const perCpu = load.oneMinute / load.cpus;
  if (!(perCpu <= maxLoadPerCpu))
    return `the load of ${host} is ${Number(perCpu.toFixed(2))} per CPU, above ${maxLoadPerCpu}`;
  const { runningThreads = 0, replicationLagSeconds = 0, isReplicationStopped } = state;
  if (runningThreads > MAX_RUNNING_STATEMENTS)
    return `${database} runs ${runningThreads} statements at once, more than ${MAX_RUNNING_STATEMENTS}`;
  if (isReplicationStopped) return `replication of ${database} has stopped`;
  if (replicationLagSeconds > MAX_LAG_SECONDS)
    return `${database} is ${wording.elapsed(replicationLagSeconds * 1_000)} behind the server that it replicates`;
  return undefined;
}
