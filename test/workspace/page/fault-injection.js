// The faults that a person can inject, and the result of each.

import { find, post, shown } from './session.js';

const TOAST_MS = 8_000;
let toastTimer;

function drawOne({ label, about, restores }) {
  const item = document.createElement('li');
  const words = document.createElement('div');
  const [title, text, answer] = ['b', 'p', 'output'].map((tag) => document.createElement(tag));
  title.textContent = label;
  text.textContent = about;
  words.append(title, text, answer);
  const button = document.createElement('button');
  button.type = 'button';
  const verb = restores ? 'Undo' : 'Break';
  button.className = restores ? '' : 'danger';
  button.textContent = verb;
  button.setAttribute('aria-label', `${verb}: ${label}`);
  button.addEventListener('click', () => void run(label, button, answer));
  item.append(words, button);
  return item;
}

async function run(label, button, answer) {
  button.disabled = true;
  answer.className = '';
  answer.textContent = 'Working…';
  const { message, failure } = await post('/page/inject-fault', { label }).catch(() => ({}));
  button.disabled = false;
  answer.className = message ? 'is-done' : 'is-failed';
  answer.textContent =
    message ?? `${button.className ? "Couldn't break it" : "Couldn't undo it"}: ${failure ?? 'no response'}`;
  if (!find('fault-injections').open) toast(answer.textContent);
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
  const list = find('fault-injection-list');
  const { faultInjections } = shown.state;
  // Drawn once, so that results are still there when the dialog is opened again.
  if (list.children.length !== faultInjections.length) list.replaceChildren(...faultInjections.map(drawOne));
  find('fault-injections').showModal();
});
find('close-fault-injections').addEventListener('click', () => find('fault-injections').close());
find('fault-injections').addEventListener('click', (event) => {
  // The browser reports a click on the backdrop as a click on the dialog.
  if (event.target === find('fault-injections')) find('fault-injections').close();
});
