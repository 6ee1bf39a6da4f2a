import type { Message } from './message.ts';

const MENTION = /<(?:@|!subteam\^)([UWS][A-Z0-9]{2,20})>/g;
const SOMEONE = 'someone';

/**
 * The message without mentions of anyone but `keep`, people or user groups; the same object if there are none. Slack notifies people who are mentioned in a new post,
 * but not people whom an edit adds: a message that names people other than the requester is posted like this and then edited.
 */
export function withoutMentions(message: Message, keep: readonly string[] = []): Message {
  const hide = (mrkdwn: string) =>
    mrkdwn.replaceAll(MENTION, (mention, id: string) => (keep.includes(id) ? mention : SOMEONE));
  const hidden: Message = {
    text: hide(message.text),
    blocks: hideIn(message.blocks, hide, keep) as Message['blocks'],
  };
  return JSON.stringify(hidden) === JSON.stringify(message) ? message : hidden;
}

/** Mentions are elements of `rich_text`, or markup in mrkdwn. `plain_text` has none. */
function hideIn(node: unknown, hide: (mrkdwn: string) => string, keep: readonly string[]): unknown {
  if (Array.isArray(node)) return node.map((child: unknown) => hideIn(child, hide, keep));
  if (node === null || typeof node !== 'object') return node;
  const { type, text, user_id: userId, usergroup_id: groupId } = node as Readonly<Record<string, unknown>>;
  const id = type === 'user' ? userId : type === 'usergroup' ? groupId : undefined;
  if (typeof id === 'string') return keep.includes(id) ? node : { type: 'text', text: SOMEONE };
  if (type === 'mrkdwn' && typeof text === 'string') return { ...node, text: hide(text) };
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, hideIn(child, hide, keep)]));
}
