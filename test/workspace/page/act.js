// Sends clicks on the bot's elements.

import { find, post } from './session.js';

/** Slack asks for confirmation if the app requests it. */
function confirmed(told) {
  if (!told) return Promise.resolve(true);
  const { title, text, confirm, deny, style } = JSON.parse(told);
  const dialog = find('confirm');
  find('confirm-title').textContent = title.text;
  find('confirm-text').textContent = text.text;
  find('confirm-do').textContent = confirm.text;
  find('confirm-do').className = style === 'danger' ? 'danger' : 'primary';
  find('confirm-deny').textContent = deny.text;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
for (const button of document.querySelectorAll('#confirm button')) {
  button.addEventListener('click', () => find('confirm').close(button.value));
}

export async function act(element, value) {
  if (!(await confirmed(element.dataset.confirm))) return;
  const ts = element.closest('[data-ts]').dataset.ts;
  element.classList.add('is-busy');
  element.disabled = true;
  await post('/page/click', { ts, action: element.dataset.action, value });
  element.disabled = false;
  element.classList.remove('is-busy');
}
