import { type Piece, pieceIndexAt } from './script.ts';

/** Text with its places in a file. */
export interface MappedText {
  readonly text: string;
  /** In ascending order of `text`; the first begins at 0. */
  readonly pieces: readonly Piece[];
}

/** Composes a text from parts of a file. */
export interface TextBuilder {
  /** Text that the file has at this offset. */
  readonly add: (text: string, file: number) => void;
  /** Text that the file doesn't have at this offset, which only inserts it. */
  readonly insert: (text: string, file: number, length: number, path?: string) => void;
  readonly addPart: (from: MappedText, start?: number, end?: number) => void;
  readonly finish: () => MappedText;
}

export function startText(): TextBuilder {
  const parts: string[] = [];
  const pieces: Piece[] = [];
  let length = 0;
  const push = (text: string, piece: Omit<Piece, 'text'>) => {
    if (text === '') return;
    const last = pieces.at(-1);
    if (!last || !continues(last, piece, length - last.text)) pieces.push({ text: length, ...piece });
    parts.push(text);
    length += text.length;
  };
  return {
    add: (text, file) => push(text, { file }),
    insert: (text, file, length, path) =>
      push(text, { file, inserted: { length, ...(path !== undefined && { path }) } }),
    addPart: ({ text, pieces: from }, start = 0, end = text.length) => {
      let at = start;
      for (let index = pieceIndexAt(from, start); at < end; index++) {
        const { text: begin = 0, file = 0, inserted } = from[index] ?? {};
        const stop = Math.min(end, from[index + 1]?.text ?? end);
        push(
          text.slice(at, stop),
          inserted ? movedInsertion({ file, inserted }, at - begin) : { file: file + (at - begin) },
        );
        at = stop;
      }
    },
    finish: () => ({ text: parts.join(''), pieces: pieces.length > 0 ? pieces : [{ text: 0, file: 0 }] }),
  };
}

function continues(last: Piece, next: Omit<Piece, 'text'>, length: number): boolean {
  if (!last.inserted || !next.inserted)
    return !last.inserted && !next.inserted && last.file + length === next.file;
  const { writtenAt, path } = last.inserted;
  return (
    last.file === next.file &&
    last.inserted.length === next.inserted.length &&
    path === next.inserted.path &&
    (writtenAt === undefined ? undefined : writtenAt + length) === next.inserted.writtenAt
  );
}

function movedInsertion(
  { file, inserted }: { readonly file: number; readonly inserted: NonNullable<Piece['inserted']> },
  by: number,
): Omit<Piece, 'text'> {
  const { writtenAt } = inserted;
  return { file, inserted: writtenAt === undefined ? inserted : { ...inserted, writtenAt: writtenAt + by } };
}

/** The texts with a line break between them. */
export function joinLines(texts: readonly MappedText[]): MappedText {
  const builder = startText();
  let isFirst = true;
  let end = 0;
  for (const one of texts) {
    if (!isFirst) builder.insert('\n', end, 0);
    isFirst = false;
    builder.addPart(one);
    const last = one.pieces.at(-1);
    if (last) end = last.file;
  }
  return builder.finish();
}

/** The same text, inserted at one place of a file instead of a part of that length: see `Piece.inserted`. */
export function insertedAt(
  file: number,
  length: number,
  { text, pieces }: MappedText,
  path?: string,
): MappedText {
  return {
    text,
    pieces: pieces.map((piece) => ({ text: piece.text, file, inserted: { length, ...origin(piece, path) } })),
  };
}

function origin(
  { file, inserted }: Piece,
  path: string | undefined,
): Omit<NonNullable<Piece['inserted']>, 'length'> {
  if (path !== undefined) return { path };
  if (!inserted) return { writtenAt: file };
  const { length: _, ...known } = inserted;
  return known;
}

/** A part of a text to replace. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** The text with parts replaced, which are in ascending order and don't overlap. What replaces them has the offset of what it replaces. */
export function replaceParts(from: MappedText, replacements: readonly Replacement[]): MappedText {
  if (replacements.length === 0) return from;
  const builder = startText();
  let at = 0;
  for (const { start, end, by } of replacements) {
    builder.addPart(from, at, start);
    const piece = from.pieces[pieceIndexAt(from.pieces, start)];
    // What stands for another part of the file already, still stands for it.
    if (piece?.inserted) builder.insert(by, piece.file, piece.inserted.length, piece.inserted.path);
    else builder.insert(by, (piece?.file ?? 0) + (start - (piece?.text ?? 0)), end - start);
    at = end;
  }
  builder.addPart(from, at);
  return builder.finish();
}

/** Line breaks as the shell expects them: `\r\n` becomes `\n`. */
export function withoutCarriageReturns(from: MappedText): MappedText {
  if (!from.text.includes('\r\n')) return from;
  const builder = startText();
  let at = 0;
  for (let next = from.text.indexOf('\r\n'); next !== -1; next = from.text.indexOf('\r\n', at)) {
    builder.addPart(from, at, next);
    at = next + 1;
  }
  builder.addPart(from, at);
  return builder.finish();
}
