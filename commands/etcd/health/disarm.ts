import { z } from 'zod';
import { SourceError, defineRemediation } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import {
  SETTLES_WITHIN_S,
  alarmsToDisarm,
  identifyMembers,
  isOnlyToDisarm,
  memberReader,
  obstacleTo,
  raiserOf,
} from './maintenance.ts';

const paramsSchema = z.strictObject({ store: z.string() });

/** Makes a store writable again after its space was freed. */
export const disarm = defineRemediation({
  about: 'Disarms the NOSPACE alarm once every database is below its quota again',
  title: ({ store }) => fitTitle(`Disarm NOSPACE of ${store}`),
  risk: 'safe',
  allow: 'maintain',
  uses: ['keyValue'],
  params: paramsSchema,
  effect: ({ store }) =>
    `Disarms the NOSPACE alarm of ${store}, so that it accepts writes again. Deletes nothing.`,
  settlesWithinSeconds: SETTLES_WITHIN_S,
  plan: async (context, { store: name }) => {
    const store = await memberReader(context, name)();
    const obstacle = obstacleTo(store);
    if (obstacle !== undefined) throw refused(name, obstacle);
    if (!isOnlyToDisarm(store)) throw refused(name, 'no alarm is raised, or no space was freed yet');
    alarmsToDisarm(name, store);
    return {
      lines: ['Disarm every NOSPACE alarm, if each database is still below its quota'],
      targets: [`etcd:${name}`],
      impact: `${name} accepts writes again; deletes nothing`,
      precondition: {
        alarms: 'NOSPACE',
        members: identifyMembers(store),
      },
      afterwards: [
        'It will fill up again unless history is compacted regularly (--auto-compaction-retention) or the source of the writes is found.',
      ],
    };
  },
  apply: async ({ read, write, applyContext, recordStep }, { store: name }) => {
    const store = await memberReader({ read, signal: applyContext.signal }, name)();
    for (const alarm of alarmsToDisarm(name, store)) {
      await write.keyValue(name).disarm(alarm, applyContext);
      await recordStep(`NOSPACE alarm of ${raiserOf(alarm, store)} disarmed`);
    }
  },
});

function refused(name: string, because: string): SourceError {
  return new SourceError(name, 'refused', `cannot disarm NOSPACE of ${name}: ${because}`);
}
