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
  return h(
    'label',
    { className: 'form-input' },
    h('b', null, plainText(block['label'])),
    renderControl(element, {
      name,
      'data-input': element['action_id'],
      'aria-label': plainText(block['label']),
      required: block['optional'] !== true,
    }),
    hint === '' ? null : h('small', null, hint),
    h('output', { 'data-problem': name }),
  );
}

/** Both kinds of inputs that Wrench uses. */
function renderControl(element: Node, shared: Record<string, unknown>): ReactNode {
  const initial = element['initial_option'] as Node | undefined;
  const text = { ...shared, minLength: element['min_length'], maxLength: element['max_length'] };
  switch (element['type']) {
    case 'static_select':
      return h(
        'select',
        { ...shared, className: 'select', defaultValue: textOf(initial?.['value']) },
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
