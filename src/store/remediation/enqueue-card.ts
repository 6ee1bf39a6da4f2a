import type { Queues } from '../../queue/queues.ts';
import type { StoredRemediation } from './remediation-store.ts';

/** Queues the card that shows a remediation as it is now; once for each revision. The sweep queues it again where that failed. */
export async function enqueueCard(
  { enqueueOutbox }: Pick<Queues, 'enqueueOutbox'>,
  { record: { id, runId, check, environment, asked }, revision }: StoredRemediation,
): Promise<void> {
  await enqueueOutbox(`card-${id}-${revision}`, {
    kind: 'card',
    runId,
    check,
    environment,
    asked,
    id,
    revision,
  });
}
