/** Between the lines of a text, also if they were escaped or replaced. */
const BREAK = String.raw`(?:\s|\uFFFD|\\[rn])`;
/** How the base64 of a key begins: a sequence with a version, or with the algorithm of its encryption; OpenSSH's. No certificate begins like this. */
const KEY_HEAD =
  'MI[I-L].{2}[AQgw]IBA|MI[GH].AgE[AB]|M[A-H].CAQ[A-P]|MI.{4,10}(?:BgkqhkiG9w0BBQ|CSqGSIb3DQEF|BgoqhkiG9w0BDAE)|b3BlbnNzaC1rZXktdjE';
/** A whole key with its lines. */
const PEM_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END \1-----|$)/g;
/** Parts of keys, and keys without these lines. Each begins where no other one can, so that long texts are searched only once. */
const PARTS: readonly RegExp[] = [
  // The rest of one whose beginning was cut off.
  /(?<![A-Za-z0-9+/=\s\\])[A-Za-z0-9+/=\s\\]{16,}-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----/g,
  // Without these lines.
  new RegExp(
    String.raw`(?<=^|[^A-Za-z0-9+/]|\\[rn])(?:${KEY_HEAD})[A-Za-z0-9+/=_-]{20,}(?:${BREAK}{1,8}[A-Za-z0-9+/=_-]{20,})*` +
      String.raw`(?:${BREAK}{1,8}[A-Za-z0-9+/_-]{1,19}(?:={1,2}|(?=\s*(?:$|["'-]))))?`,
    'g',
  ),
  // `PRIVATE KEY` in base64, which depends on how many bytes are before it.
  /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]*(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/=_-]*/g,
  // JSON Web Keys: https://www.rfc-editor.org/rfc/rfc7518#section-6
  /(?<=\\?"(?:d|p|q|dp|dq|qi)\\?"\s?:\s?\\?")[\w-]{40,}/g,
];
/** No key is shorter, and few texts have anything as long in them. */
const LIKE_A_KEY = /[\w+/-]{30}|PRIVATE KEY/;

/** What else no output may contain: tokens in well-known formats, passwords in URLs. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
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
  const redactWhole = makeRedactWhole(secrets);
  return (text) => {
    let shown = redactWhole(text);
    if (LIKE_A_KEY.test(shown)) for (const part of PARTS) shown = shown.replace(part, '[private key]');
    return shown;
  };
}

/**
 * The same without parts of private keys and keys in other encodings: for texts in which these are searched by decoding them, which a key without its
 * beginning would prevent.
 */
export function makeRedactWhole(secrets: readonly string[] = []): Redact {
  const longestFirst = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    let shown = text;
    for (const secret of longestFirst) shown = shown.replaceAll(secret, '[secret]');
    shown = shown.replace(PEM_KEY, '[private key]');
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
