import { createElement as h, Fragment, type ReactNode } from 'react';
import { Message as LibraryMessage, type Block as LibraryBlock } from 'slack-blocks-to-jsx';
import type { Block } from '../model.ts';
import { parseMrkdwn, parsePlain, type RichPart } from '../mrkdwn.ts';
import { textOf } from '../read-args.ts';
import { drawEmoji } from './emoji.ts';
import { renderChart } from './render-chart.ts';

/**
 * Block Kit as React. `slack-blocks-to-jsx` draws rich text, images, markdown and the rarer blocks. Text
 * objects and the blocks made of them are drawn here, with our own mrkdwn parser: the library decodes
 * entities before it parses (`&lt;!channel&gt;` would look like a mention), parses markup in `plain_text`
 * and `raw_text`, does not know `raw_number`, and its buttons have no value.
 */

export interface Names {
  readonly users: readonly { readonly id: string; readonly name: string }[];
  readonly channels: readonly { readonly id: string; readonly name: string }[];
  readonly user_groups: readonly { readonly id: string; readonly name: string }[];
}

type Node = Readonly<Record<string, unknown>>;

export function renderBlocks(blocks: readonly Block[], names: Names): ReactNode {
  return h(Fragment, null, ...blocks.map((block) => renderBlock(block, names)));
}

export function renderMrkdwn(text: string, names: Names, options?: { verbatim?: boolean }): ReactNode {
  return renderRich(parseMrkdwn(text, options), names);
}

function renderBlock(block: Block, names: Names): ReactNode {
  switch (block.type) {
    case 'header':
      return h('h2', { className: 'block-header' }, renderText(block['text'] as Node, names));
    case 'divider':
      return h('hr', { className: 'block-divider' });
    case 'section':
      return renderSection(block, names);
    case 'context':
      return renderContext(block, names);
    case 'actions': {
      const elements = (block['elements'] as Node[]).map((element) => renderElement(element, block, names));
      return h('div', { className: 'block-actions' }, ...elements);
    }
    case 'table':
    case 'data_table':
      return renderTable(block, names);
    case 'data_visualization':
      return renderChart(block) ?? h('div', { className: 'block-other' }, renderByLibrary(block, names));
    case 'rich_text':
      return h('div', { className: 'block-rich' }, renderByLibrary(block, names));
    default:
      return h('div', { className: 'block-other' }, renderByLibrary(block, names));
  }
}

function renderSection(block: Block, names: Names): ReactNode {
  const fields = (block['fields'] as Node[] | undefined) ?? [];
  const accessory = block['accessory'] as Node | undefined;
  return h(
    'div',
    { className: 'block-section' },
    h(
      'div',
      { className: 'section-body' },
      block['text'] ? renderText(block['text'] as Node, names) : null,
      fields.length > 0
        ? h(
            'div',
            { className: 'fields' },
            ...fields.map((field) => h('div', null, renderText(field, names))),
          )
        : null,
    ),
    accessory ? h('div', { className: 'accessory' }, renderElement(accessory, block, names)) : null,
  );
}

function renderContext(block: Block, names: Names): ReactNode {
  const elements = (block['elements'] as Node[]).map((element) =>
    h('span', null, element['type'] === 'image' ? renderImage(element) : renderText(element, names)),
  );
  return h('div', { className: 'block-context' }, ...elements);
}

/** A column of short words does not need to wrap. */
const WRAPS_BEYOND = 20;

function renderTable(block: Block, names: Names): ReactNode {
  const rows = block['rows'] as Node[][];
  const isLong = (column: number) =>
    rows.some((cells) => {
      const cell = cells[column];
      return cell?.['type'] === 'rich_text' || textOf(cell?.['text']).length > WRAPS_BEYOND;
    });
  const settings = (block['column_settings'] as (Node | null)[] | undefined) ?? [];
  const row = (cells: readonly Node[], tag: 'th' | 'td') =>
    h(
      'tr',
      null,
      ...cells.map((cell, column) => {
        const { align, is_wrapped: isWrapped } = settings[column] ?? {};
        const className = [`align-${textOf(align, 'left')}`, isWrapped && isLong(column) ? 'wraps' : ''].join(
          ' ',
        );
        return h(tag, { className }, renderCell(cell, names));
      }),
    );
  const caption = block['caption'] as string | undefined;
  // Reached with the keyboard, because it may need to be scrolled.
  const scrolls = { tabIndex: 0, role: 'group', 'aria-label': caption ?? 'Table' };
  return h(
    'div',
    { className: 'block-table', ...scrolls },
    h(
      'table',
      null,
      caption ? h('caption', null, caption) : null,
      h('thead', null, row(rows[0] ?? [], 'th')),
      h('tbody', null, ...rows.slice(1).map((cells) => row(cells, 'td'))),
    ),
  );
}

function renderCell(cell: Node, names: Names): ReactNode {
  if (cell['type'] === 'rich_text') return renderByLibrary(cell as Block, names);
  return cell['type'] === 'raw_number' ? String(cell['text'] ?? cell['value']) : String(cell['text']);
}

/** The page's script reads what it needs for a click from data attributes. */
function renderElement(element: Node, block: Node, names: Names): ReactNode {
  const data = {
    'data-action': element['action_id'],
    'data-block': block['block_id'],
    'data-confirm': element['confirm'] ? JSON.stringify(element['confirm']) : undefined,
  };
  switch (element['type']) {
    case 'button': {
      const className = ['button', textOf(element['style'])].join(' ').trim();
      const label = renderText(element['text'] as Node, names);
      const common = { className, 'aria-label': element['accessibility_label'] as string | undefined };
      if (typeof element['url'] === 'string' && /^https?:/.test(element['url'])) {
        const address = { href: element['url'], target: '_blank', rel: 'noreferrer noopener' };
        return h('a', { ...common, ...address }, label);
      }
      return h('button', { type: 'button', ...common, ...data, 'data-value': element['value'] }, label);
    }
    case 'static_select':
    case 'overflow': {
      const options = (element['options'] as Node[] | undefined) ?? [];
      const hint = textOf((element['placeholder'] as Node | undefined)?.['text'], '•••');
      return h(
        'select',
        { className: 'select', defaultValue: '', 'aria-label': hint, ...data },
        h('option', { value: '', disabled: true }, hint),
        ...options.map((option) =>
          h('option', { value: String(option['value']) }, String((option['text'] as Node)['text'])),
        ),
      );
    }
    case 'image':
      return renderImage(element);
    default:
      return renderByLibrary({ type: 'actions', elements: [element] }, names);
  }
}

function renderImage(element: Node): ReactNode {
  return h('img', { src: String(element['image_url']), alt: String(element['alt_text']) });
}

function renderText(text: Node, names: Names): ReactNode {
  const source = String(text['text']);
  if (text['type'] === 'mrkdwn') return renderMrkdwn(source, names, { verbatim: text['verbatim'] === true });
  const elements = parsePlain(source, { emoji: text['emoji'] !== false });
  return renderRich([{ type: 'rich_text_section', elements }], names);
}

function renderRich(parts: readonly RichPart[], names: Names): ReactNode {
  return renderByLibrary({ type: 'rich_text', elements: parts }, names);
}

function renderByLibrary(block: Block, names: Names): ReactNode {
  return h(LibraryMessage, {
    blocks: [block as unknown as LibraryBlock],
    logo: '',
    name: '',
    withoutWrapper: true,
    theme: 'light',
    data: { users: [...names.users], channels: [...names.channels], user_groups: [...names.user_groups] },
    hooks: { emoji: (emoji, otherwise) => drawEmoji(emoji.name, () => otherwise(emoji)) },
  });
}
