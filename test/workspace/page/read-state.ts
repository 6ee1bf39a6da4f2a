import { renderToStaticMarkup } from 'react-dom/server';
import { APP, SLACKBOT, TEAM, type Message } from '../model.ts';
import type { PageParts } from './page-parts.ts';
import type { createMessageRenderer, Shown } from './render-message.ts';
import { renderForm } from './render-form.ts';
import { namesIn, renderAvatar } from './render-message.ts';

/** What one person sees now: `?user=&channel=&thread=`. The page compares it with what it shows. */
export function readState(
  { store, faults, commands, faultInjections }: PageParts,
  renderer: ReturnType<typeof createMessageRenderer>,
  query: URLSearchParams,
) {
  const people = store.users.filter(({ id }) => id !== APP.botUserId && id !== SLACKBOT);
  const user = people.find(({ id }) => id === query.get('user')) ?? people[0];
  const direct = user && store.direct(user.id);
  const channels = store
    .channels()
    .filter(({ id, members }) => !id.startsWith('D') && (!members || (user && members.includes(user.id))));
  const wanted = query.get('channel') ?? '';
  // Of someone else after the page has switched to another person.
  const channel = wanted.startsWith('D') ? direct : (channels.find(({ id }) => id === wanted) ?? channels[0]);
  if (!user || !channel || !direct) throw new Error('a workspace needs a user and a channel');

  const ephemerals = store.ephemerals(user.id, channel.id);
  const threadTs = query.get('thread') ?? '';
  const root = store.find(channel.id, threadTs);
  const form = [...store.views.values()].findLast(
    ({ user: owner, view }) => owner === user.id && view['type'] === 'modal',
  );
  const list = (messages: readonly Message[], place: 'channel' | 'thread'): Shown[] =>
    messages
      .toSorted((one, other) => Number(one.ts) - Number(other.ts))
      .map((message, index, all) => renderer.show(message, place, { before: all[index - 1], index, all }));

  return {
    team: TEAM.name,
    user: user.id,
    channel: {
      id: channel.id,
      name: channel.id === direct.id ? 'Wrench' : channel.name,
      topic: channel.topic ?? '',
      isPrivate: channel.isPrivate === true,
      isDirect: channel.id === direct.id,
      hasBot: channel.botIsMember,
    },
    people: people.map((person) => ({
      id: person.id,
      name: person.name,
      title: person.title ?? '',
      avatar: renderToStaticMarkup(renderAvatar(person)),
      groups: store.userGroups.filter(({ users }) => users.includes(person.id)).map(({ id }) => id),
      mentions: store.mentions(person.id).map(({ ts }) => ts),
    })),
    channels: channels.map(({ id, name, isPrivate }) => ({
      id,
      name,
      isPrivate: isPrivate === true,
      latest: store.roots(id).at(-1)?.ts ?? '',
    })),
    direct: { id: direct.id, latest: store.roots(direct.id).at(-1)?.ts ?? '' },
    messages: list(
      [...store.roots(channel.id), ...ephemerals.filter(({ threadTs }) => !threadTs)],
      'channel',
    ),
    thread:
      root && !root.ephemeralTo
        ? {
            ts: root.ts,
            messages: list(
              [...store.thread(channel.id, root.ts), ...ephemerals.filter((one) => one.threadTs === root.ts)],
              'thread',
            ),
          }
        : null,
    form: form ? { html: renderToStaticMarkup(renderForm(form, namesIn(store))) } : null,
    commands,
    faultInjections: faultInjections.map(({ label, about, restores = false }) => ({
      label,
      about,
      restores,
    })),
    faults: faults.active(),
  };
}
