import type { Delivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

/** Slack may deliver what was delayed hours later; by then nobody expects it to act. The same window in both directions. */
const WINDOW_MS = 5 * 60_000;

const NAMES = { click: 'click', event: 'event' } as const;

/**
 * Old deliveries never act. Clicks and events must say when they happened; commands and modal submissions carry no time, and are only
 * recognized when they come again.
 */
export function checkAge({ kind, atMs }: Delivery, nowMs: number): Refusal | undefined {
  if (kind !== 'click' && kind !== 'event') return undefined;
  const what = NAMES[kind];
  const again = kind === 'click' ? ' Click again.' : '';
  const refuse = (why: string): Refusal => ({
    rule: 'age',
    because: `this ${what} ${why}, so nothing was done.${again}`,
  });
  if (atMs === undefined) return refuse('does not say when it was made');
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
