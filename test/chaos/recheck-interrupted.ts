import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { readCard } from './buttons.ts';
import type { ScenarioContext } from './scenario-context.ts';
import { APPROVERS } from './people.ts';

/** Clicks `Check now` on the card of each remediation whose worker was lost. */
export async function recheckInterrupted(
  { stage: { workspace, channels }, buttons, chance }: Pick<ScenarioContext, 'stage' | 'buttons' | 'chance'>,
  remediations: readonly RemediationRecord[],
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
      buttons.press(chance.oneOf(APPROVERS), message, 'look', id, { deliveries: chance.between(1, 4) }),
    ),
  );
}
