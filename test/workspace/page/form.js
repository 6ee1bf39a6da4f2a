// The modal that the bot opened for this person.

import { find, post } from './session.js';

const dialog = find('form');
/** The id and version of the modal on screen. */
let drawnFrom = '';

export function showForm(form) {
  if (!form) {
    drawnFrom = '';
    if (dialog.open) dialog.close();
    return;
  }
  // Keeps the typed text while other things change.
  if (drawnFrom === form.html) return;
  drawnFrom = form.html;
  // The server's HTML, with every text escaped.
  dialog.innerHTML = form.html;
  if (!dialog.open) dialog.showModal();
  // The browser focuses the first control, which may be at the end of a long text.
  dialog.scrollTop = 0;
}

function viewOf(form) {
  return form.dataset.view;
}

async function submit(form) {
  const values = {};
  for (const input of form.querySelectorAll('[data-input]')) {
    const { name, dataset, type, value, checked } = input;
    const isOption = type === 'checkbox' || type === 'radio';
    const before = values[name]?.[dataset.input] ?? '';
    // Several checked options are separated by commas.
    const chosen = isOption ? [before, checked ? value : ''].filter(Boolean).join(',') : value;
    values[name] = { ...values[name], [dataset.input]: chosen };
  }
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
