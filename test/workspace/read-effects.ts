import type { Draft, User } from './model.ts';
import { parseMrkdwn, type Inline } from './mrkdwn.ts';
import { textOf } from './read-args.ts';

export interface Effects {
  readonly notifies: readonly string[];
  readonly links: readonly string[];
}

type MessageContent = Pick<Draft, 'text' | 'blocks' | 'attachments' | 'linksNames'>;

/**
 * Whom a message would notify and where it links to, in any part of it: text, blocks, attachments. Host
 * names and other data from infrastructure must never appear in either.
 */
export function readEffects(message: MessageContent, users: readonly User[] = []): Effects {
  const notifies = new Set<string>();
  const links = new Set<string>();
  const see = (element: Inline) => {
    if (element.type === 'broadcast') notifies.add(`@${element.range}`);
    if (element.type === 'user') notifies.add(element.user_id);
    if (element.type === 'usergroup') notifies.add(element.usergroup_id);
    if ((element.type === 'link' || element.type === 'date') && element.url) links.add(element.url);
  };
  const seeMarkup = (text: string, options?: { verbatim?: boolean }) => {
    for (const part of parseMrkdwn(text, options)) for (const element of part.elements) see(element);
    if (!message.linksNames) return;
    for (const user of users) if (new RegExp(`@${user.name}\\b`).test(text)) notifies.add(user.id);
    for (const [range] of text.matchAll(/@(?:here|channel|everyone)\b/g)) notifies.add(range);
  };

  seeMarkup(message.text);
  walk([message.blocks ?? [], message.attachments ?? []], (node) => {
    if (node['type'] === 'mrkdwn') seeMarkup(textOf(node['text']), { verbatim: node['verbatim'] === true });
    else if (node['type'] === 'markdown') seeMarkup(markdownLinksAsTokens(textOf(node['text'])));
    else if (INLINE_TYPES.has(textOf(node['type']))) see(node as unknown as Inline);
    for (const key of ['pretext', 'fallback', 'footer']) {
      if (typeof node[key] === 'string') seeMarkup(node[key]);
    }
    for (const key of ['url', 'image_url', 'title_url', 'title_link', 'from_url', 'author_link']) {
      if (typeof node[key] === 'string') links.add(node[key]);
    }
    // An attachment's own text is mrkdwn; a text object's has a type and was read above.
    if (node['type'] === undefined && typeof node['text'] === 'string') seeMarkup(node['text']);
  });
  return { notifies: [...notifies], links: [...links] };
}

const INLINE_TYPES = new Set(['broadcast', 'user', 'usergroup', 'link', 'date']);

function walk(node: unknown, visit: (node: Readonly<Record<string, unknown>>) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit);
  } else if (node !== null && typeof node === 'object') {
    visit(node as Record<string, unknown>);
    for (const child of Object.values(node)) walk(child, visit);
  }
}

/** `[text](url)` of the markdown block, in the notation of the mrkdwn parser. */
function markdownLinksAsTokens(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\(([^)\s]+)[^)]*\)/g, '<$2|$1>');
}
