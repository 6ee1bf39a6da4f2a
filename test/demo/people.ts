/** The channels of the loopback workspace, by their Slack ids. */
export const CHANNELS = {
  incident: 'C0123INCIDENT',
  /** The digest's channel. */
  platform: 'C0123PLATFORM',
} as const;

/** The people of the loopback workspace, by their Slack ids. */
export const PEOPLE = {
  ada: 'U0123ADA',
  grace: 'U0123GRACE',
  /** The user group that Grace is in. */
  leads: 'S0123PLATFORM',
} as const;
