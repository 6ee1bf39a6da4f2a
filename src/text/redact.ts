/** What no output may contain: private keys, tokens in well-known formats, passwords in URLs. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, '[private key]'],
  [/\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{8,}/g, '[slack token]'],
  [/\bhv[sbr]\.[A-Za-z0-9_-]{8,}/g, '[vault token]'],
  [/\b(?:s|b)\.[A-Za-z0-9]{24}\b/g, '[vault token]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, '[jwt]'],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+@/gi, '$1[credentials]@'],
  [/\b(Bearer|Basic) [A-Za-z0-9._~+/=-]{8,}/g, '$1 [redacted]'],
];

/** Shorter secrets can't be distinguished from ordinary text. */
const SHORTEST_SECRET = 6;

export type Redact = (text: string) => string;

/** Makes the function that all output (Slack, log, Redis, terminal) passes through. `secrets` are the secrets in the configuration of this process. */
export function makeRedact(secrets: readonly string[] = []): Redact {
  const longestFirst = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    let shown = text;
    for (const secret of longestFirst) shown = shown.replaceAll(secret, '[secret]');
    for (const [shape, word] of SHAPES) shown = shown.replace(shape, word);
    return shown;
  };
}

/** The same plain data with every string in it redacted. */
export function redactAll<T>(value: T, redact: Redact): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => redactAll(item, redact)) as T;
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, redactAll(item as unknown, redact)]),
    ) as T;
  return value;
}
