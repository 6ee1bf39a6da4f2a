import { duration } from '../../text/duration.ts';

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const PERSON = /^@?([UW][A-Z0-9]{2,})(\|.*)?$/;
/** Actors in the audit that are not Slack users. */
const NOT_IN_SLACK = ['terminal', 'wrench'];

/**
 * Parses a duration ago (`7d`) or a time (`2026-11-20`) to milliseconds since the epoch; undefined if it is neither. Times without a zone are UTC.
 */
export function readMoment(written: string, nowMs: number): number | undefined {
  if (DATE.test(written)) {
    const hasZone = !written.includes('T') || /(Z|[+-]\d{2}:?\d{2})$/.test(written);
    const at = Date.parse(hasZone ? written : `${written}Z`);
    return Number.isNaN(at) ? undefined : at;
  }
  const ago = duration.safeParse(written);
  return ago.success ? Math.max(0, nowMs - ago.data) : undefined;
}

/** The id in `@U0123ADA` or `U0123ADA|ada`; undefined for a name, because names don't identify people. */
export function readPerson(written: string): string | undefined {
  return NOT_IN_SLACK.find((who) => who === written) ?? PERSON.exec(written)?.[1];
}
