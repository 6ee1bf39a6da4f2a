import type { z } from 'zod';
import { messageBlock, viewBlock } from './block-schema.ts';
import { textOf } from './read-args.ts';

export interface Problem {
  /**
   * A stable code: `invalid_blocks`, `msg_blocks_too_long`, `too_many_attachments`,
   * `only_one_table_allowed`, `no_text`.
   */
  readonly code: string;
  readonly message: string;
  /** A JSON pointer into the argument: `/blocks/1/elements`. */
  readonly pointer: string;
}

export interface Validated {
  readonly text?: unknown;
  readonly blocks?: unknown;
  readonly attachments?: unknown;
}

const BLOCKS_A_MESSAGE = 50;
const BLOCKS_A_VIEW = 100;
const ATTACHMENTS = 100;
/**
 * Not documented: 9,597 characters were accepted and 11,341 rejected (slackapi/bolt-js#2867). This limit is
 * known to pass.
 */
const TEXT_IN_BLOCKS = 9_600;
const TEXT_IN_TABLES = 10_000;
const TEXT_IN_MARKDOWN = 12_000;
const CHARTS = 2;

/**
 * Returns what Slack would reject in a message, with the stricter limit in doubt. Empty if it is valid. One
 * rule is our own: a message has a top-level `text`, since screen readers and notifications read nothing
 * else.
 */
export function validateMessage(message: Validated): Problem[] {
  const problems: Problem[] = [];
  if (typeof message.text !== 'string' || message.text.trim() === '') {
    problems.push({ code: 'no_text', message: 'top-level text is missing', pointer: '/text' });
  }
  const blocks = message.blocks ?? [];
  problems.push(...validateList(blocks, '/blocks', messageBlock, BLOCKS_A_MESSAGE));

  const attachments: unknown = message.attachments ?? [];
  if (!Array.isArray(attachments)) {
    return [...problems, { code: 'invalid_blocks', message: 'must be an array', pointer: '/attachments' }];
  }
  if (attachments.length > ATTACHMENTS) {
    problems.push(
      problem('too_many_attachments', `no more than ${ATTACHMENTS} items allowed`, '/attachments'),
    );
  }
  for (const [index, attachment] of attachments.entries()) {
    const inner = asObject(attachment)['blocks'];
    const pointer = `/attachments/${index}/blocks`;
    if (inner !== undefined) problems.push(...validateList(inner, pointer, messageBlock, BLOCKS_A_MESSAGE));
  }

  problems.push(...validateStrings(blocks, '/blocks'), ...validateStrings(attachments, '/attachments'));
  const everything = [blocks, attachments.map((attachment) => asObject(attachment)['blocks'] ?? [])];
  problems.push(...validateIds(blocks, '/blocks'), ...validateSums(everything));
  return problems;
}

/** The same for a modal's or Home tab's `view`. */
export function validateView(view: Readonly<Record<string, unknown>>): Problem[] {
  const problems = validateList(view['blocks'] ?? [], '/view/blocks', viewBlock, BLOCKS_A_VIEW);
  if (view['type'] === 'modal') {
    for (const key of ['title', 'submit', 'close']) problems.push(...validateTitle(view, key));
    const metadata = view['private_metadata'];
    if (typeof metadata === 'string' && metadata.length > 3000) {
      problems.push(
        problem('invalid_arguments', 'must be less than 3001 characters', '/view/private_metadata'),
      );
    }
  } else if (view['type'] !== 'home') {
    problems.push(problem('invalid_arguments', 'must be modal or home', '/view/type'));
  }
  return [...problems, ...validateIds(view['blocks'] ?? [], '/view/blocks')];
}

function validateTitle(view: Readonly<Record<string, unknown>>, key: string): Problem[] {
  if (view[key] === undefined && key !== 'title') return [];
  const text = asObject(view[key])['text'];
  const isFit = typeof text === 'string' && text.length > 0 && text.length <= 24;
  return isFit ? [] : [problem('invalid_arguments', 'must be 1 to 24 characters', `/view/${key}`)];
}

function validateList(blocks: unknown, pointer: string, schema: z.ZodType, max: number): Problem[] {
  if (!Array.isArray(blocks)) return [problem('invalid_blocks', 'must be an array', pointer)];
  const problems = blocks.flatMap((block: unknown, index) => {
    const parsed = schema.safeParse(block);
    if (parsed.success) return [];
    return parsed.error.issues.flatMap((issue) => toProblems(issue, block, `${pointer}/${index}`));
  });
  if (blocks.length > max) {
    problems.unshift(problem('invalid_blocks', `no more than ${max} items allowed`, pointer));
  }
  return problems;
}

/** In Slack's wording if it is known: `no more than 25 items allowed [json-pointer:/blocks/1/elements]`. */
function toProblems(issue: z.core.$ZodIssue, block: unknown, base: string): Problem[] {
  const pointer = [base, ...issue.path.map(String)].join('/');
  const say = (message: string) => [problem('invalid_blocks', message, pointer)];
  switch (issue.code) {
    case 'too_big':
      return say(
        issue.origin === 'array'
          ? `no more than ${issue.maximum} items allowed`
          : `must be less than ${Number(issue.maximum) + 1} characters`,
      );
    case 'too_small':
      return say(
        issue.origin === 'array'
          ? `must provide at least ${issue.minimum} items`
          : issue.origin === 'number'
            ? `must be more than ${issue.minimum}`
            : `must be more than ${Number(issue.minimum) - 1} characters`,
      );
    case 'unrecognized_keys':
      return issue.keys.flatMap((key) => say(`invalid additional property: ${key}`));
    case 'invalid_union': {
      const type = at(block, issue.path);
      return say(
        type === undefined
          ? 'missing required field: type'
          : `unsupported type: ${textOf(type, typeof type)}`,
      );
    }
    case 'invalid_type':
      return say(
        at(block, issue.path) === undefined ? 'missing required field' : `must be of type ${issue.expected}`,
      );
    default:
      return say(issue.message);
  }
}

/**
 * A block id is unique in its message, an action id in its block.
 * https://docs.slack.dev/reference/block-kit/block-elements/button-element
 */
function validateIds(blocks: unknown, base: string): Problem[] {
  const list: readonly unknown[] = Array.isArray(blocks) ? blocks : [];
  return [
    ...repeated('block_id', blocks, base),
    ...list.flatMap((one, index) => repeated('action_id', one, `${base}/${index}`)),
  ];
}

/** JSON escapes half of a surrogate pair, and Slack's parser rejects that escape. */
function validateStrings(tree: unknown, base: string): Problem[] {
  const problems: Problem[] = [];
  walk(tree, base, (node, pointer) => {
    for (const [key, value] of Object.entries(node))
      if (typeof value === 'string' && !value.isWellFormed())
        problems.push(problem('invalid_blocks_format', 'half of a surrogate pair', `${pointer}/${key}`));
  });
  return problems;
}

function repeated(key: 'block_id' | 'action_id', tree: unknown, base: string): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  walk(tree, base, (node, pointer) => {
    const value = node[key];
    if (typeof value !== 'string') return;
    if (seen.has(value))
      problems.push(problem('invalid_blocks', `${key} "${value}" is not unique`, `${pointer}/${key}`));
    seen.add(value);
  });
  return problems;
}

function validateSums(blocks: unknown): Problem[] {
  const counts = { text: 0, tables: 0, tableText: 0, markdown: 0, charts: 0 };
  walk(blocks, '', (node) => {
    const isTable = node['type'] === 'table' || node['type'] === 'data_table';
    if (isTable) {
      counts.tables += 1;
      counts.tableText += textIn(node['rows']);
    }
    if (node['type'] === 'markdown') counts.markdown += textOf(node['text']).length;
    if (node['type'] === 'data_visualization') counts.charts += 1;
  });
  counts.text = textIn(blocks) - counts.tableText;

  const problems: Problem[] = [];
  const limit = (isOver: boolean, code: string, message: string) => {
    if (isOver) problems.push(problem(code, message, '/blocks'));
  };
  limit(counts.text > TEXT_IN_BLOCKS, 'msg_blocks_too_long', `${counts.text} characters in blocks`);
  limit(counts.tables > 1, 'only_one_table_allowed', 'only one table allowed');
  limit(counts.tableText > TEXT_IN_TABLES, 'invalid_blocks', `${counts.tableText} characters in table cells`);
  limit(counts.markdown > TEXT_IN_MARKDOWN, 'invalid_blocks', `${counts.markdown} characters of markdown`);
  limit(counts.charts > CHARTS, 'invalid_blocks', `no more than ${CHARTS} data_visualization blocks allowed`);
  return problems;
}

function textIn(tree: unknown): number {
  let characters = 0;
  walk(tree, '', (node) => {
    if (typeof node['text'] === 'string') characters += escapedLength(node);
    else if (node['type'] === 'raw_number') characters += textOf(node['value']).length;
  });
  return characters;
}

/** Slack stores text escaped in every block; mrkdwn is escaped already. */
function escapedLength(node: Readonly<Record<string, unknown>>): number {
  const text = textOf(node['text']);
  if (node['type'] === 'mrkdwn' || node['type'] === 'markdown') return text.length;
  return text.replaceAll('&', '&amp;').replaceAll(/[<>]/g, '&lt;').length;
}

function walk(
  node: unknown,
  pointer: string,
  visit: (node: Readonly<Record<string, unknown>>, pointer: string) => void,
): void {
  if (node === null || typeof node !== 'object') return;
  if (!Array.isArray(node)) visit(node as Record<string, unknown>, pointer);
  for (const [key, child] of Object.entries(node)) walk(child, `${pointer}/${key}`, visit);
}

function at(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((node, key) => asObject(node)[String(key)], tree);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

function problem(code: string, message: string, pointer: string): Problem {
  return { code, message, pointer };
}
