import type { SlackDelivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

/** A delivery whose sender and identity are known. */
export interface IdentifiedDelivery extends SlackDelivery {
  readonly userId: string;
  readonly triggerId: string;
}

/** Slack's ids of people, never names. */
const USER_ID = /^[UW][A-Z0-9]{2,}$/;

/** Refuses bots, unknown senders, and deliveries without an id, because their repetitions can't be recognized. */
export function identify(delivery: SlackDelivery): IdentifiedDelivery | Refusal {
  const { userId, triggerId, isBot } = delivery;
  if (isBot) return { rule: 'who', because: "bots can't do this" };
  if (userId === undefined || !USER_ID.test(userId))
    return { rule: 'who', because: "Slack didn't say who sent this" };
  if (triggerId === undefined)
    return { rule: 'who', because: 'Slack sent this without an id, so nothing was done; try again' };
  return { ...delivery, userId, triggerId };
}
