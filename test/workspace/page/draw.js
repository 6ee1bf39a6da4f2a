// Puts the server's HTML in place.

import { showForm } from './form.js';
import { find, place, shown } from './session.js';

/** The newest message seen in each channel. */
const seen = new Map();
/** The messages that each person has had on screen. */
const seenBy = new Map();
let typingSince = 0;

export function show(next) {
  const isElsewhere = shown.state?.channel.id !== next.channel.id;
  shown.state = next;
  shown.first.resolve();
  place.user = next.user;
  place.channel = next.channel.id;
  const name = `${next.channel.isPrivate ? '' : '#'}${next.channel.name}`;
  document.title = `${name} · ${next.team}`;
  find('team').textContent = next.team;
  find('channel-name').textContent = `${next.channel.isPrivate ? '' : '# '}${next.channel.name}`;
  find('channel-topic').textContent = [
    next.channel.topic,
    next.channel.hasBot ? '' : 'Wrench is not a member',
  ]
    .filter(Boolean)
    .join(' · ');
  document.body.classList.toggle('is-direct', next.channel.isDirect);
  find('input').placeholder = `Message ${next.channel.isDirect ? '' : '#'}${next.channel.name}`;
  showChannels(next);
  showPeople(next);
  showMessages(find('messages'), next.messages, isElsewhere);
  showThread(next);
  showFaces(next);
  highlightMentions(next);
  showForm(next.form);
  find('break').hidden = next.faultInjections.length === 0;
  find('active-faults').textContent = next.faults.length > 0 ? `Now: ${next.faults.join(', ')}` : '';
  find('faults').classList.toggle('is-on', next.faults.length > 0);
  if (
    next.messages.some(
      (message) => Number(message.ts) > typingSince && message.html.includes('class="badge"'),
    )
  ) {
    showTyping(false);
  }
}

function showChannels({ channels, channel, direct }) {
  const all = [...channels, direct];
  for (const { id, latest } of all) if (id === channel.id || !seen.has(id)) seen.set(id, latest);
  const isUnread = all.some(({ id, latest }) => latest > seen.get(id));
  find('menu').classList.toggle('is-unread', isUnread);
  find('menu').setAttribute('aria-label', isUnread ? 'Channels, unread messages' : 'Channels');
  const row = find('direct');
  row.dataset.channel = direct.id;
  row.className = classesOf(direct, channel);
  find('channels').replaceChildren(
    ...channels.map(({ id, name, isPrivate, latest }) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.dataset.channel = id;
      button.className = classesOf({ id, latest }, channel);
      const sign = document.createElement('span');
      sign.className = 'sign';
      if (isPrivate) sign.append(find('lock').content.cloneNode(true));
      else sign.textContent = '#';
      button.append(sign, name);
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
}

function classesOf({ id, latest }, channel) {
  return [id === channel.id ? 'is-here' : '', latest > seen.get(id) ? 'is-unread' : ''].join(' ').trim();
}

function showPeople({ people, user }) {
  const select = find('person');
  if (select.options.length !== people.length) {
    select.replaceChildren(
      ...people.map(({ id, name, title }) => new Option(`@${name}${title ? ` — ${title}` : ''}`, id)),
    );
  }
  select.value = user;
  // The server's HTML of the workspace's users, with every text escaped.
  find('me').innerHTML = people.find(({ id }) => id === user).avatar;
}

/** The messages on screen are seen by the person who acts. */
function see({ user, messages, thread }) {
  const known = seenBy.get(user) ?? new Set();
  for (const { ts } of [...messages, ...(thread?.messages ?? [])]) known.add(ts);
  seenBy.set(user, known);
}

function showFaces(next) {
  see(next);
  for (const strip of document.querySelectorAll('.people')) showStrip(strip, next.people, next.user);
}

/** Like Slack: the reader's own name and groups stand out from other mentions. */
function highlightMentions({ people, user }) {
  const { groups } = people.find(({ id }) => id === user);
  for (const element of document.querySelectorAll('.slack_user, .slack_user_group')) {
    const { userId, usergroupId } = element.dataset;
    element.classList.toggle('is-you', userId === user || groups.includes(usergroupId));
  }
}

/** Faces to switch between people with one click, in the channel and in the thread, with their new mentions. */
function showStrip(strip, people, user) {
  if (strip.children.length !== people.length) strip.replaceChildren(...people.map(drawFace));
  for (const [at, face] of [...strip.children].entries()) {
    const { id, name, mentions } = people[at];
    const count = mentions.filter((ts) => !seenBy.get(id)?.has(ts)).length;
    const added = count > 0 ? `, ${count} new mention${count > 1 ? 's' : ''}` : '';
    face.setAttribute('aria-pressed', String(id === user));
    face.setAttribute('aria-label', `Act as @${name}${added}`);
    if (count > 0) face.dataset.mentions = String(count);
    else delete face.dataset.mentions;
  }
}

function drawFace({ id, name, title, avatar }) {
  const face = document.createElement('button');
  face.type = 'button';
  face.dataset.person = id;
  face.title = `Act as @${name}${title ? `, ${title}` : ''}`;
  // As above: the server's own HTML.
  face.innerHTML = avatar;
  return face;
}

/** Changes only what differs, so that reading, selecting and scrolling are not interrupted. */
function showMessages(list, messages, isNew) {
  const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const known = new Map([...list.children].map((element) => [element.dataset.key, element]));
  const wanted = messages.map(({ ts, html }) => {
    const element = known.get(ts);
    if (element?.drawnFrom === html) return element;
    const template = document.createElement('template');
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    fresh.dataset.key = ts;
    fresh.drawnFrom = html;
    if (!element && !isNew) fresh.classList.add('is-new');
    return fresh;
  });
  for (const [index, element] of wanted.entries()) {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  }
  while (list.children.length > wanted.length) list.lastElementChild.remove();
  if (wasAtEnd || isNew) list.scrollTop = list.scrollHeight;
}

/** Shows what a person has just written, and what answers it. */
export function scrollToEnd(list) {
  list.scrollTop = list.scrollHeight;
}

/** Keeps the newest message in view when a thread opens beside the channel. */
export function keepAtEnd(list) {
  let isAtEnd = true;
  let width = list.clientWidth;
  list.addEventListener('scroll', () => {
    if (list.clientWidth === width) isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  });
  new ResizeObserver(() => {
    width = list.clientWidth;
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }).observe(list);
}

export function hideThread() {
  find('thread').hidden = true;
  document.body.classList.remove('has-thread');
}

function showThread({ thread, channel }) {
  const pane = find('thread');
  if (thread === null) {
    hideThread();
    return;
  }
  const isOpening = pane.hidden;
  pane.hidden = false;
  document.body.classList.add('has-thread');
  find('thread-channel').textContent = channel.isDirect ? channel.name : `#${channel.name}`;
  const list = find('thread-messages');
  const isOther = list.dataset.thread !== thread.ts;
  list.dataset.thread = thread.ts;
  showMessages(list, thread.messages, isOther);
  if (isOpening || isOther) list.scrollTop = 0;
}

export function showTyping(isOn, words = 'Wrench is checking') {
  typingSince = isOn ? Date.now() / 1000 : 0;
  const line = find('typing');
  line.textContent = isOn ? words : '';
  line.classList.toggle('is-on', isOn);
}
