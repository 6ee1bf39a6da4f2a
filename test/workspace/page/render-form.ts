import { createElement as h, type ReactNode } from 'react';
import { textOf } from '../read-args.ts';
import type { StoredView } from '../store.ts';
import type { Block } from '../model.ts';
import { type Names, renderBlocks } from './render-blocks.ts';

type Node = Readonly<Record<string, unknown>>;

/** A modal like Slack's: its blocks, an input for each question, and a place for errors. */
export function renderForm({ id, view }: StoredView, names: Names): ReactNode {
  const blocks = (view['blocks'] as readonly Block[] | undefined) ?? [];
  const submit = view['submit'] as Node | undefined;
  return h(
    'form',
    { 'data-view': id },
    h('h2', { id: 'form-title' }, plainText(view['title'])),
    ...blocks.map((block) =>
      block.type === 'input'
        ? renderInput(block)
        : h('div', { className: 'blocks' }, renderBlocks([block], names)),
    ),
    h('p', { className: 'form-problem', role: 'alert' }),
    h(
      'div',
      { className: 'choices' },
      h('button', { type: 'button', 'data-close-form': '' }, plainText(view['close'], 'Close')),
      submit ? h('button', { type: 'submit', className: 'primary' }, plainText(submit)) : null,
    ),
  );
}

function renderInput(block: Block): ReactNode {
  const name = textOf(block['block_id']);
  const element = block['element'] as Node;
  const hint = plainText(block['hint']);
  const isGroup = element['type'] === 'checkboxes' || element['type'] === 'radio_buttons';
  const label = plainText(block['label']);
  const isOptional = block['optional'] === true;
  const shared = { name, 'data-input': element['action_id'] };
  return h(
    isGroup ? 'fieldset' : 'label',
    { className: 'form-input' },
    h(isGroup ? 'legend' : 'b', null, label, isOptional ? h('i', null, ' (optional)') : null),
    isGroup
      ? renderOptions(element, shared)
      : renderControl(element, { ...shared, 'aria-label': label, required: !isOptional }),
    hint === '' ? null : h('small', null, hint),
    h('output', { 'data-problem': name }),
  );
}

/** Checkboxes or radio buttons, each with its label. */
function renderOptions(element: Node, shared: Record<string, unknown>): ReactNode {
  const many = (element['initial_options'] as readonly Node[] | undefined) ?? [];
  const one = element['initial_option'] as Node | undefined;
  const initial = new Set([...many, ...(one ? [one] : [])].map((option) => option['value']));
  const type = element['type'] === 'checkboxes' ? 'checkbox' : 'radio';
  return ((element['options'] as readonly Node[] | undefined) ?? []).map((option) =>
    h(
      'label',
      { key: textOf(option['value']), className: 'form-option' },
      h('input', {
        ...shared,
        type,
        value: textOf(option['value']),
        defaultChecked: initial.has(option['value']),
      }),
      h('span', null, plainText(option['text'])),
    ),
  );
}

/** The kinds of inputs that Wrench uses, besides options. */
function renderControl(element: Node, shared: Record<string, unknown>): ReactNode {
  const initial = element['initial_option'] as Node | undefined;
  const text = {
    ...shared,
    minLength: element['min_length'],
    maxLength: element['max_length'],
    defaultValue: textOf(element['initial_value']),
    placeholder: plainText(element['placeholder']),
  };
  switch (element['type']) {
    case 'static_select':
      return h(
        'select',
        { ...shared, className: 'select', defaultValue: textOf(initial?.['value']) },
        initial ? null : h('option', { value: '' }, 'Select an option'),
        ...((element['options'] as readonly Node[] | undefined) ?? []).map((option) =>
          h('option', { value: textOf(option['value']) }, plainText(option['text'])),
        ),
      );
    case 'plain_text_input':
      return element['multiline'] === true
        ? h('textarea', { ...text, rows: 3 })
        : h('input', { ...text, type: 'text' });
    default:
      throw new Error(`the page does not show ${String(element['type'])}`);
  }
}

function plainText(text: unknown, otherwise = ''): string {
  return textOf((text as Node | undefined)?.['text'], otherwise);
}
