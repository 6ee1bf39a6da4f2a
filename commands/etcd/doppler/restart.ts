import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import {
  defineRestart,
  type Restartable,
  type RestartEffect,
  type RestartParams,
} from '../../shared/define-restart.ts';
import type { StoreReads } from './collect.ts';
import { DEPENDENT, HEARTBEAT_SECONDS, PROCESS, ROOTS } from './doppler.ts';
import { isRegistered, judgeAll, wasAllRead } from './judge.ts';
import { assign, dedupeInstances, findExpected, keysOf } from './registrations.ts';

export const restart = defineRestart({
  about: 'Restarts one doppler that is running but not registered, or is not running',
  process: PROCESS,
  reads: ['keyValue'],
  effectOf: effectOnDopplers,
  untilVerified: [
    `It should register within ${HEARTBEAT_SECONDS} s of starting.`,
    `Start each ${DEPENDENT} that stays unmonitored separately.`,
  ],
  // monit restarts metron_agent in its 10-second cycle: in the outage of December 2016 it was back after 30 s.
  settlesWithinSeconds: 90,
});

type Context = ReadContext<'processes' | 'keyValue'>;

/** Whether clients still find another doppler while this one restarts. */
async function effectOnDopplers(
  context: Context,
  { deployment, group, id }: RestartParams,
  found: Restartable,
): Promise<RestartEffect> {
  const [{ deployments, isWhole }, stores] = await Promise.all([
    allDeployments(context, found),
    readStores(context),
  ]);
  const facts = { stores, deployments, instances: isWhole ? 'all' : 'partly' } as const;
  const keys = stores.flatMap(keysOf);
  const instances = findExpected(facts, [], keys);
  const isOther = (one: { readonly group: string; readonly id: string }) =>
    one.group !== group || one.id !== id;
  const others = instances.expected.filter(
    (one) =>
      isOther(one) && (found.supervisor.supervisor === 'host' || one.at?.deployment.name === deployment),
  );
  const registered = judgeAll(stores, others, assign(keys, instances)).filter(isRegistered);
  if (isWhole && others.length === 0) return { impact: 'Stops the only doppler until it has restarted' };
  const impact = `Stops ${isWhole ? `1 of ${others.length + 1} dopplers` : 'one doppler'} until it has restarted`;
  if (registered.length > 0)
    return {
      impact: `${impact}; ${wording.count(registered.length, 'other')} ${registered.length === 1 ? 'is' : 'are'} registered`,
      safety: ['At least one other doppler is registered in etcd'],
    };
  return {
    impact:
      wasAllRead(stores) && isWhole
        ? `${impact}; no other doppler is registered`
        : `${impact}; couldn't check whether another one is registered`,
  };
}

/** With one supervisor for each machine, the other dopplers belong to other sources. */
async function allDeployments(
  { read, signal }: Context,
  { supervisor, deployments: own }: Restartable,
): Promise<{ readonly deployments: readonly ports.Deployment[]; readonly isWhole: boolean }> {
  const others = read.processes.filter((one) => one !== supervisor);
  const lists = await Promise.all(others.map((one) => unlessUnreadable(one.deployments({ signal }))));
  const all = [...own, ...lists.flatMap((list) => list ?? [])];
  return {
    deployments: dedupeInstances(all),
    isWhole: lists.every((list) => list !== undefined) && all.every(({ gaps = [] }) => gaps.length === 0),
  };
}

/** A store without a v2 API has no keys of dopplers. */
async function readStores({ read, signal }: Context): Promise<readonly StoreReads[]> {
  const stores = await Promise.all(
    read.keyValue.map(async ({ name, tree }): Promise<StoreReads | 'no-keys'> => {
      try {
        return { name, later: await Promise.all(ROOTS.map(({ prefix }) => tree(prefix, { signal }))) };
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        return error.kind === 'missing' ? 'no-keys' : { name };
      }
    }),
  );
  return stores.filter((store) => store !== 'no-keys');
}

async function unlessUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}
