/** Of the loopback workspace, by their ids in Slack. */
export const PEOPLE = {
  ada: 'U0123ADA',
  grace: 'U0123GRACE',
  /** The user group that Grace is in. */
  leads: 'S0123PLATFORM',
} as const;
