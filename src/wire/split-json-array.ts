/** The JSON of an object, split into its head and the elements of one array. */
export interface SplitJson {
  /** The object with an empty array. */
  readonly head: string;
  /** The JSON of each element, in order. They keep the whole text in memory. */
  readonly elements: readonly string[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Elements take memory even if they are short: a response of 64 MB may have thirty million. */
const MAX_ELEMENTS = 1_000_000;

/**
 * Splits the JSON of an object so that the elements of its array under `key` can be parsed one at a time. Parsing a long list as a whole takes
 * several times the memory of its text. The JSON is valid if and only if the head and all elements are.
 * @returns undefined if there is no such array or it has no end; `too-many` if it has more than `most` elements.
 */
export function splitJsonArray(
  json: string,
  key: string,
  most = MAX_ELEMENTS,
): SplitJson | 'too-many' | undefined {
  const quotedKey = JSON.stringify(key);
  const elements: string[] = [];
  let depth = 0;
  /** Index of the array's content. */
  let start = -1;
  /** Index of the current element. */
  let from = -1;
  let lastString = -1;

  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      if (depth === 1) lastString = at;
      at = endOfString(json, at);
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      depth++;
      const isWanted = code === OPEN_ARRAY && depth === 2 && start === -1;
      if (isWanted && isValueOf(json, quotedKey, lastString, at)) start = from = at + 1;
    } else if (code === COMMA) {
      if (depth !== 2 || from === -1) continue;
      if (elements.length >= most) return 'too-many';
      elements.push(json.slice(from, at));
      from = at + 1;
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth--;
      if (depth !== 1 || from === -1) continue;
      const last = json.slice(from, at);
      if (elements.length > 0 || last.trim() !== '') elements.push(last);
      return { head: json.slice(0, start) + json.slice(at), elements };
    }
  }
  return undefined;
}

/** Whether the value at `at` belongs to the key at `keyAt`: only a colon is between them. */
function isValueOf(json: string, quotedKey: string, keyAt: number, at: number): boolean {
  return (
    keyAt !== -1 &&
    json.startsWith(quotedKey, keyAt) &&
    json.slice(keyAt + quotedKey.length, at).trim() === ':'
  );
}

/** Index of the closing quote of the string that starts at `at`. */
function endOfString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return json.length;
}
