/** The channels of the loopback workspace, by their ids in Slack. */
export const CHANNELS = {
  incident: 'C0123INCIDENT',
  /** Where the digest is posted. */
  platform: 'C0123PLATFORM',
} as const;

/** The people of the loopback workspace, by their ids in Slack. */
export const PEOPLE = {
  ada: 'U0123ADA',
  grace: 'U0123GRACE',
  /** The user group that Grace is in. */
  leads: 'S0123PLATFORM',
} as const;
