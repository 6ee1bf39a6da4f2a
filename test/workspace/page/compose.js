// The composer: Enter sends, a slash suggests commands, the up arrow restores the last one.

import { scrollToEnd, showTyping } from './draw.js';
import { find, place, shown, write } from './session.js';

const typed = [];
let historyAt = -1;

async function send(text) {
  scrollToEnd(find('messages'));
  if (!text.startsWith('/')) {
    const { isForBot, failure } = await write('/page/say', { text });
    if (isForBot && !failure) showTyping(true);
    if (isForBot) setTimeout(() => showTyping(false), 8_000);
    return;
  }
  typed.unshift(text);
  historyAt = -1;
  showTyping(true);
  const { failure } = await write('/page/command', { text });
  if (failure) showTyping(false);
  else setTimeout(() => showTyping(false), 8_000);
}

async function sendReply(text) {
  scrollToEnd(find('thread-messages'));
  if (!text.startsWith('/')) {
    await write('/page/say', { text, thread: place.thread });
    return;
  }
  // Slack's own text: commands of apps do not work in threads.
  const note = document.createElement('p');
  note.className = 'thread-note';
  note.textContent = `${text.split(' ')[0]} is not supported in threads. Sorry!`;
  find('thread-composer').before(note);
  setTimeout(() => note.remove(), 4_000);
}

function grow(field) {
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
}

function suggest() {
  const { value } = find('input');
  const list = find('suggestions');
  const isTyping = ({ command, usage = '' }) =>
    `${command} ${usage}`.startsWith(value.trimEnd()) || command.startsWith(value);
  const offers = value.startsWith('/') ? shown.state.commands.filter(isTyping) : [];
  list.hidden = offers.length === 0;
  list.replaceChildren(
    ...offers.map(({ command, usage = '', description }) => {
      const item = document.createElement('li');
      item.setAttribute('role', 'option');
      item.dataset.fill = command;
      for (const [tag, words] of [
        ['b', command],
        ['code', usage],
        ['span', description],
      ]) {
        const part = document.createElement(tag);
        part.textContent = words;
        if (words) item.append(part);
      }
      return item;
    }),
  );
}

function composer(form, field, submit) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === '') return;
    field.value = '';
    grow(field);
    suggest();
    void submit(text);
  });
  field.addEventListener('input', () => {
    grow(field);
    suggest();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

composer(find('composer'), find('input'), send);
composer(find('thread-composer'), find('thread-input'), sendReply);

find('input').addEventListener('keydown', (event) => {
  const list = find('suggestions');
  if (event.key === 'Tab' && !list.hidden) {
    event.preventDefault();
    find('input').value = `${list.firstElementChild.dataset.fill} `;
    suggest();
  }
  if (event.key === 'Escape') list.hidden = true;
  if (
    event.key === 'ArrowUp' &&
    (find('input').value === '' || historyAt >= 0) &&
    historyAt < typed.length - 1
  ) {
    event.preventDefault();
    historyAt += 1;
    find('input').value = typed[historyAt];
  }
});

find('suggestions').addEventListener('mousedown', (event) => {
  const item = event.target.closest('li');
  if (!item) return;
  event.preventDefault();
  find('input').value = `${item.dataset.fill} `;
  suggest();
});
