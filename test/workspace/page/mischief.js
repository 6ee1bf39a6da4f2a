// What a person can break, and what came of it.

import { find, post, shown } from './session.js';

const TOAST_MS = 8_000;
let toastTimer;

function drawOne({ label, about, mends }) {
  const item = document.createElement('li');
  const words = document.createElement('div');
  const [title, text, answer] = ['b', 'p', 'output'].map((tag) => document.createElement(tag));
  title.textContent = label;
  text.textContent = about;
  words.append(title, text, answer);
  const button = document.createElement('button');
  button.type = 'button';
  const verb = mends ? 'Undo' : 'Break';
  button.className = mends ? '' : 'danger';
  button.textContent = verb;
  button.setAttribute('aria-label', `${verb}: ${label}`);
  button.addEventListener('click', () => void run(label, button, answer));
  item.append(words, button);
  return item;
}

async function run(label, button, answer) {
  button.disabled = true;
  answer.className = '';
  answer.textContent = 'One moment …';
  const { said, failure } = await post('/page/mischief', { label }).catch(() => ({}));
  button.disabled = false;
  answer.className = said ? 'is-done' : 'is-failed';
  answer.textContent = said ?? `It did not ${button.className ? 'break' : 'work'}: ${failure ?? 'no answer'}`;
  if (!find('mischief').open) toast(answer.textContent);
}

function toast(words) {
  clearTimeout(toastTimer);
  find('toast').textContent = words;
  find('toast').hidden = false;
  toastTimer = setTimeout(() => {
    find('toast').hidden = true;
  }, TOAST_MS);
}

find('break').addEventListener('click', () => {
  const list = find('mischief-list');
  const { mischief } = shown.state;
  // Drawn once: what something answered stays readable when the dialog is opened again.
  if (list.children.length !== mischief.length) list.replaceChildren(...mischief.map(drawOne));
  find('mischief').showModal();
});
find('close-mischief').addEventListener('click', () => find('mischief').close());
find('mischief').addEventListener('click', (event) => {
  // A click on what is behind the dialog is told as one on the dialog itself.
  if (event.target === find('mischief')) find('mischief').close();
});
