const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** In thousands, as `etcdctl endpoint status` writes them: a quota of 2 GiB is 2.1 GB. */
export function bytes(amount: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(amount, 1)) / 3), UNITS.length - 1);
  const scaled = amount / 1_000 ** power;
  return `${Number(scaled.toFixed(scaled < 9.95 && power > 0 ? 1 : 0))} ${UNITS[power]}`;
}

/** Rounded down, and never to 0 or 100 what is neither. */
export function percent(share: number): string {
  const whole = Math.floor(share * 100);
  if (share > 0 && share < 0.01) return 'less than 1%';
  return `${whole}%`;
}

export function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`;
}
