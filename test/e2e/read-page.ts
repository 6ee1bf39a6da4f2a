import type { Locator, Page } from 'playwright-core';
import type { ReadMessage } from '../golden/repeated-sentences.ts';

/** What a person sees of a thread on the page, as text and as sizes. TypeScript has no DOM types here. */

/** The message with an outcome, which repeats the card to notify people: only text, and its state first. */
const OUTCOME = '/^\\W*(FIXED|MITIGATED|UNVERIFIED|FAILED|INTERRUPTED)\\b/';

/** The same lines as `readMessage` reads from blocks: no cells, charts and buttons; quotes, logs and fields are details. */
const READ = `(() => {
  const linesOf = (element) => element.innerText.split('\\n').map((line) => line.trim()).filter(Boolean);
  const detailsIn = (block) => [...block.querySelectorAll('blockquote, pre')].flatMap(linesOf);
  const readBlock = (block) => {
    if (block.matches('.block-context'))
      return [{ text: [...block.children].map((child) => child.innerText.trim()).join(' · ') }];
    if (block.matches('.block-section')) {
      const [text] = block.querySelectorAll(':scope > .section-body > :not(.fields)');
      const fields = [...block.querySelectorAll('.fields > div')];
      return [
        ...(text ? linesOf(text).map((line) => ({ text: line })) : []),
        ...fields.map((field) => ({ text: linesOf(field).join(' '), isDetail: true })),
      ];
    }
    if (!block.matches('.block-header, .block-rich')) return [];
    const details = new Set(detailsIn(block));
    return linesOf(block).map((text) => ({ text, ...(details.has(text) && { isDetail: true }) }));
  };
  return [...document.querySelectorAll('#thread-messages article')].flatMap((article, at) => {
    const blocks = article.querySelector('.body > .blocks');
    const plain = article.querySelector('.body > .plain');
    if (plain && at > 0 && ${OUTCOME}.test(plain.innerText)) return [];
    const lines = blocks ? [...blocks.children].flatMap(readBlock) : linesOf(plain ?? article).map((text) => ({ text }));
    const codes = [...article.querySelectorAll('.slack_inline_code')].map((code) => code.innerText.trim());
    return [{ name: at === 0 ? 'root' : 'reply ' + at, lines, codes }];
  });
})()`;

export function readThread(page: Page): Promise<readonly ReadMessage[]> {
  return page.evaluate<readonly ReadMessage[]>(READ);
}

/** The frame of code hangs over the end of a full line. */
const TOLERANCE = 8;

const OVERFLOWS = `(() => {
  const wide = (element) => element.scrollWidth > element.clientWidth + ${TOLERANCE};
  const name = (element) => element.className + ' (' + element.innerText.slice(0, 60).replaceAll('\\n', ' ') + ')';
  const shown = [...document.querySelectorAll('.messages, .messages .block-table, .messages .blocks > *, dialog[open]')];
  return [
    ...(wide(document.documentElement) ? ['the page'] : []),
    ...shown.filter((element) => element.clientWidth > 0 && wide(element)).map(name),
  ];
})()`;

/** What is wider than its place, so that people would have to scroll sideways: the page, a table, a block. */
export function findOverflows(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(OVERFLOWS);
}

/** How far the end of an element is below the top of a thread, in heights of the screen. */
export async function screensBelowTop(page: Page, thread: Locator, element: Locator): Promise<number> {
  const [top, box] = await Promise.all([
    thread.getByRole('article').first().boundingBox(),
    element.boundingBox(),
  ]);
  const height = page.viewportSize()?.height;
  if (!top || !box || !height) throw new Error('not visible');
  return (box.y + box.height - top.y) / height;
}
