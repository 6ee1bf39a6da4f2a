import type { SimpleExpansionPart, Word, WordPart } from 'unbash';

type PlainPart = Extract<WordPart, { type: 'Literal' | 'SimpleExpansion' }>;

const OUTSIDE = /[\w./:=+%@,-]+|\$(?:[A-Za-z_]\w*|[@*#\d])|"/y;
const INSIDE = /[^"\\$`]+|\$(?:[A-Za-z_]\w*|[@*#\d])|"/y;

/**
 * The same as `word.parts`, for which unbash reads the word again and which takes longer than everything else about it. Words of text and names of
 * variables, such as `"$IMAGE:$TAG"`, are split here.
 */
export function partsOfWord(word: Word): readonly WordPart[] | undefined {
  return plainParts(word.text, word.pos) ?? word.parts;
}

function plainParts(text: string, pos: number): readonly WordPart[] | undefined {
  const parts: WordPart[] = [];
  for (let at = 0; at < text.length;) {
    OUTSIDE.lastIndex = at;
    const token = OUTSIDE.exec(text)?.[0];
    if (token === undefined) return undefined;
    if (token === '"') {
      const inside = quotedParts(text, at + 1, pos);
      if (!inside) return undefined;
      const end = (inside.at(-1)?.end ?? pos + at + 1) - pos + 1;
      parts.push({
        type: 'DoubleQuoted',
        pos: pos + at,
        end: pos + end,
        text: text.slice(at, end),
        parts: inside,
      });
      at = end;
    } else {
      parts.push(plainPart(token, pos + at));
      at += token.length;
    }
  }
  return parts.length > 0 ? parts : undefined;
}

/** Up to the quotation mark that ends them. */
function quotedParts(text: string, from: number, pos: number): readonly PlainPart[] | undefined {
  const parts: PlainPart[] = [];
  for (let at = from; ;) {
    INSIDE.lastIndex = at;
    const token = INSIDE.exec(text)?.[0];
    if (token === undefined) return undefined;
    // unbash has an empty part in empty quotation marks.
    if (token === '"') return parts.length > 0 ? parts : [plainPart('', pos + from)];
    parts.push(plainPart(token, pos + at));
    at += token.length;
  }
}

function plainPart(text: string, pos: number): PlainPart {
  const end = pos + text.length;
  return text.startsWith('$')
    ? ({ type: 'SimpleExpansion', pos, end, text } satisfies SimpleExpansionPart)
    : { type: 'Literal', pos, end, text, value: text };
}
