import type { Remediation } from '../../src/store/remediation/record.ts';
import { readCard } from './clicker.ts';
import type { Crowd } from './crowd.ts';
import { APPROVERS } from './people.ts';

/** Where a worker was lost nobody knows: somebody presses `Check now` on each such card. */
export async function lookAtOpenEnds(
  { stage: { workspace, channels }, clicker, chance }: Pick<Crowd, 'stage' | 'clicker' | 'chance'>,
  remediations: readonly Remediation[],
): Promise<void> {
  const open = new Set(remediations.filter(({ state }) => state === 'interrupted').map(({ id }) => id));
  const cards = channels.flatMap((channelId) =>
    workspace
      .messages(channelId)
      .flatMap(({ ts }) => workspace.thread(channelId, ts))
      .flatMap((message) => {
        const id = readCard(message)?.id ?? '';
        return open.has(id) ? [{ message, id }] : [];
      }),
  );
  await Promise.all(
    cards.map(({ message, id }) =>
      clicker.press(chance.oneOf(APPROVERS), message, 'look', id, { deliveries: chance.between(1, 4) }),
    ),
  );
}
