// The modal that the bot has opened for this person.

import { find, post } from './session.js';

const dialog = find('form');
/** Which version of which modal is shown. */
let drawnFrom = '';

export function showForm(form) {
  if (!form) {
    drawnFrom = '';
    if (dialog.open) dialog.close();
    return;
  }
  // What is typed stays while other things change.
  if (drawnFrom === form.html) return;
  drawnFrom = form.html;
  // Drawn by the server, which escapes every text in it.
  dialog.innerHTML = form.html;
  if (!dialog.open) dialog.showModal();
}

function viewOf(form) {
  return form.dataset.view;
}

async function submit(form) {
  const values = {};
  for (const input of form.querySelectorAll('[data-input]'))
    values[input.name] = { ...values[input.name], [input.dataset.input]: input.value };
  const button = form.querySelector('[type=submit]');
  button.disabled = true;
  const answer = await post('/page/submit', { view: viewOf(form), values });
  button.disabled = false;
  for (const output of form.querySelectorAll('[data-problem]'))
    output.textContent = answer.errors?.[output.dataset.problem] ?? '';
  form.querySelector('.form-problem').textContent = answer.failure
    ? 'We had some trouble connecting. Try again?'
    : '';
}

function close() {
  const form = dialog.querySelector('form');
  if (form) void post('/page/close-form', { view: viewOf(form) });
}

dialog.addEventListener('submit', (event) => {
  event.preventDefault();
  void submit(event.target);
});
dialog.addEventListener('click', ({ target }) => {
  if (target.closest('[data-close-form]')) close();
});
// Escape
dialog.addEventListener('cancel', (event) => {
  event.preventDefault();
  close();
});
