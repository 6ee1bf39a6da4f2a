// The page's script. The server draws messages; this script updates them in place and sends people's
// actions.

import './compose.js';
import './fault-injection.js';
import { act } from './act.js';
import { hideThread, keepAtEnd, show } from './draw.js';
import { createRefresh, find, place, post, writeAddress } from './session.js';

const refresh = createRefresh(show);

async function openThread(ts) {
  place.thread = ts;
  if (ts === '') hideThread();
  writeAddress();
  await refresh();
}

async function openChannel(channel) {
  Object.assign(place, { channel, thread: '' });
  document.body.classList.remove('shows-sidebar');
  writeAddress();
  await refresh();
  find('input').focus();
}

/** From now on, clicks and messages are from this person. */
function become(user) {
  place.user = user;
  sessionStorage.setItem('user', user);
  void refresh();
}

document.addEventListener('click', ({ target: touched }) => {
  const target = touched.closest('button, a');
  if (!target) return;
  const { action, channel, fault, person, value } = target.dataset;
  if (action && target.tagName === 'BUTTON') void act(target, value);
  else if ('openThread' in target.dataset) void openThread(target.closest('[data-thread]').dataset.thread);
  else if (person) become(person);
  else if (channel) void openChannel(channel);
  else if (fault) void post('/page/fault', { fault });
  else if (target.id === 'close-thread') void openThread('');
  else if (target.id === 'menu') document.body.classList.toggle('shows-sidebar');
});
document.addEventListener('change', ({ target }) => {
  if (target.dataset.action) void act(target, target.value);
});
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || document.querySelector('dialog[open]')) return;
  if (document.body.classList.contains('shows-sidebar')) document.body.classList.remove('shows-sidebar');
  else if (place.thread) void openThread('');
});
find('channel').addEventListener('click', ({ target }) => {
  if (target.id !== 'menu') document.body.classList.remove('shows-sidebar');
});
find('person').addEventListener('change', ({ target }) => become(target.value));

const darkness = matchMedia('(prefers-color-scheme: dark)');
function shade() {
  document.documentElement.dataset.theme = darkness.matches ? 'dark' : 'light';
}
darkness.addEventListener('change', shade);
shade();
keepAtEnd(find('messages'));
await refresh();
writeAddress();
new EventSource('/page/events').addEventListener('message', () => void refresh());
