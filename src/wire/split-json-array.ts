/** The JSON of an object, without the elements of one long array. */
export interface SplitJson {
  /** The object with the array empty. */
  readonly head: string;
  /** The elements, in order. They share the memory of the whole text. */
  readonly elements: readonly string[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Splits the JSON of an object, so that the elements of its array under `key` can be parsed one by one: parsed as a whole, a long list takes several times
 * the memory of its text. The JSON is valid exactly where the head and all elements are.
 * @returns undefined where there is no such array, or where it does not end.
 */
export function splitJsonArray(json: string, key: string): SplitJson | undefined {
  const quotedKey = JSON.stringify(key);
  const elements: string[] = [];
  let depth = 0;
  /** Of the array, behind its bracket. */
  let start = -1;
  /** Of an element. */
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

/** Whether the value at `at` is that of the key at `keyAt`: nothing but a colon is between them. */
function isValueOf(json: string, quotedKey: string, keyAt: number, at: number): boolean {
  return (
    keyAt !== -1 &&
    json.startsWith(quotedKey, keyAt) &&
    json.slice(keyAt + quotedKey.length, at).trim() === ':'
  );
}

/** Where the quote is that ends the string which begins at `at`. */
function endOfString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return json.length;
}
