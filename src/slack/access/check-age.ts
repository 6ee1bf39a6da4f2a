import type { SlackDelivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

/** Slack may deliver something hours late, when no one expects it to take effect. The window applies in both directions. */
const WINDOW_MS = 5 * 60_000;

/**
 * Refuses old deliveries. Clicks and events must have a time. Commands and modal submissions have none; only their repeated deliveries are
 * recognized.
 */
export function checkAge({ kind, atMs }: SlackDelivery, nowMs: number): Refusal | undefined {
  if (kind !== 'click' && kind !== 'event') return undefined;
  const again = kind === 'click' ? ' Click again.' : '';
  const refuse = (why: string): Refusal => ({
    rule: 'age',
    because: `this ${kind === 'click' ? 'click' : 'message'} ${why}, so nothing was done.${again}`,
  });
  if (atMs === undefined) return refuse('has no valid time');
  const lateMs = nowMs - atMs;
  if (lateMs > WINDOW_MS) return refuse(`reached Wrench ${agoInWords(lateMs)} late`);
  if (lateMs < -WINDOW_MS) return refuse(`is dated ${agoInWords(-lateMs)} in the future`);
  return undefined;
}

function agoInWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
