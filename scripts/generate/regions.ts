const END = '<!-- /generated -->';

/**
 * Puts `content` between `<!-- generated:name -->` and the next `<!-- /generated -->`.
 * @throws {Error} unless the markers occur exactly once.
 */
export function fillRegion(text: string, name: string, content: string): string {
  const start = `<!-- generated:${name} -->`;
  const [before, after, ...more] = text.split(start);
  const end = after?.indexOf(END) ?? -1;
  if (before === undefined || after === undefined || end < 0 || more.length > 0)
    throw new Error(`expected exactly one ${start}, followed by ${END}`);
  return `${before}${start}\n${content.trim()}\n${after.slice(end)}`;
}

/** The names of the regions in a text. */
export function regionsOf(text: string): readonly string[] {
  return [...text.matchAll(/<!-- generated:([a-z-]+) -->/g)].map(([, name = '']) => name);
}

/** A table in GitHub's Markdown. Escapes bars, which would end a cell. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
