const END = '<!-- /generated -->';

/**
 * Puts `content` between `<!-- generated:name -->` and the next `<!-- /generated -->`.
 * @throws Error where the markers are not there, or not once.
 */
export function fillRegion(text: string, name: string, content: string): string {
  const start = `<!-- generated:${name} -->`;
  const [before, after, ...more] = text.split(start);
  const end = after?.indexOf(END) ?? -1;
  if (before === undefined || after === undefined || end < 0 || more.length > 0)
    throw new Error(`there must be one ${start} with a ${END} after it`);
  return `${before}${start}\n${content.trim()}\n${after.slice(end)}`;
}

/** The names of the regions that a text has. */
export function regionsOf(text: string): readonly string[] {
  return [...text.matchAll(/<!-- generated:([a-z-]+) -->/g)].map(([, name = '']) => name);
}

/** A table of GitHub's Markdown. Bars in a cell would end it. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
