/**
 * A secret in the encodings in which it may occur in other text: plain, in JSON, XML and URLs, read as ISO 8859-1, and in hexadecimal and base64,
 * also in the middle of longer base64.
 */
export function secretEncodings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((before) => base64Within(bytes, before));
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const forms = [
    secret,
    bytes.toString('latin1'),
    JSON.stringify(secret).slice(1, -1),
    xml,
    xml.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    encodeURIComponent(secret),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)];
}

/** The base64 characters that depend only on these bytes, if they follow `before` other bytes and any bytes follow them. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const first = before === 0 ? 0 : before + 1;
  return text.slice(first, (before + bytes.length) % 3 === 0 ? text.length : -1);
}
