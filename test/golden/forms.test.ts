import { expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { readFormRequest } from '../../src/request/argument-form.ts';
import { renderArgumentForm } from '../../src/slack/render/replies/argument-form.ts';
import { validateView } from '../workspace/validate-blocks.ts';

const catalogue = await loadCatalogue();

test.each([...catalogue.checks.keys()])('Slack accepts the form of %s', (name) => {
  const [area = '', check = ''] = name.split('/');
  const environments = ['prod', 'e'.repeat(100)];
  const request = readFormRequest(area, check, { catalogue, environments });
  if (request.kind !== 'form') throw new Error(request.problem);

  expect(
    validateView({ ...renderArgumentForm(request, { environment: 'prod', environments }, '{}') }),
  ).toEqual([]);
});
