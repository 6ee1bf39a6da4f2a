/** When a container ran, in RFC 3339. */
export interface ContainerTimes {
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** How long a backdated container ran. */
const RAN_MS = 90_000;

export function timesOfRun(finishedMs: number): ContainerTimes {
  const [startedAt, finishedAt] = [finishedMs - RAN_MS, finishedMs].map((ms) => new Date(ms).toISOString());
  return { startedAt: startedAt!, finishedAt: finishedAt! };
}

/** The engine's record of a container, or its inspection, with other times. Both use the same names. */
export function withTimes(record: object, { startedAt, finishedAt }: ContainerTimes): object {
  const { State: state } = record as { readonly State: object };
  return { ...record, Created: startedAt, State: { ...state, StartedAt: startedAt, FinishedAt: finishedAt } };
}
