/** undefined if there are none. */
export function latest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.reduce((one, other) => (one === undefined || (other && other > one) ? other : one), undefined);
}

/** undefined if there are none. */
export function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.reduce((one, other) => (one === undefined || (other && other < one) ? other : one), undefined);
}
