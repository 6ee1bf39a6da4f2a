import { expect, test } from 'vitest';
import { readText, ROOT } from './tree.ts';

const DOCUMENT = 'docs/outages.md';
const REGION = /<!-- golden:([\w/-]+) -->\n[^]*?<!-- \/golden -->/g;
const MAX_LINES = 16;

/** The document, with the verdict and the first finding of the named golden reports in its regions. */
function withGoldens(text: string): string {
  return text.replaceAll(REGION, (_, story: string) => {
    const paragraphs = readText(`test/golden/${story}.terminal.txt`).split('\n\n').slice(0, 2);
    const lines = paragraphs.join('\n\n').split('\n');
    const quoted = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `${' '.repeat(10)}…`] : lines;
    return `<!-- golden:${story} -->\n\`\`\`\n${quoted.join('\n')}\n\`\`\`\n<!-- /golden -->`;
  });
}

// After a change to goldens: npx vitest run test/contract/outages.test.ts -u
test('every quoted report is the beginning of a golden file', async () => {
  const text = readText(DOCUMENT);

  expect(text.match(REGION)?.length).toBeGreaterThan(5);
  await expect(withGoldens(text)).toMatchFileSnapshot(`${ROOT}${DOCUMENT}`);
});
