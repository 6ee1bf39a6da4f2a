import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { waitForAnimations } from '../demo/walk.ts';

/**
 * WCAG 2.2 at A and AA, and what axe-core recommends besides.
 * https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md
 */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SHOWN_CHARS = 200;

/**
 * What axe-core finds on the page as it is now: the rule, what is wrong, and where. Empty if there is no
 * problem.
 */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  // While something fades in, it has less contrast.
  await waitForAnimations(page);
  await page.evaluate(axe.source);
  const run = `axe.run(document, ${JSON.stringify({ runOnly: TAGS })})`;
  const { violations } = await page.evaluate<AxeResults>(run);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => {
      const why = failureSummary.replaceAll(/\s+/g, ' ');
      return `${id}: ${why}: ${html.slice(0, SHOWN_CHARS)}`;
    }),
  );
}
