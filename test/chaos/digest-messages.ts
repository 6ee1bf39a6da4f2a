import type { Post } from './posts.ts';

/** What a digest message says about items. */
export interface DigestMessage {
  readonly runId: string;
  readonly ts: string;
  /** Items by the title of their section: `New`, `Gone`, `Unchanged`. */
  readonly sections: ReadonlyMap<string, readonly SaidItem[]>;
  readonly text: string;
}

export interface SaidItem {
  readonly item: string;
  /** The rest of the line. */
  readonly more: string;
}

const TITLE = /^([A-Z][A-Za-z, ]+) \(\d+\)$/;
const LINE = /^• (?:[A-Z]+: )?(item-\d+) is broken(.*)$/;

/**
 * The roots in a channel in order, each once: a root posted again after a lost reply is the same message.
 */
export function digestMessagesIn(posts: readonly Post[], channel: string): readonly DigestMessage[] {
  const seen = new Set<string>();
  return posts
    .filter((post) => post.part === 'root' && post.channel === channel)
    .filter(({ runId }) => !seen.has(runId) && seen.add(runId))
    .map(({ runId, ts, text }) => ({ runId, ts, text, sections: sectionsOf(text) }));
}

function sectionsOf(text: string): DigestMessage['sections'] {
  const sections = new Map<string, SaidItem[]>();
  let current: SaidItem[] = [];
  for (const row of text.split('\n')) {
    const title = TITLE.exec(row)?.[1];
    if (title !== undefined) sections.set(title, (current = []));
    const [, item, more = ''] = LINE.exec(row) ?? [];
    if (item !== undefined) current.push({ item, more });
  }
  return sections;
}
