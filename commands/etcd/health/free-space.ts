import { z } from 'zod';
import { SourceError, defineRemediation, type ports } from '../../kit.ts';
import { isHealthy, memberName, memberNames } from '../../shared/store-members.ts';
import { fitTitle } from '../../shared/title.ts';
import { untilMembers } from './collect.ts';
import {
  SETTLES_WITHIN_S,
  alarmsToDisarm,
  findStore,
  hasAlarm,
  identifyMembers,
  isWorthFreeing,
  memberReader,
  membersInOrder,
  obstacleTo,
  obstacleToFreeing,
  raiserOf,
  spaceOf,
} from './maintenance.ts';

const paramsSchema = z.strictObject({ store: z.string() });

/** A member reads its whole database before it responds again. */
const HEALTHY_WITHIN_MS = 60_000;

export const freeSpace = freeSpaceWithin(HEALTHY_WITHIN_MS);

/** Compacts the history, defragments, and disarms NOSPACE. `healthyWithinMs`: how long a defragmented member may take to become healthy. */
export function freeSpaceWithin(healthyWithinMs: number) {
  return defineRemediation({
    about:
      'Compacts the history, defragments the members one at a time and disarms NOSPACE if that freed space',
    title: ({ store }) => fitTitle(`Free space in ${store}`),
    risk: 'destructive',
    allow: 'maintain',
    uses: ['keyValue'],
    params: paramsSchema,
    settlesWithinSeconds: SETTLES_WITHIN_S,
    plan: async (context, { store }) => {
      const members = await memberReader(context, store)();
      refuseUnlessAllowed(store, members);
      return {
        lines: linesFor(members),
        targets: [
          `etcd:${store}`,
          ...membersInOrder(members).map((member) => `etcd:${store}/${memberName(member)}`),
        ],
        precondition: preconditionOf(members),
        ...interruptionOf(store, members),
        irreversible: [
          'The history is deleted: requests for older revisions fail, and watchers that were behind must list again.',
        ],
        afterwards: [
          'It will fill up again unless history is compacted regularly (--auto-compaction-retention) or the source of the writes is found.',
        ],
      };
    },
    apply: async ({ read, write, applyContext, recordStep }, { store: name }) => {
      const store = findStore({ read }, name);
      const readMembers = memberReader({ read, signal: applyContext.signal }, name);
      const { revision } = refuseUnlessAllowed(name, await readMembers());
      await write.keyValue(name).compact(revision, applyContext);
      await recordStep(`History of ${name} compacted up to revision ${revision}`);
      await defragmentAll(store, readMembers, async (member) => {
        await write.keyValue(name).defragment(member.id, applyContext);
        await recordStep(`${memberName(member)} defragmented`);
        await untilAllHealthy(store, member, applyContext.signal, healthyWithinMs);
      });
      const emptied = await readMembers();
      for (const alarm of alarmsToDisarm(name, emptied)) {
        await write.keyValue(name).disarm(alarm, applyContext);
        await recordStep(`NOSPACE alarm of ${raiserOf(alarm, emptied)} disarmed`);
      }
    },
  });
}

type Ready = ports.StoreMembers & { readonly revision: string };

/**
 * @throws {SourceError} `refused` if it must not or need not be done now, with the reason.
 */
function refuseUnlessAllowed(name: string, state: ports.StoreMembers): Ready {
  const refused = (because: string) =>
    new SourceError(name, 'refused', `cannot free space in ${name}: ${because}`);
  const obstacle = obstacleToFreeing(state);
  if (obstacle !== undefined) throw refused(obstacle);
  const space = spaceOf(state);
  if (!space) throw refused('its members do not report their sizes');
  if (hasAlarm(state, 'NOSPACE')) {
    const unmeasured = state.members.filter(
      ({ dbSizeBytes, quotaBytes = state.quotaBytes }) =>
        dbSizeBytes === undefined || quotaBytes === undefined,
    );
    if (unmeasured.length > 0)
      throw refused(
        `${memberNames(unmeasured)} ${unmeasured.length === 1 ? 'does not report its' : 'do not report their'} size and quota, so it is unknown whether the alarm may be disarmed`,
      );
  } else if (!isWorthFreeing(space))
    throw refused('no NOSPACE alarm is raised, and there is hardly any space to reclaim');
  const { revision = '' } = state;
  return { ...state, revision };
}

/** All members vote and are healthy: otherwise nothing is planned, and no further member is defragmented. */
function interruptionOf(
  store: string,
  { members: { length } }: ports.StoreMembers,
): { readonly impact: string; readonly safety?: readonly string[] } {
  const quorum = Math.floor(length / 2) + 1;
  if (length === 1) return { impact: `${store} has one member: it doesn't respond while it is defragmented` };
  const impact = `1 of ${length} members of ${store} at a time doesn't respond while it is defragmented`;
  if (length - 1 < quorum) return { impact: `${impact}; ${store} has no quorum in that time` };
  return {
    impact,
    safety: [`All ${length} members are healthy: the quorum of ${quorum} stays while one doesn't respond`],
  };
}

/** The leader is left out because it may change. Whichever member leads is defragmented last. */
function linesFor(state: ports.StoreMembers): readonly string[] {
  const members = membersInOrder(state);
  const [only, ...others] = members;
  const defragment =
    only && others.length === 0
      ? `Defragment ${memberName(only)}; it does not respond until that is done`
      : `Defragment ${describeMembers(members)}, one at a time, the leader last; each does not respond until it is done`;
  return [
    'Compact the history up to the revision at that moment',
    defragment,
    ...(hasAlarm(state, 'NOSPACE')
      ? ['Disarm every NOSPACE alarm, if each database is then below its quota']
      : []),
  ];
}

/**
 * What must be unchanged until it is applied: the members and the kinds of alarms. Not the revision and the sizes, which grow with every
 * write; not the leader; and not which member raised an alarm, because the others raise theirs with the next write.
 */
function preconditionOf(state: ports.StoreMembers): Readonly<Record<string, string>> {
  const kinds = [...new Set(state.alarms.map(({ kind }) => kind))].toSorted();
  return {
    alarms: kinds.join(', ') || 'none',
    members: identifyMembers(state),
  };
}

/** The leader comes last, so that there is at most one election. The leader may change in the meantime. */
async function defragmentAll(
  store: ports.KeyValueStore,
  readMembers: () => Promise<ports.StoreMembers>,
  defragment: (member: ports.StoreMember) => Promise<void>,
): Promise<void> {
  const done = new Set<string>();
  for (;;) {
    const state = await readMembers();
    const obstacle = obstacleTo(state);
    if (obstacle !== undefined)
      throw new SourceError(
        store.name,
        'refused',
        `stopped before the next member of ${store.name}: ${obstacle}`,
      );
    const left = membersInOrder(state).filter(({ id }) => !done.has(id));
    const next = left.find(({ isLeader }) => !isLeader) ?? left[0];
    if (!next) return;
    await defragment(next);
    done.add(next.id);
  }
}

/** All members, not only this one: no two may be unavailable at once. */
async function untilAllHealthy(
  store: ports.KeyValueStore,
  { name, id }: ports.StoreMember,
  signal: AbortSignal,
  withinMs: number,
): Promise<void> {
  const otherwise = `not all members were healthy within ${withinMs / 1_000} s after ${name || id} was defragmented, so the fix stopped`;
  const areHealthy = (state: ports.StoreMembers) =>
    state.hasQuorum === true && state.members.every((member) => isHealthy(member, state));
  await untilMembers(store, areHealthy, { signal, withinMs, otherwise });
}

/** Names all members, because approvers must see each one that stops. */
function describeMembers(members: readonly ports.StoreMember[]): string {
  const names = members.map(memberName);
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
