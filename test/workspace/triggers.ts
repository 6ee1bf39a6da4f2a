import { randomBytes } from 'node:crypto';
import { ApiError } from './api-error.ts';

/** https://docs.slack.dev/surfaces/modals: a trigger is valid for three seconds and opens one view. */
const TRIGGER_LIFE_MS = 3_000;

export interface Triggers {
  readonly issue: (userId: string, id?: string) => string;
  /** The user of a trigger. @throws ApiError if it is unknown, too old, or used. */
  readonly exchange: (id: unknown) => string;
}

export function createTriggers({
  now = () => Date.now(),
  lifeMs = TRIGGER_LIFE_MS,
}: { readonly now?: () => number; readonly lifeMs?: number | undefined } = {}): Triggers {
  const issued = new Map<string, { userId: string; at: number; isUsed: boolean }>();
  return {
    issue: (userId, id = newTriggerId(now())) => {
      issued.set(id, { userId, at: now(), isUsed: false });
      return id;
    },
    exchange: (id) => {
      const trigger = issued.get(String(id));
      if (!trigger) throw new ApiError('invalid_trigger_id');
      if (trigger.isUsed) throw new ApiError('exchanged_trigger_id');
      if (now() - trigger.at > lifeMs) throw new ApiError('expired_trigger_id');
      trigger.isUsed = true;
      return trigger.userId;
    },
  };
}

function newTriggerId(at: number): string {
  return `${at}.${String(at).slice(-6)}.${randomBytes(16).toString('hex')}`;
}
