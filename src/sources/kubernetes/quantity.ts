const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** Longer texts are invalid, and matching them could take minutes. */
const MAX_LENGTH = 64;

/** A quantity such as `100Mi`, `1.5Gi`, `1e3`: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export function parseQuantity(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, number, exponent, suffix = ''] = QUANTITY.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const value = exponent === undefined ? Number(number) * SUFFIXES[suffix]! : Number(number + exponent);
  return Number.isFinite(value) ? value : undefined;
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it: `5m0s`, `1h30m`. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > MAX_LENGTH) return undefined;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * DURATION_UNITS_MS[unit!]!, 0);
}
