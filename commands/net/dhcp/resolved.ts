import { type Finding, wording } from '../../kit.ts';
import { examineClients } from './clients.ts';
import type { Facts } from './facts.ts';

/** How the fault of a client ended: only if a server has logged that it acknowledged an address for it, and it has no fault since. */
export function resolved(facts: Facts, { target }: Pick<Finding, 'target'>, now: Date): string | undefined {
  const [mac = ''] = /[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.exec(target) ?? [];
  const conversations = facts.conversations.filter((one) => one.mac === mac);
  const [client, ...others] = examineClients({ ...facts, conversations, earlier: [] }, now).clients;
  const last = client?.rounds.at(-1);
  if (!client || others.length > 0 || client.state.is !== 'fine' || last?.outcome !== 'acknowledged')
    return undefined;
  return `has ${last.address ?? 'an address'} since ${wording.utcTime(last.at)}`;
}
