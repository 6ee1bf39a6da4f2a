import type { InputBlock } from '@slack/types';
import { expect, test } from 'vitest';
import { loadCatalogue } from '../../../request/catalogue.ts';
import { readFormRequest } from '../../../request/argument-form.ts';
import { ARGUMENT_FORM, renderArgumentForm } from './argument-form.ts';

const catalogue = await loadCatalogue();
const form = (area: string, text: string, environments: readonly string[] = ['prod', 'stage']) => {
  const request = readFormRequest(area, text, { catalogue, environments });
  if (request.kind !== 'form') throw new Error(request.problem);
  return renderArgumentForm(request, { environment: request.environment ?? 'stage', environments }, '{}');
};
const inputOf = (view: ReturnType<typeof form>, block: string) => {
  const found = view.blocks.find((one) => one.block_id === block);
  if (found?.type !== 'input') throw new Error(`no input ${block}`);
  return found as InputBlock;
};

test('each argument has an input with its default and its description', () => {
  const view = form('certs', 'expiring 14d --match cell');

  expect(view.title.text).toBe('/certs expiring');
  expect(inputOf(view, 'argument-within')).toMatchObject({
    label: { text: 'Within' },
    hint: { text: expect.stringMatching(/Default: 30d\.$/) },
    optional: true,
    element: { type: 'plain_text_input', initial_value: '14d', placeholder: { text: '30d' } },
  });
  expect(inputOf(view, 'argument-warningDays')).toMatchObject({
    label: { text: 'Warning days' },
    hint: { text: expect.stringMatching(/^Warn when at most this many days .*remain\.$/) },
    element: { placeholder: { text: '30' } },
  });
  expect(inputOf(view, 'argument-match').element).toMatchObject({ initial_value: 'cell' });
  expect(inputOf(view, 'argument-source').element).not.toHaveProperty('initial_value');
});

test('a required argument is not optional', () => {
  expect(inputOf(form('certs', 'show'), 'argument-certificate').optional).toBe(false);
});

test('the environment is a list, or a text if there are more than Slack allows', () => {
  expect(inputOf(form('certs', 'expiring'), ARGUMENT_FORM.environment).element).toMatchObject({
    type: 'static_select',
    initial_option: { value: 'stage' },
  });
  const many = Array.from({ length: 101 }, (_, at) => `env-${at}`);
  expect(inputOf(form('certs', 'expiring', many), ARGUMENT_FORM.environment).element).toMatchObject({
    type: 'plain_text_input',
  });
});
