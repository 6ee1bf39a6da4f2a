import { createElement as h, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { APP, SLACKBOT, type Message, type StoredFile, type User } from '../model.ts';
import { textOf } from '../read-args.ts';
import type { Store } from '../store.ts';
import { renderBlocks, renderMrkdwn, type Names } from './render-blocks.ts';

export interface Shown {
  readonly ts: string;
  readonly html: string;
}

/** `before` is the previous message: a second message of the same author has no header. */
interface Neighbours {
  readonly before: Message | undefined;
  readonly index: number;
  readonly all: readonly Message[];
}

/** One message as HTML, cached by message: each change creates a new message. */
export function createMessageRenderer(store: Store) {
  const bodies = new WeakMap<Message, string>();
  const names = namesIn(store);
  const bodyOf = (message: Message): string => {
    const known = bodies.get(message);
    if (known !== undefined) return known;
    const html = renderToStaticMarkup(renderBody(message, names));
    bodies.set(message, html);
    return html;
  };

  const show = (message: Message, place: 'channel' | 'thread', { before, index, all }: Neighbours): Shown => {
    const author = store.users.find(({ id }) => id === message.user);
    const isFirstReply = place === 'thread' && index === 1;
    const isFollowUp = before !== undefined && !isFirstReply && continues(before, message);
    const replies = place === 'channel' ? store.thread(message.channel, message.ts).slice(1) : [];
    const day = dayOf(message);
    const html = renderToStaticMarkup(
      h(
        'article',
        {
          className: ['message', isFollowUp ? 'follow-up' : '', message.ephemeralTo ? 'ephemeral' : ''].join(
            ' ',
          ),
          'data-ts': message.ts,
          'data-thread': message.threadTs ?? message.ts,
        },
        !before || dayOf(before) !== day ? h('div', { className: 'day' }, h('span', null, day)) : null,
        isFirstReply ? h('div', { className: 'reply-count' }, countReplies(all.length - 1)) : null,
        message.ephemeralTo ? h('div', { className: 'only-you' }, h(EyeIcon), 'Only visible to you') : null,
        h('div', { className: 'gutter' }, isFollowUp ? renderTime(message, 'short') : renderAvatar(author)),
        h(
          'div',
          { className: 'content' },
          isFollowUp ? null : renderByline(message, author),
          message.isBroadcast && place === 'channel'
            ? h('div', { className: 'broadcast-note' }, 'replied to a thread')
            : null,
          h('div', { className: 'body', dangerouslySetInnerHTML: { __html: bodyOf(message) } }),
          ...message.files.map(renderFile),
          replies.length > 0 ? renderReplies(replies, store.users) : null,
        ),
        place === 'channel' && !message.ephemeralTo && !message.isDeleted ? renderToolbar() : null,
      ),
    );
    return { ts: message.ts, html };
  };
  return { show };
}

/** The blocks that can name people, channels and groups. */
export function namesIn(store: Store): Names {
  return {
    users: store.users.map(({ id, name }) => ({ id, name })),
    channels: store.channels().map(({ id, name }) => ({ id, name })),
    user_groups: store.userGroups.map(({ id, handle }) => ({ id, name: handle })),
  };
}

function renderBody(message: Message, names: Names): ReactNode {
  const edited = message.edited ? h('span', { className: 'edited' }, '(edited)') : null;
  if (message.isDeleted) return h('em', { className: 'deleted' }, message.text);
  const isBlocky = message.blocks !== undefined;
  const attachments = (message.attachments ?? []).map((attachment) =>
    h(
      'div',
      { className: 'attachment', style: { borderColor: colourOf(attachment['color']) } },
      attachment.blocks
        ? renderBlocks(attachment.blocks, names)
        : renderMrkdwn(textOf(attachment['text'] ?? attachment['fallback']), names),
    ),
  );
  return h(
    'div',
    { className: isBlocky ? 'blocks' : 'plain' },
    isBlocky ? renderBlocks(message.blocks ?? [], names) : renderMrkdwn(message.text, names),
    edited,
    ...attachments,
  );
}

function renderByline(message: Message, author: User | undefined): ReactNode {
  const isApp = message.user === APP.botUserId;
  return h(
    'header',
    { className: 'byline' },
    h('strong', null, author?.realName ?? message.user),
    isApp ? h('span', { className: 'badge' }, 'APP') : null,
    renderTime(message, 'long'),
  );
}

function renderTime(message: Message, length: 'short' | 'long'): ReactNode {
  const at = atOf(message);
  const [hours = '', minutes = ''] = at.toTimeString().split(':');
  const half = Number(hours) < 12 ? 'AM' : 'PM';
  const clock = `${Number(hours) % 12 || 12}:${minutes}`;
  return h('time', { dateTime: at.toISOString() }, length === 'short' ? clock : `${clock} ${half}`);
}

export function renderAvatar(user: User | undefined): ReactNode {
  // The name is next to it, or in the label of its button.
  const hidden = { 'aria-hidden': true } as const;
  if (user?.id === APP.botUserId) return h('span', { className: 'avatar bot', ...hidden }, h(WrenchIcon));
  if (user?.id === SLACKBOT)
    return h('span', { className: 'avatar slackbot', 'data-initials': '#', ...hidden });
  const name = user?.realName ?? '?';
  const hue = (name.length * 47 + name.charCodeAt(0) * 31 + name.charCodeAt(1) * 7) % 360;
  const initials = name
    .split(' ')
    .map((word) => word[0])
    .join('')
    .slice(0, 2);
  const style = { background: `hsl(${hue} 45% 35%)` };
  return h('span', { className: 'avatar', style, 'data-initials': initials, ...hidden });
}

function renderReplies(replies: readonly Message[], users: readonly User[]): ReactNode {
  const last = replies.at(-1);
  const authors = [...new Set(replies.map(({ user }) => user))].slice(0, 4);
  return h(
    'button',
    { type: 'button', className: 'replies', 'data-open-thread': '' },
    h(
      'span',
      { className: 'faces' },
      ...authors.map((id) => renderAvatar(users.find((user) => user.id === id))),
    ),
    h('b', null, countReplies(replies.length)),
    h('span', { className: 'last' }, 'Last reply today at ', last ? renderTime(last, 'long') : null),
    h('span', { className: 'view' }, 'View thread'),
  );
}

function countReplies(count: number): string {
  return count === 1 ? '1 reply' : `${count} replies`;
}

function renderFile(file: StoredFile): ReactNode {
  const kind = (file.name.split('.').at(-1) ?? 'file').toUpperCase().slice(0, 4);
  return h(
    'a',
    { className: 'file', href: `/page/files/${file.id}`, download: file.name },
    h('span', { className: 'file-kind' }, kind),
    h(
      'span',
      { className: 'file-name' },
      h('b', null, file.title),
      h('small', null, `${kind} · ${sizeOf(file)}`),
    ),
    h('span', { className: 'file-get', 'aria-hidden': true }, '↓'),
  );
}

function renderToolbar(): ReactNode {
  const label = 'Reply in thread';
  const reply = { type: 'button', title: label, 'aria-label': label, 'data-open-thread': '' } as const;
  return h('div', { className: 'toolbar' }, h('button', reply, h(ThreadIcon)));
}

function continues(before: Message, message: Message): boolean {
  const isSoonAfter = Number(message.ts) - Number(before.ts) < 300;
  const isAlike = before.user === message.user && !before.ephemeralTo === !message.ephemeralTo;
  return isSoonAfter && isAlike && !before.threadTs === !message.threadTs && dayOf(before) === dayOf(message);
}

function dayOf(message: Message): string {
  const at = atOf(message).toDateString();
  return at === new Date().toDateString() ? 'Today' : at;
}

function atOf(message: Message): Date {
  return new Date(Number(message.ts) * 1000);
}

function sizeOf({ bytes }: StoredFile): string {
  return bytes.length < 1024 ? `${bytes.length} B` : `${(bytes.length / 1024).toFixed(1)} kB`;
}

function colourOf(colour: unknown): string {
  return typeof colour === 'string' && /^#?[0-9a-f]{6}$/i.test(colour)
    ? `#${colour.replace('#', '')}`
    : '#ddd';
}

const icon = (size: number, ...paths: string[]) =>
  h(
    'svg',
    {
      viewBox: '0 0 24 24',
      width: size,
      height: size,
      fill: 'none',
      stroke: 'currentColor',
      strokeWidth: 1.8,
    },
    ...paths.map((d) => h('path', { d, strokeLinecap: 'round', strokeLinejoin: 'round' })),
  );

function EyeIcon(): ReactNode {
  return icon(14, 'M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7-10-7-10-7z', 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z');
}

function ThreadIcon(): ReactNode {
  return icon(18, 'M21 11.5a8 8 0 0 1-11.6 7.1L4 20l1.4-4.6A8 8 0 1 1 21 11.5z', 'M9 10.5h7M9 13.5h4');
}

function WrenchIcon(): ReactNode {
  return icon(
    20,
    'M14.7 6.3a1 1 0 0 0 0 1.4l1.6 1.6a1 1 0 0 0 1.4 0l3.8-3.8a6 6 0 0 1-7.9 7.9l-6.9 6.9a2.1 2.1 0 0 1-3-3l6.9-6.9a6 6 0 0 1 7.9-7.9z',
  );
}
